"""Robust losses of ``least_squares`` against SciPy's."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.errors import ShapeError
from anygrad.solvers.fitting.losses import LOSSES, find_loss

T = np.linspace(0.0, 5.0, 25)
OUTLIERS = np.zeros(25)
OUTLIERS[[3, 9, 17]] = [4.0, -3.0, 6.0]
Y = 3.0 * np.exp(-0.7 * T) + 0.1 * np.sin(11.0 * T) + OUTLIERS
NAMES = [name for name in LOSSES if name != "linear"]
START = [2.0, 0.5]


def on_host(p):
    return p[0] * np.exp(-p[1] * T) - Y


def jacobian(p):
    e = np.exp(-p[1] * T)
    return np.stack([e, -p[0] * T * e], axis=1)


def scipys(loss, f_scale=0.3, **options):
    tight = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 3000}
    return scipy.optimize.least_squares(
        on_host, START, jac=jacobian, loss=loss, f_scale=f_scale, **tight, **options
    )


def residuals(xp):
    t, y = xp.asarray(T), xp.asarray(Y)
    return lambda p: p[0] * ag.namespace(p).exp(-(p[1] * t)) - y


@pytest.mark.parametrize("name", NAMES)
def test_minima_are_scipys(quick_xp, name):
    result = ag.least_squares(residuals(quick_xp), quick_xp.asarray(START), loss=name, f_scale=0.3)
    expected = scipys(name)
    assert result.success, result.message
    assert np.allclose(ag.to_numpy(result.x), expected.x, rtol=1e-6)
    assert np.isclose(float(ag.to_numpy(result.cost)), expected.cost, rtol=1e-12)
    assert np.abs(ag.to_numpy(result.grad)).max() < 1e-10
    # residuals are told before the loss, rows of the Jacobian after it, as in SciPy
    assert np.allclose(ag.to_numpy(result.fun), expected.fun, rtol=1e-5, atol=1e-7)
    assert np.allclose(ag.to_numpy(result.jac), expected.jac, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["gauss-newton", "dogleg", "products"])
@pytest.mark.parametrize("name", ["soft_l1", "huber"])
def test_every_method_takes_losses(name, method):
    options = {"linear_solver": "lsmr"} if method == "products" else {"method": method}
    result = ag.least_squares(residuals(np), np.asarray(START), loss=name, f_scale=0.3, **options)
    assert result.success, result.message
    assert np.allclose(result.x, scipys(name).x, rtol=1e-6)


def test_bounds_and_a_loss_go_together():
    bounds = ([0.0, 0.0], [2.5, 9.0])
    result = ag.least_squares(
        residuals(np), np.asarray(START), loss="soft_l1", f_scale=0.3, bounds=tuple(bounds)
    )
    expected = scipys("soft_l1", bounds=bounds)
    assert result.x[0] == 2.5
    assert np.allclose(result.x, expected.x, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_of_losses_are_those_of_their_values(quick_xp, name):
    z = quick_xp.asarray([0.0, 1e-9, 0.3, 0.999, 1.001, 4.0, 1e6])
    rho = LOSSES[name]
    names = z.__array_namespace__() if hasattr(z, "__array_namespace__") else ag.namespace(z)
    _, first, second = rho(names, z)
    ones = quick_xp.ones_like(z)
    of = lambda k: lambda v: rho(ag.namespace(v), v)[k]
    slope = ag.jvp(of(0), (z,), (ones,))[1]
    bend = ag.jvp(of(1), (z,), (ones,))[1]
    assert np.allclose(ag.to_numpy(first), ag.to_numpy(slope), rtol=1e-12)
    assert np.allclose(ag.to_numpy(second), ag.to_numpy(bend), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", NAMES)
def test_the_corrected_residuals_give_the_gradient_of_the_cost(name):
    f = np.asarray([-3.0, -0.2, 0.0, 0.4, 7.0])
    loss = find_loss("test", name, 0.5)
    corrected, weights = loss.correct(np, f)
    gradient = ag.grad(lambda f: loss.cost(ag.namespace(f), f))(f)
    assert np.allclose(weights * corrected, gradient, rtol=1e-12)


def test_a_small_robust_cost_keeps_its_digits():
    f = np.asarray([1e-7, 2e-7])
    cost = find_loss("test", "soft_l1", 1.0).cost(np, f)
    assert np.isclose(cost, 0.5 * np.sum(f * f), rtol=1e-12)


def of_scipy(z):
    """Log-cosh-like, in SciPy's convention."""
    return np.stack([np.log1p(z), 1.0 / (1.0 + z), -1.0 / (1.0 + z) ** 2])


@pytest.mark.parametrize("form", [of_scipy, lambda z: tuple(of_scipy(z))], ids=["array", "tuple"])
def test_a_function_in_scipys_convention_serves(form):
    given = ag.least_squares(residuals(np), np.asarray(START), loss=form, f_scale=0.3)
    named = ag.least_squares(residuals(np), np.asarray(START), loss="cauchy", f_scale=0.3)
    assert np.allclose(given.x, named.x, rtol=1e-12)
    assert np.allclose(given.x, scipys(of_scipy).x, rtol=1e-6)


def test_a_loss_of_wrong_shape_is_refused():
    with pytest.raises(ShapeError, match=r"loss.*three"):
        ag.least_squares(residuals(np), np.asarray(START), loss=lambda z: z)


def test_a_complex_residual_counts_by_its_parts():
    y = np.asarray([1.0 + 2.0j, 5.0 - 1.0j, 0.2j])
    found = ag.least_squares(
        lambda p: p * (1.0 + 0.5j) - y[0] + y * 0.3, np.asarray([0.0, 0.0, 0.0]), loss="soft_l1"
    )
    parts = lambda p: np.concatenate(
        [(p * (1.0 + 0.5j) - y[0] + y * 0.3).real, (p * (1.0 + 0.5j) - y[0] + y * 0.3).imag]
    )
    expected = scipy.optimize.least_squares(
        parts, np.zeros(3), loss="soft_l1", xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    assert np.allclose(found.x, expected.x, rtol=1e-6)
