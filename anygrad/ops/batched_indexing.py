"""Reading and writing parts of a batch: the keys of one example, made keys of all of them.

NumPy puts the axes of index arrays where the first of them stands, or first of all where a slice
stands between them. A batch in front changes which of the two holds, so the axes are put where the
single example has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad.backends import backend_of, device_of
from anygrad.ops.batching import lift, move, rank_of, refuse, repeat

WHOLE = slice(None)


class Layout(NamedTuple):
    """How a key reads one example: which parts are arrays, and where their axes come to stand.

    ``parts`` has no Ellipsis; ``first`` is the position of the axes of the index arrays in the
    result, ``width`` their number, ``rank`` the number of axes of the result.
    """

    parts: tuple[Any, ...]
    arrays: tuple[int, ...]
    separated: bool
    first: int
    width: int
    rank: int


def layout(key: Any, ndim: int) -> Layout:
    """Take a key apart for arrays with ``ndim`` axes."""
    parts = list(key) if type(key) is tuple else [key]
    used = sum(_consumes(part) for part in parts)
    spot = next((k for k, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts[spot : spot + 1] = [WHOLE] * (ndim - used)
    parts = [np.asarray(part) if isinstance(part, list) else part for part in parts]
    arrays = [k for k, part in enumerate(parts) if hasattr(part, "shape")]
    width = 0
    if arrays:  # beside index arrays, integers count as index arrays
        width = max(1 if _is_mask(parts[k]) else len(parts[k].shape) for k in arrays)
        arrays = [k for k, part in enumerate(parts) if _is_advanced(part)]
    separated = bool(arrays) and arrays[-1] - arrays[0] + 1 != len(arrays)
    before = parts[: arrays[0]] if arrays and not separated else []
    basic = [part for part in parts if not _is_advanced(part)]
    return Layout(tuple(parts), tuple(arrays), separated, len(before), width, len(basic) + width)


def _consumes(part: Any) -> int:
    """How many axes of the array a part reads."""
    if part is None or part is Ellipsis:
        return 0
    return len(part.shape) if hasattr(part, "shape") and _is_mask(part) else 1


def _is_mask(part: Any) -> bool:
    return "bool" in str(part.dtype)


def _is_advanced(part: Any) -> bool:
    return hasattr(part, "shape") or isinstance(part, int | np.integer)


def batch_getitem(row, xp, values, mapped, size, kw):
    """``x[key]`` for each example."""
    (x,) = values
    plan, which = _plan(row, x, mapped[0], kw)
    if not any(which):
        y = xp.getitem(x, key=(WHOLE, *plan.parts))
        return move(xp, y, plan.width, 0) if plan.separated else y
    numbers, parts = _lined_up(xp, plan, which, size)
    if mapped[0]:
        y = xp.getitem(x, key=(numbers, *parts))
        return _arrays_to_place(xp, y, plan, 1)
    y = xp.getitem(x, key=tuple(parts))
    return move(xp, y, 0 if plan.separated else plan.first, 0)


def batch_scatter(row, xp, values, mapped, size, kw):
    """The transpose of reading, for each example."""
    (g,) = values
    shape = kw["shape"]
    plan = layout(kw["key"], len(shape))
    which = [_is_batched(part) for part in plan.parts]
    g = g if mapped[0] else repeat(xp, g, size)
    return xp.scatter(
        _in_order(xp, g, plan, which), key=_whole_key(xp, plan, which, size), shape=(size, *shape)
    )


def batch_setitem(row, xp, values, mapped, size, kw):
    """``x[key] = value`` for each example."""
    x, value = values
    x = x if mapped[0] else repeat(xp, x, size)
    plan = layout(kw["key"], len(x.shape) - 1)
    which = [_is_batched(part) for part in plan.parts]
    if any(_is_batched(part) and _is_mask(part) for part in plan.parts):
        return _set_where(row, xp, x, value, mapped[1], kw["key"])
    if mapped[1]:
        value = _in_order(xp, lift(xp, value, plan.rank), plan, which)
    elif hasattr(value, "shape") and value.shape:
        lifted = xp.reshape(value, shape=(1,) * (1 + plan.rank - len(value.shape)) + value.shape)
        value = _in_order(xp, lifted, plan, which)
    return xp.setitem(x, value, key=_whole_key(xp, plan, which, size))


def _set_where(row: Any, xp: Any, x: Any, value: Any, mapped: bool, key: Any) -> Any:
    """``x[mask] = number`` for masks that differ: what is read has no one shape, this has."""
    if not _is_batched(key) or rank_of(value, mapped) > 0:
        return refuse(row)
    missing = len(x.shape) - len(key.array.shape)
    mask = xp.reshape(key.array, shape=(*key.array.shape, *(1,) * missing))
    value = lift(xp, value, len(x.shape) - 1) if mapped else value
    return xp.where(mask, value, x)


def batch_take(row, xp, values, mapped, size, kw):
    """Elements along an axis; the indices may differ between examples."""
    (x,) = values
    if not _is_batched(kw["indices"]):
        return xp.take(x, indices=kw["indices"], axis=kw["axis"] + 1)
    key = (*(WHOLE,) * kw["axis"], kw["indices"])
    return batch_getitem(row, xp, values, mapped, size, {"key": key})


def batch_untake(row, xp, values, mapped, size, kw):
    """The transpose of ``take``."""
    (g,) = values
    if not _is_batched(kw["indices"]):
        shape = (size, *kw["shape"])
        return xp.untake(g, indices=kw["indices"], axis=kw["axis"] + 1, shape=shape)
    key = (*(WHOLE,) * kw["axis"], kw["indices"])
    return batch_scatter(row, xp, values, mapped, size, {"key": key, "shape": kw["shape"]})


class Batched(NamedTuple):
    """An index array that differs between the examples, which lie along its axis 0."""

    array: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        return tuple(self.array.shape[1:])

    @property
    def dtype(self) -> Any:
        """As of the array."""
        return self.array.dtype


def _is_batched(part: Any) -> bool:
    return type(part) is Batched


def _plan(row: Any, x: Any, mapped: bool, kw: dict[str, Any]) -> tuple[Layout, list[bool]]:
    plan = layout(kw["key"], rank_of(x, mapped))
    which = [_is_batched(part) for part in plan.parts]
    if any(_is_batched(part) and _is_mask(part) for part in plan.parts):
        refuse(row)
    return plan, which


def _lined_up(xp: Any, plan: Layout, which: Sequence[bool], size: int) -> tuple[Any, list[Any]]:
    """The numbers of the examples and the index arrays, all with the batch as their first axis."""
    like = next(part.array for part, batched in zip(plan.parts, which, strict=True) if batched)
    numbers = np.arange(size).reshape((size, *(1,) * plan.width))
    parts = [
        lift(xp, part.array, plan.width) if batched else part
        for part, batched in zip(plan.parts, which, strict=True)
    ]
    return _beside(like, numbers), parts


def _beside(like: Any, numbers: np.ndarray) -> Any:
    """Index numbers as an array of the library and on the device of another."""
    backend = backend_of(like)
    if backend is None or isinstance(like, np.ndarray):
        return numbers
    return backend.load().asarray(numbers, device=device_of(like))


def _whole_key(xp: Any, plan: Layout, which: Sequence[bool], size: int) -> tuple[Any, ...]:
    if not any(which):
        return (WHOLE, *plan.parts)
    numbers, parts = _lined_up(xp, plan, which, size)
    return (numbers, *parts)


def _in_order(xp: Any, g: Any, plan: Layout, which: Sequence[bool]) -> Any:
    """A batch of results as the key of the whole batch reads them."""
    if any(which):  # the axes of the arrays come first, behind the batch
        first = 0 if plan.separated else plan.first
        for k in range(plan.width):
            g = move(xp, g, 1 + first + k, 1 + k)
        return g
    return move(xp, g, 0, plan.width) if plan.separated else g


def _arrays_to_place(xp: Any, y: Any, plan: Layout, lead: int) -> Any:
    """The axes of the index arrays from behind the batch to where one example has them."""
    if plan.separated or plan.first == 0:
        return y
    order = [0]
    order += range(lead + plan.width, lead + plan.width + plan.first)
    order += range(lead, lead + plan.width)
    order += range(lead + plan.width + plan.first, len(y.shape))
    return xp.permute_dims(y, axes=tuple(order))
