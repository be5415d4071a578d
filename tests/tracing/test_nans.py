"""Statistics that leave NaN out: NumPy's values, no derivative for what is left out."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError
from tests.support import assert_close, difference
from tests.tracing.anywhere import library_tests
from tests.tracing.laws import LAWS, check_first_order, check_value

RNG = np.random.default_rng(9)
X = RNG.normal(size=(3, 4))
HOLES = np.array([[0, 0, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)
WITH_NAN = np.where(HOLES, np.nan, X)
MASK = np.array([[True, True, True, False]] * 3)

SPELLINGS = {
    "nansum": lambda x: np.nansum(x, axis=1),
    "nansum all": lambda x: np.nansum(x, keepdims=True, initial=2.0) * x,
    "nansum where": lambda x: np.nansum(x, 0, where=MASK),
    "nanprod": lambda x: np.nanprod(x, axis=0),
    "nancumsum": lambda x: np.nancumsum(x),
    "nancumsum axis": lambda x: np.nancumsum(x, axis=1),
    "nancumprod": lambda x: np.nancumprod(x, axis=1),
    "nanmax": lambda x: np.nanmax(x, axis=1),
    "nanmin": lambda x: np.nanmin(x, axis=(0, 1), keepdims=True),
    "nanmax initial": lambda x: np.nanmax(x, axis=1, initial=0.1, where=MASK),
    "nanmean": lambda x: np.nanmean(x, axis=0),
    "nanmean where": lambda x: np.nanmean(x, axis=1, where=MASK),
    "nanvar": lambda x: np.nanvar(x, axis=1, keepdims=True),
    "nanvar ddof": lambda x: np.nanvar(x, axis=1, ddof=1),
    "nanvar mean": lambda x: np.nanvar(x, axis=1, mean=np.nanmean(x, axis=1, keepdims=True)),
    "nanstd": lambda x: np.nanstd(x),
    "nanstd correction": lambda x: np.nanstd(x, axis=1, correction=1),
    "nanargmax": lambda x: x[np.nanargmax(x, axis=0), np.arange(4)] ** 2,
    "nanargmin": lambda x: np.nansum(x[np.nanargmin(x, 1, keepdims=True)[:, 0]], axis=0),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_without_a_nan(name, law):
    LAWS[law](SPELLINGS[name], X)


@pytest.mark.parametrize("name", [n for n in SPELLINGS if n != "nansum all"])
def test_with_nan(name):
    f = SPELLINGS[name]
    check_value(f, WITH_NAN)
    v = np.cos(np.arange(12.0)).reshape(3, 4)
    value, tangent = ag.jvp(f, (WITH_NAN,), (v,))
    np.testing.assert_allclose(tangent, difference(f, WITH_NAN, v), atol=1e-8)
    u = np.ones_like(value)
    (g,) = ag.vjp(f, WITH_NAN)[1](u)
    assert not g[HOLES].any()
    np.testing.assert_allclose(np.sum(g * v), np.sum(u * tangent), rtol=1e-12)


@pytest.mark.parametrize("name", ["nansum", "nanprod", "nancumsum", "nanmean", "nanvar", "nanstd"])
def test_complex_values(name):
    x = WITH_NAN + 1j * X[::-1] ** 2
    check_value(SPELLINGS[name], x)
    check_first_order(SPELLINGS[name], X + 1j * X[::-1] ** 2)


@pytest.mark.parametrize("function", [np.nanmax, np.nanmin, np.nanmean, np.nanvar])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_slice_of_nan_alone_is_nan(function):
    x = np.array([[np.nan, np.nan], [1.0, 2.0]])
    value, pullback = ag.vjp(lambda x: function(x, axis=1), x)
    np.testing.assert_array_equal(np.isnan(value), [True, False])
    assert np.isfinite(pullback(np.ones(2))[0][1]).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_too_few_numbers_for_a_variance_are_nan():
    x = np.array([[np.nan, 1.0, 3.0], [1.0, 2.0, 4.0]])
    check_value(lambda x: np.nanvar(x, axis=1, ddof=2), x)


def test_equal_extremes_share_the_derivative():
    g = ag.grad(lambda x: np.nanmax(x))(np.array([1.0, np.nan, 3.0, 3.0]))
    assert_close(g, [0.0, 0.0, 0.5, 0.5])


def test_positions_in_a_slice_of_nan_alone(xp):
    x = xp.asarray([[np.nan, np.nan], [1.0, 2.0]])
    seen = []

    def f(x):
        seen.append(ag.namespace(x).nanargmax(x, axis=1))
        return ag.namespace(x).nansum(x)

    if xp.backend == "numpy":
        with pytest.raises(ArgumentError, match="NaN only"):
            ag.grad(f)(x)
        return
    ag.grad(f)(x)
    assert_close(seen[0], np.array([-1, 1]), dtype="int64")


ANYWHERE = {
    "nansum": lambda xp, x: xp.nansum(x, axis=1),
    "nanmax": lambda xp, x: xp.nanmax(x, axis=0),
    "nanstd": lambda xp, x: xp.nanstd(x, axis=1, ddof=1),
    "nancumprod": lambda xp, x: xp.nancumprod(x, axis=1),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, WITH_NAN)


@pytest.mark.parametrize("function", [np.nanmax, np.nanmin, np.nanargmax, np.nanargmin])
def test_complex_numbers_have_no_order(function):
    with pytest.raises(DTypeError, match="no order"):
        ag.vjp(lambda x: function(x), X + 1j)
