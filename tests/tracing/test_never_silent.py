"""Code that would lose or change a gradient unnoticed: it is right, or it raises."""

import copy
import gc
import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad.autodiff import grad, jvp, stop_gradient, value, vjp
from anygrad.errors import (
    DTypeError,
    MissingRuleError,
    MixedBackendError,
    ShapeError,
    TraceError,
    UnusedInputWarning,
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
    for f in (lambda x: np.linalg.norm(x, 0), lambda x: np.diff(x, prepend=0.0)):
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
