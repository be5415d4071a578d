"""Every function of the Array API standard 2024.12, called on traced arrays.

The names are those of the specification's main namespace (data-apis.org, API specification
2024.12); the test of the list compares it with what array-api-strict offers of that version.
"""

from contextlib import nullcontext

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import MissingRuleError
from tests.support import assert_close, difference, to_host
from tests.support.host_copies import allow_host_copies

X = np.array([[0.3, 0.62, 0.7], [0.45, 0.4, 0.8]])
V = np.array([[0.5, -0.25, 1.0], [1.5, 0.3, -2.0]])
ORDER = [[0, 2], [1, 1]]


def words(text):
    return text.split()


def unary(name):
    return lambda xp, x: getattr(xp, name)(x)


def reduced(name):
    return lambda xp, x: getattr(xp, name)(x, axis=1) * getattr(xp, name)(x)


def binary(name):
    return lambda xp, x: getattr(xp, name)(x, xp.flip(x, axis=1) * 1.5)


# What has a derivative, as a function of a 2 x 3 array with elements in (0, 1).
DERIVATIVES = {
    **{name: unary(name) for name in words("abs acos asin asinh atan atanh cos cosh exp expm1")},
    **{name: unary(name) for name in words("log log1p log2 log10 negative positive real")},
    **{name: unary(name) for name in words("reciprocal sin sinh sqrt square tan tanh conj")},
    **{name: binary(name) for name in words("add atan2 divide hypot logaddexp maximum minimum")},
    **{name: binary(name) for name in words("multiply nextafter pow remainder subtract copysign")},
    "acosh": lambda xp, x: xp.acosh(x + 1.0),
    "imag": lambda xp, x: xp.imag(xp.astype(x, xp.complex128) * (2.0 + 3.0j)),
    "clip": lambda xp, x: xp.clip(x, 0.42, 0.65),
    "where": lambda xp, x: xp.where(x > 0.5, x * x, 2.0 * x),
    "astype": lambda xp, x: xp.astype(x, xp.complex128) * x,
    "asarray": lambda xp, x: xp.asarray([[x[0, 0], x[1, 1]], [x[0, 1], x[1, 2]]]),
    "zeros": lambda xp, x: filled(xp.zeros((3,), dtype=xp.float64, device=x.device), x),
    "ones": lambda xp, x: filled(xp.ones((3,), dtype=xp.float64, device=x.device), x),
    "empty": lambda xp, x: filled(xp.empty((2,), dtype=xp.float64, device=x.device), x),
    "zeros_like": lambda xp, x: xp.zeros_like(x) + x,
    "ones_like": lambda xp, x: xp.ones_like(x) * x,
    "empty_like": lambda xp, x: filled(xp.empty_like(x[0, :2]), x),
    "full": lambda xp, x: xp.full((2, 2), x[0, 1]) * x[1, 1],
    "full_like": lambda xp, x: xp.full_like(x, x[0, 1]) * x,
    "eye": lambda xp, x: x @ xp.eye(3, dtype=xp.float64, device=x.device),
    "arange": lambda xp, x: x * xp.arange(3.0, dtype=xp.float64, device=x.device),
    "linspace": lambda xp, x: xp.linspace(x[0, 0], x[1, 2], 5),
    "meshgrid": lambda xp, x: xp.meshgrid(x[0, :], x[1, :])[0] * xp.meshgrid(x[0, :], x[1, :])[1],
    "tril": lambda xp, x: xp.tril(x, k=1) * xp.tril(x),
    "triu": lambda xp, x: xp.triu(x) + xp.triu(x, k=-1),
    "broadcast_arrays": lambda xp, x: xp.broadcast_arrays(x[0, :], x)[0] * x,
    "broadcast_to": lambda xp, x: xp.broadcast_to(x, (2, 2, 3)),
    "concat": lambda xp, x: xp.concat([x, x * x], axis=1),
    "expand_dims": lambda xp, x: xp.expand_dims(x, axis=1) * x,
    "flip": lambda xp, x: xp.flip(x) * x,
    "moveaxis": lambda xp, x: xp.moveaxis(x, 0, 1) @ x,
    "permute_dims": lambda xp, x: xp.permute_dims(x, (1, 0)) @ x,
    "repeat": lambda xp, x: xp.repeat(x, 2, axis=0),
    "reshape": lambda xp, x: xp.reshape(x, (3, 2)) @ x,
    "roll": lambda xp, x: xp.roll(x, (1, -1), axis=(0, 1)) * x,
    "squeeze": lambda xp, x: xp.squeeze(x[:1, :], axis=0) * x,
    "stack": lambda xp, x: xp.stack([x, x * x], axis=1),
    "tile": lambda xp, x: xp.tile(x, (2, 2)),
    "unstack": lambda xp, x: xp.unstack(x, axis=1)[0] * xp.unstack(x, axis=1)[2],
    "take": lambda xp, x: xp.take(x, integers(x, [0, 2, 2]), axis=1),
    "take_along_axis": lambda xp, x: xp.take_along_axis(x, integers(x, ORDER), axis=1),
    "diff": lambda xp, x: xp.diff(x, axis=1) * xp.diff(x, axis=1),
    "sort": lambda xp, x: xp.sort(x, axis=1) * xp.flip(xp.sort(x, axis=1), axis=1),
    "unique_values": lambda xp, x: xp.unique_values(x) ** 2,
    "unique_all": lambda xp, x: xp.unique_all(x).values ** 2,
    "unique_counts": lambda xp, x: xp.unique_counts(x).values ** 2,
    "unique_inverse": lambda xp, x: xp.unique_inverse(x).values ** 2,
    "matmul": lambda xp, x: xp.matmul(x, xp.matrix_transpose(x)),
    "matrix_transpose": lambda xp, x: xp.matrix_transpose(x) @ x,
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=((0,), (0,))),
    "vecdot": lambda xp, x: xp.vecdot(x, x, axis=0),
    "cumulative_sum": lambda xp, x: xp.cumulative_sum(x, axis=1) * x,
    "cumulative_prod": lambda xp, x: xp.cumulative_prod(x, axis=1),
    **{name: reduced(name) for name in ("max", "mean", "min", "prod", "std", "sum", "var")},
}


# Piecewise constant, or no number: the result is a plain array, as the library gives it.
CONSTANTS = {
    **{name: unary(name) for name in words("ceil floor isfinite isinf isnan round sign")},
    **{name: unary(name) for name in words("signbit trunc all any argmax argmin argsort")},
    **{name: binary(name) for name in words("equal floor_divide greater greater_equal less")},
    **{name: binary(name) for name in ["less_equal", "not_equal"]},
    "count_nonzero": unary("count_nonzero"),
    "nonzero": lambda xp, x: xp.nonzero(x)[1],
    "searchsorted": lambda xp, x: xp.searchsorted(xp.sort(x[0, :]), x[1, :]),
    "logical_and": lambda xp, x: xp.logical_and(x > 0.5, x < 0.7),
    "logical_or": lambda xp, x: xp.logical_or(x > 0.5, x < 0.4),
    "logical_xor": lambda xp, x: xp.logical_xor(x > 0.5, x < 0.7),
    "logical_not": lambda xp, x: xp.logical_not(x > 0.5),
}
# Of integers: a traced array never holds any, so the library's own functions serve.
INTEGERS = words("bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift")
INTEGERS += ["bitwise_xor"]
# Questions about dtypes.
ANSWERS = {
    "can_cast": lambda xp, x: xp.can_cast(x, xp.float64),
    "finfo": lambda xp, x: float(xp.finfo(x.dtype).eps) == 2.0**-52,
    "iinfo": lambda xp, x: int(xp.iinfo(xp.int32).max) == 2**31 - 1,
    "isdtype": lambda xp, x: xp.isdtype(x.dtype, "real floating"),
    "result_type": lambda xp, x: xp.result_type(x, xp.float32) == xp.float64,
}
REFUSED = {"from_dlpack": lambda xp, x: xp.from_dlpack(x)}
# Shapes that depend on values: array-api-strict has them switched off in these tests.
DATA_DEPENDENT = {"nonzero", "unique_values", "unique_all", "unique_counts", "unique_inverse"}


def integers(x, values):
    namespace = x.__array_namespace__()
    return namespace.asarray(np.asarray(values).tolist(), dtype=namespace.int64, device=x.device)


def filled(out, x):
    """Traced values can be written into an array made in traced code."""
    out[0] = x[0, 1] * x[1, 1]
    out[1] = x[0, 0]
    return out * x[0, 2]


def copies_allowed(name):
    """A shape that depends on values is read on the host, on a GPU too."""
    return allow_host_copies() if name in DATA_DEPENDENT else nullcontext()


def on_traced(f):
    """The function called with the namespace that user code would ask for."""
    return lambda x: f(ag.namespace(x), x)


def test_the_list_is_the_specification():
    strict = pytest.importorskip("array_api_strict")
    not_functions = {
        *words("e inf nan newaxis pi bool complex64 complex128 float32 float64"),
        *words("int8 int16 int32 int64 uint8 uint16 uint32 uint64 linalg fft"),
        *words("Device ArrayAPIStrictFlags isin broadcast_shapes"),  # later than 2024.12
    }
    offered = {
        name
        for name in strict.__all__
        if name not in not_functions and "_array_api_" not in name and "api_strict" not in name
    }
    offered -= {"__array_namespace_info__", "__array_api_version__", "__version__"}
    listed = {*DERIVATIVES, *CONSTANTS, *INTEGERS, *ANSWERS, *REFUSED}
    assert listed == offered


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_are_the_difference_quotients(name):
    f = on_traced(DERIVATIVES[name])
    value, tangent = ag.jvp(f, (X,), (V,))
    np.testing.assert_allclose(tangent, difference(f, X, V), rtol=1e-8, atol=1e-8)
    again, pullback = ag.vjp(f, X)
    assert_close(again, value)
    u = np.sin(np.arange(1.0, np.size(value) + 1)).reshape(np.shape(value)).astype(value.dtype)
    (g,) = pullback(u)
    left, right = np.sum(g * V), np.real(np.sum(np.conj(u) * tangent))
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_the_pullback_differentiates_again(name):
    f = on_traced(DERIVATIVES[name])

    def pulled(x):
        return ag.vjp(f, x)[1](np.ones_like(f(X)))[0]

    _, tangent = ag.jvp(pulled, (X,), (V,))
    np.testing.assert_allclose(tangent, difference(pulled, X, V), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_every_library_gives_the_same(name, xp):
    if xp.name == "strict" and name in DATA_DEPENDENT:
        pytest.skip("a shape that depends on values would be read on the host")
    f = on_traced(DERIVATIVES[name])
    expected, expected_pullback = ag.vjp(f, X)
    u = np.cos(np.arange(np.size(expected), dtype=float)).reshape(np.shape(expected))
    u = u.astype(expected.dtype)
    with copies_allowed(name):
        value, pullback = ag.vjp(f, xp.asarray(X))
    assert type(value) is type(xp.asarray(X))
    assert_close(value, np.asarray(expected))
    assert_close(pullback(xp.asarray(u)), expected_pullback(u))


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_plain_and_right(name, xp):
    if xp.name == "strict" and name in DATA_DEPENDENT:
        pytest.skip("a shape that depends on values would be read on the host")
    seen = []

    def f(x):
        seen.append(CONSTANTS[name](ag.namespace(x), x))
        return ag.namespace(x).sum(x)

    x = xp.asarray(X)
    with copies_allowed(name):
        ag.grad(f)(x)
    assert not hasattr(seen[0], "__anygrad_traced__")
    with copies_allowed(name):
        plain = to_host(CONSTANTS[name](xp, x))
    np.testing.assert_array_equal(to_host(seen[0]), plain)
    np.testing.assert_array_equal(plain, CONSTANTS[name](np, X))


@pytest.mark.parametrize("name", ANSWERS)
def test_questions_about_dtypes_are_answered(name, xp):
    answers = []

    def f(x):
        answers.append(bool(ANSWERS[name](ag.namespace(x), x)))
        return ag.namespace(x).sum(x)

    ag.grad(f)(xp.asarray(X))
    assert answers == [True]


@pytest.mark.parametrize("name", INTEGERS)
def test_functions_of_integers_work_in_traced_code(name, xp):
    def f(x):
        namespace = ag.namespace(x)
        numbers = integers(x, [1, 2, 3])
        operands = (numbers,) if name == "bitwise_invert" else (numbers, numbers)
        return namespace.sum(x * namespace.astype(getattr(namespace, name)(*operands), x.dtype))

    n = np.asarray([1, 2, 3])
    expected = getattr(np, name)(*((n,) if name == "bitwise_invert" else (n, n)))
    assert_close(ag.grad(f)(xp.asarray(X)), np.broadcast_to(expected * 1.0, (2, 3)))


@pytest.mark.parametrize("name", REFUSED)
def test_ways_out_are_refused(name):
    with pytest.raises(MissingRuleError, match=name):
        ag.grad(on_traced(REFUSED[name]))(X)


def test_equal_elements_are_sorted_in_the_order_in_which_they_stood(xp):
    x = xp.asarray([2.0, 1.0, 2.0, 1.0])
    _, pullback = ag.vjp(lambda x: x.__array_namespace__().sort(x), x)
    assert_close(pullback(xp.asarray([1.0, 2.0, 3.0, 4.0]))[0], [3.0, 1.0, 4.0, 2.0])
    _, pullback = ag.vjp(lambda x: x.__array_namespace__().sort(x, descending=True), x)
    assert_close(pullback(xp.asarray([1.0, 2.0, 3.0, 4.0]))[0], [1.0, 3.0, 2.0, 4.0])


def test_sorting_as_numpy_spells_it():
    np.testing.assert_allclose(
        ag.grad(lambda x: np.sum(np.sort(x, axis=None) * np.arange(6.0)))(X),
        np.argsort(np.argsort(X, axis=None)).reshape(2, 3),
    )
    np.testing.assert_allclose(
        ag.grad(lambda x: np.sum(np.sort(x, 0)[0]))(X), (X.min(axis=0) == X).astype(float)
    )
    assert ag.grad(lambda x: np.sort(x))(np.asarray(2.0)) == 1.0


def test_linspace_ends_exactly_where_it_should():
    y = []

    def f(a, b):
        y.append(ag.value(np.linspace(a, b, 7)))
        y.append(ag.value(np.linspace(a, b, 4, endpoint=False)))
        return a * b

    ag.grad(f)(0.1, 0.7)
    assert y[0][0] == 0.1
    assert y[0][-1] == 0.7
    np.testing.assert_allclose(y[0], np.linspace(0.1, 0.7, 7), rtol=1e-15)
    np.testing.assert_allclose(y[1], np.linspace(0.1, 0.7, 4, endpoint=False), rtol=1e-15)
