"""What grad, value_and_grad, vjp and jvp give: orders, nesting, complex values, ties."""

import math
from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

import anygrad as ag
from anygrad.autodiff import grad, jvp, value_and_grad
from anygrad.errors import (
    DTypeError,
)
from tests.support import assert_close

X = np.array([0.5, -1.25, 2.0])
Layer = namedtuple("Layer", "w b")


@dataclass
class Model:
    w: np.ndarray
    name: str = field(default="m", metadata={"static": True})


# Results ------------------------------------------------------------------------------------------


def test_value_and_gradient_come_together():
    v, g = value_and_grad(lambda x: np.sum(x**3))(X)
    assert_close(v, np.sum(X**3))
    assert_close(g, 3 * X**2)


def test_gradients_follow_library_device_and_dtype(xp):
    for dtype in (xp.float64, xp.float32):
        x = xp.asarray([0.5, -1.25, 2.0], dtype=dtype)
        v, g = value_and_grad(lambda x: x.__array_namespace__().sum(x * x))(x)
        assert type(g) is type(x)
        assert g.dtype == x.dtype
        assert v.dtype == x.dtype
        assert ag.backends.device_of(g) == ag.backends.device_of(x)
        assert_close(g, (2 * X).astype(np.float32 if dtype == xp.float32 else np.float64))


def test_python_numbers_are_primals():
    assert grad(lambda x: x * x)(3.0) == 6.0
    assert grad(np.sin)(0.0) == 1.0
    assert grad(abs)(3.0 + 4.0j) == pytest.approx(0.6 + 0.8j)
    assert jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5)) == (6.0, 4.0)


def test_higher_orders_of_a_power_are_exact():
    f = g = lambda x: x**5
    for expected in (5 * 16.0, 20 * 8.0, 60 * 4.0, 120 * 2.0, 120.0, 0.0):
        g = grad(g)
        with ag.use_settings(warn_unused=False):
            assert g(2.0) == expected
    assert f(2.0) == 32.0


def test_orders_of_sine_alternate_in_both_modes():
    def forward(f):
        return lambda x: jvp(f, (x,), (1.0,))[1]

    for wrap in (grad, forward):
        g = np.sin
        for expected in (math.cos, lambda t: -math.sin(t), lambda t: -math.cos(t), math.sin):
            g = wrap(g)
            assert g(0.7) == pytest.approx(expected(0.7), rel=1e-14)
    assert grad(forward(grad(np.sin)))(0.7) == pytest.approx(-math.cos(0.7), rel=1e-14)
    assert forward(grad(forward(np.sin)))(0.7) == pytest.approx(-math.cos(0.7), rel=1e-14)


def test_inner_and_outer_variables_are_not_confused():
    # d/dx [ x d/dy (x y) ] = 2 x; a shared tag would give x or 3 x (Siskind and Pearlmutter 2005).
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0
    assert jvp(lambda x: x * jvp(lambda y: x * y, (1.0,), (1.0,))[1], (3.0,), (1.0,))[1] == 6.0
    assert grad(lambda x: x * jvp(lambda y: x * y * y, (2.0,), (1.0,))[1])(3.0) == 24.0
    assert jvp(lambda x: x * grad(lambda y: x * y * y)(2.0), (3.0,), (1.0,))[1] == 24.0
    # a function that returns the outer variable
    with ag.use_settings(warn_unused=False):
        assert grad(lambda x: grad(lambda y: x)(1.0) + x)(3.0) == 1.0


def test_three_captured_levels():
    def f(x):
        return grad(lambda y: grad(lambda z: np.sin(x * y * z))(1.5) * x)(0.5)

    # d/dz sin(xyz) = xy cos(xyz); d/dy [x^2 y cos(xyz)] = x^2 cos(xyz) - x^3 y z sin(xyz), z = 1.5
    def by_hand(x, y=0.5, z=1.5):
        a = x * y * z
        return x**2 * np.cos(a) - x**3 * y * z * np.sin(a)

    assert f(0.8) == pytest.approx(by_hand(0.8), rel=1e-13)
    h = 1e-5
    assert grad(f)(0.8) == pytest.approx(
        (by_hand(0.8 + h) - by_hand(0.8 - h)) / (2 * h), abs=1e-9
    )  # truncation of the difference


def test_hessian_vector_product_of_rosenbrock():
    def f(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x, y, z = X
    hessian = np.array(  # by hand
        [
            [1200 * x**2 - 400 * y + 2, -400 * x, 0],
            [-400 * x, 200 + 1200 * y**2 - 400 * z + 2, -400 * y],
            [0, -400 * y, 200],
        ]
    )
    v = np.array([1.0, -2.0, 0.5])
    assert_close(jvp(grad(f), (X,), (v,))[1], hessian @ v)
    assert_close(grad(lambda x: np.sum(grad(f)(x) * v))(X), hessian @ v)


# Complex ------------------------------------------------------------------------------------------


def test_complex_gradient_is_steepest_ascent():
    z = np.array([1.0 + 2.0j, -0.5j])
    assert_close(grad(lambda z: np.sum(np.abs(z) ** 2))(z), 2 * z)
    assert_close(grad(lambda z: np.sum((z * np.conj(z)).real))(z), 2 * z)
    c = 0.3 - 0.7j
    # d/dRe + i d/dIm of Re(c z) is conj(c)
    assert_close(grad(lambda z: np.sum((c * z).real))(z), np.full(2, np.conj(c)))
    assert_close(grad(lambda z: np.sum(np.imag(c * z)))(z), np.full(2, np.conj(-1j * c)))


def test_a_real_variable_in_complex_code_gets_a_real_gradient():
    w = np.array([0.4 + 0.1j, -1.0j, 2.0])
    g = grad(lambda x: np.sum(np.abs(np.exp(1j * x) + w) ** 2))(X)
    assert g.dtype == np.float64
    # |e^ix + w|^2 = 1 + |w|^2 + 2 Re(conj(w) e^ix); derivative -2 Im(conj(w) e^ix)
    assert_close(g, -2 * np.imag(np.conj(w) * np.exp(1j * X)))


def test_holomorphic_derivative():
    z = 0.3 + 0.4j
    assert grad(np.exp, holomorphic=True)(z) == pytest.approx(np.exp(z))
    assert grad(lambda z: z**3, holomorphic=True)(z) == pytest.approx(3 * z**2)
    with pytest.raises(DTypeError, match="holomorphic"):
        grad(np.exp)(z)


# Ties and kinks: documented choices ---------------------------------------------------------------


def test_choices_at_ties_are_the_same_on_every_backend(xp):
    def of(f, numbers):
        return grad(lambda x: f(x.__array_namespace__(), x))(xp.asarray(numbers))

    assert_close(of(lambda ns, x: ns.max(x), [1.0, 3.0, 3.0]), [0.0, 0.5, 0.5])
    assert_close(of(lambda ns, x: ns.min(x), [1.0, 1.0, 3.0]), [0.5, 0.5, 0.0])
    assert_close(of(lambda ns, x: ns.sum(ns.maximum(x, 0.0)), [0.0, 1.0, -1.0]), [0.5, 1.0, 0.0])
    assert_close(of(lambda ns, x: ns.sum(ns.clip(x, 0.0, 1.0)), [0.0, 0.5, 1.0]), [0.5, 1.0, 0.5])
    assert_close(of(lambda ns, x: ns.sum(ns.abs(x)), [0.0, -2.0]), [0.0, -1.0])
    assert_close(of(lambda ns, x: ns.prod(x), [2.0, 0.0, 3.0]), [0.0, 6.0, 0.0])
    assert_close(of(lambda ns, x: ns.prod(x), [2.0, 0.0, 0.0]), [0.0, 0.0, 0.0])


def test_powers_at_zero():
    for n, expected in ((0, 0.0), (1, 1.0), (2, 0.0), (3, 0.0), (2.0, 0.0), (1.0, 1.0)):
        with ag.use_settings(warn_unused=False):
            assert grad(lambda x, n=n: x**n)(0.0) == expected
    e = np.array([0.0, 1.0, 2.0, 3.0])
    assert_close(grad(lambda x: np.sum(x**e))(np.zeros(4)), [0.0, 1.0, 0.0, 0.0])
    assert_close(grad(lambda b: np.sum(np.zeros(2) ** b))(np.array([1.0, 2.0])), [0.0, 0.0])
