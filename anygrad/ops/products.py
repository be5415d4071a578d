"""Matrix products, with the one-dimensional cases of the standard."""

from __future__ import annotations

from typing import Any

from anygrad.ops import shaping
from anygrad.ops.row import Case, bilinear


def _left(xp: Any, g: Any, _y: Any, _a: Any, b: Any) -> Any:
    """The cotangent g b^T: a row for a 1-d ``a``, an outer product for a 1-d ``b``."""
    if len(b.shape) == 1:
        return g * b if len(_a.shape) == 1 else g[..., None] * b
    if len(_a.shape) == 1:
        return shaping.unbroadcast(xp, xp.matmul(b, g[..., None])[..., 0], _a.shape)
    return shaping.unbroadcast(xp, xp.matmul(g, b.mT), _a.shape)


def _right(xp: Any, g: Any, _y: Any, a: Any, _b: Any) -> Any:
    """The cotangent a^T g: a column for a 1-d ``b``, an outer product for a 1-d ``a``."""
    if len(a.shape) == 1:
        return (
            a * g
            if len(_b.shape) == 1
            else shaping.unbroadcast(xp, a[:, None] * g[..., None, :], _b.shape)
        )
    if len(_b.shape) == 1:
        return shaping.unbroadcast(xp, xp.matmul(a.mT, g[..., None])[..., 0], _b.shape)
    return shaping.unbroadcast(xp, xp.matmul(a.mT, g), _b.shape)


_SHAPES = [
    ((3, 4), (4, 2)),
    ((3, 4), (4,)),
    ((4,), (4, 2)),
    ((4,), (4,)),
    ((2, 3, 4), (4, 2)),
    ((3, 4), (2, 4, 2)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
]
bilinear("matmul", _left, _right, cases=[Case(shapes) for shapes in _SHAPES])
