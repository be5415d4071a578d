"""Functions that write into an array they are given, which has to be a traced one.

Each works out what is to stand there and assigns it, ``y[key] = x``; what an assignment refuses, a
write through a view or at repeated indices, is refused here, too.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, ShapeError, TraceError
from anygrad.ops import ROWS
from anygrad.ops.shaping import normal_axes
from anygrad.tracing.functions.arguments import (
    as_arrays,
    as_mask,
    check_casting,
    fits_into,
    on_device_of,
)
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import broadcast_to, ravel
from anygrad.tracing.level import LIFTED, bind, lowest, plain_namespace, strip
from anygrad.tracing.operations import TRACED


def copyto(dst, src, casting="same_kind", where=True):
    """Assign to a whole array, or where a mask holds."""
    _check_destination("copyto", dst)
    (value,) = as_arrays((src, dst))[:1]
    check_casting("copyto", value, dst.dtype, casting)
    if where is not True:
        value = TRACED.where(strip(as_mask("copyto", where, dst)), value, dst)
    _check_fits("copyto", value, dst)
    dst[...] = value


def put(a, ind, v, mode="raise"):
    """Assign at positions, counted through the whole array; values repeat if they are few."""
    _check_destination("put", a)
    if type(ind) in LIFTED or not isinstance(ind, int | np.integer | list | tuple | np.ndarray):
        message = (
            f"put(ind): got {type(ind).__name__}; expected integers of the host: whether they "
            "repeat has to be known. Use xp.where with a mask."
        )
        raise TraceError(message)
    positions = np.asarray(ind).ravel()
    size = math.prod(a.shape)
    if mode == "wrap":
        positions = positions % size
    elif mode == "clip":
        positions = np.clip(positions, 0, size - 1)
    elif mode != "raise":
        message = f"put(mode): got {mode!r}; expected 'raise', 'wrap' or 'clip'."
        raise ArgumentError(message)
    if positions.size and not (-size <= positions.min() and positions.max() < size):
        message = f"put(ind): got positions beyond {size} elements; expected 0 to {size - 1}."
        raise ArgumentError(message)
    if positions.size:
        values = _cycled("put", as_arrays((v, a))[0], positions.size)
        a[np.unravel_index(positions % size, a.shape)] = values


def place(arr, mask, vals):
    """Assign where a mask holds: the first value at the first such place, and so on, in cycles."""
    _check_destination("place", arr)
    mask = _own_mask("place", mask, arr)
    values = ravel(as_arrays((vals, arr))[0])
    _check_some("place", values)
    if values.shape[0] > 1:
        flat = _integers(ravel(mask), arr)
        turn = TRACED.remainder(TRACED.cumulative_sum(flat, axis=0) - flat, values.shape[0])
        values = _reshaped(_taken(values, turn), arr.shape)
    arr[...] = TRACED.where(mask, values, arr)


def putmask(a, mask, values):
    """Assign where a mask holds: the values lie over the whole array, repeated if they are few."""
    _check_destination("putmask", a)
    mask = _own_mask("putmask", mask, a)
    values = as_arrays((values, a))[0]
    if math.prod(values.shape) != 1:
        values = _reshaped(_cycled("putmask", values, math.prod(a.shape)), a.shape)
    a[...] = TRACED.where(mask, _reshaped(values, ()) if values.shape != a.shape else values, a)


def put_along_axis(arr, indices, values, axis=-1):
    """Assign one element along an axis for each position of an index array."""
    _check_destination("put_along_axis", arr)
    if axis is None:
        put(arr, indices, values)
        return
    (axis,) = normal_axes(int(axis), arr.ndim)
    if not hasattr(indices, "shape") or len(indices.shape) != arr.ndim:
        message = (
            f"put_along_axis(indices): got {getattr(indices, 'shape', indices)!r}; expected an "
            f"array of {arr.ndim} axes."
        )
        raise ShapeError(message)
    key: list[Any] = [
        np.arange(n).reshape([-1 if j == k else 1 for j in range(arr.ndim)])
        for k, n in enumerate(arr.shape)
    ]
    key[axis] = indices
    arr[tuple(key)] = values


def fill_diagonal(a, val, wrap=False):
    """Assign to the diagonal, in cycles if the values are few; ``wrap`` begins again below it."""
    _check_destination("fill_diagonal", a)
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) != 1):
        message = (
            f"fill_diagonal(a): got shape {tuple(a.shape)}; expected a matrix, or axes of one "
            "length."
        )
        raise ShapeError(message)
    size, columns = math.prod(a.shape), a.shape[-1]
    stride = columns + 1 if a.ndim == 2 else 1 + builtins.sum(columns**k for k in range(1, a.ndim))
    end = size if a.ndim > 2 or wrap else builtins.min(columns * columns, size)
    count = len(range(0, end, stride))
    if count:
        values = _cycled("fill_diagonal", as_arrays((val, a))[0], count)
        key = slice(0, end, stride)
        flat = TRACED.setitem(ravel(a), astype(values, a.dtype, copy=False), key=key)
        a[...] = _reshaped(flat, a.shape)


def _check_destination(name: str, y: Any) -> None:
    if type(y) not in LIFTED:
        message = (
            f"numpy.{name}: got a traced value to write into a plain array, where its gradient "
            "would be lost. Make the array with xp.zeros_like(x) of a traced x, or build it with "
            "xp.where, xp.stack, or x * xp.ones(...) in place of np.full and np.full_like."
        )
        raise TraceError(message)


def _check_fits(name: str, value: Any, y: Any) -> None:
    if not fits_into(value, y.shape):
        message = (
            f"{name}(src): got shape {tuple(value.shape)}; expected one that broadcasts to "
            f"{tuple(y.shape)}."
        )
        raise ShapeError(message)


def _own_mask(name: str, mask: Any, y: Any) -> Any:
    if not hasattr(mask, "shape"):
        bottom = lowest(y)
        mask = plain_namespace(bottom).asarray(mask, **on_device_of(bottom))
    mask = strip(mask)
    if "bool" not in str(mask.dtype):
        mask = TRACED.not_equal(mask, 0)
    if math.prod(mask.shape) != math.prod(y.shape):
        message = (
            f"{name}(mask): got shape {tuple(mask.shape)}; expected as many elements as "
            f"{tuple(y.shape)} has."
        )
        raise ShapeError(message)
    return _reshaped(mask, y.shape)


def _reshaped(x: Any, shape: Any) -> Any:
    return x if tuple(x.shape) == tuple(shape) else TRACED.reshape(x, shape=tuple(shape))


def _check_some(name: str, values: Any) -> None:
    if not math.prod(values.shape):
        message = f"{name}(values): got an empty array; expected one value at least."
        raise ArgumentError(message)


def _cycled(name: str, values: Any, count: int) -> Any:
    """The first ``count`` values, from the start again where they end."""
    _check_some(name, values)
    flat = ravel(values) if values.ndim != 1 else values
    own = flat.shape[0]
    if own == 1:
        return broadcast_to(flat, (count,))
    if own >= count:
        return flat if own == count else flat[:count]
    parts = [flat] * (count // own) + ([flat[: count % own]] if count % own else [])
    return TRACED.concat(*parts, axis=0)


def _taken(values: Any, indices: Any) -> Any:
    return bind(ROWS["take"], (values,), {"indices": indices, "axis": 0})


def _integers(mask: Any, like: Any) -> Any:
    return TRACED.astype(mask, dtype=plain_namespace(like).int64)
