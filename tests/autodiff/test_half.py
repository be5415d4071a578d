"""Derivatives in half precision have the dtype of the argument, whatever stood in between."""

import numpy as np
import pytest

import anygrad as ag
from tests.support import to_host
from tests.support.halves import HALVES, half

FUNCTIONS = {
    "product": (lambda xp, x: xp.sum(x * x), [2.0, 4.0, -6.0]),
    "number": (lambda xp, x: xp.sum(0.5 * x), [0.5, 0.5, 0.5]),
    "quotient": (lambda xp, x: xp.sum(x / 4.0), [0.25, 0.25, 0.25]),
    "wider": (lambda xp, x: xp.sum(xp.astype(x, xp.float32) ** 2), [2.0, 4.0, -6.0]),
    "matrix": (lambda xp, x: x @ x, [2.0, 4.0, -6.0]),
    "chosen": (lambda xp, x: xp.sum(xp.where(x > 1.0, x, 3.0)), [0.0, 1.0, 0.0]),
}


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_have_the_dtype_of_the_argument(quick_xp, dtype, name):
    xp = quick_xp
    f, expected = FUNCTIONS[name]
    x = xp.asarray([1.0, 2.0, -3.0], dtype=half(xp, dtype))
    gradient = ag.grad(lambda x: f(ag.namespace(x), x))
    for g in (gradient(x), ag.compile(gradient)(x)):
        assert g.dtype == x.dtype
        np.testing.assert_array_equal(to_host(xp.astype(g, xp.float32)), expected)


@pytest.mark.parametrize("dtype", HALVES)
def test_second_derivatives_too(quick_xp, dtype):
    xp = quick_xp
    x = xp.asarray([1.0, 2.0], dtype=half(xp, dtype))
    g = ag.hvp(lambda x: ag.namespace(x).sum(0.5 * x**3), x, xp.ones_like(x))
    assert g.dtype == x.dtype
    assert to_host(xp.astype(g, xp.float32)).tolist() == [3.0, 6.0]


@pytest.mark.parametrize("dtype", HALVES)
def test_the_seed_has_the_dtype_of_the_value(quick_xp, dtype):
    xp = quick_xp
    seen = []

    @ag.custom_vjp
    def square(x):
        return x * x

    def backward(x, g):
        seen.append(g.dtype)
        return (2 * x * g,)

    square.defvjp(lambda x: (x * x, x), backward)
    ag.grad(square)(xp.asarray(3.0, dtype=half(xp, dtype)))
    assert seen == [half(xp, dtype)]
