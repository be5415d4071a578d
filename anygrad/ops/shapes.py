"""Rows that move elements without changing them: reshape, permute, broadcast, cast, join."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from anygrad.ops import shaping
from anygrad.ops.batching import batch_broadcast
from anygrad.ops.row import Case, elementwise, join, linear

linear(
    "reshape",
    lambda xp, g, of, /, **_kw: xp.reshape(g, shape=of),
    cases=[
        Case(((3, 4),), {"shape": (2, 6)}),
        Case(((),), {"shape": (1, 1)}),
        Case(((0, 3),), {"shape": (3, 0)}),
    ],
    view=True,
)
linear(
    "permute_dims",
    lambda xp, g, _shape, *, axes: xp.permute_dims(
        g, axes=tuple(axes.index(k) for k in range(len(axes)))
    ),
    cases=[Case(((3, 4),), {"axes": (1, 0)}), Case(((2, 3, 4),), {"axes": (2, 0, 1)})],
    view=True,
)
linear(
    "broadcast_to",
    lambda xp, g, of, /, **_kw: shaping.unbroadcast(xp, g, of),
    cases=[
        Case(((4,),), {"shape": (3, 4)}),
        Case(((3, 1),), {"shape": (2, 3, 4)}),
        Case(((),), {"shape": (2,)}),
    ],
    view=True,
    batch=batch_broadcast,
)
linear(
    "flip",
    lambda xp, g, _shape, *, axis: xp.flip(g, axis=axis),
    cases=[Case(((4,),), {"axis": 0}), Case(((3, 4),), {"axis": (0, 1)})],
    view=True,
)
for _triangle in ("tril", "triu"):
    linear(
        _triangle,
        lambda xp, g, _shape, *, k, _name=_triangle: getattr(xp, _name)(g, k=k),
        cases=[Case(((3, 4),), {"k": 0}), Case(((2, 3, 3),), {"k": -1})],
    )
# The caller brings every cotangent back to the dtype of its operand, so nothing is left to do here.
elementwise("astype", lambda xp, t, _y, _x: t, run=lambda xp: _cast(xp), sampled=False)


def _cast(xp: Any) -> Any:
    def astype(x: Any, *, dtype: Any) -> Any:
        return xp.astype(x, dtype)

    return astype


def _pieces(xp: Any, g: Any, shapes: list[tuple[int, ...]], *, axis: int) -> list[Any]:
    before = (slice(None),) * (axis % len(g.shape))
    ends = accumulate(shape[axis] for shape in shapes)
    return [
        xp.getitem(g, key=(*before, slice(end - shape[axis], end), ...))
        for end, shape in zip(ends, shapes, strict=True)
    ]


def _joined(xp: Any) -> Any:
    def concat(*arrays: Any, axis: int) -> Any:
        return xp.concat(arrays, axis=axis)

    return concat


join(
    "concat",
    _pieces,
    run=_joined,
    cases=[
        Case(((2, 3), (4, 3), (1, 3)), {"axis": 0}),
        Case(((2, 3), (2, 1)), {"axis": -1}),
        Case(((3,),), {"axis": 0}),
    ],
)


def _unstacked(xp: Any, g: Any, shapes: list[tuple[int, ...]], *, axis: int) -> list[Any]:
    before = (slice(None),) * (axis % len(g.shape))
    return [xp.getitem(g, key=(*before, k, ...)) for k in range(len(shapes))]


def _stacked(xp: Any) -> Any:
    def stack(*arrays: Any, axis: int) -> Any:
        return xp.stack(arrays, axis=axis)

    return stack


join(
    "stack",
    _unstacked,
    run=_stacked,
    cases=[
        Case(((3,), (3,)), {"axis": 0}),
        Case(((2, 3), (2, 3)), {"axis": -1}),
        Case(((), (), ()), {"axis": 0}),
    ],
)
