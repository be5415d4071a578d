"""Nonlinear conjugate gradients: the quadratic's n steps, the formulas of beta, known minima."""

import math

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError
from anygrad.solvers import Status, conjugate_gradient, hager_zhang, strong_wolfe
from anygrad.solvers.descents.conjugate import FORMULAS, Conjugate, Products
from anygrad.solvers.problem.building import make_objective
from anygrad.solvers.problem.objective import Point
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.steps import Step

BETAS = sorted(FORMULAS)
CURVATURES = np.asarray([1.0, 4.0, 9.0, 0.5, 2.5])
TARGET = np.asarray([1.0, -2.0, 0.25, 3.0, -1.0])


def rosenbrock(x):
    xp = ag.namespace(x)
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2) + xp.sum((1.0 - x[:-1]) ** 2)


def quadratic(xp):
    d, c = xp.asarray(CURVATURES.tolist()), xp.asarray(TARGET.tolist())
    return lambda x: 0.5 * ag.namespace(x).sum((x - c) ** 2 * d)


@pytest.mark.parametrize("beta", BETAS)
def test_a_quadratic_takes_as_many_steps_as_it_has_eigenvalues(xp, beta):
    # with an exact search every formula is the linear method of Hestenes and Stiefel (1952)
    method = conjugate_gradient(beta=beta)
    exact = hager_zhang(delta=1e-9, sigma=1e-9, epsilon=0.0)
    result = ag.minimize(quadratic(xp), xp.zeros(5), method=method, search=exact, gtol=1e-6)
    assert result.success, result.message
    assert result.nit <= 6  # rounding may leave the fifth just above gtol
    assert np.abs(ag.to_numpy(result.x) - TARGET).max() < 1e-6
    assert result.x.dtype == xp.float64


def test_the_steps_are_those_of_the_linear_method():
    # Hestenes, Stiefel (1952), the algorithm itself
    f = quadratic(np)
    x = np.zeros(5)
    r = CURVATURES * (TARGET - x)
    p = r
    expected = [x]
    for _ in range(3):
        a = r @ r / (p @ (CURVATURES * p))
        x, new = x + a * p, r - a * CURVATURES * p
        p, r = new + (new @ new) / (r @ r) * p, new
        expected.append(x)
    exact = hager_zhang(delta=1e-9, sigma=1e-9, epsilon=0.0)
    for beta in BETAS:
        found = ag.minimize(
            f,
            np.zeros(5),
            method=conjugate_gradient(beta=beta),
            search=exact,
            max_steps=3,
            record="x",
        )
        # the search is exact to 1e-9 of the slope
        np.testing.assert_allclose(found.recorded["x"], expected, atol=1e-6)


@pytest.mark.parametrize("beta", BETAS)
def test_the_next_direction_follows_the_formula(beta):
    f = rosenbrock
    start = np.asarray([-1.2, 1.0, 0.5])
    result = ag.minimize(
        f, start, method=conjugate_gradient(beta=beta), max_steps=3, record=("x", "jac"), gtol=0.0
    )
    x, g = np.asarray(result.recorded["x"]), np.asarray(result.recorded["jac"])
    d = -g[0]
    for k in range(2):
        y, new = g[k + 1] - g[k], g[k + 1]
        dy = d @ y
        value = {
            # Hager, Zhang (2006), eq. 1.3, bounded as in their (2013)
            "hager-zhang": max((y - 2.0 * d * (y @ y) / dy) @ new / dy, 0.4 * (d @ g[k]) / (d @ d)),
            "polak-ribiere+": max(new @ y / (g[k] @ g[k]), 0.0),
            "fletcher-reeves": new @ new / (g[k] @ g[k]),
            "dai-yuan": new @ new / dy,
        }[beta]
        d = -new + value * d
        step = x[k + 2] - x[k + 1]
        cosine = step @ d / math.sqrt((step @ step) * (d @ d))
        assert cosine == pytest.approx(1.0, abs=1e-9)


def test_the_parabola_leads_to_the_minimum_along_the_line():
    result = ag.minimize(quadratic(np), np.zeros(5), method="cg", max_steps=4, record=("x", "jac"))
    x, g = np.asarray(result.recorded["x"]), np.asarray(result.recorded["jac"])
    steps = np.diff(x, axis=0)[1:]  # before the first there is no parabola
    np.testing.assert_allclose(np.sum(steps * g[2:], axis=1), 0.0, atol=1e-9)
    assert np.diff(result.history["evaluations"])[1:].tolist() == [2, 2, 2]


def test_a_negative_beta_is_bounded():
    # (yh - 0) / dy = -50, bounded by 0.4 d g / d d = -0.2 or, for Polak-Ribière, by 0
    products = Products(hh=1.0, yh=-50.0, yy=1.0, gg=1.0, dg=-1.0, dh=0.0, dd=2.0)
    assert FORMULAS["hager-zhang"].beta(products) == -0.2
    assert FORMULAS["polak-ribiere+"].beta(products) == 0.0


def test_products_are_read_with_the_trial():
    # one transfer for the start, one for the first step's scale, one a trial or probe
    f = quadratic(np)
    reads = []
    original = Space.fetch

    def counted(self, values):
        reads.append(len(values))
        return original(self, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Space, "fetch", counted)
        result = ag.minimize(f, np.zeros(5), method="cg")
    assert len(reads) == result.nfev + 1
    assert result.njev < result.nfev  # probes need no gradient


@pytest.mark.parametrize(
    ("beta", "quadratic_step"), [*((beta, True) for beta in BETAS), ("hager-zhang", False)]
)
def test_rosenbrock_is_solved(beta, quadratic_step):
    method = conjugate_gradient(beta=beta, quadratic_step=quadratic_step)
    result = ag.minimize(
        rosenbrock, np.asarray([-1.2, 1.0, -1.2, 1.0]), method=method, gtol=1e-7, max_steps=20000
    )
    assert result.success, result.message
    # the other minimum of four variables, near (-0.776, 0.613, 0.382, 0.146), has f = 3.70
    assert np.abs(result.x - 1.0).max() < 1e-5


def test_rosenbrock_is_solved_on_every_library(quick_xp):
    result = ag.minimize(rosenbrock, quick_xp.asarray([0.8, 0.5]), method="cg", gtol=1e-8)
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x) - 1.0).max() < 1e-6


def test_libraries_take_the_same_steps(xp):
    found = ag.minimize(quadratic(xp), xp.zeros(5), method="cg", max_steps=4, record="x")
    expected = ag.minimize(quadratic(np), np.zeros(5), method="cg", max_steps=4, record="x")
    for ours, theirs in zip(found.recorded["x"], expected.recorded["x"], strict=True):
        np.testing.assert_allclose(ag.to_numpy(ours), theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("n", "start"), [(2, -1.2), (10, 0.5), (100, 0.5)])
def test_gradients_are_fewer_than_those_of_scipy(n, start):
    optimize = pytest.importorskip("scipy.optimize")
    x0 = np.full(n, start)
    x0[1::2] = 1.0
    both = ag.value_and_grad(rosenbrock)
    theirs = optimize.minimize(
        lambda x: tuple(map(np.asarray, both(x))), x0, jac=True, method="CG", options={"gtol": 1e-5}
    )
    ours = ag.minimize(rosenbrock, x0, method="cg", gtol=1e-5)
    assert ours.success
    assert ours.fun < 1e-8
    assert ours.njev < theirs.njev
    assert ours.nfev < 1.2 * theirs.nfev


def test_float32_stays_float32(quick_xp):
    start = quick_xp.zeros(5, dtype=quick_xp.float32)
    d, c = (quick_xp.asarray(v.tolist(), dtype=quick_xp.float32) for v in (CURVATURES, TARGET))
    result = ag.minimize(
        lambda x: 0.5 * ag.namespace(x).sum((x - c) ** 2 * d), start, method="cg", gtol=1e-4
    )
    assert result.success, result.message
    assert result.x.dtype == result.jac.dtype == quick_xp.float32
    assert np.abs(ag.to_numpy(result.x) - TARGET).max() < 1e-3


@pytest.mark.parametrize("factor", [-1.0, [1.0, -1.0, 1.0, 1.0, 1.0]])
def test_a_wrong_gradient_is_told(factor):
    wrong = np.asarray(factor)
    result = ag.minimize(
        quadratic(np),
        np.zeros(5),
        method="cg",
        gradient=lambda x: wrong * CURVATURES * (x - TARGET),
    )
    assert result.status is Status.WRONG_GRADIENT


def test_a_linear_function_is_unbounded(xp):
    result = ag.minimize(lambda x: ag.namespace(x).sum(x), xp.zeros(3), method="cg")
    assert result.status is Status.UNBOUNDED
    assert not result.success
    assert result.nfev < 60


def test_a_barrier_is_not_crossed():
    # x - log(x): minimum 1 in every variable; the first step leaves the domain
    f = lambda x: np.sum(x - np.log(x))
    with np.errstate(invalid="ignore", divide="ignore"):
        result = ag.minimize(f, np.asarray([30.0, 0.01, 2.0]), method="cg", gtol=1e-8)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, atol=1e-7)


def test_the_direction_descends_whatever_the_past_says():
    # at this step Fletcher-Reeves would ascend: d and the new gradient agree, and beta is large
    space = Space.of("test", np.zeros(2))
    old = Point(np.zeros(2), np.zeros(()), np.asarray([1.0, 0.0]), 0.0, 1.0, [])
    objective = make_objective("test", lambda x: np.sum(x), space, (), "automatic", None)
    directions = Conjugate(objective, old, FORMULAS["fletcher-reeves"], False)
    move = directions.move(old)
    new = np.asarray([-2.0, 0.0])  # hh = 4, gg = 1, dh = 2: slope -4 + 4 * 2 > 0
    line = type("Line", (), {"slope": -1.0, "direction": move.direction})
    trial = type("Trial", (), {"t": 1.0, "slope": 2.0})
    trial.point = Point(np.zeros(2), np.zeros(()), new, 0.0, 2.0, [4.0, 6.0, 9.0])
    directions.learn(old, line, trial)
    after = directions.move(trial.point)
    np.testing.assert_array_equal(after.direction, -new)
    assert after.slope == -4.0


def test_the_start_is_scaled_by_x():
    # I0 of Hager and Zhang: 0.01 |x| / |g| in the largest elements
    tried = []

    def f(x):
        tried.append(ag.to_numpy(ag.value(x)).copy())
        return np.sum((x - 5.0) ** 2)

    ag.minimize(f, np.asarray([1.0, 3.0]), method="cg", max_steps=1)
    g = 2.0 * (np.asarray([1.0, 3.0]) - 5.0)
    np.testing.assert_allclose(tried[1], np.asarray([1.0, 3.0]) - 0.01 * 3.0 / 8.0 * g)


def test_search_and_formula_go_together():
    assert conjugate_gradient().search == hager_zhang()
    assert conjugate_gradient(beta="polak-ribiere+").search == strong_wolfe(c2=0.1)


def test_an_unknown_formula_is_refused():
    with pytest.raises(ArgumentError, match=r"beta.*Did you mean 'dai-yuan'"):
        conjugate_gradient(beta="dai-yaun")


@pytest.mark.parametrize("name", ["CG", "cg", "nonlinear-cg", "nonlinear_cg"])
def test_names(name):
    assert ag.minimize(quadratic(np), np.zeros(5), method=name).method == "conjugate gradient"


def test_bounds_are_refused_with_methods_that_take_them():
    with pytest.raises(ArgumentError, match=r"bounds.*'lbfgsb'.*'projected-gradient'"):
        ag.minimize(quadratic(np), np.zeros(5), method="cg", bounds=(0.0, 1.0))


def test_the_point_that_converged_is_returned_though_rounding_raised_f():
    class Jump:
        """Goes to 1 in one step."""

        name = "jump"

        def start(self, objective, point):
            self.objective = objective
            return self

        def step(self, point):
            return Step(self.objective.evaluate(point.x + 1.0))

    def f(x):
        there = float(x[0]) == 1.0
        return np.asarray(1.0 + 2e-16 if there else 1.0), np.asarray([0.0 if there else 1.0])

    result = ag.minimize(f, np.zeros(1), method=Jump(), gradient=True)
    assert result.success
    assert result.x[0] == 1.0
    assert result.jac[0] == 0.0
