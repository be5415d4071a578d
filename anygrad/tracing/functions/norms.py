"""Norms of matrices, with those of vectors in NumPy's one function for both."""

from __future__ import annotations

import math
from typing import Any

from anygrad.errors import ArgumentError
from anygrad.ops.shaping import normal_axes
from anygrad.tracing.functions.arguments import plain_axis, plain_keepdims
from anygrad.tracing.functions.decomposing import inv, svd_of_sums, svdvals
from anygrad.tracing.functions.products import vector_norm
from anygrad.tracing.functions.shapes import expand_dims, moveaxis
from anygrad.tracing.level import strip
from anygrad.tracing.operations import TRACED


def norm(x, ord=None, axis=None, keepdims=False):
    """numpy.linalg.norm: of vectors along one axis, of matrices in two, or of all elements."""
    axis, keepdims = plain_axis(axis), plain_keepdims(keepdims)
    if axis is None and (ord is None or (x.ndim == 1 and ord == 2)):
        return vector_norm(x, keepdims=keepdims)
    axes = normal_axes(axis, x.ndim)
    if len(axes) == 1 and not isinstance(ord, str):
        (axis,) = axes
        return vector_norm(x, axis=axis, keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2 or axes[0] == axes[1]:
        message = (
            f"norm(axis): got {axis} for shape {tuple(x.shape)} and ord={ord!r}; expected one axis "
            "for vectors, two different ones for matrices."
        )
        raise ArgumentError(message)
    return _norm_of_matrices(x, "fro" if ord is None else ord, axes, keepdims)


def matrix_norm(x, /, *, keepdims=False, ord: Any = "fro"):
    """The norm of the matrices in the last two axes."""
    axes = normal_axes((-2, -1), x.ndim)
    return _norm_of_matrices(x, "fro" if ord is None else ord, axes, plain_keepdims(keepdims))


def _norm_of_matrices(x: Any, ord: Any, axes: Any, keepdims: bool) -> Any:
    compute = _NORMS.get(ord)
    if compute is None:
        message = (
            f"norm(ord): got {ord!r} for matrices; expected 'fro', 'nuc', 1, -1, 2, -2, inf or "
            "-inf."
        )
        raise ArgumentError(message)
    moved = moveaxis(x, axes, (-2, -1))
    if 0 in moved.shape[-2:] and ord in (1, 2, math.inf, "nuc"):  # nothing is the largest, or added
        y = TRACED.sum(TRACED.abs(moved), axis=(-2, -1), keepdims=False)
    else:
        y = compute(moved)
    return expand_dims(y, tuple(sorted(axes))) if keepdims else y


def _sums(axis: int, extreme: str) -> Any:
    def compute(x: Any) -> Any:
        sums = TRACED.sum(TRACED.abs(x), axis=axis, keepdims=False)
        return getattr(TRACED, extreme)(sums, axis=-1, keepdims=False)

    return compute


def _values(reduce: str) -> Any:
    """By the singular values; the derivative by one that is 0 is taken as 0, a subgradient."""

    def compute(x: Any) -> Any:
        s = svd_of_sums(x).S if reduce == "sum" else svdvals(x)
        s = TRACED.where(TRACED.equal(strip(s), 0), 0.0, s)
        return getattr(TRACED, reduce)(s, axis=-1, keepdims=False)

    return compute


_NORMS = {
    "fro": lambda x: vector_norm(x, axis=(-2, -1)),
    "f": lambda x: vector_norm(x, axis=(-2, -1)),
    "nuc": _values("sum"),
    1: _sums(-2, "max"),
    -1: _sums(-2, "min"),
    math.inf: _sums(-1, "max"),
    -math.inf: _sums(-1, "min"),
    2: _values("max"),
    -2: _values("min"),
}


def cond(x, p=None):
    """The condition number: by the singular values, or the norms of the matrix and its inverse."""
    if p is None or p in (2, -2):
        s = svdvals(x)
        first, last = (TRACED.getitem(s, key=(..., k)) for k in (0, -1))
        return last / first if p == -2 else first / last
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)
