"""Products of vectors and matrices, and norms."""

from __future__ import annotations

import builtins
import math
from typing import Any

from anygrad.errors import MissingRuleError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import on_device_of, plain_axis, refuse
from anygrad.tracing.functions.shapes import reshape
from anygrad.tracing.level import lowest, plain_namespace
from anygrad.tracing.operations import TRACED


def dot(a, b, out=None):
    """NumPy's dot: numbers multiply, vectors and matrices contract.

    Higher arrays along a's last and b's second last.
    """
    refuse("dot", out)
    if not getattr(a, "ndim", 0) or not getattr(b, "ndim", 0):
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return TRACED.matmul(a, b)
    return tensordot(a, b, ((a.ndim - 1,), (builtins.max(b.ndim - 2, 0),)))


def tensordot(a, b, /, axes: Any = 2):
    """Sums of products over pairs of axes."""
    if isinstance(axes, int):
        axes = (tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes)))
    left, right = (tuple(x) if isinstance(x, tuple | list) else (x,) for x in axes)
    left, right = normal_axes(left, a.ndim), normal_axes(right, b.ndim)
    rows = tuple(k for k in range(a.ndim) if k not in left)
    columns = tuple(k for k in range(b.ndim) if k not in right)
    n = math.prod(a.shape[k] for k in left)
    shape = tuple(a.shape[k] for k in rows) + tuple(b.shape[k] for k in columns)
    a2 = TRACED.reshape(
        TRACED.permute_dims(a, axes=rows + left), shape=(math.prod(a.shape[k] for k in rows), n)
    )
    b2 = TRACED.permute_dims(b, axes=right + columns)
    b2 = TRACED.reshape(b2, shape=(n, math.prod(b.shape[k] for k in columns)))
    return TRACED.reshape(TRACED.matmul(a2, b2), shape=shape)


def vecdot(a, b, /, *, axis=-1):
    """Inner products along an axis; the first operand is conjugated."""
    if kind_of(a.dtype) == "complex":
        a = TRACED.conj(a)
    return TRACED.sum(a * b, axis=axis, keepdims=False)


def outer(a, b, out=None):
    """All products of two vectors."""
    refuse("outer", out)
    return reshape(a, (-1, 1)) * reshape(b, (1, -1))


def inner(a, b, /):
    """NumPy's inner: contraction of the last axes."""
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def trace(x, offset=0):
    """The sum of a matrix' diagonal (the last two axes)."""
    xp = plain_namespace(x)
    bottom = lowest(x)
    mask = xp.eye(x.shape[-2], x.shape[-1], k=offset, dtype=bottom.dtype, **on_device_of(bottom))
    return TRACED.sum(x * mask, axis=(-2, -1), keepdims=False)


def vector_norm(x, /, *, axis=None, keepdims=False, ord: Any = 2):
    """The norm of vectors along axes, for ``ord`` 1, 2, inf, -inf or a number."""
    size = TRACED.abs(x)
    axis = plain_axis(axis)
    if ord == 2:
        square = x * x if kind_of(x.dtype) == "real" else size * size
        return TRACED.sqrt(TRACED.sum(square, axis=axis, keepdims=keepdims))
    if ord in (math.inf, -math.inf):
        return getattr(TRACED, "max" if ord > 0 else "min")(size, axis=axis, keepdims=keepdims)
    if ord == 1:
        return TRACED.sum(size, axis=axis, keepdims=keepdims)
    return TRACED.sum(size**ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


def norm(x, ord=None, axis=None, keepdims=False):
    """numpy.linalg.norm of vectors, and the Frobenius norm of matrices."""
    axes = x.ndim if axis is None else len(axis) if isinstance(axis, tuple | list) else 1
    if ord in (None, "fro") and (axes != 1 or ord is None):
        return vector_norm(x, axis=axis, keepdims=keepdims)
    if axes == 1 and isinstance(ord, int | float):
        return vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    message = f"norm(ord): got {ord!r} for {axes} axes; rules exist for vector norms and 'fro'."
    raise MissingRuleError(message)
