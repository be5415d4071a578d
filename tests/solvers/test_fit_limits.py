"""Least squares at the limits: scales, rounding, bounds that cut steps, and what users write."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError
from anygrad.solvers import Status

T = np.linspace(0.0, 4.0, 20)
Y = 3.0 * np.exp(-0.5 * T) + 0.01 * np.cos(7.0 * T)
METHODS = [("lm", "dense"), ("lm", "lsmr"), ("dogleg", "dense"), ("gauss-newton", "dense")]


def decay(p):
    return p[0] * ag.namespace(p).exp(-(p[1] * T)) - Y


def slopes(p):
    falling = np.exp(-p[1] * T)
    return np.stack([falling, -p[0] * T * falling], axis=1)


def optimum(**options):
    return scipy.optimize.least_squares(decay, [1.0, 1.0], xtol=1e-15, ftol=1e-15, **options).x


@pytest.mark.parametrize("jacobian", ["given", "numerical"])
@pytest.mark.parametrize("method", ["lm", "dogleg", "gauss-newton"])
def test_functions_may_fill_the_same_arrays_and_write_into_x(method, jacobian):
    kept, matrix, x0 = np.empty(20), np.empty((20, 2)), np.ones(2)

    def residuals(p):
        kept[:] = decay(p)
        p[:] = 7.0
        return kept

    def derivatives(p):
        matrix[:] = slopes(p)
        p[:] = 9.0
        return matrix

    given = derivatives if jacobian == "given" else jacobian
    result = ag.least_squares(residuals, x0, method=method, jacobian=given)
    assert result.success
    assert np.allclose(result.x, optimum(), rtol=1e-8)
    assert np.array_equal(x0, [1.0, 1.0])
    assert np.array_equal(result.fun, decay(result.x))


@pytest.mark.parametrize("size", [1e-150, 1e-30, 1e30, 1e100, 1e150])
@pytest.mark.parametrize(("method", "solver"), METHODS)
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_the_unit_of_residuals_does_not_matter(method, solver, size, start):
    a = np.random.default_rng(0).normal(size=(6, 3))
    b = np.random.default_rng(1).normal(size=6)
    expected = np.linalg.lstsq(a, b, rcond=None)[0]
    result = ag.least_squares(
        lambda x: (a @ x - b) * size, np.full(3, start), method=method, linear_solver=solver
    )
    assert result.success
    assert np.allclose(result.x, expected, rtol=1e-6)


@pytest.mark.parametrize("size", [1e-150, 1.0, 1e30, 1e100])
@pytest.mark.parametrize("solver", ["dense", "lsmr"])
def test_nor_does_it_within_bounds(solver, size):
    a = np.random.default_rng(0).normal(size=(6, 3))
    b = np.random.default_rng(1).normal(size=6)
    expected = scipy.optimize.lsq_linear(a, b, (-0.1, 0.2), tol=1e-14).x
    result = ag.least_squares(
        lambda x: (a @ x - b) * size, np.zeros(3), bounds=(-0.1, 0.2), linear_solver=solver
    )
    assert result.success
    assert np.allclose(result.x, expected, atol=1e-6)


def test_a_full_step_that_a_bound_cuts_is_no_minimum():
    # without bounds the shortest solution; cut at x[0] <= 0 it would raise the cost
    found = {}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        a, b, x0 = rng.normal(size=(2, 3)), rng.normal(size=2), rng.normal(size=3)
        bounds = (np.full(3, -np.inf), x0 + 1e-3 + rng.random(3) * (rng.random(3) < 0.5))
        expected = scipy.optimize.lsq_linear(a, b, bounds, method="bvls").cost
        result = ag.least_squares(lambda x, a=a, b=b: a @ x - b, x0, bounds=bounds)
        if not result.success or result.cost > expected + 1e-9 * (1.0 + expected):
            found[seed] = (result.cost, expected, result.message)
    assert not found


@pytest.mark.parametrize("method", ["lm", "dogleg"])
@pytest.mark.parametrize("loss", ["linear", "arctan"])
def test_the_end_of_a_large_residual_is_convergence(method, loss):
    # Gauss-Newton steps overshoot: near the minimum costs differ by rounding only
    a = np.random.default_rng(3).normal(size=(5, 2))

    def residuals(x):
        return a @ x + ag.namespace(x).sin(2.0 * (a @ x)) - np.asarray([3.0, -4.0, 2.0, 5.0, -3.0])

    result = ag.least_squares(residuals, np.asarray([0.3, -0.2]), method=method, loss=loss)
    assert result.success, result.message
    assert np.max(np.abs(result.grad)) <= 1e-6 * result.cost


def test_short_steps_of_a_search_are_no_convergence():
    def walled(p):
        if np.any(ag.value(p) > 2.0):
            raise ZeroDivisionError("beyond the wall")
        return np.stack([p[0] - 3.0, p[1] - 1.0])

    result = ag.least_squares(walled, np.zeros(2), method="gauss-newton")
    assert not result.success
    assert result.status is not Status.CONVERGED


def test_gauss_newton_ends_at_residuals_of_rounding():
    for seed in range(20):
        a, b = np.random.default_rng(seed).normal(size=(2, 3)), np.asarray([1.0, -2.0])
        result = ag.least_squares(lambda x, a=a, b=b: a @ x - b, np.ones(3), method="gauss-newton")
        assert result.success, (seed, result.message)


def test_a_jacobian_of_lists_is_refused_with_a_sentence():
    with pytest.raises(ShapeError, match=r"least_squares\(jacobian\): it returned a list"):
        ag.least_squares(lambda p: p, np.ones(2), jacobian=lambda p: [[1.0, 0.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"jacobian": np.eye(2)}, "expected 'automatic'"),
        ({"loss": lambda z: 3.0}, "expected three of shape"),
        ({"loss": lambda z: (z, 1.0, 0.0)}, "expected three of shape"),
    ],
    ids=["jacobian", "loss", "parts"],
)
def test_what_is_no_array_or_no_function_is_told(options, sentence):
    with pytest.raises((ArgumentError, ShapeError), match=sentence):
        ag.least_squares(lambda p: p - 3.0, np.ones(2), **options)


def line(t, a, b):
    return a + b * t


def test_curve_fit_takes_integers_and_one_sigma_as_an_array(quick_xp):
    t, y = quick_xp.asarray([0.0, 1.0, 2.0, 3.0, 4.0]), quick_xp.asarray([1, 2, 4, 4, 5])
    fit = ag.solvers.curve_fit(line, t, y, [1, 1], sigma=quick_xp.asarray(2.0), absolute_sigma=True)
    x, y = np.arange(5.0), np.asarray([1.0, 2.0, 4.0, 4.0, 5.0])
    expected, covariance = scipy.optimize.curve_fit(
        line, x, y, [1.0, 1.0], sigma=np.full(5, 2.0), absolute_sigma=True
    )
    assert np.allclose(ag.to_numpy(fit.params), expected, rtol=1e-5)
    assert np.allclose(ag.to_numpy(fit.covariance), covariance, rtol=1e-4)


def test_curve_fit_takes_complex_starts():
    t = np.arange(5.0)
    fit = ag.solvers.curve_fit(line, t, (1.0 + 2.0j) + (3.0 - 1.0j) * t, [0j, 1.0])
    assert np.allclose(fit.params, [1.0 + 2.0j, 3.0 - 1.0j])


@pytest.mark.parametrize(
    ("data", "options", "sentence"),
    [
        ([np.nan, 1.0, 2.0], {}, "Look for nan in the data"),
        ([0.0, 1.0, 2.0], {"sigma": 0.0}, "zeros in sigma"),
        ([0.0, 1.0, 2.0], {"sigma": -np.eye(3)}, "not positive definite"),
        ([0.0, 1.0, 2.0], {"args": (1.0,)}, "expected none"),
    ],
    ids=["nan", "zero", "indefinite", "args"],
)
def test_curve_fit_says_what_is_wrong(data, options, sentence):
    with np.errstate(all="ignore"), pytest.raises(ArgumentError, match=sentence):
        ag.solvers.curve_fit(line, np.arange(3.0), np.asarray(data), [1.0, 1.0], **options)


@pytest.mark.parametrize("method", ["trust-exact", "dogleg", "trust-ncg", "newton-cg"])
def test_second_order_methods_take_complex_leaves(quick_xp, method):
    goal = quick_xp.asarray([1.0 + 2.0j, -1.0 + 0.5j])

    def f(p):
        gap = p["z"] - goal
        return ag.namespace(gap).sum(ag.namespace(gap).abs(gap) ** 2) + (p["a"] - 1.0) ** 2

    start = {"a": quick_xp.asarray(3.0), "z": quick_xp.asarray([0.5j, 1.0 + 0.0j])}
    result = ag.minimize(f, start, method=method)
    assert result.success
    assert np.allclose(ag.to_numpy(result.x["z"]), ag.to_numpy(goal), atol=1e-4)


@pytest.mark.parametrize("method", ["trust-exact", "dogleg"])
def test_a_kink_ends_regions_without_an_error(method):
    result = ag.minimize(lambda x: np.sum(np.abs(x)), np.asarray([1.0, 2.0]), method=method)
    assert float(result.fun) < 1e-6
