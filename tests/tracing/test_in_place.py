"""In-place writes on traced arrays: differentiated as NumPy computes them, or they raise."""

import numpy as np
import pytest

from anygrad.autodiff import grad, jvp
from anygrad.errors import DTypeError, ShapeError, TraceError
from tests.support import assert_close, difference

X = np.array([0.5, -1.25, 2.0, 0.75])
V = np.array([1.0, -0.5, 0.25, 2.0])


def fill(x):
    y = np.zeros_like(x)
    for k in range(4):
        y[k] = x[k] * x[(k + 1) % 4]
    return np.sum(y * x)


def slices(x):
    y = np.zeros_like(x)
    y[1:-1] = x[:-2] + 3.0 * x[2:] ** 2
    y[0] += x[1] ** 2
    y[::2] *= x[::2]
    y[-1] = 2.0
    return np.sum(y * x)


def rows(x):
    a = x[:, None] * x[None, :]
    a = a + 0.0
    a[0] += x
    a[1:3, ::2] -= x[:2]
    a[:, 1] = 1.0
    a[2] = a[1] * 2
    return np.sum(a * a)


def whole(x):
    y = x * 2
    y += x**2
    y -= 1.0
    y *= x
    y /= 2.0 + x * x
    y **= 2
    return np.sum(y)


def alias(x):
    y = x * 3.0
    z = y
    y += x * x
    z[0] = 7.0 * x[1]
    return np.sum(y * x)


def masked(x):
    y = x * x
    y[X > 0] = 0.5
    y[np.array([1, 3])] = x[:2] ** 3
    return np.sum(y)


def argument(x):
    x[1] = x[0] ** 2
    x += 1.0
    return np.sum(x * x)


def running(x):
    total = 0.0
    product = x[0]
    for value in x:
        total += value * value
        product *= value
    return total * product


def scalar_copy(x):
    y = x * 2.0
    first = y[0]
    y[0] = 5.0
    return first * np.sum(y)


def copied(x):
    y = x * 2.0
    part = y[1:].copy()
    y[1:] = 0.0
    part += 1.0
    return np.sum(part) * np.sum(y)


def plain_value(x):
    y = x * 1.0
    y[:2] = np.array([3.0, 4.0])
    y[3] = np.float64(2.0)
    return np.sum(y * y * x)


FUNCTIONS = [
    fill, slices, rows, whole, alias, masked, argument, running, scalar_copy, copied, plain_value,
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_writes_differentiate_in_both_modes_and_twice(f):
    before = X.copy()
    g = grad(f)(X)
    np.testing.assert_array_equal(X, before)
    value, tangent = jvp(f, (X,), (V,))
    assert_close(np.asarray(value), np.asarray(f(X.copy())))
    np.testing.assert_allclose(
        tangent, difference(f, X, V), rtol=1e-9, atol=1e-9
    )  # difference quotient
    np.testing.assert_allclose(np.sum(g * V), tangent, rtol=1e-12)
    _, second = jvp(grad(f), (X,), (V,))
    np.testing.assert_allclose(second, difference(grad(f), X, V), rtol=1e-8, atol=1e-8)


def test_a_standard_fill_loop_on_every_backend(xp):
    def f(x):
        ns = x.__array_namespace__()
        y = ns.zeros_like(x)
        y[1:] = x[:-1] * 2.0
        y[0] = x[1] ** 2
        y[2] += 1.0
        y *= 3.0
        return ns.sum(y * x)

    assert_close(grad(f)(xp.asarray(X)), grad(f)(X))


def write_a_view(x):
    y = x * 2.0
    part = y[1:]
    part[0] = 3.0
    return np.sum(y)


def add_to_a_view(x):
    y = x * 2.0
    part = y[1:]
    part += x[1:]
    return np.sum(y)


def add_to_a_view_then_write_elsewhere(x):
    y = x * 2.0
    part = y[:2]
    part += 1.0
    y[2:] = part
    return np.sum(y * x)


def write_a_reshaped_view(x):
    y = x * 2.0
    y.reshape(2, 2)[0, 0] = 1.0
    return np.sum(y)


def write_a_transpose(x):
    y = x[:, None] * x
    y.T[0] = 1.0
    return np.sum(y)


def read_a_stale_view(x):
    y = x * 2.0
    part = y[1:]
    y[2] = 5.0
    return np.sum(part * x[1:])


def read_a_stale_view_of_a_view(x):
    y = x * 2.0
    part = y[1:].reshape(3, 1)
    y[2] = 5.0
    return np.sum(part)


def return_a_stale_view(x):
    y = x * 2.0
    part = y[1:]
    y *= 2.0
    return np.sum(part)


LOST = [
    write_a_view, add_to_a_view, add_to_a_view_then_write_elsewhere, write_a_reshaped_view,
    write_a_transpose, read_a_stale_view, read_a_stale_view_of_a_view, return_a_stale_view,
]  # fmt: skip


@pytest.mark.parametrize("mode", ["reverse", "forward", "nested"])
@pytest.mark.parametrize("f", LOST, ids=lambda f: f.__name__)
def test_what_a_view_would_lose_raises(f, mode):
    run = {
        "reverse": lambda: grad(f)(X),
        "forward": lambda: jvp(f, (X,), (V,)),
        "nested": lambda: jvp(grad(f), (X,), (V,)),
    }
    with pytest.raises(TraceError, match="view"):
        run[mode]()


def test_repeated_indices_are_refused():
    def f(x):
        y = x * 1.0
        y[np.array([0, 0])] = x[:2]
        return np.sum(y)

    with pytest.raises(TraceError, match="repeated"):
        grad(f)(X)


def test_a_complex_value_for_a_real_array_is_refused():
    def f(x):
        y = x * 1.0
        y[0] = x[0] * 1j
        return np.sum(y)

    with pytest.raises(DTypeError, match="imaginary"):
        grad(f)(X)


def test_an_update_that_would_change_the_shape_is_refused():
    def f(x):
        y = x[0:1] * 1.0
        y += x
        return np.sum(y)

    with pytest.raises(ShapeError, match="shape"):
        grad(f)(X)


def test_a_write_that_would_leak_out_of_a_nested_gradient_is_refused():
    def f(x):
        y = x * 1.0

        def inner(z):
            y[0] = z
            return z * z

        return grad(inner)(2.0) * np.sum(y)

    with pytest.raises(TraceError, match="nested"):
        grad(f)(X)


def test_float32_stays_when_a_double_is_written():
    def f(x):
        y = x * 1.0
        y[:2] = np.array([1.0, 2.0])
        y += np.array([1.0, 2.0, 3.0, 4.0])
        return np.sum(y * x)

    assert grad(f)(X.astype(np.float32)).dtype == np.float32


def test_the_message_shows_the_operator_as_written():
    def f(x):
        y = x * 2.0
        part = y[1:]
        part *= 2.0
        return np.sum(y)

    with pytest.raises(TraceError, match=r"^y \*= x: "):
        grad(f)(X)
