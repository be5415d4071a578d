"""Trust regions: known minima, radii, saddles, rounding, wrong gradients and walls."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError
from anygrad.solvers import Status, trust_region
from tests.solvers.functions import CURVATURES, TARGET, quadratic, rosenbrock

NAMES = ["dogleg", "trust-exact", "trust-ncg"]


@pytest.mark.parametrize("name", ["dogleg", "trust-exact"])
def test_a_quadratic_takes_one_step(xp, name):
    method = trust_region(subproblem=name.removeprefix("trust-"), radius=100.0)
    result = ag.minimize(quadratic(xp), xp.zeros(5), method=method, gtol=1e-8)
    assert result.success, result.message
    assert result.nit == 1
    assert np.abs(ag.to_numpy(result.x) - TARGET).max() < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_rosenbrock_is_solved_on_every_library(quick_xp, name):
    result = ag.minimize(rosenbrock, quick_xp.asarray([0.8, 0.5]), method=name, gtol=1e-8)
    assert result.success, result.message
    assert np.abs(ag.to_numpy(result.x) - 1.0).max() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_values_never_rise(name):
    result = ag.minimize(rosenbrock, np.asarray([-1.2, 1.0, -1.2, 1.0]), method=name, gtol=1e-8)
    assert result.success, result.message
    values = np.asarray(result.history["fun"])
    assert (np.diff(values) <= 1e-14).all()
    lengths = np.asarray(result.history["step_length"])
    assert (lengths[1:] > 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start", [[0.0, 0.1], [0.3, -0.2]])
def test_a_saddle_is_left(quick_xp, name, start):
    def f(x):
        return 0.5 * x[0] ** 2 - 0.5 * x[1] ** 2 + 0.25 * x[1] ** 4

    result = ag.minimize(f, quick_xp.asarray(start), method=name, gtol=1e-8)
    assert result.success, result.message
    assert float(ag.to_numpy(result.fun)) == pytest.approx(-0.25, abs=1e-12)


def test_the_exact_method_leaves_a_ridge_that_gradients_do_not_see():
    # the gradient has nothing along y: the hard case, from which conjugate gradients go to 0
    def f(x):
        return 0.5 * x[0] ** 2 - 0.5 * x[1] ** 2 + 0.25 * x[1] ** 4

    exact = ag.minimize(f, np.asarray([1.0, 0.0]), method="trust-exact")
    assert exact.fun == pytest.approx(-0.25, abs=1e-8)
    assert ag.minimize(f, np.asarray([1.0, 0.0]), method="trust-ncg").fun == pytest.approx(0.0)


@pytest.mark.parametrize("n", [2, 10])
@pytest.mark.parametrize("name", ["trust-exact", "trust-ncg"])
def test_evaluations_do_not_exceed_those_of_scipy(name, n):
    optimize = pytest.importorskip("scipy.optimize")
    x0 = np.ones(n)
    x0[::2] = -1.2  # the start of Moré, Garbow and Hillstrom
    both = ag.value_and_grad(rosenbrock)
    options = (
        {"hess": ag.hessian(rosenbrock)}
        if name == "trust-exact"
        else {"hessp": lambda x, v: ag.hvp(rosenbrock, x, v)}
    )
    theirs = optimize.minimize(
        lambda x: tuple(map(np.asarray, both(x))),
        x0,
        jac=True,
        method=name,
        options={"gtol": 1e-6},
        **options,
    )
    ours = ag.minimize(rosenbrock, x0, method=name, gtol=1e-6)
    assert ours.success
    assert theirs.success
    assert ours.nit <= theirs.nit
    assert ours.nfev <= 1.1 * theirs.nfev


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(quick_xp, name):
    start = quick_xp.zeros(5, dtype=quick_xp.float32)
    result = ag.minimize(quadratic(quick_xp, quick_xp.float32), start, method=name, gtol=1e-3)
    assert result.success, result.message
    assert result.x.dtype == result.jac.dtype == quick_xp.float32
    assert np.abs(ag.to_numpy(result.x) - TARGET).max() < 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_what_rounding_hides_is_gained_by_slopes(name):
    # beside 1e6 values show gains above 1e-9 only, which is a gradient of 1e-4 here
    f = lambda x: 1e6 + quadratic(np)(x) + 0.1 * np.sum((x - TARGET) ** 4)
    result = ag.minimize(f, np.zeros(5), method=name, gtol=1e-8)
    assert result.success, result.message
    assert np.abs(result.x - TARGET).max() < 1e-7
    assert result.nfev < 40


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("factor", [-1.0, [1.0, -1.0, 1.0, 1.0, 1.0]])
def test_a_wrong_gradient_is_told(name, factor):
    wrong = np.asarray(factor)
    result = ag.minimize(
        quadratic(np),
        np.zeros(5),
        method=name,
        gradient=lambda x: wrong * CURVATURES * (x - TARGET),
    )
    assert result.status is Status.WRONG_GRADIENT
    assert result.nfev < 100


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_with_an_offset_is_told_though_steps_get_tiny(name):
    # near the zero of the wrong gradient nothing can be gained, and radii shrink step by step
    offset = np.r_[5.0, np.zeros(9)]
    start = np.ones(10)
    start[::2] = -1.2
    result = ag.minimize(
        rosenbrock, start, method=name, gradient=lambda x: ag.grad(rosenbrock)(x) + offset
    )
    assert result.status is Status.WRONG_GRADIENT


@pytest.mark.parametrize("name", NAMES)
def test_a_kink_is_no_wrong_gradient(name):
    f = lambda x: np.sum(x * x) ** 0.25
    result = ag.minimize(f, np.asarray([3.0, 3.0]), method=name)
    assert result.status is Status.STAGNATED


@pytest.mark.parametrize("name", NAMES)
def test_a_linear_function_is_unbounded(xp, name):
    method = trust_region(subproblem={"trust-ncg": "steihaug"}.get(name, "exact"), radius=1e24)
    result = ag.minimize(lambda x: ag.namespace(x).sum(x), xp.zeros(3), method=method)
    assert result.status is Status.UNBOUNDED
    assert not result.success


@pytest.mark.parametrize("name", NAMES)
def test_a_barrier_is_not_crossed(name):
    f = lambda x: np.sum(x - np.log(x))
    with np.errstate(invalid="ignore", divide="ignore"):
        result = ag.minimize(f, np.asarray([30.0, 0.01, 2.0]), method=name, gtol=1e-8)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_a_hessian_that_is_not_finite_leaves_the_gradient(name):
    result = ag.minimize(
        quadratic(np), np.zeros(5), method=name, hvp=lambda x, v: v * np.nan, max_steps=3
    )
    assert result.nit == 3
    assert result.fun < 0.5 * CURVATURES @ TARGET**2


def test_nothing_finite_anywhere_is_told():
    def f(x):
        return np.sum(x) if np.all(ag.value(x) == 1.0) else np.sum(x) * np.nan

    result = ag.minimize(f, np.ones(2), method="trust-ncg")
    assert result.status is Status.NONFINITE


def test_radii_are_kept():
    steps = ag.minimize(
        quadratic(np), np.zeros(5), method=trust_region(radius=0.25, max_radius=0.4), record="x"
    )
    moves = np.linalg.norm(np.diff(np.asarray(steps.recorded["x"]), axis=0), axis=1)
    assert moves[0] == pytest.approx(0.25)
    assert moves.max() == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"subproblem": "exat"}, r"subproblem.*Did you mean 'exact'"),
        ({"radius": 0.0}, "radius"),
        ({"max_radius": -1.0}, "max_radius"),
        ({"eta": 0.25}, "eta"),
    ],
)
def test_options_outside_their_ranges_are_named(options, named):
    with pytest.raises(ArgumentError, match=named):
        trust_region(**options)


@pytest.mark.parametrize("name", NAMES)
def test_bounds_are_refused(name):
    with pytest.raises(ArgumentError, match=f"bounds.*'{name}'.*'lbfgsb'"):
        ag.minimize(quadratic(np), np.zeros(5), method=name, bounds=(0.0, 1.0))


@pytest.mark.parametrize("name", NAMES)
def test_where_values_do_not_change_at_all_slopes_decide(name):
    # f = 1 + 1e-18 q(x), which is 1 in floating point
    def f(x):
        return np.asarray(1.0), 1e-18 * CURVATURES * (x - TARGET)

    result = ag.minimize(
        f,
        np.zeros(5),
        method=name,
        gradient=True,
        hvp=lambda x, v: 1e-18 * CURVATURES * v,
        gtol=1e-26,
        max_steps=4,
    )
    assert np.abs(result.jac).max() < 1e-20
