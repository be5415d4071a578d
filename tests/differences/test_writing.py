"""Functions that write into their argument, or into one buffer, have derivatives like others."""

import numpy as np
import pytest

from anygrad.differences import derivative, gradient

METHODS = ("central", "forward", "backward", "complex")
MODES = ("auto", "stacked", "loop")
POINT = np.asarray([0.5, -1.25, 2.0, 3.0, -0.75])


def doubling(x):
    """Sum of (2 x)^2, with slope 8 x."""
    x *= 2.0
    return np.sum(x**2, axis=0)


def doubling_of_all(x):
    x *= 2.0
    return np.sum(x**2)


def doubling_of_tree(t):
    """With slopes 8 w and 8 b for the sum over the axes of w of shape (2, 2), and b of shape ()."""
    t["w"] *= 2.0
    t["b"] *= 2.0
    return np.sum(t["w"] ** 2, axis=(0, 1)) + t["b"] ** 2


def read_only(x):
    x = x.copy()
    x.setflags(write=False)
    return x


@pytest.mark.parametrize("make", [np.copy, read_only], ids=["writable", "read-only"])
@pytest.mark.parametrize("evaluate", MODES)
@pytest.mark.parametrize("method", METHODS)
def test_gradients_at_an_array_are_right_and_leave_it(method, evaluate, make):
    x = make(POINT)
    slopes = gradient(doubling, x, method=method, evaluate=evaluate)
    np.testing.assert_allclose(slopes, 8 * POINT, rtol=1e-6)
    assert x.tolist() == POINT.tolist()


@pytest.mark.parametrize("evaluate", ["auto", "loop"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_gradients_of_a_function_that_cannot_be_stacked_are_right(method, evaluate, size):
    x = POINT[:size].copy()
    slopes = gradient(doubling_of_all, x, method=method, evaluate=evaluate)
    np.testing.assert_allclose(slopes, 8 * POINT[:size], rtol=1e-6)
    assert x.tolist() == POINT[:size].tolist()


@pytest.mark.parametrize("evaluate", MODES)
@pytest.mark.parametrize(
    ("method", "dtype"),
    [
        *[(method, dtype) for method in METHODS for dtype in (np.float64, np.float32)],
        *[(method, np.complex128) for method in METHODS if method != "complex"],
    ],
)
def test_gradients_at_a_tree_are_right_and_leave_it(method, dtype, evaluate):
    w = POINT[:4].reshape(2, 2)
    x = {"w": w.copy(), "b": np.asarray(1.5, dtype=dtype)}

    def f(t):
        return np.real(doubling_of_tree(t)) if dtype is np.complex128 else doubling_of_tree(t)

    slopes = gradient(f, x, method=method, evaluate=evaluate)
    rtol = 1e-3 if dtype is np.float32 else 1e-6
    np.testing.assert_allclose(slopes["w"], 8 * w, rtol=rtol)
    np.testing.assert_allclose(slopes["b"], 12.0, rtol=rtol, atol=1e-6)
    assert x["w"].tolist() == w.tolist()
    assert x["b"] == 1.5


def test_complex_arrays_are_left():
    z = np.asarray([1.0 + 2.0j, 3.0 - 1.0j])

    def f(z):
        z *= 2.0
        return np.sum(np.abs(z) ** 2, axis=0)

    for method in ("central", "forward", "backward"):
        for evaluate in MODES:
            kept = z.copy()
            slopes = gradient(f, z, method=method, evaluate=evaluate)
            np.testing.assert_allclose(slopes, 8 * kept, rtol=1e-6)
            assert z.tolist() == kept.tolist()


@pytest.mark.parametrize("evaluate", MODES)
@pytest.mark.parametrize(
    ("method", "order"),
    [*[(method, 1) for method in METHODS], *[(method, 2) for method in METHODS[:3]]],
)
def test_derivatives_are_right_and_leave_the_array(method, order, evaluate):
    def f(x):
        x *= 2.0
        return x**3

    x = POINT.copy()
    slopes = derivative(f, x, method=method, order=order, evaluate=evaluate)
    exact = 24 * POINT**2 if order == 1 else 48 * POINT
    np.testing.assert_allclose(slopes, exact, rtol=1e-6 if order == 1 else 1e-3)
    assert x.tolist() == POINT.tolist()
    number = np.asarray(2.0)
    derivative(f, number, method=method, order=order, evaluate=evaluate)
    assert number == 2.0


@pytest.mark.parametrize("evaluate", MODES)
@pytest.mark.parametrize("method", ["central", "forward", "backward"])
def test_a_result_in_a_buffer_of_the_function_is_kept_from_the_next_call(method, evaluate):
    buffers = {}

    def square(x):
        return np.multiply(x, x, out=buffers.setdefault(x.shape, np.empty(x.shape)))

    def total(x):
        out = buffers.setdefault(("sum", x.shape), np.empty(x.shape[1:]))
        return np.sum(x**2, axis=0, out=out)

    slopes = derivative(square, POINT, method=method, evaluate=evaluate)
    np.testing.assert_allclose(slopes, 2 * POINT, rtol=1e-6)
    slopes = gradient(total, POINT, method=method, evaluate=evaluate)
    np.testing.assert_allclose(slopes, 2 * POINT, rtol=1e-6)


def test_a_buffer_that_serves_several_batches_is_kept_apart():
    out = {}

    def total(x):
        return np.sum(x**2, axis=0, out=out.setdefault(x.shape, np.empty(x.shape[1:])))

    x = np.linspace(-1.0, 2.0, 12)
    for evaluate in ("stacked", "auto"):
        np.testing.assert_allclose(
            gradient(total, x, evaluate=evaluate, batch_bytes=400), 2 * x, rtol=1e-6, atol=1e-9
        )
