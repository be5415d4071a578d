"""Overwritten arrays, copies and views: NumPy code that shares memory is right, or it raises."""

import copy

import numpy as np
import pytest

from anygrad.autodiff import grad, jvp, stop_gradient, value, vjp
from anygrad.errors import (
    DTypeError,
    TraceError,
)
from tests.support import assert_close

X = np.array([1.0, 2.0, 3.0])


def difference(f, x, v, h=1e-3):
    def at(t):
        return np.asarray(f(x + t * v))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


# Arrays that the backward pass reads --------------------------------------------------------------


@pytest.mark.parametrize("size", [3, 500, 100_000])
def test_a_buffer_used_again_is_noticed(size):
    x = np.linspace(0.5, 1.5, size)

    def f(x):
        c = np.ones(size)
        total = 0.0
        for k in range(3):
            c[:] = k + 1
            total = total + np.sum(x * c)
        return total

    with pytest.raises(TraceError, match="overwritten"):
        grad(f)(x)


def test_a_buffer_used_again_in_a_product_is_noticed():
    def f(x):
        a = np.eye(3)
        y = a @ x
        a[0, 0] = 5.0
        return np.sum(y)

    with pytest.raises(TraceError, match="overwritten"):
        grad(f)(X)


def test_index_arrays_may_be_used_again():
    def f(x):
        key = np.array([0, 1])
        y = np.sum(x[key] ** 2)
        key[:] = 2
        rows = [0, 1]
        z = np.sum(x[rows] ** 2)
        rows[:] = [2, 2]
        return y + z

    assert_close(grad(f)(X), [4.0, 8.0, 0.0])


def test_an_input_overwritten_before_the_pullback_is_noticed():
    z = X.copy()
    _, pullback = vjp(lambda x: np.sum(x**3), z)
    z[:] = 0.0
    with pytest.raises(TraceError, match="overwritten"):
        pullback(1.0)


def test_results_may_be_overwritten():
    residual, pullback = vjp(np.exp, X)
    residual -= 1.0
    assert_close(pullback(np.ones(3))[0], np.exp(X))


@pytest.mark.parametrize("escape", [stop_gradient, value])
def test_values_taken_out_may_be_overwritten(escape):
    def f(x):
        y = np.exp(x)
        b = escape(y)
        b /= np.sum(b)
        c = escape(x)
        c -= 1.0
        return np.sum(y)

    before = X.copy()
    assert_close(grad(f)(X), np.exp(X))
    np.testing.assert_array_equal(X, before)


# Copies and views ---------------------------------------------------------------------------------


def test_casts_and_clips_are_copies_as_in_numpy():
    for cast in (
        lambda x: x.astype(np.float64),
        lambda x: np.astype(x, np.float64),
        lambda x: x.__array_namespace__().astype(x, np.float64),
        lambda x: np.clip(x, None, None),
        np.copy,
        copy.copy,
        copy.deepcopy,
    ):

        def f(x, cast=cast):
            y = cast(x) if hasattr(x, "__anygrad_traced__") else x.copy()
            y[0] = 100.0
            return np.sum(x * y)

        assert_close(grad(f)(X), [100.0, 4.0, 6.0])
        assert_close(jvp(f, (X,), (np.ones(3),))[0], f(X))


def test_results_that_numpy_copies_may_be_written():
    a = np.ones((3, 3))
    for f in (
        lambda x: (x * a).flatten(),
        lambda x: np.tile(x, 2),
        lambda x: np.repeat(x, 2),
        lambda x: np.roll(x * a, 1),
        lambda x: np.tensordot(x * a, a, 1),
        lambda x: np.full_like(x, x[0]),
    ):
        for mode in (lambda f: grad(f)(X), lambda f: jvp(f, (X,), (X,))):

            def g(x, f=f):
                y = f(x)
                y[0] = 7.0
                y += 1.0
                return np.sum(y)

            mode(g)
        np.testing.assert_allclose(
            np.sum(grad(g)(X) * np.ones(3)), difference(g, X, np.ones(3)), atol=1e-9
        )


def test_parts_of_complex_numbers_are_views():
    def real(x):
        y = x * 1j
        y.real[...] = x
        return np.sum(np.abs(y) ** 2)

    def imag(x):
        y = x * 1j
        part = y.imag
        part += 1.0
        return np.sum(np.abs(y) ** 2)

    for f in (real, imag):
        with pytest.raises(TraceError, match="view"):
            grad(f)(X)
        with pytest.raises(TraceError, match="view"):
            jvp(f, (X,), (X,))


def test_stale_views_are_refused_wherever_they_are_read():
    def branch(x):
        y = x * 2
        v = y[1:]
        y[1] = -5.0
        return np.sum(x) if (v > 0).all() else np.sum(x * x)

    def returned(x):
        y = x * 2
        v = y[1:]
        y[1] = -5.0
        return v

    for run in (
        lambda: grad(branch)(X),
        lambda: jvp(branch, (X,), (X,)),
        lambda: vjp(returned, X),
        lambda: jvp(returned, (X,), (X,)),
        lambda: grad(lambda x: np.sum(returned(x)))(X),
    ):
        with pytest.raises(TraceError, match="view"):
            run()


def test_a_complex_update_of_a_real_array_is_refused():
    def f(x):
        y = np.zeros_like(x) + 1.0
        y += 1j * x
        return np.sum(np.abs(y) ** 2)

    with pytest.raises(DTypeError, match="imaginary"):
        grad(f)(X)


def test_quotients_in_place_and_values_with_leading_ones():
    def f(x):
        y = x * 2.0
        y[0:2] = (x[0:2] * 3)[None]
        z = x * 1.0
        z //= 2
        return np.sum(y * x) + np.sum(z)

    np.testing.assert_allclose(grad(f)(X), [6.0, 12.0, 12.0])
    np.testing.assert_allclose(jvp(f, (X,), (X,))[1], 6.0 + 24.0 + 36.0)


def test_long_loops_of_writes_stay_linear():
    from anygrad.tracing.views import Views

    n = 200
    looked_at = []
    original = Views.check
    Views.check = lambda self, entries: looked_at.append(len(entries)) or original(self, entries)
    try:

        def f(x):
            y = x * 1.0
            for k in range(1, n):
                y[k] = y[k - 1] * 0.5 + x[k] ** 2
            return np.sum(y)

        g = grad(f)(np.linspace(0.1, 1.0, n))
    finally:
        Views.check = original
    assert len(looked_at) <= 1  # one pass over the tape, not one for each write
    exact = 2 * np.linspace(0.1, 1.0, n) * (2 - 0.5 ** np.arange(n - 1, -1, -1))
    np.testing.assert_allclose(g[1:], exact[1:], rtol=1e-12)
