"""Arrays put together from others, and taken apart: splits, insertions, diagonals, products."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, MissingRuleError, ShapeError
from anygrad.ops import ROWS
from anygrad.ops.batching import refuse as refuse_batched
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.assignment import in_dtype_of
from anygrad.tracing.functions.arguments import as_arrays, as_own_arrays, fresh, plain_axis
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import broadcast_to, moveaxis, ravel, take
from anygrad.tracing.level import LIFTED, is_mapped, lowest, plain_namespace, read_value, strip
from anygrad.tracing.operations import TRACED


def array_split(ary, indices_or_sections, axis=0):
    """Parts along an axis: so many, of lengths that differ by one at most, or cut at positions."""
    (axis,) = normal_axes(plain_axis(axis), ary.ndim)
    n = ary.shape[axis]
    if np.ndim(indices_or_sections) == 0:
        count = int(indices_or_sections)
        if count < 1:
            message = f"array_split(indices_or_sections): got {count}; expected at least 1 section."
            raise ArgumentError(message)
        ends = [(k * (n // count)) + min(k, n % count) for k in range(count + 1)]
    else:
        ends = [0, *(int(k) for k in indices_or_sections), None]
    before = (slice(None),) * axis
    return [
        TRACED.getitem(ary, key=(*before, slice(start, stop), ...))
        for start, stop in pairwise(ends)
    ]


def split(ary, indices_or_sections, axis=0):
    """Equal parts along an axis, or parts cut at positions."""
    if np.ndim(indices_or_sections) == 0:
        (axis,) = normal_axes(plain_axis(axis), ary.ndim)
        n, count = ary.shape[axis], int(indices_or_sections)
        if count < 1 or n % count:
            message = (
                f"split(indices_or_sections): got {count} for an axis of length {n}; expected a "
                "divisor of it. Use array_split for parts of different lengths."
            )
            raise ArgumentError(message)
    return array_split(ary, indices_or_sections, axis)


def hsplit(ary, indices_or_sections):
    """Parts side by side."""
    _check_rank("hsplit", ary, 1)
    return split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


def vsplit(ary, indices_or_sections):
    """Parts one below the other."""
    _check_rank("vsplit", ary, 2)
    return split(ary, indices_or_sections, 0)


def dsplit(ary, indices_or_sections):
    """Parts one behind the other, along the third axis."""
    _check_rank("dsplit", ary, 3)
    return split(ary, indices_or_sections, 2)


def _check_rank(where: str, x: Any, least: int) -> None:
    if x.ndim < least:
        message = f"{where}(x): got shape {tuple(x.shape)}; expected at least {least} axes."
        raise ShapeError(message)


def delete(arr, obj, axis=None):
    """The array without the elements at these positions, which are known on the host."""
    if axis is None:
        arr, axis = ravel(arr), 0
    (axis,) = normal_axes(plain_axis(axis), arr.ndim)
    kept = np.delete(np.arange(arr.shape[axis]), _host_positions("delete", obj))
    if not kept.size:
        return TRACED.getitem(arr, key=(*(slice(None),) * axis, slice(0, 0), ...))
    return take(arr, kept.tolist(), axis)


def insert(arr, obj, values, axis=None):
    """The array with values put before these positions, which are known on the host."""
    arr, values = as_arrays((arr, values))
    if axis is None:
        arr, axis = ravel(arr), 0
    (axis,) = normal_axes(plain_axis(axis), arr.ndim)
    n = arr.shape[axis]
    positions = _positions(_host_positions("insert", obj), n)
    values = TRACED.reshape(values, shape=(1,) * (arr.ndim - values.ndim) + tuple(values.shape))
    if positions.ndim == 0:
        values = moveaxis(values, 0, axis)
    count = values.shape[axis] if positions.size == 1 else positions.size
    shape = (*arr.shape[:axis], count, *arr.shape[axis + 1 :])
    values = broadcast_to(_stored(arr, values), shape)
    order = np.insert(np.arange(n), obj, n + np.arange(count))
    return take(TRACED.concat(arr, values, axis=axis), order.tolist(), axis)


def _positions(obj: Any, n: int) -> np.ndarray:
    """Positions along an axis as integers: of a slice, of a mask, or as they are."""
    found = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    return np.flatnonzero(found) if found.dtype == bool else found


def _stored(arr: Any, values: Any) -> Any:
    """The values in the dtype of the array, as NumPy stores them."""
    if type(values) in LIFTED and kind_of(arr.dtype) == "other":
        message = (
            f"insert(values): got traced values for a plain array of dtype {arr.dtype}; expected "
            f"dtype {values.dtype}. Cast the array first."
        )
        raise ArgumentError(message)
    return in_dtype_of(arr, values, "insert(values)")


def _host_positions(where: str, obj: Any) -> Any:
    if isinstance(obj, slice | int | list | tuple | range | np.ndarray | np.integer):
        return list(obj) if isinstance(obj, tuple | range) else obj
    message = (
        f"{where}(obj): got {type(obj).__name__}; expected host integers, a list of them or a "
        "slice: the shape depends on them. Give a list."
    )
    raise MissingRuleError(message)


def diagonal(x, offset=0, axis1=0, axis2=1):
    """The diagonal of two axes, as the last axis of the result."""
    axes = normal_axes((int(axis1), int(axis2)), x.ndim)
    if axes[0] == axes[1]:
        message = f"diagonal(axis2): got {axis2} for axis1 {axis1}; expected another axis."
        raise ArgumentError(message)
    return _diagonal_of_last(moveaxis(x, axes, (-2, -1)), int(offset))


def _diagonal_of_last(x: Any, offset: int) -> Any:
    """Every (columns + 1)-th element of the rows behind each other."""
    rows, columns = x.shape[-2:]
    count = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    start = offset if offset >= 0 else -offset * columns
    stop = start + max((count - 1) * (columns + 1) + 1, 0) if count else start
    flat = TRACED.reshape(x, shape=(*x.shape[:-2], rows * columns))
    return TRACED.getitem(flat, key=(..., slice(start, stop, columns + 1)))


def diag(v, k=0):
    """The matrix with this diagonal, of a vector; the diagonal, of a matrix."""
    if v.ndim == 2:
        return _diagonal_of_last(v, int(k))
    if v.ndim != 1:
        message = f"diag(v): got shape {tuple(v.shape)}; expected a vector or a matrix."
        raise ShapeError(message)
    return diagflat(v, k)


def diagflat(v, k=0):
    """The matrix with the flattened array on its k-th diagonal."""
    v, k = ravel(v), int(k)
    n = v.shape[0] + abs(k)
    start = k if k >= 0 else -k * n
    stop = start + (v.shape[0] - 1) * (n + 1) + 1 if v.shape[0] else start
    flat = TRACED.scatter(v, key=slice(start, stop, n + 1), shape=(n * n,))
    return fresh(TRACED.reshape(flat, shape=(n, n)))


def kron(a, b):
    """Each element of the first array times the whole of the second."""
    a, b = as_own_arrays((a, b))
    ndim = max(a.ndim, b.ndim)
    left, right = ((1,) * (ndim - x.ndim) + tuple(x.shape) for x in (a, b))
    apart = tuple(m for n in left for m in (n, 1))
    close = tuple(m for n in right for m in (1, n))
    products = TRACED.multiply(TRACED.reshape(a, shape=apart), TRACED.reshape(b, shape=close))
    whole = tuple(n * m for n, m in zip(left, right, strict=True))
    return fresh(TRACED.reshape(products, shape=whole))


def vander(x, N=None, increasing=False):
    """The powers of a vector as columns, the highest first unless ``increasing``."""
    if x.ndim != 1:
        message = f"vander(x): got shape {tuple(x.shape)}; expected a vector."
        raise ShapeError(message)
    count = x.shape[0] if N is None else int(N)
    if isinstance(lowest(x), np.ndarray):
        x = astype(x, np.promote_types(x.dtype, int), copy=False)  # as NumPy does
    powers = [TRACED.zeros_like(x) + 1.0]
    while len(powers) < count:
        powers.append(TRACED.multiply(powers[-1], x))
    columns = TRACED.stack(*(powers if increasing else powers[::-1]), axis=1)
    return columns if count else TRACED.getitem(columns, key=(slice(None), slice(0, 0)))


def resize(x, new_shape):
    """The elements in another shape, from the beginning again as often as it takes."""
    shape = (new_shape,) if isinstance(new_shape, int | np.integer) else tuple(new_shape)
    shape = tuple(int(n) for n in shape)
    if any(n < 0 for n in shape):
        message = f"resize(new_shape): got {shape}; expected lengths of 0 or more."
        raise ArgumentError(message)
    flat, size = ravel(x), math.prod(shape)
    if not size or not flat.shape[0]:
        empty = TRACED.getitem(flat, key=slice(0, 0))
        zeros = TRACED.scatter(empty, key=slice(0, 0), shape=(size,))
        return fresh(TRACED.reshape(zeros, shape=shape))
    rounds = -(-size // flat.shape[0])
    whole = flat if rounds == 1 else TRACED.concat(*(flat,) * rounds, axis=0)
    return fresh(TRACED.reshape(TRACED.getitem(whole, key=slice(0, size)), shape=shape))


def trim_zeros(filt, trim="fb", axis=None):
    """The array without the zeros around it; reads on the host where they are."""
    if set(trim.lower()) - set("fb"):
        message = f"trim_zeros(trim): got {trim!r}; expected letters of 'fb'."
        raise ArgumentError(message)
    if is_mapped(filt):
        refuse_batched(ROWS["nonzero"])
    axes = normal_axes(plain_axis(axis), filt.ndim)
    value = read_value(filt)
    xp = plain_namespace(value)
    found = xp.nonzero(value)
    key = [slice(None)] * filt.ndim
    for a in axes:
        n, places = filt.shape[a], found[a]
        some = places.shape[0] > 0
        first, last = (int(xp.min(places)), int(xp.max(places)) + 1) if some else (n, 0)
        front = first if "f" in trim.lower() else 0
        back = last if "b" in trim.lower() else n
        key[a] = slice(front, back)
    return TRACED.getitem(filt, key=tuple(key))


def unwrap(p, discont=None, axis=-1, *, period=2 * math.pi):
    """Jumps taken out by whole periods, whose number is a constant: the derivative is that of p."""
    if type(period) in LIFTED:
        message = "unwrap(period): got a traced array; expected a number. Take ag.value(period)."
        raise MissingRuleError(message)
    (axis,) = normal_axes(plain_axis(axis), p.ndim)
    value, before = strip(p), (slice(None),) * axis
    later = TRACED.getitem(value, key=(*before, slice(1, None), ...))
    first = TRACED.getitem(value, key=(*before, slice(0, 1), ...))
    step = later - TRACED.getitem(value, key=(*before, slice(0, -1), ...))
    low, high = -period / 2, period / 2
    inside = TRACED.remainder(step - low, period) + low
    edge = TRACED.logical_and(TRACED.equal(inside, low), TRACED.greater(step, 0))
    inside = TRACED.where(edge, high, inside)
    small = TRACED.less(TRACED.abs(step), high if discont is None else discont)
    jumps = TRACED.where(small, 0.0, inside - step)
    total = TRACED.cumulative_sum(jumps, axis=axis)
    return p + TRACED.concat(TRACED.zeros_like(first), total, axis=axis)
