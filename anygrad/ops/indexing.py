"""Reading and writing parts of an array.

``scatter`` is the transpose of ``getitem``: it adds where indices repeat.
"""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np

from anygrad.backends import backend_of, device_of
from anygrad.backends.record import Backend
from anygrad.config import settings
from anygrad.ops.batched_indexing import (
    batch_getitem,
    batch_scatter,
    batch_setitem,
    batch_take,
    batch_untake,
)
from anygrad.ops.row import JOIN, Case, Row, add_row, linear

_BASIC = (int, slice, type(None), EllipsisType, np.integer)


def is_basic(key: Any) -> bool:
    """Whether a key holds only integers, slices, ``None`` and ``...``.

    Such a key selects each element at most once.
    """
    if type(key) is tuple:
        return all(isinstance(k, _BASIC) and not isinstance(k, bool) for k in key)
    return isinstance(key, _BASIC) and not isinstance(key, bool)


def selects_once(key: Any) -> bool:
    """Basic keys and boolean masks select each element at most once; integer arrays may repeat."""
    parts = key if type(key) is tuple else (key,)
    return all(is_basic(part) or "bool" in str(getattr(part, "dtype", "")) for part in parts)


def _getitem(xp: Any) -> Any:
    def getitem(x: Any, *, key: Any) -> Any:
        return x[key]

    return getitem


def _setitem(xp: Any) -> Any:
    def setitem(x: Any, value: Any, *, key: Any) -> Any:
        backend = backend_of(x)
        if backend is not None and backend.set_at is not None:
            return backend.set_at(x, key, value)
        out = xp.asarray(x, copy=True)
        out[key] = value
        return out

    return setitem


def _scatter(xp: Any) -> Any:
    def scatter(g: Any, *, key: Any, shape: tuple[int, ...]) -> Any:
        out = xp.zeros(shape, dtype=g.dtype, device=device_of(g))
        return add_at(xp, out, key, g)

    return scatter


def add_at(xp: Any, out: Any, key: Any, g: Any) -> Any:
    """Give ``out[key] += g``, in place if it can be, adding every time an index is repeated."""
    backend = backend_of(out)
    assert backend is not None
    if backend.writable and selects_once(key):
        if makes_axes(key):
            key, g = _without_new_axes(xp, out, key, g)
        out[key] += g
        return out
    if _adds(backend):
        return backend.add_at(out, key, g)  # type: ignore[misc]
    return _add_by_matching(xp, out, key, g)


def makes_axes(key: Any) -> bool:
    """Whether a key puts new axes in."""
    return key is None or (type(key) is tuple and any(part is None for part in key))


def _without_new_axes(xp: Any, out: Any, key: Any, g: Any) -> tuple[Any, Any]:
    """The same place without new axes, which array-api-strict reads by but does not write by."""
    if not is_basic(key):
        return key, g
    bare = tuple(part for part in key if part is not None) if type(key) is tuple else ()
    bare = bare or (...,)
    g = xp.broadcast_to(g, out[key].shape)
    return bare, xp.reshape(g, out[bare].shape)


def _adds(backend: Backend) -> bool:
    """Whether the library's own addition at repeated indices serves.

    On a GPU it uses atomic operations, whose order, and so the last digits, differ from run to run.
    """
    return backend.add_at is not None and not (backend.atomic and settings().deterministic)


LARGEST_MATCH = 1 << 24
"""Elements of the table of matches that is held at once."""


def _add_by_matching(xp: Any, out: Any, key: Any, g: Any) -> Any:
    """Scatter by comparing positions, for libraries that have only the standard, which has none.

    The elements are numbered, the numbers read by ``key``, and the matches summed by a product, a
    part of ``out`` at a time. The work grows as size of ``out`` times size of ``g``.
    """
    device = device_of(out)
    size = 1
    for n in out.shape:
        size *= n
    numbers = xp.arange(size, device=device)
    picked = xp.reshape(xp.reshape(numbers, out.shape)[key], (-1,))
    flat = xp.reshape(xp.broadcast_to(g, xp.reshape(numbers, out.shape)[key].shape), (-1,))
    part = max(LARGEST_MATCH // max(picked.shape[0], 1), 1)
    totals = [
        xp.astype(numbers[k : min(k + part, size), None] == picked[None, :], out.dtype) @ flat
        for k in range(0, max(size, 1), part)
    ]
    total = totals[0] if len(totals) == 1 else xp.concat(totals, axis=0)
    return out + xp.reshape(total, out.shape)


def _adjoint_of_setitem(xp: Any, g: Any, shapes: Any, *, key: Any) -> list[Any]:
    return [xp.setitem(g, 0.0, key=key), xp.getitem(g, key=key)]


def _pull_setitem(row, xp, g, y, args, kw, wanted):
    """Read nothing back for a constant: by a mask, that would wait for the device."""
    if not wanted[1]:
        return [xp.setitem(g, 0.0, **kw), None]
    return row.rules[0](xp, g, [x.shape for x in args], **kw)


_PICKED = np.asarray([2, 0, 2, 3])
_KEYS = [
    ((4,), 1),
    ((4,), slice(1, None, 2)),
    ((3, 4), (slice(None, None, -1), -1)),
    ((3, 4), (slice(None), slice(0, 2))),
    ((3, 4), (2, ...)),
]
linear(
    "getitem",
    lambda xp, g, shape, *, key: xp.scatter(g, key=key, shape=shape),
    run=_getitem,
    cases=[Case((shape,), {"key": key}) for shape, key in _KEYS],
    view=True,
    batch=batch_getitem,
)
linear(
    "scatter",
    lambda xp, g, _of, /, *, key, **_kw: xp.getitem(g, key=key),
    run=_scatter,
    cases=[
        Case(((2,),), {"key": slice(0, 4, 2), "shape": (4,)}),
        Case(((),), {"key": 1, "shape": (3,)}),
    ],
    batch=batch_scatter,
)
add_row(
    Row(
        "setitem",
        JOIN._replace(pullback=_pull_setitem),
        (_adjoint_of_setitem,),
        _setitem,
        cases=(
            Case(((4,), ()), {"key": 1}),
            Case(((3, 4), (4,)), {"key": (slice(0, 2), slice(None))}),
            Case(((3, 4), (2, 1)), {"key": (slice(0, 2), slice(1, 3))}),
        ),
        batch=batch_setitem,
    )
)


def _take(xp: Any) -> Any:
    def take(x: Any, *, indices: Any, axis: int) -> Any:
        return xp.take(x, indices, axis=axis)

    return take


def _untake(xp: Any) -> Any:
    def untake(g: Any, *, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
        backend, device = backend_of(g), device_of(g)
        if backend is not None and _adds(backend):
            out = xp.zeros(shape, dtype=g.dtype, device=device)
            return backend.add_at(out, (slice(None),) * axis + (indices,), g)  # type: ignore[misc]
        numbers = xp.arange(shape[axis], device=device)
        hits = xp.astype(indices[:, None] == numbers[None, :], g.dtype)
        return xp.moveaxis(xp.moveaxis(g, axis, -1) @ hits, -1, axis)

    return untake


linear(
    "take",
    lambda xp, g, of, /, *, indices, axis: xp.untake(g, indices=indices, axis=axis, shape=of),
    run=_take,
    cases=[
        Case(((4, 2),), {"indices": _PICKED, "axis": 0}),
        Case(((2, 4),), {"indices": _PICKED, "axis": 1}),
    ],
    batch=batch_take,
)
linear(
    "untake",
    lambda xp, g, _of, /, *, indices, axis, **_kw: xp.take(g, indices=indices, axis=axis),
    run=_untake,
    cases=[Case(((4, 2),), {"indices": _PICKED, "axis": 0, "shape": (4, 2)})],
    batch=batch_untake,
)


def unique_positions(key: Any, shape: tuple[int, ...]) -> bool:
    """Whether a key made of host arrays writes each element at most once."""
    size = int(np.prod(shape, dtype=np.int64))
    picked = np.arange(size).reshape(shape)[key]
    return bool(np.unique(picked).size == picked.size)
