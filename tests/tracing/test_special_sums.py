"""``logsumexp``, ``softmax`` and ``log_softmax``: values, slopes, extremes, dtypes."""

import types

import numpy as np
import pytest

import anygrad as ag
from anygrad.tracing.functions import SPECIAL
from tests.support import assert_close, difference

special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
traced = types.SimpleNamespace(**SPECIAL)
INF = float("inf")


A = np.asarray([[0.3, -1.2, 2.0], [0.1, 0.7, -0.4]])
B = np.asarray([[0.5, 1.5, -0.25], [1.0, 2.0, 0.5]])
SUMS = {
    "all": {},
    "axis": {"axis": 1},
    "axes": {"axis": (0, 1)},
    "kept": {"axis": 0, "keepdims": True},
    "weights": {"axis": 1, "b": np.abs(B)},
    "broadcast weights": {"axis": 1, "b": B[0] + 1.0},
    "negative weights": {"axis": 1, "b": -B, "return_sign": True},
    "sign": {"axis": -1, "b": B - 1.0, "return_sign": True},
}


@pytest.mark.parametrize("name", SUMS)
def test_logsumexp_is_scipys_and_its_slope_the_difference(name):
    kw = SUMS[name]

    def f(a):
        y = traced.logsumexp(a, **kw)
        return np.sum((y[0] * y[1] if kw.get("return_sign") else y) ** 2)

    def plain(a):
        y = special.logsumexp(a, **kw)
        return np.sum((y[0] * y[1] if kw.get("return_sign") else y) ** 2)

    expected = special.logsumexp(A, **kw)
    found = ag.jvp(lambda a: traced.logsumexp(a, **kw), (A,), (A,))[0]
    assert_close(found, expected if kw.get("return_sign") else np.asarray(expected))
    v = np.cos(np.arange(6.0)).reshape(2, 3)
    np.testing.assert_allclose(np.sum(ag.grad(f)(A) * v), difference(plain, A, v), rtol=1e-9)
    second = ag.jvp(ag.grad(f), (A,), (v,))[1]
    np.testing.assert_allclose(second, difference(ag.grad(f), A, v), rtol=1e-8, atol=1e-9)


def test_logsumexp_by_its_weights():
    def f(b):
        return traced.logsumexp(A, b=b, axis=1)

    v = np.ones_like(B)
    expected = difference(lambda b: special.logsumexp(A, b=b, axis=1), B + 2.0, v)
    np.testing.assert_allclose(ag.jvp(f, (B + 2.0,), (v,))[1], expected, rtol=1e-9)
    zero = np.asarray([0.0, 1.0])
    g = ag.grad(lambda b: traced.logsumexp(np.asarray([INF, 1.0]), b=b))(zero)
    assert g[1] == 1.0


def test_logsumexp_of_infinite_and_extreme_elements():
    x = np.asarray([-INF, 0.0, 1.0])
    g = ag.grad(lambda x: traced.logsumexp(x))(x)
    np.testing.assert_allclose(g, special.softmax(x), rtol=1e-15)
    value, g = ag.value_and_grad(lambda x: traced.logsumexp(x))(np.full(3, -INF))
    assert value == -INF
    np.testing.assert_array_equal(g, np.zeros(3))
    big = np.asarray([1000.0, 1000.0, -1000.0])
    np.testing.assert_array_equal(ag.grad(lambda x: traced.logsumexp(x))(big), [0.5, 0.5, 0.0])
    small = np.asarray([0.0, -40.0])  # log1p keeps what 1 + e^-40 would lose
    value, g = ag.value_and_grad(lambda x: traced.logsumexp(x))(small)
    np.testing.assert_allclose(value, np.exp(-40.0), rtol=1e-14)
    np.testing.assert_allclose(g[1], np.exp(-40.0), rtol=1e-14)
    opposite = ag.jvp(
        lambda x: traced.logsumexp(x, b=np.asarray([1.0, -1.0])), (np.zeros(2),), (np.ones(2),)
    )
    assert opposite == (-INF, 0.0)
    assert np.isnan(traced.logsumexp(np.zeros(1), b=np.asarray([-1.0])))


def test_logsumexp_of_nothing_of_float32_and_of_complex_numbers():
    empty = np.zeros((2, 0))
    value = ag.jvp(lambda x: traced.logsumexp(x, axis=1), (empty,), (empty,))[0]
    np.testing.assert_array_equal(value, [-INF, -INF])
    x = A.astype(np.float32)
    value, pullback = ag.vjp(lambda x: traced.logsumexp(x, axis=1), x)
    assert value.dtype == pullback(value)[0].dtype == np.float32
    z = A + 0.3j * B
    value, tangent = ag.jvp(lambda z: traced.logsumexp(z, axis=1), (z,), (z,))
    np.testing.assert_allclose(value, special.logsumexp(z, axis=1), rtol=1e-14)
    expected = difference(lambda z: special.logsumexp(z, axis=1), z, z)
    np.testing.assert_allclose(tangent, expected, rtol=1e-9)


@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_is_scipys_and_does_not_overflow(name, axis):
    function = SPECIAL[name]
    x = A + 1000.0
    v = np.cos(np.arange(6.0)).reshape(2, 3)
    value, tangent = ag.jvp(lambda x: function(x, axis=axis), (x,), (v,))
    plain = getattr(special, name)
    np.testing.assert_allclose(value, plain(x, axis=axis), rtol=1e-14)
    np.testing.assert_allclose(
        tangent, difference(lambda x: plain(x, axis=axis), x, v), rtol=1e-6, atol=1e-9
    )  # near 1000 a step of the difference is rounded to 1e-13
    hidden = np.asarray([0.0, -INF])
    np.testing.assert_array_equal(ag.vjp(lambda x: traced.softmax(x), hidden)[0], [1.0, 0.0])
    g = ag.grad(lambda x: traced.log_softmax(x)[0])(hidden)
    np.testing.assert_array_equal(g, [0.0, 0.0])


# Functions that are made of rows: value and slope against SciPy's
