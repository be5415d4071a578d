"""``minimize(constraints=...)``: published minima, conditions of optimality, and how runs end."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.solvers import ConstrainedResult, Status, equality, inequality
from tests.solvers.hock_schittkowski import PROBLEMS, hs6


def ours(rules):
    kinds = {"eq": equality, "ineq": inequality}
    return [kinds[kind](fun) for kind, funs in rules.items() for fun in funs]


@pytest.mark.parametrize("number", [7, 35, 40])
def test_every_library_finds_published_minima(quick_xp, number):
    find_published_minimum(quick_xp, number)


@pytest.mark.parametrize("number", PROBLEMS)
def test_published_minima_are_found(number):
    find_published_minimum(np, number)


def find_published_minimum(xp, number):
    f, rules, bounds, start, minimum = PROBLEMS[number]
    x0 = xp.asarray(start)
    result = ag.minimize(f, x0, constraints=ours(rules), bounds=bounds, gtol=1e-6)
    assert isinstance(result, ConstrainedResult)
    assert result.success, result.message
    assert result.violation <= 1e-8
    scale = max(1.0, abs(minimum))
    assert abs(float(ag.to_numpy(result.fun)) - minimum) <= 2e-7 * scale
    assert np.array_equal(ag.to_numpy(x0), start)
    assert type(result.x) is type(x0)


@pytest.mark.parametrize("number", PROBLEMS)
def test_the_conditions_of_karush_kuhn_and_tucker_hold(number):
    """grad f = sum of multipliers times grad c, with differences as an independent gradient."""
    f, rules, bounds, start, _ = PROBLEMS[number]
    result = ag.minimize(f, np.asarray(start), constraints=ours(rules), bounds=bounds, gtol=1e-7)
    x = result.x
    slope = scipy.optimize.approx_fprime(x, lambda x: float(f(x)), 1e-7)
    assert np.abs(result.jac - slope).max() < 1e-4 * max(1.0, np.abs(slope).max())
    slope = result.jac.copy()
    pieces = iter(result.multipliers)
    for kind, funs in rules.items():
        for fun in funs:
            multiplier = next(pieces)
            value = np.atleast_1d(np.asarray(fun(x), dtype=float))
            rows = scipy.optimize.approx_fprime(
                x, lambda x, fun=fun: np.atleast_1d(np.asarray(fun(x), dtype=float)), 1e-7
            )
            slope -= multiplier @ np.atleast_2d(rows)
            if kind == "ineq":
                assert np.min(multiplier) >= 0.0
                assert np.abs(multiplier * value).max() < 1e-6 * max(1.0, np.abs(multiplier).max())
    lower, upper = bounds or (None, None)
    inside = np.clip(x - slope, lower, upper) if bounds else x - slope
    assert np.abs(inside - x).max() < 2e-4


@pytest.mark.parametrize("number", [40, 43, 71, 100])
def test_multipliers_and_minima_agree_with_scipy(number):
    f, rules, bounds, start, _ = PROBLEMS[number]
    result = ag.minimize(f, np.asarray(start), constraints=ours(rules), bounds=bounds, gtol=1e-8)
    dicts = [
        {"type": kind, "fun": lambda x, fun=fun: np.asarray(fun(x), dtype=float)}
        for kind, funs in rules.items()
        for fun in funs
    ]
    box = None if bounds is None else [bounds] * len(start)
    peer = scipy.optimize.minimize(
        lambda x: float(f(x)),
        start,
        jac=lambda x: ag.grad(f)(x),
        method="SLSQP",
        bounds=box,
        constraints=dicts,
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert np.abs(result.x - peer.x).max() < 1e-5
    assert abs(float(result.fun) - peer.fun) < 1e-6 * max(1.0, abs(peer.fun))


METHODS = ["bfgs", "lbfgs", "cg", "newton-cg", "trust-ncg", "trust-exact"]


@pytest.mark.parametrize("method", METHODS)
def test_any_method_serves_inside(method):
    f, rules, _, start, minimum = PROBLEMS[43]
    result = ag.minimize(f, np.asarray(start), constraints=ours(rules), method=method)
    assert result.success, result.message
    assert abs(float(result.fun) - minimum) < 1e-5
    inner = ag.minimize(hs6, np.asarray([-1.2, 1.0]), method=method).method
    assert result.method == f"augmented Lagrangian with {inner}"


def test_sensitivities_are_multipliers():
    """d minimum / d bound, by solving again."""

    def solve(level):
        return ag.minimize(
            lambda x: np.sum((x - 3.0) ** 2),
            np.zeros(2),
            constraints=[
                equality(lambda x: x[0] - 2.0 * x[1], level),
                inequality(np.sum, None, 4.0),
            ]
            if level is None
            else [equality(lambda x: x[0] - 2.0 * x[1], level)],
            gtol=1e-9,
        )

    slope = (float(solve(1.0 + 1e-4).fun) - float(solve(1.0 - 1e-4).fun)) / 2e-4
    assert float(solve(1.0).multipliers[0][0]) == pytest.approx(slope, rel=1e-5)


def test_two_sided_constraints_choose_their_side(quick_xp):
    """The nearest point to c with 1 <= a x <= 2."""
    a = quick_xp.asarray([1.0, 1.0])
    for target, expected, sign in (([3.0, 3.0], [1.0, 1.0], -1), ([0.0, 0.0], [0.5, 0.5], 1)):
        c = quick_xp.asarray(target)
        rule = inequality(lambda x: ag.namespace(x).sum(x * a), 1.0, 2.0)
        result = ag.minimize(
            lambda x, c=c: ag.namespace(x).sum((x - c) ** 2) * 0.5,
            quick_xp.zeros(2),
            constraints=rule,
        )
        assert np.abs(ag.to_numpy(result.x) - expected).max() < 1e-6
        assert np.sign(ag.to_numpy(result.multipliers[0])) == [sign]
    assert np.isfinite(result.penalty)


def quadratic(x):
    return ag.namespace(x).sum((x - 2.0) ** 2)


def scipys():
    fun = lambda x: x[0] ** 2 + x[1] ** 2
    return {
        "dict": {"type": "ineq", "fun": lambda x: 1.0 - fun(x)},
        "dict with arguments": {"type": "ineq", "fun": lambda x, r: r - fun(x), "args": (1.0,)},
        "dict with jac": {
            "type": "ineq",
            "fun": lambda x: 1.0 - fun(x),
            "jac": lambda x: -2.0 * x,
        },
        "nonlinear": scipy.optimize.NonlinearConstraint(fun, -np.inf, 1.0),
        "nonlinear with jac": scipy.optimize.NonlinearConstraint(
            lambda x: [fun(x)], [-np.inf], [1.0], jac=lambda x: 2.0 * x[None, :]
        ),
        "linear": scipy.optimize.LinearConstraint([[1.0, 1.0], [1.0, -1.0]], -1.0, [2**0.5, 3.0]),
    }


@pytest.mark.parametrize("name", scipys())
def test_scipys_constraints_are_understood(name):
    result = ag.minimize(quadratic, np.zeros(2), constraints=scipys()[name], gtol=1e-7)
    assert result.success, result.message
    assert np.abs(result.x - np.sqrt(0.5)).max() < 1e-7


def test_a_linear_constraint_of_the_host_meets_arrays_of_a_device(xp):
    rule = scipy.optimize.LinearConstraint([[1.0, 1.0], [1.0, -1.0]], [1.0, -9.0], [1.0, 9.0])
    result = ag.minimize(quadratic, xp.zeros(2), constraints=[rule])
    assert np.abs(ag.to_numpy(result.x) - 0.5).max() < 1e-6


def test_trees_and_functions_of_them(quick_xp):
    xp = quick_xp
    start = {"a": xp.zeros(2), "b": xp.asarray(0.0)}

    def f(p):
        return ag.namespace(p["a"]).sum((p["a"] - 1.0) ** 2) + (p["b"] - 1.0) ** 2

    def rules(p):
        return {"sum": ag.namespace(p["a"]).sum(p["a"]) + p["b"], "first": p["a"][0:1]}

    result = ag.minimize(f, start, constraints=equality(rules, xp.asarray([0.25, 1.5])))
    # the leaves of a dict are in the order of its keys: first, sum
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x["a"]) - [0.25, 0.625]).max() < 1e-6
    assert float(ag.to_numpy(result.x["b"])) == pytest.approx(0.625, abs=1e-6)


def test_float32_stays_float32(quick_xp):
    result = ag.minimize(
        quadratic,
        quick_xp.zeros(2, dtype=quick_xp.float32),
        constraints=equality(lambda x: ag.namespace(x).sum(x), 1.0),
        gtol=1e-3,
    )
    assert result.success, result.message
    assert result.x.dtype == quick_xp.float32
    assert result.multipliers[0].dtype == quick_xp.float32
    assert np.abs(ag.to_numpy(result.x) - 0.5).max() < 1e-3


def test_numerical_gradients():
    f, rules, _, start, minimum = PROBLEMS[43]
    result = ag.minimize(f, np.asarray(start), constraints=ours(rules), gradient="numerical")
    assert result.success, result.message
    assert abs(float(result.fun) - minimum) < 1e-5


# -- how runs end


@pytest.mark.parametrize(
    "rules",
    [
        [equality(lambda x: x[0] - 1.0), equality(lambda x: x[0] + 1.0)],
        [inequality(lambda x: -1.0 - x[0] ** 2)],
        [inequality(lambda x: x[0], 2.0), inequality(lambda x: x[0], -np.inf, 1.0)],
    ],
)
def test_contradictions_are_infeasible(rules):
    result = ag.minimize(quadratic, np.ones(2), constraints=rules)
    assert result.status is Status.INFEASIBLE
    assert not result.success
    assert result.violation > 0.4
    assert "contradict" in result.message


def test_a_function_unbounded_outside_the_set():
    result = ag.minimize(
        lambda x: -(x[0] ** 3), np.ones(2), constraints=equality(lambda x: np.sum(x * x) - 1.0)
    )
    assert result.success, result.message
    assert np.abs(result.x - [1.0, 0.0]).max() < 1e-6


def test_a_function_unbounded_within_the_set():
    result = ag.minimize(lambda x: -x[0], np.ones(2), constraints=inequality(lambda x: x[1]))
    assert result.status is Status.UNBOUNDED
    assert result.nfev > 1


def test_a_wrong_gradient_is_found_out():
    result = ag.minimize(
        quadratic,
        np.zeros(2),
        gradient=lambda x: -2.0 * (x - 2.0),
        constraints=inequality(lambda x: 1.0 - x[0]),
    )
    assert not result.success


def test_limits_and_callbacks():
    f, rules, _, start, _ = PROBLEMS[100]
    start = np.asarray(start)
    result = ag.minimize(f, start, constraints=ours(rules), max_steps=2)
    assert (result.status, result.nit) == (Status.MAX_STEPS, 2)
    result = ag.minimize(f, start, constraints=ours(rules), max_evaluations=60)
    assert result.status is Status.MAX_EVALUATIONS
    assert result.nfev < 120
    result = ag.minimize(f, start, constraints=ours(rules), callback=lambda now: now.nit == 1)
    assert (result.status, result.nit) == (Status.STOPPED, 1)
    assert len(result.history["fun"]) == 2


@pytest.mark.parametrize(
    ("constraints", "words"),
    [
        (3.0, r"minimize\(constraints\): got 3.0; expected ag.solvers.equality"),
        ({"type": "le", "fun": sum}, "'eq' or 'ineq'"),
        ({"type": "eq"}, "function 'fun'"),
        (scipy.optimize.Bounds(0.0, 1.0), "go to bounds="),
        (
            scipy.optimize.LinearConstraint(np.ones((1, 3)), 0.0, 1.0),
            r"\(1, 3\); expected \(m, 2\)",
        ),
        (equality(lambda x: x, np.zeros(3)), "constraint with 2 elements"),
    ],
)
def test_errors_name_the_argument(constraints, words):
    with pytest.raises(ag.errors.ArgumentError, match=words):
        ag.minimize(quadratic, np.zeros(2), constraints=constraints)


def test_records_refuse_what_is_no_function():
    with pytest.raises(ag.errors.ArgumentError, match=r"equality\(fun\): got 3"):
        equality(3)
    with pytest.raises(ag.errors.ArgumentError, match=r"inequality\(lower\)"):
        inequality(sum, 2.0, 1.0)
