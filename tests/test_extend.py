"""Rules that users register: for ufuncs, kernels of CuPy, functions; and classes as trees."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, MissingRuleError
from tests.support import assert_close

X = np.asarray([0.3, -1.2, 0.7])


def test_a_ufunc_is_differentiated_where_it_is_called():
    special = pytest.importorskip("scipy.special", reason="SciPy is not installed")

    def rule(xp, t, _y, x):
        return t * xp.exp(-x * x) * (2.0 / np.pi**0.5)

    def f(x):
        return np.sum(special.erf(x) * x)

    with pytest.raises(MissingRuleError, match=r"ag\.extend\.register_elementwise"):
        ag.grad(lambda x: np.sum(special.zetac(x)))(X)
    ag.extend.register_elementwise(special.erf, rule, name="own_erf")
    slope = special.erf(X) + X * 2.0 / np.pi**0.5 * np.exp(-X * X)
    np.testing.assert_allclose(ag.grad(f)(X), slope, rtol=1e-14)
    np.testing.assert_allclose(ag.jvp(f, (X,), (X,))[1], slope @ X, rtol=1e-14)
    assert ag.check_gradients(f, X).ok
    hessian = ag.hessian(f)(X)
    np.testing.assert_allclose(hessian, ag.jacobian(ag.grad(f), mode="reverse")(X), rtol=1e-13)
    np.testing.assert_allclose(ag.vmap(ag.grad(f))(np.stack([X, X])), [slope, slope], rtol=1e-14)


def test_a_ufunc_of_two_operands_one_without_derivative():
    arcs = np.frompyfunc(lambda a, b: a * b, 2, 1)
    product = ag.extend.register_elementwise(
        lambda a, b: a * b, lambda xp, t, _y, _a, b: t * b, None, name="half_product"
    )
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(product(x, x)))(X), X)
    assert arcs.nin == 2


def test_a_function_on_every_backend(xp):
    def softsign(x):
        return x / (1.0 + abs(x))

    wrapped = ag.extend.register_elementwise(
        softsign, lambda xp, t, _y, x: t / (1.0 + xp.abs(x)) ** 2
    )
    found = ag.grad(lambda x: ag.namespace(x).sum(wrapped(x)))(xp.asarray(X))
    assert_close(found, 1.0 / (1.0 + np.abs(X)) ** 2)


def test_a_kernel_of_cupy_is_differentiated_where_it_is_called(cupy, monkeypatch):
    kernel = cupy.ElementwiseKernel("float64 x", "float64 y", "y = x * x * x", "own_cube")
    with pytest.raises(MissingRuleError, match="own_cube"):
        ag.grad(lambda x: cupy.sum(kernel(x)))(cupy.asarray(X))
    ag.extend.register_elementwise(kernel, lambda xp, t, _y, x: t * 3.0 * x * x, name="own_cube")
    if hasattr(cupy, "__lookalike__"):  # it compiles nothing: the launch is written in Python
        monkeypatch.setattr(cupy.RawKernel, "__call__", lambda self, x: x * x * x)
    found = ag.grad(lambda x: cupy.sum(kernel(x)))(cupy.asarray(X))
    assert_close(found, 3.0 * X * X)


def test_a_kernel_of_cupy_is_not_taken_for_a_function_of_the_same_name(cupy):
    kernel = cupy.ElementwiseKernel("float64 x", "float64 y", "y = x * x", "sin")
    with pytest.raises(MissingRuleError, match="sin"):
        ag.grad(lambda x: cupy.sum(kernel(x)))(cupy.asarray(X))


def test_a_class_becomes_a_tree():
    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    ag.extend.register_tree(
        Pair, lambda p: ({"a": p.a, "b": p.b}, None), lambda parts, _: Pair(**parts)
    )
    found = ag.grad(lambda p: np.sum(p.a * p.b))(Pair(X, 2.0 * X))
    np.testing.assert_array_equal(found.a, 2.0 * X)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((3, np.sin), "expected a function"),
        ((np.sinc,), "got 0"),
        ((np.sinc, 3), "expected one function"),
        ((np.heaviside, np.sin), "which has 2 operands"),
        ((np.sin, np.cos), "has a rule"),
    ],
)
def test_what_cannot_be_registered_is_said(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        ag.extend.register_elementwise(*arguments)
