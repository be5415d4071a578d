"""Products of vectors and matrices, and norms."""

from __future__ import annotations

import builtins
import math
from typing import Any

from anygrad.errors import MissingRuleError, ShapeError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import (
    as_arrays,
    fresh,
    plain_axis,
    refuse,
    root_at_rest,
)
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import moveaxis, reshape
from anygrad.tracing.level import strip
from anygrad.tracing.operations import TRACED


def dot(a, b, out=None):
    """NumPy's dot: numbers multiply, vectors and matrices contract.

    Higher arrays contract along the last axis of ``a`` and the second last of ``b``.
    """
    refuse("dot", out)
    a, b = as_arrays((a, b))
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return TRACED.matmul(a, b)
    return tensordot(a, b, ((a.ndim - 1,), (builtins.max(b.ndim - 2, 0),)))


def tensordot(a, b, /, axes: Any = 2):
    """Sums of products over pairs of axes."""
    a, b = as_arrays((a, b))
    if isinstance(axes, int):
        axes = (tuple(range(-axes, 0)), tuple(range(axes)))
    left, right = (tuple(x) if isinstance(x, tuple | list) else (x,) for x in axes)
    left, right = normal_axes(left, a.ndim), normal_axes(right, b.ndim)
    contracted = [a.shape[k] for k in left]
    if contracted != [b.shape[k] for k in right]:
        message = (
            f"tensordot(axes): got {axes} for {a.shape} and {b.shape}; expected equal lengths."
        )
        raise ShapeError(message)
    rows = tuple(k for k in range(a.ndim) if k not in left)
    columns = tuple(k for k in range(b.ndim) if k not in right)
    shape = tuple(a.shape[k] for k in rows) + tuple(b.shape[k] for k in columns)
    a2 = TRACED.permute_dims(a, axes=rows + left)
    a2 = TRACED.reshape(a2, shape=(math.prod(a.shape[k] for k in rows), math.prod(contracted)))
    b2 = TRACED.permute_dims(b, axes=right + columns)
    b2 = TRACED.reshape(b2, shape=(math.prod(contracted), math.prod(b.shape[k] for k in columns)))
    return fresh(TRACED.reshape(TRACED.matmul(a2, b2), shape=shape))


def vecdot(a, b, /, *, axis=-1):
    """Inner products along an axis; the first operand is conjugated."""
    a, b = as_arrays((a, b))
    if kind_of(a.dtype) == "complex":
        a = TRACED.conj(a)
    return TRACED.sum(a * b, axis=int(axis), keepdims=False)


def outer(a, b, out=None):
    """All products of two vectors."""
    refuse("outer", out)
    a, b = as_arrays((a, b))
    return reshape(a, (-1, 1)) * reshape(b, (1, -1))


def inner(a, b, /):
    """NumPy's inner: contraction of the last axes."""
    a, b = as_arrays((a, b))
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def trace(x, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    """NumPy's trace: the sum of the diagonal of the first two axes, or of two others."""
    refuse("trace", out)
    if dtype is not None:
        x = astype(x, dtype)
    return matrix_trace(moveaxis(x, (axis1, axis2), (-2, -1)), offset=int(offset))


def matrix_trace(x, /, *, offset=0, dtype=None):
    """The sum of the diagonal of the last two axes, as xp.linalg.trace."""
    if dtype is not None:
        x = astype(x, dtype)
    rows, columns = x.shape[-2:]
    count = builtins.min(rows + builtins.min(offset, 0), columns - builtins.max(offset, 0))
    start = offset if offset >= 0 else -offset * columns
    stop = start + builtins.max((count - 1) * (columns + 1) + 1, 0)
    flat = TRACED.reshape(x, shape=(*x.shape[:-2], rows * columns))
    diagonal = TRACED.getitem(flat, key=(..., slice(start, stop, columns + 1)))
    return TRACED.sum(diagonal, axis=-1, keepdims=False)


def vector_norm(x, /, *, axis=None, keepdims=False, ord: Any = 2):
    """The norm of vectors along axes, for ``ord`` 1, 2, inf, -inf or another number but 0.

    The derivative of the 2-norm at 0 is taken as 0, a subgradient (PyTorch's choice; the limit
    does not exist).
    """
    size = TRACED.abs(x)
    axis = plain_axis(axis)
    if ord == 0:
        message = "vector_norm(ord): got 0; a count has no derivative. Use ag.value(x) to count."
        raise MissingRuleError(message)
    if ord == 2:
        square = x * x if kind_of(x.dtype) == "real" else size * size
        return root_at_rest(TRACED.sum(square, axis=axis, keepdims=keepdims), 0.5)
    if ord in (math.inf, -math.inf):
        return getattr(TRACED, "max" if ord > 0 else "min")(size, axis=axis, keepdims=keepdims)
    if ord == 1:
        return TRACED.sum(size, axis=axis, keepdims=keepdims)
    if ord < 1:  # the slope of the power at 0 is infinite; a subgradient is 0
        rest = strip(size) == 0
        powers = TRACED.where(rest, 1.0, size) ** ord
        if ord > 0:
            powers = TRACED.where(rest, 0.0, powers)
            return root_at_rest(TRACED.sum(powers, axis=axis, keepdims=keepdims), 1.0 / ord)
        nothing = TRACED.any(rest, axis=axis, keepdims=keepdims)
        root = TRACED.sum(powers, axis=axis, keepdims=keepdims) ** (1.0 / ord)
        return TRACED.where(nothing, 0.0, root)
    return root_at_rest(TRACED.sum(size**ord, axis=axis, keepdims=keepdims), 1.0 / ord)


def norm(x, ord=None, axis=None, keepdims=False):
    """numpy.linalg.norm of vectors, and the Frobenius norm of matrices."""
    axes = x.ndim if axis is None else len(axis) if isinstance(axis, tuple | list) else 1
    if ord in (None, "fro") and (axes != 1 or ord is None):
        return vector_norm(x, axis=axis, keepdims=keepdims)
    if axes == 1 and isinstance(ord, int | float):
        return vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    message = f"norm(ord): got {ord!r} for {axes} axes; rules exist for vector norms and 'fro'."
    raise MissingRuleError(message)
