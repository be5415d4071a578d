"""Medians and quantiles: NumPy's values by every method, derivatives by differences."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError, TraceError
from tests.support import assert_close, difference
from tests.tracing.anywhere import library_tests
from tests.tracing.laws import LAWS, check_first_order, check_value

RNG = np.random.default_rng(11)
X = RNG.normal(size=(3, 5))
WITH_NAN = np.where(np.arange(15).reshape(3, 5) % 4 == 1, np.nan, X)
CUBE = RNG.normal(size=(2, 3, 4))
PLAIN = np.zeros(())
W = np.array([0.5, 2.0, 0.0, 1.0, 0.25])
METHODS = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
)
# shares at elements, at halves, between, and at both ends
SHARES = [0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.77, 0.9, 1.0]

SPELLINGS = {
    "median": lambda x: np.median(x),
    "median of even length": lambda x: np.median(x[:, 1:], axis=1),
    "median keepdims": lambda x: np.median(x, axis=(0, -1), keepdims=True) * x,
    "median overwrite_input": lambda x: np.median(1.0 * x, 1, None, True),
    "median by keyword": lambda x: np.median(a=x, axis=0),
    "quantile": lambda x: np.quantile(x, 0.3),
    "quantile list": lambda x: np.quantile(x, [0.3, 0.9], axis=1),
    "quantile matrix": lambda x: np.quantile(x, np.array([[0.3, 0.9], [0.2, 0.1]]), axis=0),
    "quantile keepdims": lambda x: np.quantile(x, [0.3, 1], axis=(1, 0), keepdims=True),
    "quantile traced share": lambda x: np.quantile(x, np.abs(x[:, 0]) / 4.0, axis=1),
    "quantile of constants": lambda x: np.quantile(X, np.abs(x[0]) / 4.0, method="weibull"),
    "quantile weights": lambda x: np.quantile(
        x, [0.2, 0.7], axis=1, method="inverted_cdf", weights=W
    ),
    "quantile traced weights": lambda x: np.quantile(
        x, [0.2, 0.7], axis=1, method="inverted_cdf", weights=x * x
    ),
    "percentile": lambda x: np.percentile(x, 30, axis=0),
    "percentile list": lambda x: np.percentile(x, (0, 30.5, 100), method="hazen"),
    "nanmedian": lambda x: np.nanmedian(x, axis=1),
    "nanquantile": lambda x: np.nanquantile(x, [0.3, 0.9], axis=0, keepdims=True),
    "nanpercentile": lambda x: np.nanpercentile(x, 42.0),
    "nanquantile weights": lambda x: np.nanquantile(
        x, [0.2, 0.7], axis=1, method="inverted_cdf", weights=np.tile(W, (3, 1))
    ),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
def test_every_method_has_numpys_values(method, axis):
    def f(x):
        return np.quantile(x, SHARES, axis=axis, method=method)

    check_value(f, CUBE)
    check_first_order(f, CUBE)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_without_nan(method):
    def f(x):
        return np.nanquantile(x, SHARES, axis=1, method=method)

    check_value(f, WITH_NAN)
    tangent = ag.jvp(f, (WITH_NAN,), (np.cos(X),))[1]
    np.testing.assert_allclose(tangent, difference(f, WITH_NAN, np.cos(X)), atol=1e-8)
    (g,) = ag.vjp(f, WITH_NAN)[1](np.ones((10, 3)))
    assert not g[np.isnan(WITH_NAN)].any()


def test_a_smallest_element_of_no_weight_is_no_quantile():
    weights = np.array([1.0, 0.0, 2.0])

    def f(x):
        return np.quantile(x, [0.0, 0.2, 1.0], method="inverted_cdf", weights=weights)

    check_value(f, np.array([2.0, 1.0, 3.0]))


def test_weights_of_nan_do_not_count():
    weights = np.linspace(0.5, 2.0, 15).reshape(3, 5)

    def f(x):
        return np.nanquantile(x, SHARES, axis=1, method="inverted_cdf", weights=weights)

    check_value(f, WITH_NAN)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2])
def test_every_method_of_one_and_two_elements(method, n):
    check_value(lambda x: np.quantile(x[0, :n], SHARES, method=method), X)


@pytest.mark.parametrize("method", METHODS)
def test_the_derivative_by_the_share_is_the_slope_of_the_line(method):
    def f(q):
        return np.quantile(X, q, axis=1, method=method)

    q = np.array([0.13, 0.38, 0.71])  # at no element
    tangent = ag.jvp(f, (q,), (np.ones(3),))[1]
    np.testing.assert_allclose(tangent, difference(f, q, np.ones(3)), atol=1e-8)


def test_at_an_element_the_slope_is_that_of_the_line_above_and_at_the_end_below():
    x = np.array([1.0, 3.0, 9.0])
    (g,) = ag.vjp(lambda q: np.quantile(x, q), np.array([0.0, 0.5, 1.0]))[1](np.ones(3))
    assert_close(g, [4.0, 12.0, 12.0])


def test_of_equal_elements_the_first_in_order_has_the_derivative(xp):
    x = xp.asarray([2.0, 1.0, 2.0, 2.0, 5.0])
    g = ag.grad(lambda x: ag.namespace(x).median(x))(x)
    assert_close(g, [0.0, 0.0, 1.0, 0.0, 0.0])  # 1 2 2 2 5: the second 2 stands in the middle


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two(xp):
    g = ag.grad(lambda x: ag.namespace(x).median(x))(xp.asarray([4.0, 1.0, 3.0, 2.0]))
    assert_close(g, [0.0, 0.0, 0.5, 0.5])


@pytest.mark.parametrize("function", [np.median, lambda x: np.quantile(x, 0.3)])
def test_a_nan_makes_the_result_nan(function):
    value, _ = ag.vjp(lambda x: function(x), np.array([1.0, np.nan, 2.0, 0.5]))
    assert np.isnan(value)


def test_a_slice_of_nan_alone_is_nan():
    x = np.array([[np.nan, np.nan], [1.0, 2.0]])
    for f in (lambda x: np.nanmedian(x, axis=1), lambda x: np.nanquantile(x, 0.5, axis=1)):
        value, pullback = ag.vjp(f, x)
        np.testing.assert_array_equal(value, [np.nan, 1.5])
        assert_close(pullback(np.ones(2))[0][1], [0.5, 0.5])


def test_the_median_of_nothing_is_nan_as_in_numpy():
    with pytest.warns(RuntimeWarning):
        value, _ = ag.vjp(lambda x: np.median(x[:0]), X[0])
    assert np.isnan(value)


def test_into_a_traced_array():
    def f(x):
        y = np.zeros_like(x[0])
        np.median(x, axis=0, out=y)
        return y * x[0]

    check_first_order(f, X)


ANYWHERE = {
    "median": lambda xp, x: xp.median(x, axis=1),
    "quantile": lambda xp, x: xp.quantile(x, [0.1, 0.5], axis=0),
    "traced share": lambda xp, x: xp.quantile(x, abs(x[0, :]) / 4.0, axis=1, method="hazen"),
    "weights": lambda xp, x: xp.quantile(x, 0.4, axis=1, method="inverted_cdf", weights=x * x),
    "nanpercentile": lambda xp, x: xp.nanpercentile(x, [10, 60], axis=1, method="midpoint"),
    "nanmedian": lambda xp, x: xp.nanmedian(x),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, X)


REFUSED = {
    "method": (lambda x: np.quantile(x, 0.5, method="cubic"), ArgumentError, "method.*linear"),
    "share": (lambda x: np.quantile(x, 1.5), ArgumentError, "q.*from 0 to 1"),
    "percent": (lambda x: np.percentile(x, -3), ArgumentError, "q.*from 0 to 100"),
    "axes of q": (lambda x: np.quantile(x, np.zeros((1, 1, 1))), ArgumentError, "3 axes"),
    "complex": (lambda x: np.quantile(x + 1j, 0.5), DTypeError, "no order"),
    "complex median": (lambda x: np.median(x + 1j), DTypeError, "no order"),
    "weights": (lambda x: np.quantile(x, 0.5, weights=np.ones((3, 5))), ArgumentError, "weights"),
    "negative": (
        lambda x: np.quantile(x, 0.5, axis=1, method="inverted_cdf", weights=-W),
        ArgumentError,
        "at least 0",
    ),
    "empty": (lambda x: np.quantile(x[:0], 0.5), ArgumentError, "no elements"),
    "out": (lambda x: np.median(x, out=PLAIN), TraceError, "gradient would be lost"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = case
    with pytest.raises(error, match=words):
        ag.vjp(f, X)


def test_medians_are_those_of_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    jax.config.update("jax_enable_x64", True)
    for n in (4, 5):
        expected = jax.grad(lambda x: jax.numpy.median(x) ** 2)(X[0, :n])
        assert_close(ag.grad(lambda x: np.median(x) ** 2)(X[0, :n]), np.asarray(expected))
    expected = jax.grad(lambda x: jax.numpy.quantile(x, 0.37))(X.ravel())
    assert_close(ag.grad(lambda x: np.quantile(x, 0.37))(X.ravel()), np.asarray(expected))
