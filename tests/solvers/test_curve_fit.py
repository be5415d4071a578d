"""``curve_fit`` and the covariance of parameters against SciPy's."""

import numpy as np
import pytest
import scipy.optimize

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError

T = np.linspace(0.0, 4.0, 20)
Y = 2.5 * np.exp(-1.3 * T) + 0.5 + 0.05 * np.sin(9.0 * T)
SIGMA = 0.1 + 0.05 * T
P0 = [1.0, 1.0, 0.0]


def model(t, a, k, c):
    return a * np.exp(-k * t) + c


def scipys(**options):
    tight = {"ftol": 1e-14, "xtol": 1e-14, "gtol": 1e-14}
    return scipy.optimize.curve_fit(model, T, Y, P0, **tight, **options)


def correlated():
    gap = np.abs(T[:, None] - T[None, :])
    return 0.02 * np.exp(-gap / 0.5) + 0.01 * np.eye(20)


SIGMAS = {"none": None, "each": SIGMA, "matrix": correlated()}


@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
@pytest.mark.parametrize("kind", SIGMAS)
def test_parameters_and_covariance_are_scipys(quick_xp, kind, absolute):
    sigma = SIGMAS[kind]
    popt, pcov = ag.solvers.curve_fit(
        lambda t, a, k, c: a * ag.namespace(k).exp(-(k * t)) + c,
        quick_xp.asarray(T),
        quick_xp.asarray(Y),
        P0,
        sigma=None if sigma is None else quick_xp.asarray(sigma),
        absolute_sigma=absolute,
    )
    expected, covariance = scipys(sigma=sigma, absolute_sigma=absolute)
    assert np.allclose(ag.to_numpy(popt), expected, rtol=1e-6)
    assert np.allclose(ag.to_numpy(pcov), covariance, rtol=1e-5)
    assert type(popt) is type(quick_xp.asarray(Y))


def test_one_sigma_for_all_data_changes_the_absolute_covariance_only():
    plain = ag.solvers.curve_fit(model, T, Y, P0)
    scaled = ag.solvers.curve_fit(model, T, Y, P0, sigma=3.0)
    absolute = ag.solvers.curve_fit(model, T, Y, P0, sigma=3.0, absolute_sigma=True)
    assert np.allclose(scaled.covariance, plain.covariance, rtol=1e-8)
    _, expected = scipys(sigma=np.full(20, 3.0), absolute_sigma=True)
    assert np.allclose(absolute.covariance, expected, rtol=1e-5)


def test_a_tree_of_parameters_is_passed_whole(xp):
    start = {"rate": xp.asarray(1.0), "scale": xp.asarray([1.0, 0.0])}
    fit = ag.solvers.curve_fit(
        lambda t, p: p["scale"][0] * ag.namespace(p["rate"]).exp(-(p["rate"] * t)) + p["scale"][1],
        xp.asarray(T),
        xp.asarray(Y),
        start,
    )
    expected, covariance = scipys()
    errors = np.sqrt(np.diag(covariance))
    assert np.isclose(float(ag.to_numpy(fit.params["rate"])), expected[1], rtol=1e-6)
    assert np.allclose(ag.to_numpy(fit.standard_errors["scale"]), errors[[0, 2]], rtol=1e-5)
    order = [1, 0, 2]  # rate, then scale: the flat order of the tree
    assert np.allclose(ag.to_numpy(fit.covariance), covariance[order][:, order], rtol=1e-5)


@pytest.mark.parametrize("p0", [P0, tuple(P0), np.asarray(P0)], ids=["list", "tuple", "array"])
def test_flat_starts_are_passed_one_by_one(p0):
    fit = ag.solvers.curve_fit(model, T, Y, p0)
    assert fit.params.shape == fit.standard_errors.shape == (3,)
    assert np.allclose(fit.params, scipys()[0], rtol=1e-6)


def test_bounds_are_kept(xp):
    fit = ag.solvers.curve_fit(
        lambda t, a, k, c: a * ag.namespace(k).exp(-(k * t)) + c,
        xp.asarray(T),
        xp.asarray(Y),
        P0,
        bounds=(0.0, [2.0, 3.0, 1.0]),
    )
    expected, _ = scipys(bounds=(0.0, [2.0, 3.0, 1.0]))
    found = ag.to_numpy(fit.params)
    assert found[0] == 2.0
    assert np.allclose(found, expected, rtol=1e-5)


def test_complex_data_are_fitted():
    truth = (1.2 - 0.3j) * np.exp((-0.5 + 3.0j) * T)
    fit = ag.solvers.curve_fit(
        lambda t, p: p["a"] * np.exp(p["s"] * t), T, truth, {"a": 1.0 + 0.0j, "s": -0.3 + 2.8j}
    )
    assert np.isclose(complex(fit.params["a"]), 1.2 - 0.3j)
    assert np.isclose(complex(fit.params["s"]), -0.5 + 3.0j)


def test_float32_stays_float32():
    fit = ag.solvers.curve_fit(model, T.astype(np.float32), Y.astype(np.float32), P0)
    assert fit.params.dtype == fit.covariance.dtype == np.float32
    assert np.allclose(fit.params, scipys()[0], rtol=1e-4)
    assert np.allclose(fit.covariance, scipys()[1], rtol=1e-2)


def test_parameters_that_data_do_not_determine_have_infinite_covariance():
    with pytest.warns(UserWarning, match="infinite, for only 2 directions of 3"):
        fit = ag.solvers.curve_fit(lambda t, a, b, c: (a + b) * t + c, T, Y, P0)
    assert np.isinf(fit.covariance).all()
    assert np.isinf(fit.standard_errors).all()


def test_as_many_parameters_as_data_leave_no_variance():
    with pytest.warns(UserWarning, match="leave none to estimate"):
        fit = ag.solvers.curve_fit(lambda t, a, b: a * t + b, T[:2], Y[:2], [1.0, 1.0])
    assert np.isinf(fit.covariance).all()
    absolute = ag.solvers.curve_fit(
        lambda t, a, b: a * t + b, T[:2], Y[:2], [1.0, 1.0], sigma=0.1, absolute_sigma=True
    )
    assert np.isfinite(absolute.covariance).all()


def test_scale_does_not_decide_about_rank():
    """Parameters of 1e12 and 1e-12 are as well determined as those of 1."""
    fit = ag.solvers.curve_fit(lambda t, a, b: a * 1e-12 * t + b * 1e12, T, Y, [1.0, 1.0])
    line, covariance = np.polyfit(T, Y, 1, cov=True)
    assert np.allclose(fit.params, line * [1e12, 1e-12], rtol=1e-10)
    expected = np.sqrt(np.diag(covariance)) * [1e12, 1e-12]
    assert np.allclose(fit.standard_errors, expected, rtol=1e-9)


def test_a_fit_that_did_not_converge_warns():
    with pytest.warns(UserWarning, match="did not converge"):
        fit = ag.solvers.curve_fit(model, T, Y, P0, max_steps=1)
    assert not fit.result.success


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"curve_fit\(sigma\).*\(20,\)"):
        ag.solvers.curve_fit(model, T, Y, P0, sigma=np.ones(3))
    with pytest.raises(ShapeError, match=r"curve_fit\(model\).*\(20,\)"):
        ag.solvers.curve_fit(lambda t, a: a * t[:5], T, Y, [1.0])
    with pytest.raises(ArgumentError, match=r"curve_fit\(y_data\)"):
        ag.solvers.curve_fit(model, T, list(Y), P0)
    with pytest.raises(ArgumentError, match=r"curve_fit\(model\)"):
        ag.solvers.curve_fit(3.0, T, Y, P0)
