"""The same elements in another shape or order."""

from __future__ import annotations

import builtins
from numbers import Integral

import numpy as np

from anygrad.errors import ArgumentError, MissingRuleError
from anygrad.ops import ROWS
from anygrad.ops.shaping import normal_axes
from anygrad.tracing.assignment import plain_key
from anygrad.tracing.functions.arguments import (
    ABSENT,
    as_own_arrays,
    fresh,
    given,
    on_device_of,
    plain_axis,
    refuse,
)
from anygrad.tracing.level import LIFTED, bind, is_mapped, lowest, plain_namespace
from anygrad.tracing.operations import TRACED


def reshape(x, /, shape, order="C", *, copy=None):
    """The same elements in another shape; one length may be -1.

    Order "F" reads and writes with the first index changing fastest.
    """
    shape = tuple(int(n) for n in shape) if isinstance(shape, tuple | list) else (int(shape),)
    if _plain_order("reshape", x, order) == "F":
        y = permute_dims(TRACED.reshape(permute_dims(x), shape=shape[::-1]))
    else:
        y = TRACED.reshape(x, shape=shape)
    return fresh(y) if copy else y


def _plain_order(where, x, order):
    """Order "C" or "F"; "A" is that of the memory of the value, in libraries that have both."""
    if order in ("C", "F"):
        return order
    if order != "A" or is_mapped(x):  # a batch has one memory for all its examples
        message = f"{where}(order): got {order!r}; expected 'C', 'F', or 'A' outside of vmap."
        raise ArgumentError(message)
    flags = getattr(lowest(x), "flags", None)
    return "F" if flags is not None and flags.fnc else "C"


def ravel(x, order="C"):
    """All elements in one axis."""
    if order == "K" and not is_mapped(x):
        steps = getattr(lowest(x), "strides", None) or (0,) * x.ndim
        axes = sorted(range(x.ndim), key=lambda a: -abs(steps[a]))
        return reshape(permute_dims(x, axes), (-1,))
    return reshape(x, (-1,), _plain_order("ravel", x, order))


def flatten(x, order="C"):
    """All elements in one axis, in memory of their own."""
    return fresh(ravel(x, order))


def permute_dims(x, axes=None):
    """Axes in another order; without ``axes``, reversed."""
    order = tuple(range(x.ndim))[::-1] if axes is None else normal_axes(plain_axis(axes), x.ndim)
    return TRACED.permute_dims(x, axes=order)


def matrix_transpose(x):
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


def swapaxes(x, axis1, axis2):
    """Two axes exchanged."""
    normal_axes((axis1, axis2), x.ndim)
    axes = list(range(x.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return TRACED.permute_dims(x, axes=tuple(axes))


def moveaxis(x, source, destination):
    """Axes moved to other positions, the rest in their order."""
    source, destination = (
        normal_axes(plain_axis(source), x.ndim),
        normal_axes(plain_axis(destination), x.ndim),
    )
    _check_different("moveaxis(source)", source)
    _check_different("moveaxis(destination)", destination)
    if len(source) != len(destination):
        message = (
            f"moveaxis(destination): got {len(destination)} axes; expected {len(source)}, as many "
            "as there are sources."
        )
        raise ArgumentError(message)
    order = [a for a in range(x.ndim) if a not in source]
    for to, a in sorted(zip(destination, source, strict=True)):
        order.insert(to, a)
    return TRACED.permute_dims(x, axes=tuple(order))


def _check_different(where, axes):
    if len(set(axes)) < len(axes):
        message = f"{where}: got {axes}; expected each axis once."
        raise ArgumentError(message)


def squeeze(x, axis=None):
    """Axes of length 1 removed."""
    axes = normal_axes(plain_axis(axis), x.ndim) if axis is not None else ()
    gone = axes if axis is not None else tuple(k for k, n in enumerate(x.shape) if n == 1)
    if builtins.any(x.shape[a] != 1 for a in gone):
        message = f"squeeze(axis): got {axis!r} for shape {x.shape}; expected axes of length 1."
        raise ArgumentError(message)
    return TRACED.reshape(x, shape=tuple(n for k, n in enumerate(x.shape) if k not in gone))


def expand_dims(x, /, axis: int | tuple[int, ...] = 0):
    """New axes of length 1 at these positions of the result."""
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    ndim = x.ndim + len(axes)
    new = normal_axes(plain_axis(tuple(axes)), ndim)
    _check_different("expand_dims(axis)", new)
    old = iter(x.shape)
    return TRACED.reshape(x, shape=tuple(1 if k in new else next(old) for k in range(ndim)))


def broadcast_to(array, shape, subok=False):
    """The array repeated to a shape, without copies."""
    shape = shape if isinstance(shape, tuple | list) else (shape,)
    return TRACED.broadcast_to(array, shape=tuple(int(n) for n in shape))


def broadcast_arrays(*arrays, subok=False):
    """Arrays brought to their common shape."""
    arrays = as_own_arrays(arrays)
    shape = np.broadcast_shapes(*(tuple(a.shape) for a in arrays))
    return tuple(a if a.shape == shape else broadcast_to(a, shape) for a in arrays)


def flip(m, axis=None):
    """The elements in reverse order along axes."""
    axes = normal_axes(plain_axis(axis), m.ndim)
    return TRACED.flip(m, axis=axes) if axes else m


def fliplr(m):
    """The columns in reverse order."""
    return flip(m, 1)


def flipud(m):
    """The rows in reverse order."""
    return flip(m, 0)


def rot90(m, k=1, axes=(0, 1)):
    """Turned k times by 90 degrees, from the first axis towards the second."""
    first, second = normal_axes(plain_axis(axes), m.ndim)
    _check_different("rot90(axes)", (first, second))
    if k % 4 == 0:
        return m
    if k % 4 == 2:
        return flip(m, (first, second))
    if k % 4 == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)


def rollaxis(x, axis, start=0):
    """One axis moved to stand before another."""
    (axis,) = normal_axes(int(axis), x.ndim)
    (start,) = normal_axes(int(start), x.ndim) if start != x.ndim else (start,)
    return moveaxis(x, axis, start - (axis < start))


def tril(m, k=0):
    """The lower triangle of matrices, zeros above the k-th diagonal."""
    return TRACED.tril(_matrix(m), k=int(k))


def triu(m, k=0):
    """The upper triangle of matrices, zeros below the k-th diagonal."""
    return TRACED.triu(_matrix(m), k=int(k))


def _matrix(x):
    """NumPy takes the triangle of a vector for that of a matrix with such rows."""
    return x if x.ndim != 1 else broadcast_to(x, (x.shape[0], x.shape[0]))


def meshgrid(*arrays, indexing="xy", copy=True, sparse=False):
    """The coordinates of a grid, one array for each of some vectors."""
    if indexing not in ("xy", "ij"):
        message = f"meshgrid(indexing): got {indexing!r}; expected 'xy' or 'ij'."
        raise ArgumentError(message)
    arrays = [ravel(x) for x in as_own_arrays(arrays)]
    order = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        order[0], order[1] = 1, 0
    lengths = [x.shape[0] for x in arrays]
    shape = tuple(lengths[k] for k in order)
    grids = []
    for k, x in enumerate(arrays):
        along = tuple(-1 if j == k else 1 for j in order)
        spread = TRACED.reshape(x, shape=tuple(lengths[k] if n == -1 else n for n in along))
        grids.append(spread if sparse else fresh(broadcast_to(spread, shape)))
    return tuple(grids)


def roll(x, shift, axis=None):
    """Elements moved along axes; what leaves at the end returns at the start."""
    if axis is None:
        return fresh(TRACED.reshape(roll(ravel(x), shift, 0), shape=x.shape))
    y = TRACED.positive(x)
    shift = int(shift) if getattr(shift, "shape", None) == () else shift  # one of a GPU, too
    for s, a in np.broadcast(shift, axis):
        (a,) = normal_axes(int(a), x.ndim)
        s, n = int(s), x.shape[a]
        if n and s % n:
            before = (slice(None),) * a
            tail = TRACED.getitem(y, key=(*before, slice(n - s % n, None), ...))
            head = TRACED.getitem(y, key=(*before, slice(0, n - s % n), ...))
            y = TRACED.concat(tail, head, axis=a)
    return y


def tile(A, reps):
    """The whole array repeated along each axis."""
    x, reps = A, tuple(int(r) for r in np.atleast_1d(reps))
    ndim = builtins.max(len(reps), x.ndim)
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - x.ndim) + tuple(x.shape)
    between = tuple(m for n in shape for m in (1, n))
    spread = tuple(m for r, n in zip(reps, shape, strict=True) for m in (r, n))
    repeated = TRACED.broadcast_to(TRACED.reshape(x, shape=between), shape=spread)
    whole = tuple(r * n for r, n in zip(reps, shape, strict=True))
    return fresh(TRACED.reshape(repeated, shape=whole))


def repeat(x, repeats, axis=None):
    """Each element repeated the same number of times."""
    if not isinstance(repeats, Integral):
        return _repeat_each(x, repeats, axis)
    if axis is None:
        x, axis = ravel(x), 0
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    n = x.shape[axis]
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    spread = broadcast_to(expand_dims(x, axis + 1), (*before, n, int(repeats), *after))
    return fresh(TRACED.reshape(spread, shape=(*before, n * int(repeats), *after)))


def _repeat_each(x, repeats, axis):
    """Each element its own number of times; the numbers must be known on the host."""
    if not isinstance(repeats, list | tuple | np.ndarray):
        message = "repeat(repeats): no rule takes an array of a device. Give host integers."
        raise MissingRuleError(message)
    if axis is None:
        x, axis = ravel(x), 0
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    return take(x, np.repeat(np.arange(x.shape[axis]), repeats).tolist(), axis)


def take_along_axis(x, indices, axis=-1):
    """One element along an axis for each position of an index array."""
    if axis is None:
        x, axis = ravel(x), 0
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    xp, like = plain_namespace(x), lowest(x)
    key = []
    for k in range(x.ndim):
        along = xp.arange(indices.shape[k] if k == axis else x.shape[k], **on_device_of(like))
        key.append(xp.reshape(along, tuple(-1 if j == k else 1 for j in range(x.ndim))))
    key[axis] = indices
    if type(indices) in LIFTED:  # a batch of indices, of vmap
        return bind(ROWS["getitem"], (x,), {"key": tuple(key)})
    return TRACED.getitem(x, key=tuple(xp.broadcast_arrays(*key)))


def unstack(x, /, *, axis=0):
    """The slices along an axis, as a tuple."""
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    before = (slice(None),) * axis
    return tuple(TRACED.getitem(x, key=(*before, k, ...)) for k in range(x.shape[axis]))


def take(x, indices, axis=None, out=None, mode="raise"):
    """Elements at integer indices along an axis."""
    refuse("take", out)
    if mode not in ("raise", "wrap", "clip"):
        message = f"take(mode): got {mode!r}; expected 'raise', 'wrap' or 'clip'."
        raise ArgumentError(message)
    if axis is None:
        x, axis = (ravel(x) if x.ndim != 1 else x), 0
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    if not hasattr(indices, "shape"):
        like = lowest(x)
        indices = plain_namespace(x).asarray(indices, **on_device_of(like))
    plain_key(indices)  # an index is no traced number
    if mode != "raise":
        n = x.shape[axis]
        inside = TRACED.remainder(indices, n) if mode == "wrap" else indices
        indices = TRACED.minimum(TRACED.maximum(inside, 0), n - 1)
    if type(indices) in LIFTED and indices.ndim <= 1:
        return bind(ROWS["take"], (x,), {"indices": indices, "axis": axis})
    if indices.ndim == 1:
        return TRACED.take(x, indices=indices, axis=axis)
    flat = TRACED.reshape(indices, shape=(-1,))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    taken = bind(ROWS["take"], (x,), {"indices": flat, "axis": axis})
    return fresh(TRACED.reshape(taken, shape=shape))


def diff(x, n=1, axis=-1, prepend=ABSENT, append=ABSENT):
    """Differences of neighbours along an axis, ``n`` times."""
    if n < 0:
        message = f"diff(n): got {n}; expected 0 or more."
        raise ArgumentError(message)
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    front = [] if given(prepend) is ABSENT else [_end(x, prepend, axis)]
    back = [] if given(append) is ABSENT else [_end(x, append, axis)]
    if front or back:
        x = TRACED.concat(*front, x, *back, axis=axis)
    before = (slice(None),) * axis
    for _ in range(n):
        above = TRACED.getitem(x, key=(*before, slice(1, None), ...))
        x = above - TRACED.getitem(x, key=(*before, slice(None, -1), ...))
    return x


def _end(x, part, axis):
    """What is put before or behind: an array, or a number as one more element."""
    part = as_own_arrays((part, x))[0]
    return part if part.ndim else broadcast_to(part, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
