"""Overwritten arrays, copies and views: NumPy code that shares memory is right, or it raises."""

import copy

import numpy as np
import pytest

from anygrad.autodiff import grad, jvp, stop_gradient, value, vjp
from anygrad.config import use_settings
from anygrad.errors import (
    DTypeError,
    TraceError,
)
from tests.support import assert_close, difference

X = np.array([1.0, 2.0, 3.0])


# Arrays that the backward pass reads --------------------------------------------------------------


@pytest.mark.parametrize("size", [3, 500, 100_000])
@use_settings(rebind=False)
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


@use_settings(rebind=False)
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


@use_settings(rebind=False)
def test_buffers_that_come_back_to_their_content_are_noticed():
    def f(x):
        s, total = np.ones(3), 0.0
        for k in range(1, 5):
            total = total + np.sum(s * x**k)
            s *= -1
        return total

    with pytest.raises(TraceError, match="overwritten"):
        grad(f)(X)


@use_settings(rebind=False)
def test_small_writes_into_larger_buffers_are_noticed():
    for size, fill in ((2000, 0.0), (1500, np.nan), (2048, 1e20)):  # up to 16 KB
        x = np.ones(size)

        def f(x, size=size, fill=fill):
            w = np.zeros(size)
            w[0] = fill
            total = 0.0
            for k in (5, 6, 9):
                w[k] = 1.0
                total = total + np.sum((x * w)[1:])
                w[k] = 0.0
            return total

        with pytest.raises(TraceError, match="overwritten"):
            grad(f)(x)


def test_subclasses_and_other_layouts_are_watched(tmp_path):
    class Marked(np.ndarray):
        pass

    mapped = np.memmap(tmp_path / "m", dtype=np.float64, mode="w+", shape=(3,))
    large = np.asfortranarray(np.ones((60, 50)))
    for c in (mapped, np.ones(3).view(Marked), large, large[::2, ::-1], np.ones((60, 50))[:, ::2]):
        x = np.ones(c.shape)

        def f(x, c=c):
            c[...] = 1.0
            y = np.sum(x * c)
            c[...] = 7.0
            return y

        with pytest.raises(TraceError, match="overwritten"):
            grad(f)(x)


def test_arrays_that_nobody_changes_are_no_false_alarm():
    table = np.arange(6.0).reshape(2, 3)
    table[0, 1] = np.nan

    def f(x):
        total = 0.0
        for k in range(50):
            row = np.full(3, float(k))  # freed and made again, often at one address
            total = total + np.sum(x * row) + np.sum(x * table[1]) + np.sum((x * table)[0, :1])
        return total

    assert grad(f)(X)[0] == 1225.0 + 50 * 3.0 + 0.0


def test_aux_and_forward_results_are_arrays_of_their_own():
    def g(x):
        y = np.exp(x)
        return np.sum(y), y

    _, pullback, aux = vjp(g, X, has_aux=True)
    aux *= 0
    assert_close(pullback(1.0)[0], np.exp(X))
    a = X.copy()
    out, tangent = jvp(lambda x: (x, x.reshape(3, 1)), (a,), (a,))
    out[0][:] = 0.0
    tangent[0][:] = 0.0
    np.testing.assert_array_equal(a, X)


def test_nested_index_lists_may_be_changed_later():
    def f(x):
        k = [[0, 1], [1, 2]]
        y = np.sum(x[k] ** 2)
        k[0][0] = k[1][0] = 2
        return y

    key = [[0, 1], [1, 2]]
    expected = grad(lambda x: np.sum(x[key] ** 2))(X)
    assert_close(grad(f)(X), expected)


def test_rolling_by_nothing_copies():
    def f(x):
        y = x * 1.0
        z = np.roll(y, 0, axis=0)
        z[0] = 50.0
        return np.sum(y * x)

    assert_close(grad(f)(X), 2 * X)


def test_stale_views_are_refused_in_comparisons_and_conditions():
    def compared(x):
        y = x * 2
        v = y[1:]
        y[1] = -5.0
        return np.sum(x) if np.array_equal(v, [4.0, 6.0]) else np.sum(x * x)

    def condition(x):
        y = x * 2
        v = y[1:]
        y[1] = 0.0
        return np.sum(np.where(v, x[1:], 0.0))

    def summed(x):
        y = x * 2
        v = y[1:]
        y[1] = -5.0
        return np.sum(v)

    for run in (lambda: grad(compared)(X), lambda: grad(condition)(X), lambda: vjp(summed, X)):
        with pytest.raises(TraceError, match="view"):
            run()


def test_integers_of_numpy_index_beside_lists():
    def f(x):
        y = x[:, None] * x
        y[np.int64(0), [0, 1]] = 5.0
        return np.sum(y)

    np.testing.assert_allclose(grad(f)(X) @ X, difference(f, X, X), rtol=1e-9)
