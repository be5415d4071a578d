"""Ordinary NumPy spellings: result as NumPy's, derivative as the difference quotient's."""

import numpy as np
import pytest

from anygrad.autodiff import grad, jvp, vjp, vmap
from anygrad.config import use_settings
from anygrad.errors import TraceError
from tests.support import assert_close, difference

X = np.array([[0.3, -1.2, 0.7, 2.1], [1.9, 0.4, -0.8, 0.6], [-0.45, 1.1, 1.7, -2.3]])
V = np.array([0.5, -0.25, 2.0, 1.5])
MASK = X > 0.5

# Each takes the 3 x 4 array X and gives an array; on the plain X they are NumPy's own functions.
SPELLINGS = {
    "sum": lambda x: np.sum(x),
    "sum axis": lambda x: np.sum(x, 0),
    "sum axes list": lambda x: np.sum(x, axis=(0, -1)),
    "sum keepdims": lambda x: np.sum(x, axis=1, keepdims=True) * x,
    "sum dtype": lambda x: np.sum(x, dtype=np.float64),
    "method sum": lambda x: x.sum(axis=0) * x.sum(1, keepdims=True),
    "mean": lambda x: np.mean(x, axis=1),
    "method mean": lambda x: x.mean() * x,
    "var": lambda x: np.var(x, axis=0),
    "var ddof": lambda x: np.var(x, ddof=1),
    "std": lambda x: np.std(x, axis=1, ddof=1, keepdims=True),
    "method std": lambda x: x.std(),
    "prod": lambda x: np.prod(x, axis=1),
    "max": lambda x: np.max(x, axis=0),
    "amax": lambda x: np.amax(x),
    "min": lambda x: x.min(axis=1),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "cumsum flat": lambda x: np.cumsum(x),
    "method cumsum": lambda x: x.cumsum(0),
    "cumulative_sum initial": lambda x: np.cumulative_sum(x, axis=1, include_initial=True),
    "add.reduce": lambda x: np.add.reduce(x),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=1),
    "reshape": lambda x: np.reshape(x, (2, 6)) ** 2,
    "reshape -1": lambda x: x.reshape(-1, 3) ** 2,
    "reshape tuple": lambda x: x.reshape((4, 3)),
    "ravel": lambda x: np.ravel(x),
    "flatten": lambda x: x.flatten(),
    "T": lambda x: x.T @ x,
    "mT": lambda x: x.mT,
    "transpose": lambda x: np.transpose(x, (1, 0)),
    "method transpose": lambda x: x.transpose(1, 0),
    "method transpose none": lambda x: x.transpose(),
    "permute_dims": lambda x: np.permute_dims(x, (1, 0)),
    "matrix_transpose": lambda x: np.matrix_transpose(x),
    "swapaxes": lambda x: x.swapaxes(0, -1),
    "moveaxis": lambda x: np.moveaxis(x[None], 0, -1),
    "squeeze": lambda x: np.squeeze(x[:, None], axis=1),
    "method squeeze": lambda x: x[None].squeeze(),
    "expand_dims": lambda x: np.expand_dims(x, (0, -1)),
    "newaxis": lambda x: x[:, None, :] * x[None, :, :],
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 4)),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, V)[0] * np.broadcast_arrays(x, V)[1],
    "flip": lambda x: np.flip(x, 1) * x,
    "flip all": lambda x: np.flip(x),
    "roll": lambda x: np.roll(x, 1, axis=0) * x,
    "roll flat": lambda x: np.roll(x, -2),
    "tile": lambda x: np.tile(x, (2, 1)),
    "repeat": lambda x: np.repeat(x, 2, axis=1),
    "method repeat": lambda x: x.repeat(2),
    "concatenate": lambda x: np.concatenate([x, V[None], x], axis=0),
    "concatenate none": lambda x: np.concatenate([x, V], axis=None),
    "concat": lambda x: np.concat((x[:1], x), axis=0),
    "stack": lambda x: np.stack([x[0], V, x[1]], axis=1),
    "hstack": lambda x: np.hstack([x, x[:, :1]]),
    "vstack": lambda x: np.vstack([x[0], x]),
    "unstack": lambda x: np.unstack(x)[1] * 2.0,
    "repeat each": lambda x: np.repeat(x, [1, 2, 1], axis=0),
    "diff ends": lambda x: np.diff(x, prepend=0.0, append=x[:, :1]),
    "cumprod": lambda x: np.cumprod(x, axis=1),
    "cumprod of one column": lambda x: np.cumprod(x[:, :1]),
    "cumulative_prod": lambda x: np.cumulative_prod(x, axis=0, include_initial=True),
    "take_along_axis": lambda x: np.take_along_axis(x, np.argsort(X, axis=1), axis=1),
    "take": lambda x: np.take(x, np.array([0, 2, 2]), axis=1),
    "method take": lambda x: x.take([1, 5, 5]),
    "diff": lambda x: np.diff(x, axis=1),
    "tril of a vector": lambda x: np.tril(x[0]) @ np.triu(x[1], 1),
    "diff twice": lambda x: np.diff(x, n=2),
    "where": lambda x: np.where(MASK, x * x, V),
    "where scalar": lambda x: np.where(MASK, x, 0.0),
    "where of comparison": lambda x: np.where(x > 0, x * x, -x),
    "clip": lambda x: np.clip(x, -1.0, 1.0) ** 3,
    "method clip": lambda x: x.clip(0.0),
    "clip by arrays": lambda x: np.clip(x, -np.abs(V), V * V),
    "astype": lambda x: x.astype(np.float64) * 2,
    "copy": lambda x: np.copy(x) * x.copy(),
    "round": lambda x: x * np.round(x),
    "zeros_like": lambda x: np.zeros_like(x) + x,
    "full_like": lambda x: np.full_like(x, 2.5) * x,
    "ones_like": lambda x: np.ones_like(x) * x,
    "dot": lambda x: np.dot(x, V),
    "method dot": lambda x: x.dot(V),
    "dot matrices": lambda x: np.dot(x, x.T),
    "matmul": lambda x: x @ x.T,
    "matmul plain first": lambda x: X.T @ x,
    "matmul vector": lambda x: x @ V,
    "rmatmul": lambda x: V[:3] @ x,
    "tensordot": lambda x: np.tensordot(x, X, axes=([0], [0])),
    "tensordot 2": lambda x: np.tensordot(x, x, axes=2),
    "vecdot": lambda x: np.vecdot(x, x),
    "outer": lambda x: np.outer(x[0], x[1]),
    "inner": lambda x: np.inner(x, V),
    "trace": lambda x: np.trace(x[:, :3]),
    "norm": lambda x: np.linalg.norm(x),
    "norm axis": lambda x: np.linalg.norm(x, axis=1),
    "norm 1": lambda x: np.linalg.norm(x[0], 1),
    "norm inf": lambda x: np.linalg.norm(x, np.inf, axis=1),
    "vector_norm": lambda x: np.linalg.vector_norm(x, ord=3),
    "operators": lambda x: (2.0 * x + 1 - x / 3.0) ** 2 / (1 + x**2) - -x,
    "reflected": lambda x: 2.0 ** (1.0 / (3.0 - x)) - (1 - x),
    "power of arrays": lambda x: np.abs(x) ** V,
    "float power": lambda x: np.abs(x) ** 1.5,
    "remainder": lambda x: x % 0.77,
    "floor_divide": lambda x: x * (x // 0.77),
    "abs": lambda x: abs(x) * np.fabs(x) * np.absolute(x),
    "scalar first": lambda x: np.float64(2.0) * x + np.int64(3),
    "int array": lambda x: np.arange(4) * x + np.array([True, False, True, True]),
    "plain first": lambda x: V * x + V - x / np.exp(V),
    "np.add": lambda x: np.add(V, np.multiply(x, 2)),
    "index": lambda x: x[0] * x[-1],
    "index ints": lambda x: x[1, 2] * x,
    "index arrays": lambda x: x[[0, 2, 2], [1, 1, 1]] ** 2,
    "index mask": lambda x: x[MASK] ** 2,
    "index comparison": lambda x: x[x > 0] ** 2,
    "index mixed": lambda x: x[np.array([2, 0, 2]), ::-2] ** 2,
    "ellipsis": lambda x: x[..., 1:] * x[..., :-1],
    "sum builtin": lambda x: sum(x) * 2,
    "iteration": lambda x: sum(row[0] * row[1] for row in x),
    "unpacking": lambda x: (lambda a, b, c: a * b - c)(*x),
    "max builtin": lambda x: max(x[0, 0], x[1, 0]) * x,
    "maximum": lambda x: np.maximum(x, 0.5) * np.minimum(x, V),
    "hypot arctan2": lambda x: np.hypot(x, V) * np.arctan2(x, V),
    "logaddexp": lambda x: np.logaddexp(x, V),
    "square reciprocal": lambda x: np.square(x) * np.reciprocal(x),
    "real imag conj": lambda x: np.real(x) + np.conj(x) * x.real,
    "atleast_2d": lambda x: np.atleast_2d(x[0]) * np.atleast_1d(x[0, 0]),
    "ufunc dtype": lambda x: np.multiply(x, 2.0, dtype=np.float64),
    "argmax": lambda x: x[np.argmax(x[:, 0])] * 2,
    "shape": lambda x: x * x.shape[0] * np.size(x) * np.ndim(x) * len(x),
    "loop with branch": lambda x: sum(r * r if r > 0 else -r for r in x[:, 0]),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_value_forward_and_reverse(name):
    f = SPELLINGS[name]
    expected = np.asarray(f(X))
    v = np.cos(np.arange(12.0)).reshape(3, 4)
    value, tangent = jvp(f, (X,), (v,))
    assert_close(np.asarray(value), expected)
    np.testing.assert_allclose(
        tangent, difference(f, X, v), rtol=1e-8, atol=1e-8
    )  # difference quotient

    value, pullback = vjp(f, X)
    assert_close(np.asarray(value), expected)
    u = np.sin(np.arange(1.0, expected.size + 1)).reshape(expected.shape)
    (g,) = pullback(u)
    assert g.shape == X.shape
    np.testing.assert_allclose(np.sum(g * v), np.sum(u * tangent), rtol=1e-12)


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_gradient_differentiates_again(name):
    f = SPELLINGS[name]

    def g(x):
        return grad(lambda x: np.sum(np.sin(0.05 * f(x))))(x)

    v = np.cos(np.arange(12.0)).reshape(3, 4)
    _, tangent = jvp(g, (X,), (v,))
    np.testing.assert_allclose(
        tangent, difference(g, X, v), rtol=1e-7, atol=1e-7
    )  # difference of a gradient


# The standard's own spellings, on every backend.
STANDARD = {
    "elementwise": lambda xp, x: xp.exp(xp.sin(x)) * xp.sqrt(xp.abs(x)) + xp.tanh(x),
    "reductions": lambda xp, x: xp.sum(x, axis=0) * xp.mean(x) + xp.max(x, axis=0) - xp.std(x),
    "prod": lambda xp, x: xp.prod(x, axis=1),
    "shapes": lambda xp, x: xp.reshape(xp.permute_dims(x, (1, 0)), (2, 6)),
    "squeeze": lambda xp, x: xp.squeeze(xp.expand_dims(x, axis=1), axis=1) * 2.0,
    "roll flip": lambda xp, x: xp.roll(x, 1, axis=1) * xp.flip(x, axis=0),
    "concat": lambda xp, x: xp.concat([x, x * 2.0], axis=1),
    "stack": lambda xp, x: xp.stack([x[0, :], x[1, :]]),
    "unstack": lambda xp, x: xp.unstack(x, axis=1)[2] * 2.0,
    "where": lambda xp, x: xp.where(x > 0.0, x * x, xp.zeros_like(x)),
    "matmul": lambda xp, x: xp.matmul(x, xp.matrix_transpose(x)),
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=([0], [0])),
    "vecdot": lambda xp, x: xp.vecdot(x, x),
    "clip": lambda xp, x: xp.clip(x, -1.0, 1.0),
    "tile repeat": lambda xp, x: xp.tile(x, (2, 1)) * xp.repeat(xp.repeat(x, 2, axis=0), 1, axis=1),
    "cumulative_sum": lambda xp, x: xp.cumulative_sum(x, axis=1),
    "index": lambda xp, x: x[1:, :] * x[:-1, ::-1],
    "linalg": lambda xp, x: xp.linalg.vector_norm(x, axis=1),
    "moveaxis": lambda xp, x: xp.moveaxis(x, 0, 1) * 3.0,
    "broadcast": lambda xp, x: xp.broadcast_to(x, (2, 3, 4)),
    "take": lambda xp, x: xp.take(x, xp.argmax(x, axis=0), axis=0),
    "creation": lambda xp, x: xp.ones_like(x) * x + xp.ones((3, 4), dtype=x.dtype) * x,
}


@pytest.mark.parametrize("name", STANDARD)
def test_standard_spellings_agree_on_every_backend(name, xp):
    f = STANDARD[name]
    if name == "index" and xp.name == "torch":
        pytest.skip("PyTorch has no slices with a negative step")

    def run(x):
        value, pullback = vjp(lambda x: f(x.__array_namespace__(), x), x)
        return value, pullback(value * 0.5 + 1.0)[0]

    expected_value, expected = run(X)
    if (
        name != "creation" or xp.backend == "numpy"
    ):  # creation puts new arrays on the default device
        value, g = run(xp.asarray(X))
        assert_close(value, expected_value)
        assert_close(g, expected)


@use_settings(rebind=False)
def test_writing_into_plain_arrays_is_refused():
    for f in (
        lambda x: np.add(x, 1.0, out=np.zeros((3, 4))),
        lambda x: np.sum(x, out=np.zeros(())),
        lambda x: np.copyto(np.zeros((3, 4)), x),
        lambda x: np.zeros((3, 4)).__iadd__(x),
        lambda x: np.zeros(3).__setitem__(0, x[0, 0]),
        lambda x: np.zeros((3, 4)).__setitem__(0, x[0]),
    ):
        with pytest.raises(TraceError, match=r"gradient would be lost|cannot be written"):
            vjp(f, X)


@use_settings(rebind=False)
def test_ways_out_are_refused_with_what_to_write():
    import math

    for f in (
        lambda x: float(x[0, 0]),
        lambda x: int(x[0, 0]),
        lambda x: complex(x[0, 0]),
        lambda x: math.sin(x[0, 0]),
        lambda x: x[0, 0].item(),
        lambda x: x.tolist(),
        lambda x: np.asarray(x),
        lambda x: np.array([x[0, 0], x[0, 1]]),
        lambda x: range(x[0, 0]),
        lambda x: [1, 2][x[0, 0]],
        lambda x: V.dot(x[0]),
        lambda x: V[x[0, 0]],
    ):
        with pytest.raises(TraceError, match=r"ag\.value"):
            vjp(f, X)


def test_printing_comparing_and_counting_work():
    def f(x):
        assert str(x[0]) == str(X[0])
        assert "traced" in repr(x)
        assert f"{x[0, 0]:.3f}" == f"{X[0, 0]:.3f}"
        assert round(x[0, 0], 1) == round(X[0, 0], 1)
        assert bool(x[0, 0] > 0)
        assert (x == X).all()
        assert np.shape(x) == (3, 4)
        assert np.allclose(x, X)
        assert len(x) == 3
        assert x.size == 12
        return np.sum(x)

    assert_close(grad(f)(X), np.ones((3, 4)))


def test_questions_about_a_batch_are_those_about_one_example():
    seen = []

    def f(x):
        seen.append((np.shape(x), np.ndim(x), np.size(x), np.size(x, 1), np.shape(a=x)))
        return x

    vmap(f)(np.stack([X, X]))
    assert seen == [((3, 4), 2, 12, 4, (3, 4))]


def test_questions_by_keyword():
    def f(x):
        assert np.allclose(X, b=x)
        assert np.array_equal(a1=x, a2=X)
        return np.sum(x)

    assert_close(grad(f)(X), np.ones((3, 4)))


def test_the_traced_namespace_makes_arrays_of_traced_parts():
    def f(x):
        xp = x.__array_namespace__()
        whole = xp.asarray([[x[0, 0], 2.0], [x[0, 1], x[1, 0]]])
        same = xp.asarray(x, copy=True)
        same[0, 0] = 5.0
        return xp.sum(whole * whole) + xp.sum(same * x) + xp.sum(xp.asarray(x, dtype=xp.float64))

    v = np.cos(np.arange(12.0)).reshape(3, 4)
    np.testing.assert_allclose(
        np.sum(grad(f)(X) * v), difference(lambda x: grad_free(f, x), X, v), rtol=1e-9
    )


def grad_free(f, x):
    value, _ = vjp(f, x)  # the value only: f needs a traced array's namespace
    return float(value)
