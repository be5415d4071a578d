"""The calls of solvers, proximal operators and projections."""

from __future__ import annotations

import anygrad as ag
from tests.parity.table import REAL, Routine

s = ag.solvers
p = ag.solvers.proximal
READS = "the few numbers that decide how to go on are read, in one transfer an evaluation"
VECTOR = "all leaves are one vector"
JOINT = "the set couples the leaves"
# how much rounding grows on the way to a minimum of a function of condition about 4
GROWS = 1e3

SOLVER = {"dtypes": ("float64",), "reads": READS, "condition": GROWS, "crosses": VECTOR}
# Functions have constants of their own: what a user's plain code mixes, its library refuses.


def bowl(tree):
    """A smooth function of a tree, with its minimum at w = 0.3 and b = -0.2."""
    w, b = tree["w"] - 0.3, tree["b"] + 0.2
    xp = ag.namespace(w, b)
    bent = w * w
    return xp.sum(bent) + 0.5 * xp.sum(b * b) + 0.1 * xp.sum(bent * bent)


def misfit(tree):
    """Residuals, a tree, that are zero at w = 0.3 and b = -0.2."""
    w, b = tree["w"] - 0.3, tree["b"] + 0.2
    return {"w": w + 0.1 * w * w, "b": 0.5 * b}


def minimized(make, **options):
    """A call of ``minimize`` whose end rounding cannot move: so many steps, and no test."""

    def call(xp, a):
        result = ag.minimize(bowl, a.tree, method=make(), gtol=0.0, max_steps=4, **options)
        return {"x": result.x, "fun": result.fun}

    return call


METHODS = {
    "lbfgs": {},
    "lbfgsb": {"bounds": (-0.5, 1.0)},
    "bfgs": {},
    "conjugate_gradient": {},
    "newton_cg": {},
    "trust_region": {},
    "steepest_descent": {},
    "projected_gradient": {"bounds": (-0.5, 1.0)},
    "nelder_mead": {},
}
SEARCHES = ("strong_wolfe", "backtracking", "hager_zhang")


def _curve(xp, a):
    def model(x, params):
        return params * x + params * params * 0.1

    return s.curve_fit(model, a.x, a.v, a.x[:1, ...]).params


def _by_scipy(xp, a):
    return s.scipy_minimize(bowl, a.tree, method="BFGS", options={"gtol": 0.0, "maxiter": 4}).x


def _for_scipy(xp, a):
    functions = s.scipy_functions(bowl, a.tree)
    return functions.fun_and_jac(functions.x0 + 0.5)


def _equations(tree):
    r = misfit(tree)
    return {"w": r["w"] + tree["w"] * 0.1, "b": r["b"] + tree["b"] * 0.1}


def _map(tree):
    xp = ag.namespace(tree["w"], tree["b"])
    return {"w": xp.cos(tree["w"]) * 0.3 + 0.5, "b": xp.sin(tree["b"]) * 0.2 - 0.3}


def _circle(tree):
    xp = ag.namespace(tree["w"], tree["b"])
    return xp.sum(tree["w"] * tree["w"]) + xp.sum(tree["b"])


def _constrained(constraint):
    def call(xp, a):
        return ag.minimize(bowl, a.tree, constraints=constraint, gtol=1e-13, max_steps=3).x

    return call


def _operator(name, make, tree=True, **options):
    """A call of the map and the value of an operator; ``tree``: on the tree, else on one leaf."""

    def call(xp, a):
        operator, x = make(), a.grads if tree else a.v
        moved = operator.prox(x, 0.5)
        return [moved, operator.value(moved)]

    joint = {"crosses": "its value is one number for all leaves"} if tree else {}
    defaults = {"dtypes": REAL, "condition": 10.0, "covers": (f"solvers.proximal.{name}",)}
    return Routine(f"solvers.proximal.{name}", call, **{**defaults, **joint, **options})


OPERATORS = [
    _operator("elastic_net", lambda: p.elastic_net(0.1, 0.2)),
    _operator("group_l2", lambda: p.group_l2(0.5)),
    _operator("l1", lambda: p.l1(0.2)),
    _operator("l2", lambda: p.l2(0.2)),
    _operator("nonnegative", p.nonnegative),
    _operator("nuclear", lambda: p.nuclear(0.2), tree=False, condition=100.0),
    _operator("squared_l2", lambda: p.squared_l2(0.2)),
    _operator(
        "total_variation",
        lambda: p.total_variation(0.2),
        tree=False,
        reads="documented: a number a round",
    ),
    _operator(
        "total_variation_2d",
        lambda: p.total_variation_2d(0.2, max_steps=20, tolerance=0.0),
        tree=False,
        condition=100.0,
    ),
    _operator("by_path", lambda: p.by_path([("w", p.l1(0.2)), ("b", None)])),
    _operator(
        "indicator",
        lambda: p.indicator(p.project_box, -0.1, 0.5),
        covers=("solvers.proximal.indicator", "solvers.proximal.project_box"),
    ),
]


def _projection(name, call, joint=True, **options):
    crosses = {"crosses": JOINT} if joint else {}
    if name in ("project_linf_ball", "project_nonnegative"):
        options |= {"libraries": "each leaf by itself", "devices": "each leaf by itself"}
    public = f"solvers.proximal.{name}"
    return Routine(public, call, **{"dtypes": REAL, "condition": 10.0, **crosses, **options})


PROJECTIONS = [
    _projection("project_l1_ball", lambda xp, a: p.project_l1_ball(a.grads, 0.5)),
    _projection("project_l2_ball", lambda xp, a: p.project_l2_ball(a.grads, 0.5)),
    _projection("project_linf_ball", lambda xp, a: p.project_linf_ball(a.grads, 0.5), joint=False),
    _projection("project_simplex", lambda xp, a: p.project_simplex(a.v), joint=False),
    _projection("project_halfspace", lambda xp, a: p.project_halfspace(a.grads, a.tree, 0.1)),
    _projection("project_hyperplane", lambda xp, a: p.project_hyperplane(a.grads, a.tree, 0.1)),
    _projection(
        "project_affine",
        lambda xp, a: p.project_affine(a.v[0, ...], a.x, a.x[:, 0]),
        joint=False,
        condition=100.0,
    ),
    _projection("project_nonnegative", lambda xp, a: p.project_nonnegative(a.grads), joint=False),
]


SOLVING: list[Routine] = [
    *(
        Routine(
            f"solvers.{name}",
            minimized(getattr(s, name), **options),
            covers=(f"solvers.{name}", "solvers.minimize", "minimize"),
            **{**SOLVER, "dtypes": REAL if name == "lbfgs" else ("float64",)},
        )
        for name, options in METHODS.items()
    ),
    *(
        Routine(f"solvers.{name}", minimized(s.lbfgs, search=getattr(s, name)()), **SOLVER)
        for name in SEARCHES
    ),
    Routine("solvers.equality", _constrained(s.equality(_circle, 2.0)), **SOLVER),
    Routine("solvers.inequality", _constrained(s.inequality(_circle, 2.0, 3.0)), **SOLVER),
    Routine(
        "least_squares",
        lambda xp, a: ag.least_squares(misfit, a.tree, max_steps=3).x,
        covers=("least_squares", "solvers.least_squares"),
        **{**SOLVER, "dtypes": REAL},
    ),
    Routine("solvers.curve_fit", _curve, **{**SOLVER, "crosses": ""}),
    Routine(
        "solvers.proximal_gradient",
        lambda xp, a: s.proximal_gradient(bowl, a.tree, p.l1(0.1), max_steps=5, gtol=0.0).x,
        **SOLVER,
    ),
    Routine("solvers.admm", lambda xp, a: s.admm(bowl, a.tree, p.l1(0.1), max_steps=3).z, **SOLVER),
    Routine(
        "solvers.root",
        lambda xp, a: s.root(_equations, a.tree, max_steps=3).x,
        **SOLVER,
    ),
    Routine("solvers.fixed_point", lambda xp, a: s.fixed_point(_map, a.tree).x, **SOLVER),
    Routine(
        "solvers.anderson",
        lambda xp, a: s.fixed_point(_map, a.tree, method=s.anderson(), max_steps=4).x,
        **SOLVER,
    ),
    Routine(
        "solvers.picard",
        lambda xp, a: s.fixed_point(_map, a.tree, method=s.picard(), max_steps=4).x,
        **SOLVER,
    ),
    Routine(
        "solvers.scipy_minimize",
        _by_scipy,
        **{**SOLVER, "reads": "SciPy works on the host"},
    ),
    Routine(
        "solvers.scipy_functions",
        _for_scipy,
        device_kept=False,
        **{**SOLVER, "reads": "what it gives works on the host"},
    ),
    *OPERATORS,
    *PROJECTIONS,
]
