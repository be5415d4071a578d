"""Sums, means, products, extremes along axes."""

from __future__ import annotations

from typing import Any

from anygrad.ops import shaping
from anygrad.ops.batching import batch_searchsorted, refuse
from anygrad.ops.row import Case, constant, linear, reduction

_CASES = [
    Case(((3, 4),), {"axis": None, "keepdims": False}),
    Case(((3, 4),), {"axis": 0, "keepdims": False}),
    Case(((3, 4),), {"axis": -1, "keepdims": True}),
    Case(((2, 3, 4),), {"axis": (0, 2), "keepdims": False}),
    Case(((),), {"axis": None, "keepdims": False}),
    Case(((2, 0),), {"axis": 1, "keepdims": False}),
]
_NONEMPTY = _CASES[:-1]

linear(
    "sum",
    lambda xp, g, shape, *, axis, keepdims: shaping.spread(xp, g, shape, axis, keepdims),
    cases=_CASES,
)
linear(
    "mean",
    lambda xp, g, shape, *, axis, keepdims: shaping.spread(
        xp, g / shaping.count(shape, axis), shape, axis, keepdims
    ),
    cases=_NONEMPTY,
)


def _extreme(xp: Any, y: Any, x: Any, axis: Any) -> Any:
    """Where the extreme is reached; equal elements share it, so that all libraries agree."""
    reached = xp.astype(x == y, dtype=x.dtype)
    return reached / xp.sum(reached, axis=axis, keepdims=True)


def _other_factors(xp: Any, _y: Any, x: Any, axis: Any) -> Any:
    """For each element the product of its reduction's others; exact and smooth where some are 0."""
    axes = shaping.normal_axes(axis, len(x.shape))
    kept = tuple(k for k in range(len(x.shape)) if k not in axes)
    moved = xp.permute_dims(x, axes=kept + axes)
    flat = xp.reshape(moved, shape=(*moved.shape[: len(kept)], shaping.count(x.shape, axis)))
    others = xp.reshape(_exclusive_products(xp, flat), shape=moved.shape)
    return xp.permute_dims(others, axes=tuple((kept + axes).index(k) for k in range(len(x.shape))))


def _exclusive_products(xp: Any, x: Any) -> Any:
    """Products of all but one along the last axis, in pairs: log n levels, no division."""
    n = x.shape[-1]
    if n < 2:
        return xp.zeros_like(x) + 1.0
    half = n // 2
    first = xp.getitem(x, key=(..., slice(0, half)))
    second = xp.getitem(x, key=(..., slice(half, 2 * half)))
    rest = xp.getitem(x, key=(..., slice(2 * half, n)))
    outside = _exclusive_products(xp, xp.concat(first * second, rest, axis=-1))
    pairs = xp.getitem(outside, key=(..., slice(0, half)))
    last = xp.getitem(outside, key=(..., slice(half, None)))
    return xp.concat(pairs * second, pairs * first, last, axis=-1)


reduction("max", _extreme, cases=_NONEMPTY)
reduction("min", _extreme, cases=_NONEMPTY)
reduction("prod", _other_factors, cases=_CASES)
constant("all", "any", "argmax", "argmin", "count_nonzero", "zeros_like")
constant("argsort")
constant("nonzero", batch=refuse)
constant("searchsorted", batch=batch_searchsorted)


def _sum_to_the_end(xp: Any, g: Any, _shape: Any, *, axis: int) -> Any:
    return xp.flip(xp.cumulative_sum(xp.flip(g, axis=axis), axis=axis), axis=axis)


linear(
    "cumulative_sum",
    _sum_to_the_end,
    cases=[Case(((5,),), {"axis": 0}), Case(((3, 4),), {"axis": 1}), Case(((3, 4),), {"axis": -2})],
)
