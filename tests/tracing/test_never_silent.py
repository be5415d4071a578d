"""Code that would lose or change a gradient unnoticed: it is right, or it raises."""

import copy
import gc
import warnings
from fractions import Fraction

import numpy as np
import pytest

import anygrad as ag
from anygrad.autodiff import grad, jvp, vjp
from anygrad.errors import (
    DTypeError,
    MissingRuleError,
    MixedBackendError,
    ShapeError,
    TraceError,
    UnusedInputWarning,
)
from tests.support import assert_close, difference

X = np.array([1.0, 2.0, 3.0])


# Derivatives in unusual places --------------------------------------------------------------------


@pytest.mark.parametrize("x", [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
def test_products_with_zeros_to_third_order(x):
    x = np.array(x)
    a, b, c = x
    hessian = np.array([[0, c, b], [c, 0, a], [b, a, 0]])  # of a b c, by hand
    for row, v in zip(hessian, np.eye(3), strict=True):
        assert_close(jvp(grad(np.prod), (x,), (v,))[1], row)
    third = jvp(lambda x: jvp(grad(np.prod), (x,), (np.eye(3)[0],))[1], (x,), (np.eye(3)[1],))[1]
    assert_close(third, [0.0, 0.0, 1.0])


def test_infinite_values_may_be_written_in_forward_mode():
    def f(x):
        y = x * 2.0
        y[0] = np.inf
        return np.exp(-y)

    assert_close(jvp(f, (X,), (np.ones(3),))[1], [0.0, *(-2 * np.exp(-2 * X[1:]))])


@pytest.mark.parametrize(
    "a", [np.uint8(200), np.array([200], np.uint8), np.array([300], np.int16), 1e-200, 1e200]
)
def test_atan2_neither_overflows_nor_vanishes(a):
    b = np.array([3.0]) if np.asarray(a).dtype.kind in "ui" else np.array([float(a)])
    exact = -float(np.asarray(a).ravel()[0]) / 1.0
    scale = np.hypot(float(np.asarray(a).ravel()[0]), b)
    assert_close(grad(lambda b: np.sum(np.arctan2(a, b)))(b), exact / scale / scale)


def test_complex_sign_has_its_derivative():
    z = np.array([1.0 + 2.0j, -0.3 + 0.1j])

    def f(z):
        return np.sum(np.sign(z).imag * np.array([1.0, 2.0]))

    g = grad(f)(z)
    for direction in (np.array([1.0, 0.5]) + 0j, 1j * np.array([-1.0, 2.0])):
        slope = difference(f, z, direction)
        np.testing.assert_allclose(np.sum(np.real(np.conj(g) * direction)), slope, rtol=1e-9)


def test_the_norm_at_zero_has_a_subgradient_of_zero():
    assert_close(grad(np.linalg.norm)(np.zeros(3)), np.zeros(3))
    assert_close(
        grad(lambda x: np.sum(np.linalg.norm(x, axis=1)))(np.eye(3)[:2] * 0), np.zeros((2, 3))
    )


def test_float32_stays_beside_integers_and_booleans():
    x = X.astype(np.float32)
    for f in (
        lambda x: x ** np.array([True, False, True]),
        lambda x: np.array([2, 3, 1], np.int16) ** x,
        lambda x: x * np.array([True, False, True]),
        lambda x: x * np.array([2, 3, 1], np.int8),
        lambda x: x / np.array([2, 3, 1], np.int64),
    ):
        assert grad(lambda x, f=f: np.sum(f(x)))(x).dtype == np.float32


# Shapes and axes ----------------------------------------------------------------------------------


def test_axes_out_of_range_are_refused():
    q, cube = X, np.ones((2, 2, 3))
    for f, x in (
        (lambda x: np.flip(x, 3), q),
        (lambda x: np.take(x, [0], axis=2), q),
        (lambda x: np.diff(x, axis=2), q),
        (lambda x: np.repeat(x, 2, axis=2), q),
        (lambda x: np.var(x, axis=2), q),
        (lambda x: np.roll(x, 1, axis=3), q),
        (lambda x: np.expand_dims(x, 5), q),
        (lambda x: np.moveaxis(x, 7, 0), cube),
        (lambda x: np.tensordot(x, x, axes=((3,), (3,))), cube),
    ):
        with pytest.raises(ShapeError, match=r"axis|axes"):
            vjp(f, x)
    with pytest.raises(ShapeError, match="lengths"):
        vjp(lambda x: np.tensordot(x, np.ones((6, 1)), axes=((0, 1), (0, 1))), np.ones((2, 3)))


def test_trace_takes_the_axes_that_numpy_takes():
    a = np.arange(12.0).reshape(2, 2, 3) + 1.0
    for f in (
        np.trace,
        lambda x: np.trace(x, 1),
        lambda x: np.trace(x, axis1=1, axis2=2),
        np.linalg.trace,
        lambda x: x.trace(offset=-1),
    ):
        out, pullback = vjp(f, a)
        assert_close(out, f(a))
        u = np.ones(out.shape)
        np.testing.assert_allclose(
            np.sum(pullback(u)[0] * a), np.sum(difference(f, a, a)), rtol=1e-10
        )
    assert vjp(np.trace, np.array([[1.0, np.inf], [2.0, 3.0]]))[0] == 4.0


# Numbers, lists and other operands beside traced arrays -------------------------------------------


def test_lists_and_numbers_beside_traced_arrays():
    for f in (
        lambda x: x + [1, 2, 3],  # noqa: RUF005 - the operator itself is tested
        lambda x: [1, 2, 3] * x,
        lambda x: x @ [1.0, 2.0, 3.0],
        lambda x: np.dot([1.0, 2.0, 3.0], x),
        lambda x: np.concatenate([x, [1.0, 2.0]]),
        lambda x: np.hstack([1.0, x]),
        lambda x: np.broadcast_arrays(x, 1.0)[0] * 2,
        lambda x: np.outer(2.0, x),
        lambda x: np.copysign(x, 2.5),
        lambda x: np.stack([x[0], 1.0]),
        lambda x: np.abs(np.stack([x[0], 1j])),
        lambda x: np.atleast_1d(x, x)[1],
        lambda x: np.repeat(x, np.int64(2)),
        lambda x: np.sum(a=x),
        lambda x: divmod(x, 1.7)[1],
        lambda x: x[np.argsort(x)],
        lambda x: x[x.argsort()],
        lambda x: x[np.nonzero(x > 1.5)],
        lambda x: np.vecdot(x[:, None], x[:, None], axis=0),
    ):
        v = np.array([0.3, -1.0, 0.7])
        out, tangent = jvp(f, (X,), (v,))
        assert_close(np.asarray(out), np.asarray(f(X)))
        np.testing.assert_allclose(tangent, difference(f, X, v), rtol=1e-9, atol=1e-9)
        u = np.cos(np.arange(float(np.size(tangent)))).reshape(np.shape(tangent))
        (g,) = vjp(f, X)[1](u)
        np.testing.assert_allclose(np.sum(g * v), np.sum(u * tangent), rtol=1e-12)


def test_a_list_may_be_assigned():
    def f(x):
        y = x[:, None] * x
        y[2] = [1, 2, 3]
        return np.sum(y * y)

    np.testing.assert_allclose(grad(f)(X) @ X, difference(f, X, X), rtol=1e-9)


def test_what_no_rule_covers_is_named():
    for f in (lambda x: np.linalg.norm(x, 0), lambda x: np.linalg.svd(x[:, None])):
        with pytest.raises(MissingRuleError):
            vjp(f, X)


def test_other_byte_orders_differentiate():
    x = X.astype(">f8")
    assert_close(np.asarray(grad(lambda x: np.sum(x * x))(x), np.float64), 2 * X)
    assert grad(lambda x, y: np.sum(x * y), np.int64(1))(X, X) == pytest.approx(X)


# Ends of transformations --------------------------------------------------------------------------


def test_operations_on_an_escaped_value_raise():
    box = []
    grad(lambda x: (box.append(x), np.sum(x))[1])(X)
    for f in (np.exp, lambda x: x * 2, lambda x: x[0], lambda x: x @ x, np.sum):
        with pytest.raises(TraceError, match="ended"):
            f(box[0])
    _, pullback = vjp(lambda x: (box.append(x), np.exp(x))[1], X)
    with pytest.raises(TraceError, match="ended"):
        np.sin(box[-1])
    assert_close(pullback(np.ones(3))[0], np.exp(X))


def test_a_dropped_pullback_is_freed_at_once():
    x = np.ones(1000)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(20):
            vjp(lambda x: x.__array_namespace__().exp(x), x)
        assert len(gc.get_objects()) - before < 20
    finally:
        gc.enable()


def test_a_shallow_copy_has_a_gradient():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnusedInputWarning)
        assert_close(grad(lambda x: np.sum(copy.deepcopy(x) ** 2))(X), 2 * X)


# Backends that refuse more ------------------------------------------------------------------------


def test_second_order_on_every_backend(xp):
    x = xp.asarray(X)

    def f(x):
        ns = x.__array_namespace__()
        return ns.sum(ns.sin(x) * ns.exp(x * 0.1) / (1.0 + x * x) + ns.sqrt(x) * ns.log(x) + x**3)

    def plain(x):
        return np.sum(np.sin(x) * np.exp(x * 0.1) / (1.0 + x * x) + np.sqrt(x) * np.log(x) + x**3)

    v = np.array([1.0, -0.5, 2.0])
    expected = jvp(grad(plain), (X,), (v,))[1]
    assert_close(jvp(grad(f), (x,), (xp.asarray(v),))[1], expected)
    reverse = grad(lambda x: x.__array_namespace__().sum(grad(f)(x) * xp.asarray(v)))(x)
    assert_close(reverse, expected)
    assert_close(grad(lambda x: jvp(f, (x,), (xp.asarray(v),))[1])(x), expected)
    assert_close(grad(grad(lambda q: q**3))(xp.asarray(2.0)), 12.0)


def test_host_numbers_beside_arrays_of_any_backend(xp):
    x = xp.asarray(X)
    with ag.use_settings(warn_unused=False):
        assert_close(grad(lambda q: q.__array_namespace__().sum(q * np.float64(2.0)))(x), [2.0] * 3)
        if xp.backend != "strict":  # it takes no NumPy scalar, also not in a backward pass
            assert_close(grad(lambda s: s * s + xp.sum(x) * 0.0)(3.0), 6.0)
    gs, gx = grad(lambda s, q: q.__array_namespace__().sum(q * s), (0, 1))(2.0, x)
    assert_close(gx, [2.0] * 3)
    assert_close(gs, 6.0)


def test_a_pullback_returns_memory_of_its_own(xp):
    x = xp.asarray(X)
    _, pullback = vjp(lambda q: q.__array_namespace__().reshape(q, (3, 1)), x)
    u = xp.ones((3, 1))
    (g,) = pullback(u)
    if ag.backends.backend_of(g).writable:
        g[0] = 99.0
    assert_close(u, np.ones((3, 1)))


def test_writing_another_library_is_refused_by_name():
    strict = pytest.importorskip("array_api_strict", reason="needs array-api-strict")

    def f(x):
        y = x * 1.0
        y[:] = strict.ones(3)
        return np.sum(y)

    with pytest.raises(MixedBackendError, match=r"numpy.*strict|strict.*numpy"):
        grad(f)(X)


@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0, -1.0, 0.0], [1.5], [2.0, 3.0], [0.5, -2.0, 1.5]])
def test_products_so_far_with_zeros(x):
    x = np.array(x)
    u = np.arange(1.0, x.size + 1)

    def by_hand(x):  # sum_k u_k prod_{j <= k} x_j, differentiated factor by factor
        g = np.zeros_like(x)
        for i in range(x.size):
            for k in range(i, x.size):
                g[i] += u[k] * np.prod(np.delete(x[: k + 1], i))
        return g

    assert_close(vjp(np.cumprod, x)[0], np.cumprod(x))
    assert_close(grad(lambda x: np.sum(np.cumprod(x) * u))(x), by_hand(x))


@pytest.mark.parametrize("c", [1.3 + 0.5j, np.array([1.3 + 0.5j, 0.2j, -1.0])])
def test_powers_of_real_and_complex_operands(c):
    x = np.array([2.0, 0.7, 1.1])
    for f in (lambda x: x**c, lambda x: c**x):
        slope = difference(f, x, np.ones(3))
        assert_close(jvp(f, (x,), (np.ones(3),))[1], slope, scale=1e6)  # a difference quotient
        g = grad(lambda x, f=f: np.sum(np.real(f(x))))(x)
        assert_close(g, np.real(slope), scale=1e6)


def test_objects_are_refused_rather_than_lost():
    box = np.array([1.0, 2.0, 3.0], dtype=object)
    for f in (lambda x: np.sum(x * x) + np.sum(x * box), lambda x: np.sum((x - box) ** 2)):
        with pytest.raises(DTypeError, match="object"):
            grad(f)(X)
        with pytest.raises(DTypeError, match="object"):
            jvp(f, (X,), (X,))


def test_full_like_takes_its_keywords():
    def f(x):
        return np.sum(np.full_like(x, x[0] * 2, shape=(2, 2)))

    assert_close(grad(f)(X), [8.0, 0.0, 0.0])


def test_a_0d_value_may_be_indexed_often():
    def f(x):
        s = np.mean(x)
        return np.sum(s[None] * x) + np.sin(s) + np.sum(s[None] * 2) + s[()] + s[...]

    np.testing.assert_allclose(grad(f)(X) @ X, difference(f, X, X), rtol=1e-9)


def test_one_output_twice_adds_up():
    def f(x):
        y = x * 2.0
        return y, y

    assert_close(vjp(f, X)[1]((np.ones(3), np.ones(3)))[0], np.full(3, 4.0))


def test_zero_to_a_power():
    with np.errstate(all="ignore"):
        assert_close(grad(lambda b: 0.0**b)(2.0), 0.0)
        assert_close(grad(lambda b: np.sum(np.zeros(1) ** b))(np.array([2.0])), [0.0])


def test_norms_of_any_order_at_zero():
    for order in (2, 3, 4.5):
        g = grad(lambda x, order=order: np.linalg.norm(x, order))(np.zeros(3))
        assert_close(g, np.zeros(3))


def test_a_traced_value_of_an_ended_trace_is_not_returned():
    box = []
    grad(lambda x: (box.append(np.sum(x)), np.sum(x))[1])(X)
    for run in (
        lambda: ag.value_and_grad(lambda x: box[0])(X),
        lambda: vjp(lambda x: box[0], X),
        lambda: jvp(lambda x: box[0], (X,), (X,)),
    ):
        with ag.use_settings(warn_unused=False), pytest.raises(TraceError, match="ended"):
            run()


def test_namespaces_of_traced_and_plain_arrays_are_one(xp):
    compat = pytest.importorskip("array_api_compat")
    data = xp.asarray([2.0, 0.5, 1.0])

    def f(x):
        ns = compat.array_namespace(x, data)
        assert ns.result_type(x, data) == data.dtype
        return ns.sum(x * data) + ns.sum(ns.full((2,), x[0]))

    assert_close(grad(f)(xp.asarray(X)), [4.0, 0.5, 1.0])


def test_messages_name_the_argument_and_the_line():
    with pytest.raises(DTypeError, match=r"vjp\(primals\[0\]\['w'\]\)"):
        vjp(lambda p: p["w"], {"w": np.arange(3)})
    with pytest.raises(DTypeError, match=r"grad\(args\[1\]\)"):
        grad(lambda a, b: a, 1)(1.0, 2)
    with pytest.raises(DTypeError, match=r"fractions\.Fraction"):
        grad(lambda a: a)(Fraction(1, 2))
    with pytest.warns(UnusedInputWarning, match=r"args\[1\]\['b'\]") as caught:
        grad(lambda x, p: np.sum(x), (0, 1))(X, {"b": X})
    assert caught[0].filename == __file__


def test_the_deviation_of_equal_values_has_derivative_zero():
    assert_close(grad(np.std)(np.full(3, 2.0)), np.zeros(3))
    assert_close(grad(lambda x: np.sum(np.std(x, axis=1)))(np.ones((2, 3))), np.zeros((2, 3)))


def test_expm1_keeps_its_digits_far_below_zero():
    x = np.array([-30.0, -300.0, 1e-20])
    assert_close(grad(lambda x: np.sum(np.expm1(x)))(x), np.exp(x))


def test_repeated_indices_add_up_on_every_backend(xp):
    index = xp.asarray([0, 2, 2, 0])
    for numbers in ([1.0, 2.0, 3.0], [1.0 + 2.0j, -0.5j, 3.0 + 0.0j]):

        def f(x, index=index):
            ns = x.__array_namespace__()
            y = x[index] * ns.take(x, index)
            return ns.sum(ns.real(y)) if "complex" in str(x.dtype) else ns.sum(y)

        expected = np.conj(np.array([4.0, 0.0, 4.0]) * np.array(numbers))  # of Re sum 2 x_i^2
        g = grad(f)(xp.asarray(np.array(numbers)))
        assert_close(g, expected)


def test_sums_of_exponentials_of_nothing_have_a_finite_derivative():
    with np.errstate(invalid="ignore"):
        for a in (-np.inf, np.inf, 2.0):
            assert grad(np.logaddexp, argnums=(0, 1))(a, a) == (0.5, 0.5)
        assert grad(np.logaddexp, argnums=(0, 1))(-np.inf, 1.0) == (0.0, 1.0)


@pytest.mark.parametrize("root", [np.sqrt, lambda x: x**0.5, lambda x: np.power(x, 0.25)])
def test_a_root_of_zero_that_is_not_used_has_no_part(root):
    x = np.array([0.0, 4.0])
    used = grad(lambda x: np.sum(np.where(x > 0, root(x), 0.0)))
    slope = difference(root, np.float64(4.0), 1.0)
    np.testing.assert_allclose(used(x), [0.0, slope], rtol=1e-9)
    with np.errstate(divide="ignore"):
        assert np.isinf(grad(lambda x: np.sum(root(x)))(x)[0])
    # the rule stays linear in the cotangent where that is 0 and the root is not
    f = lambda x: np.sum((root(x) - root(np.float64(4.0))) ** 2)
    at = np.array([4.0])
    np.testing.assert_allclose(jvp(grad(f), (at,), (np.ones(1),))[1], [2.0 * slope**2], rtol=1e-8)
