"""Sums, means, products, extremes along axes."""

from __future__ import annotations

from typing import Any

from anygrad.ops import shaping
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
    """Where the extreme is reached; equal elements share the derivative.

    So that it is the same everywhere.
    """
    reached = xp.astype(x == y, dtype=x.dtype)
    return reached / xp.sum(reached, axis=axis, keepdims=True)


def _other_factors(xp: Any, _y: Any, x: Any, axis: Any) -> Any:
    """The product of the other elements, right where elements are zero: y / x.

    Or the rest where x is the only zero.
    """
    zero = x == 0
    rest = xp.prod(xp.where(zero, 1.0, x), axis=axis, keepdims=True)
    zeros = xp.sum(xp.astype(zero, dtype=x.dtype), axis=axis, keepdims=True)
    alone = xp.where(zeros == 1.0, xp.where(zero, rest, 0.0), xp.zeros_like(x))
    return xp.where(zeros == 0.0, rest / xp.where(zero, 1.0, x), alone)


reduction("max", _extreme, cases=_NONEMPTY)
reduction("min", _extreme, cases=_NONEMPTY)
reduction("prod", _other_factors, cases=_CASES)
constant("all", "any", "argmax", "argmin", "count_nonzero", "zeros_like")


def _sum_to_the_end(xp: Any, g: Any, _shape: Any, *, axis: int) -> Any:
    flipped = shaping.reversal(axis, len(g.shape))
    return xp.getitem(xp.cumulative_sum(xp.getitem(g, key=flipped), axis=axis), key=flipped)


linear(
    "cumulative_sum",
    _sum_to_the_end,
    cases=[Case(((5,),), {"axis": 0}), Case(((3, 4),), {"axis": 1}), Case(((3, 4),), {"axis": -2})],
)
