"""Bounds: L-BFGS-B and projected gradients, and what users may write as bounds."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError, ShapeError
from anygrad.solvers import Status
from anygrad.solvers.bounded import cauchy
from anygrad.solvers.bounded.cauchy import cauchy_point
from anygrad.solvers.bounded.model import Model
from anygrad.solvers.problem.bounds import Box, read_box
from anygrad.solvers.problem.building import make_objective
from anygrad.solvers.problem.line import Line
from anygrad.solvers.problem.space import Space
from tests.solvers.bounded_problems import TABLE, chained

METHODS = ["lbfgsb", "projected-gradient"]


def largest_projected(f, x, lower, upper):
    """The largest element of P(x - g) - x."""
    gradient = ag.value_and_grad(f)(x)[1]
    return np.abs(np.clip(x - gradient, lower, upper) - x).max()


def peer(problem, gtol):
    """SciPy's L-BFGS-B with the same gradients, memory and tolerance."""
    return scipy.optimize.minimize(
        ag.value_and_grad(problem.f),
        problem.start,
        jac=True,
        method="L-BFGS-B",
        bounds=scipy.optimize.Bounds(problem.lower, problem.upper),
        options={"ftol": 0.0, "gtol": gtol, "maxiter": 3000, "maxcor": 10},
    )


@pytest.mark.parametrize("problem", TABLE, ids=lambda p: p.name)
def test_lbfgsb_finds_the_minimum_that_scipy_finds(problem):
    result = ag.minimize(problem.f, problem.start, bounds=(problem.lower, problem.upper), gtol=1e-6)
    assert result.method == "L-BFGS-B"
    assert result.success, result.message
    assert ((problem.lower <= result.x) & (result.x <= problem.upper)).all()
    assert largest_projected(problem.f, result.x, problem.lower, problem.upper) <= 1e-6
    expected = peer(problem, 1e-6)
    # two runs that end at gradients of 1e-6 agree to the square of that, here over curvatures
    # that are small
    assert abs(result.fun - expected.fun) <= 1e-7 * max(abs(expected.fun), 1e-3)
    if problem.minimum is not None:  # published, to the digits printed
        assert abs(result.fun - problem.minimum) <= 1e-8 * max(abs(problem.minimum), 1.0)


def test_lbfgsb_evaluates_as_often_as_scipy():
    ratios = []
    for problem in TABLE:
        ours = ag.minimize(
            problem.f, problem.start, bounds=(problem.lower, problem.upper), gtol=1e-6
        )
        ratios.append(ours.nfev / peer(problem, 1e-6).nfev)
    assert len(ratios) >= 20
    assert np.median(ratios) <= 1.1
    assert np.exp(np.mean(np.log(ratios))) <= 1.1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["hs4", "hs5", "hs45", "hs110", "torsion-5", "torsion-20"])
def test_methods_agree_on_active_bounds(method, name):
    problem = next(p for p in TABLE if p.name == name)
    bounds = (problem.lower, problem.upper)
    result = ag.minimize(problem.f, problem.start, method=method, bounds=bounds, gtol=1e-7)
    assert result.success, result.message
    expected = peer(problem, 1e-8)
    assert np.abs(result.x - expected.x).max() < 1e-5
    assert abs(result.fun - expected.fun) <= 1e-10 * max(abs(expected.fun), 1.0)
    # what is at a bound is exactly there
    at = (np.abs(result.x - problem.lower) < 1e-9) | (np.abs(result.x - problem.upper) < 1e-9)
    exact = (result.x == problem.lower) | (result.x == problem.upper)
    assert (at == exact).all()


def test_spectral_steps_go_on_along_a_curved_valley():
    # with the safeguard of algorithm SPG2 as printed, 0.1 <= step, it takes some 1,400 steps; with
    # 0.1 times the last step in its place, more than 6,000
    result = ag.minimize(chained, np.full(10, -1.2), method="spg", gtol=1e-6, max_steps=3000)
    assert result.success, result.message
    assert np.abs(result.x - 1.0).max() < 1e-4


def quadratic_program(seed, n):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2 * n, n)), 3.0 * rng.standard_normal(2 * n)
    lower = np.where(rng.random(n) < 0.3, -np.inf, rng.uniform(-0.6, 0.0, n))
    upper = np.where(rng.random(n) < 0.3, np.inf, rng.uniform(0.0, 0.6, n))
    return a, b, lower, upper


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(6))
def test_quadratic_programs_have_the_solution_of_lsq_linear(method, seed):
    a, b, lower, upper = quadratic_program(seed, 12)
    expected = scipy.optimize.lsq_linear(a, b, (lower, upper), method="bvls", tol=1e-14)
    result = ag.minimize(
        lambda x: 0.5 * ((a @ x - b) ** 2).sum(),
        np.zeros(12),
        method=method,
        bounds=(lower, upper),
        gtol=1e-9,
    )
    assert result.success, result.message
    assert np.abs(result.x - expected.x).max() < 1e-8
    assert (np.abs(expected.x) > 0.0).any()


@pytest.mark.parametrize("method", METHODS)
def test_nonnegative_least_squares_have_the_solution_of_nnls(quick_xp, method):
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((20, 8)), rng.standard_normal(20)
    expected, _ = scipy.optimize.nnls(a, b)
    assert (expected == 0.0).any()
    matrix, right = quick_xp.asarray(a), quick_xp.asarray(b)

    def f(x):
        residual = x @ ag.namespace(matrix).permute_dims(matrix, (1, 0)) - right
        return 0.5 * ag.namespace(residual).sum(residual**2)

    start = quick_xp.ones(8)
    result = ag.minimize(f, start, method=method, bounds=(0.0, None), gtol=1e-9)
    assert result.success, result.message
    x = ag.to_numpy(result.x)
    assert np.abs(x - expected).max() < 1e-8
    assert ((x == 0.0) == (expected == 0.0)).all()
    assert type(result.x) is type(start)


def cauchy_by_the_paper(x, lower, upper, g, theta, w, m):
    """Algorithm CP of Byrd, Lu, Nocedal, Zhu (1995), breakpoint by breakpoint."""
    n = len(x)
    t = np.full(n, np.inf)
    for i in range(n):
        if g[i] < 0.0:
            t[i] = (x[i] - upper[i]) / g[i]
        elif g[i] > 0.0:
            t[i] = (x[i] - lower[i]) / g[i]
    d = np.where(t == 0.0, 0.0, -g)
    cauchy = x.copy()
    p, c = w.T @ d, np.zeros(w.shape[1])
    slope = -d @ d
    curvature = -theta * slope - p @ m @ p
    best, old = -slope / curvature, 0.0
    for b in sorted((i for i in range(n) if t[i] > 0.0), key=lambda i: t[i]):
        delta = t[b] - old
        if best < delta:
            break
        cauchy[b] = upper[b] if d[b] > 0.0 else lower[b]
        z = cauchy[b] - x[b]
        c = c + delta * p
        slope += delta * curvature + g[b] ** 2 + theta * g[b] * z - g[b] * (w[b] @ m @ c)
        curvature -= theta * g[b] ** 2 + 2.0 * g[b] * (w[b] @ m @ p) + g[b] ** 2 * (w[b] @ m @ w[b])
        p = p + g[b] * w[b]
        d[b] = 0.0
        best, old = (-slope / curvature if curvature > 0.0 else np.inf), t[b]
    best = max(best, 0.0) if np.isfinite(best) else 0.0
    moving = t >= old + best
    cauchy[moving] = (x + (old + best) * np.where(moving, -g, 0.0))[moving]
    return np.clip(cauchy, lower, upper)


def curved(space, seed, n, pairs, memory):
    """A model of random steps on a convex quadratic, with its W and M written as in the paper."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n))
    hessian = root @ root.T / n + 0.1 * np.eye(n)
    model = Model(space, memory)
    s_all, y_all = [], []
    for _ in range(pairs):
        s = rng.standard_normal(n)
        y = hessian @ s
        put = space.from_host
        rows = ag.to_numpy(model.used()) if model.count else np.zeros((0, n))
        model.store(put(s), put(y), s @ s, s @ y, y @ y, rows @ s)
        s_all.append(s)
        y_all.append(y)
    s, y = np.asarray(s_all[-memory:]).T, np.asarray(y_all[-memory:]).T
    theta = float(y[:, -1] @ y[:, -1]) / float(s[:, -1] @ y[:, -1])
    products = s.T @ y
    lower, diagonal = np.tril(products, -1), np.diag(np.diag(products))
    m = np.linalg.inv(np.block([[-diagonal, lower.T], [lower, theta * s.T @ s]]))
    return model, theta, np.hstack([y, theta * s]), m, (s, y)


def test_the_model_is_the_bfgs_matrix():
    # Nocedal, Wright (2006), eq. 6.19, from theta I over the pairs kept, the oldest first
    space = Space.of("test", np.zeros(6))
    model, theta, w, m, (s, y) = curved(space, 0, 6, 7, 4)
    expected = theta * np.eye(6)
    for k in range(4):
        sk, yk = s[:, k], y[:, k]
        bs = expected @ sk
        expected += np.outer(yk, yk) / (sk @ yk) - np.outer(bs, bs) / (sk @ bs)
    rows = model.used()
    assert np.allclose(model.theta * np.eye(6) - rows.T @ model.middle() @ rows, expected)
    assert np.allclose(theta * np.eye(6) - w @ m @ w.T, expected)


@pytest.mark.parametrize("seed", range(8))
def test_the_cauchy_point_is_that_of_the_loop_in_the_paper(xp, seed, monkeypatch):
    monkeypatch.setattr(cauchy, "BLOCK", 1 + seed % 3)  # on the host, so that there are several
    n, rng = 14, np.random.default_rng(seed)
    lower = np.where(rng.random(n) < 0.2, -np.inf, -rng.uniform(0.0, 1.0, n))
    upper = np.where(rng.random(n) < 0.2, np.inf, rng.uniform(0.0, 1.0, n))
    lower[:2], upper[3] = 0.0, 0.0
    x = np.clip(0.2 * rng.standard_normal(n), lower, upper)
    g = rng.standard_normal(n) * 10.0 ** rng.uniform(-1.0, 0.5)
    g[5] = 0.0
    space = Space.of("test", xp.zeros(n))
    model, theta, w, m, _ = curved(space, seed, n, 5, 3)
    put = space.from_host
    box = Box(put(lower), put(upper))
    found = cauchy_point(space, box, put(x), put(g), theta, model.kept(), put(model.middle()))
    expected = cauchy_by_the_paper(x, lower, upper, g, theta, w, m)
    assert np.abs(ag.to_numpy(found.x) - expected).max() < 1e-10
    assert np.abs(expected - x).max() > 1e-3


@pytest.mark.parametrize("seed", [4, 5, 71, 417, 1006, 1207])
def test_breakpoints_that_coincide_are_passed_together(seed):
    # the model along the path, by a fine grid: its first minimum is where it first rises. These
    # seeds have a slope >= 0 where one of two variables with one breakpoint is left out
    n, rng = 8, np.random.default_rng(seed)
    space = Space.of("test", np.zeros(n))
    model, theta, w, m, _ = curved(space, seed, n, 6, 6)
    hessian = theta * np.eye(n) - w @ m @ w.T
    g = rng.choice([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0], n)
    bound = np.abs(g) * rng.choice([0.5, 1.0, 2.0], n)
    grid = np.linspace(0.0, 2.1, 100_001)
    path = np.clip(-grid[:, None] * g, -bound, bound)
    values = path @ g + 0.5 * ((path @ hessian) * path).sum(axis=1)
    expected = grid[np.argmax(np.diff(values) > -1e-15)]
    found = cauchy_point(
        space, Box(-bound, bound), np.zeros(n), g, theta, model.kept(), model.middle()
    )
    assert np.abs(found.x - np.clip(-expected * g, -bound, bound)).max() < 1e-4


def test_the_cauchy_point_is_a_minimum_along_the_path():
    # breakpoints that coincide, and all of them passed
    n = 6
    space = Space.of("test", np.zeros(n))
    model, theta, *_ = curved(space, 3, n, 3, 3)
    box = Box(np.full(n, -1e-3), np.full(n, 1e-3))
    g = np.asarray([1.0, -1.0, 1.0, 1.0, -2.0, 0.0]) * 50.0
    found = cauchy_point(space, box, np.zeros(n), g, theta, model.kept(), model.middle())
    assert found.x.tolist() == [-1e-3, 1e-3, -1e-3, -1e-3, 1e-3, 0.0]


@pytest.mark.parametrize("method", [*METHODS, "nelder-mead", "adam"])
def test_f_is_never_evaluated_outside_the_bounds(method):
    lower, upper = np.asarray([0.1, -0.7, 0.3, 0.5]), np.asarray([0.7, 0.2, 0.3, np.inf])

    def f(x):
        plain = ag.value(x)
        assert (plain >= lower).all()
        assert (plain <= upper).all()
        return chained(x)

    start = np.asarray([5.0, -5.0, 0.0, 0.5])  # outside: it is moved to the nearest point
    result = ag.minimize(f, start, method=method, bounds=(lower, upper), max_steps=60)
    assert result.x[2] == 0.3
    assert start.tolist() == [5.0, -5.0, 0.0, 0.5]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numerical_gradients_stay_within_the_bounds(quick_xp, dtype):
    kind = getattr(quick_xp, dtype)
    lower = quick_xp.asarray([0.1, -0.7, 0.3, 0.5], dtype=kind)
    upper = quick_xp.asarray([0.7, 0.2, 0.3, 5.0], dtype=kind)

    def f(x):
        low = ag.to_numpy(x) >= ag.to_numpy(lower)
        assert (low & (ag.to_numpy(x) <= ag.to_numpy(upper))).all()
        names = ag.namespace(x)
        return names.sum((x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    start = quick_xp.asarray([0.1, 0.0, 0.3, 0.5], dtype=kind)
    bounds = (lower, upper)
    result = ag.minimize(f, start, bounds=bounds, gradient="numerical", gtol=1e-3)
    assert result.success, result.message
    exact = scipy.optimize.minimize(
        lambda x: ((x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum(),
        ag.to_numpy(start).astype(float),
        bounds=list(zip(*(ag.to_numpy(b).astype(float) for b in bounds), strict=True)),
    )
    assert np.abs(ag.to_numpy(result.x) - exact.x).max() < 2e-3


@pytest.mark.parametrize("method", METHODS)
def test_fixed_variables_end_at_once(method):
    x = np.asarray([0.5, -1.0])
    result = ag.minimize(chained, np.zeros(2), method=method, bounds=(x, x))
    assert (result.success, result.nit, result.nfev) == (True, 0, 1)
    assert result.x.tolist() == x.tolist()


@pytest.mark.parametrize("method", METHODS)
def test_a_start_at_the_bounds_is_left(xp, method):
    target = xp.asarray([0.5, -2.0, 0.25])
    result = ag.minimize(
        lambda x: ag.namespace(x).sum((x - target) ** 2),
        xp.zeros(3),
        method=method,
        bounds=(0.0, 1.0),
        gtol=1e-8,
    )
    assert np.abs(ag.to_numpy(result.x) - [0.5, 0.0, 0.25]).max() < 1e-7
    assert ag.to_numpy(result.x)[1] == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_float32(quick_xp, method):
    start = quick_xp.zeros(5, dtype=quick_xp.float32)

    def f(x):
        names = ag.namespace(x)
        return names.sum((x - 2.0) ** 2) + 0.5 * names.sum(x[1:] * x[:-1])

    result = ag.minimize(f, start, method=method, bounds=(None, 1.25), gtol=1e-4)
    assert result.success, result.message
    assert result.x.dtype == quick_xp.float32
    # by hand: ends at the bound, 2 (x - 2) + 0.5 (sum of neighbours) = 0 in between
    expected = scipy.optimize.minimize(
        lambda x: ((x - 2.0) ** 2).sum() + 0.5 * (x[1:] * x[:-1]).sum(),
        np.zeros(5),
        bounds=[(None, 1.25)] * 5,
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    assert np.abs(ag.to_numpy(result.x) - expected.x).max() < 1e-4


def test_bounds_that_are_all_infinite_are_none():
    start = np.full(4, -1.2)
    free = ag.minimize(chained, start, method="lbfgs")
    for method in ("lbfgs", "lbfgsb", "L-BFGS-B"):
        given = ag.minimize(chained, start, method=method, bounds=(None, np.inf))
        assert (given.nfev, given.x.tolist()) == (free.nfev, free.x.tolist())


def test_iterates_agree_on_all_libraries(quick_xp):
    # 20 iterations of a well-conditioned problem, to 1e-10
    def f(targets):
        def value(x):
            names = ag.namespace(x)
            away = x - targets
            return names.sum(away**2 + away**4) + names.sum((x[1:] - x[:-1]) ** 2)

        return value

    start, targets = 0.1 * np.arange(12.0), np.linspace(-2.0, 2.0, 12)
    options = {"bounds": (-0.8, 1.1), "gtol": 0.0, "max_steps": 20, "record": "x"}
    expected = ag.minimize(f(targets), start, **options)
    found = ag.minimize(f(quick_xp.asarray(targets)), quick_xp.asarray(start), **options)
    pairs = list(zip(expected.recorded["x"], found.recorded["x"], strict=False))
    assert len(pairs) >= 8
    for a, b in pairs:
        assert np.abs(a - ag.to_numpy(b)).max() < 1e-10


@pytest.mark.parametrize(
    ("method", "most"),
    [
        ("lbfgsb", lambda r: r.nfev + r.nit),
        ("projected-gradient", lambda r: r.nfev),
        ("nelder-mead", lambda r: r.nfev + 3),  # the size of the simplex, near the end
        ("adam", lambda r: r.nfev),
    ],
    ids=["lbfgsb", "projected-gradient", "nelder-mead", "adam"],
)
@pytest.mark.off_host
def test_reads_of_the_device_are_few(xp, method, most, monkeypatch):
    reads = []
    fetch = Space.fetch
    monkeypatch.setattr(Space, "fetch", lambda *a: reads.append(1) or fetch(*a))
    targets = xp.asarray([0.5, -2.0, 0.25, 3.0])
    result = ag.minimize(
        lambda x: ag.namespace(x).sum((x - targets) ** 2 + (x - targets) ** 4),
        xp.zeros(4),
        method=method,
        bounds=(-1.0, 1.0),
        max_steps=40,
    )
    assert result.nit > 4
    assert len(reads) <= most(result) + 1  # and one for the bounds


def test_a_wrong_gradient_within_bounds_is_told():
    result = ag.minimize(
        lambda x: (x**2).sum(),
        np.asarray([1.0, 0.5]),
        gradient=lambda x: -2.0 * x,
        bounds=(0.0, 4.0),
    )
    assert result.status is Status.WRONG_GRADIENT


@pytest.mark.parametrize(("factor", "wrong"), [(1.0, False), (1.3, True)])
def test_differences_within_bounds_judge_a_gradient(factor, wrong):
    space = Space.of("test", np.zeros(2))
    box = read_box("test", (0.0, 4.0), space)
    gradient = lambda x: factor * 4.0 * x**3
    objective = make_objective("test", lambda x: (x**4).sum(), space, (), gradient, None, box)
    point = objective.evaluate(np.asarray([1.0, 0.5]))
    direction = np.asarray([-1.0, -0.5])
    line = Line(objective, point, direction, slope=float(point.gradient @ direction), limit=1.0)
    assert line.contradicts() is wrong


def test_a_step_to_a_bound_ends_on_it():
    rng = np.random.default_rng(0)
    origin, lower, upper = (
        rng.uniform(0.0, 1.0, 500),
        rng.uniform(-9.0, 0.0, 500),
        np.full(500, 2.0),
    )
    space = Space.of("test", origin)
    moved = origin + (lower - origin)
    assert (moved != lower).any()
    assert (Box(lower, upper).snap(space, moved, origin) == lower).all()
    moved = origin + (upper - origin) * (1.0 + 1e-16)
    assert (Box(lower, upper).snap(space, moved, origin) == upper).all()


def test_a_value_that_is_not_finite_shortens_the_step():
    def f(x):
        return (x - np.log(x)).sum() if (ag.value(x) > 0.2).all() else 0.0 * x.sum() / 0.0 + np.nan

    with np.errstate(all="ignore"):
        result = ag.minimize(f, np.asarray([8.0, 9.0]), bounds=(0.0, 20.0))
    assert result.success, result.message
    assert np.abs(result.x - 1.0).max() < 1e-4


# What may be written as bounds


def sides(bounds, x0):
    box = read_box("f", bounds, Space.of("f", x0))
    return ag.to_numpy(box.lower).tolist(), ag.to_numpy(box.upper).tolist()


@pytest.mark.parametrize(
    "bounds",
    [
        (0.0, np.asarray([1.0, 2.0])),
        ([(0, 1), (0, 2)]),
        ([(0.0, 1.0), [0.0, 2.0]]),
        (np.asarray([[0.0, 1.0], [0.0, 2.0]])),
        (scipy.optimize.Bounds([0.0, 0.0], [1.0, 2.0])),
        (scipy.optimize.Bounds(0.0, [1.0, 2.0])),
    ],
    ids=["pair", "list of pairs", "list of lists", "array of pairs", "Bounds", "Bounds spread"],
)
def test_forms_of_bounds(xp, bounds):
    assert sides(bounds, xp.zeros(2)) == ([0.0, 0.0], [1.0, 2.0])


def test_one_side_may_be_missing(xp):
    inf = np.inf
    assert sides((None, 1), xp.zeros(2)) == ([-inf, -inf], [1.0, 1.0])
    assert sides([(None, 1), (0, None)], xp.zeros(2)) == ([-inf, 0.0], [1.0, inf])


def test_bounds_of_a_tree(xp):
    tree = {"a": xp.zeros((2, 2)), "b": [xp.zeros(3), xp.zeros(())]}
    row = xp.asarray([1.0, 2.0])
    lower = {"a": row, "b": [None, -1.0]}
    upper = {"a": 5.0, "b": [xp.asarray([0.0, 1.0, 2.0]), None]}
    inf = np.inf
    assert sides((lower, upper), tree) == (
        [1.0, 2.0, 1.0, 2.0, -inf, -inf, -inf, -1.0],
        [5.0, 5.0, 5.0, 5.0, 0.0, 1.0, 2.0, inf],
    )


def test_leaves_never_round_to_a_point_outside():
    tree = {"a": np.zeros(3, dtype=np.float32), "b": np.zeros(1)}

    def f(x):
        assert (ag.value(x["a"]) <= np.float32(0.1)).all()
        return ((x["a"] - 1.0) ** 2).sum() + (x["b"] ** 2).sum()

    result = ag.minimize(f, tree, bounds=({"a": None, "b": None}, {"a": 0.1, "b": 1.0}))
    assert result.x["a"].tolist() == [np.float32(0.1)] * 3


BAD = {
    "lower above upper": ((np.asarray([0.0, 3.0]), 1.0), ArgumentError, r"lower 3.*x0\[1\]"),
    "nan": ((np.asarray([0.0, np.nan]), 1.0), ArgumentError, r"nan for x0\[1\]|nan and"),
    "lower infinite": ((np.inf, None), ArgumentError, "lower inf"),
    "three pairs": ([(0, 1)] * 3, ShapeError, "2 elements"),
    "not a pair": ([0.0, 1.0], ArgumentError, "position 0"),
    "tuple of pairs": (((0.0, 1.0), (0.0, 1.0)), ArgumentError, "list of pairs"),
    "wrong shape": ((np.zeros(3), None), ShapeError, "numpy array of shape"),
    "a string": ("positive", ArgumentError, "expected a pair"),
}


@pytest.mark.parametrize(("bounds", "kind", "words"), BAD.values(), ids=BAD)
def test_bad_bounds_are_refused(bounds, kind, words):
    with pytest.raises(kind, match=words):
        ag.minimize(chained, np.zeros(2), bounds=bounds)


def test_the_element_of_a_bad_bound_is_named():
    tree = {"a": np.zeros((2, 2)), "b": np.zeros(3)}
    lower = {"a": None, "b": np.asarray([0.0, 0.0, 2.0])}
    with pytest.raises(ArgumentError, match=r"x0\['b'\]\[2\]"):
        ag.minimize(lambda x: x["a"].sum(), tree, bounds=(lower, 1.0))
    lower = {"a": np.asarray([[0.0, 0.0], [2.0, 0.0]]), "b": None}
    with pytest.raises(ArgumentError, match=r"x0\['a'\]\[1, 0\]"):
        ag.minimize(lambda x: x["a"].sum(), tree, bounds=(lower, 1.0))


def test_complex_leaves_take_no_bounds():
    tree = {"z": np.zeros(2, dtype=complex), "r": np.ones(2)}

    def f(x):
        return (np.abs(x["z"] - 1j) ** 2).sum() + (x["r"] ** 2).sum()

    for bounds in ((0.0, None), [(0, 1)] * 6):
        with pytest.raises(DTypeError, match="complex"):
            ag.minimize(f, tree, bounds=bounds)
    result = ag.minimize(f, tree, bounds=({"z": None, "r": 0.5}, None))
    assert np.abs(result.x["z"] - 1j).max() < 1e-5
    assert result.x["r"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("method", ["lbfgsb", "projected-gradient"])
def test_a_small_gradient_beside_a_large_x_is_no_convergence(method):
    # x - 1e-3 is x: the next number below 4e17 is 64 less
    x, f = np.full(2, 4e17), lambda x: 1e-3 * np.sum(x)
    found = ag.minimize(f, x, method=method, bounds=(0.0, None), max_steps=0)
    assert (found.success, found.history["optimality"][0]) == (False, 1e-3)
