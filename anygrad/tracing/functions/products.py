"""Products of vectors and matrices, and norms."""

from __future__ import annotations

import builtins
import math
from numbers import Integral
from typing import Any

from anygrad.errors import MissingRuleError, ShapeError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import (
    as_own_arrays,
    deliver,
    fresh,
    plain_axis,
    root_at_rest,
)
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import moveaxis, ravel, reshape, squeeze
from anygrad.tracing.level import strip
from anygrad.tracing.operations import TRACED


def dot(a, b, out=None):
    """NumPy's dot: numbers multiply, vectors and matrices contract.

    Higher arrays contract along the last axis of ``a`` and the second last of ``b``.
    """
    a, b = as_own_arrays((a, b, *(() if out is None else (out,))))[:2]
    if not a.ndim or not b.ndim:
        return deliver("dot", out, a * b)
    if a.ndim <= 2 and b.ndim <= 2:
        return deliver("dot", out, TRACED.matmul(a, b))
    y = tensordot(a, b, ((a.ndim - 1,), (builtins.max(b.ndim - 2, 0),)))
    return deliver("dot", out, y)


def vdot(a, b):
    """The sum of products of all elements; the first operand is conjugated."""
    a, b = (ravel(x) for x in as_own_arrays((a, b)))
    return TRACED.matmul(_conjugate(a), b)


def tensordot(a, b, axes: Any = 2):
    """Sums of products over pairs of axes."""
    a, b = as_own_arrays((a, b))
    if isinstance(axes, Integral):
        axes = (tuple(range(-int(axes), 0)), tuple(range(int(axes))))
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


def vecdot(a, b, *, axis=-1, keepdims=False):
    """Inner products along an axis; the first operand is conjugated."""
    a, b = as_own_arrays((a, b))
    axis = int(axis)
    if axis >= 0 and a.ndim != b.ndim:
        a, b, axis = moveaxis(a, axis, -1), moveaxis(b, axis, -1), -1
    normal_axes(axis, builtins.min(a.ndim, b.ndim))
    if a.shape[axis] != b.shape[axis]:
        raise _lengths_differ("vecdot", a, b)
    return TRACED.sum(_conjugate(a) * b, axis=axis, keepdims=keepdims)


def matvec(a, b):
    """Matrices times vectors."""
    a, b = as_own_arrays((a, b))
    if a.ndim < 2 or not b.ndim or a.shape[-1] != b.shape[-1]:
        raise _lengths_differ("matvec", a, b)
    return TRACED.matmul(a, b) if b.ndim == 1 else squeeze(TRACED.matmul(a, b[..., None]), -1)


def vecmat(a, b):
    """Vectors, conjugated, times matrices."""
    a, b = as_own_arrays((a, b))
    if b.ndim < 2 or not a.ndim or a.shape[-1] != b.shape[-2]:
        raise _lengths_differ("vecmat", a, b)
    a = _conjugate(a)
    return TRACED.matmul(a, b) if a.ndim == 1 else squeeze(TRACED.matmul(a[..., None, :], b), -2)


def _conjugate(x):
    return TRACED.conj(x) if kind_of(x.dtype) == "complex" else x


def _lengths_differ(name, a, b):
    return ShapeError(
        f"{name}(operands): got shapes {tuple(a.shape)} and {tuple(b.shape)}; expected one length "
        "of the axes that are summed over."
    )


def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Cross products of vectors with 3 components; of vectors with 2, the third component."""
    a, b = as_own_arrays((a, b))
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        message = (
            f"cross(operands): got vectors of {a.shape[-1]} and {b.shape[-1]} components; expected "
            "2 or 3."
        )
        raise ShapeError(message)
    (a0, a1, *a2), (b0, b1, *b2) = ([x[..., k] for k in range(x.shape[-1])] for x in (a, b))
    third = a0 * b1 - a1 * b0
    if not a2 and not b2:
        return third
    first = (a1 * b2[0] if b2 else 0.0) - (a2[0] * b1 if a2 else 0.0)
    second = (a2[0] * b0 if a2 else 0.0) - (a0 * b2[0] if b2 else 0.0)
    return fresh(moveaxis(TRACED.stack(first, second, third, axis=-1), -1, axisc))


def outer(a, b, out=None):
    """All products of the elements of two arrays."""
    a, b = as_own_arrays((a, b, *(() if out is None else (out,))))[:2]
    return deliver("outer", out, reshape(a, (-1, 1)) * reshape(b, (1, -1)))


def inner(a, b):
    """NumPy's inner: contraction of the last axes."""
    a, b = as_own_arrays((a, b))
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, ((a.ndim - 1,), (b.ndim - 1,)))


def trace(x, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    """NumPy's trace: the sum of the diagonal of the first two axes, or of two others."""
    if dtype is not None:
        x = astype(x, dtype)
    y = matrix_trace(moveaxis(x, (axis1, axis2), (-2, -1)), offset=int(offset))
    return deliver("trace", out, y)


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
