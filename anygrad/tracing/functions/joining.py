"""Several arrays made one."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, DTypeError
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions.arguments import as_own_arrays, refuse
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import ravel
from anygrad.tracing.operations import TRACED


def concat(arrays, /, axis: Any = 0, out=None, *, dtype=None, casting=None):
    """Arrays joined along an axis; ``None`` joins them flattened."""
    refuse("concat", out)
    arrays = _own("concat", arrays, dtype, casting)
    if axis is None:
        arrays, axis = [ravel(a) for a in arrays], 0
    return TRACED.concat(*arrays, axis=int(axis))


def stack(arrays, axis=0, out=None, *, dtype=None, casting=None):
    """Arrays of one shape joined along a new axis."""
    refuse("stack", out)
    return TRACED.stack(*_own("stack", arrays, dtype, casting), axis=int(axis))


def hstack(tup, *, dtype=None, casting=None):
    """Arrays joined side by side."""
    arrays = [atleast_1d(a) for a in as_own_arrays(tup)]
    axis = 0 if arrays and arrays[0].ndim == 1 else 1
    return concat(arrays, axis, dtype=dtype, casting=casting)


def vstack(tup, *, dtype=None, casting=None):
    """Arrays joined one below the other."""
    arrays = [atleast_2d(a) for a in as_own_arrays(tup)]
    return concat(arrays, 0, dtype=dtype, casting=casting)


def dstack(tup):
    """Arrays joined one behind the other, along the third axis."""
    return concat([atleast_3d(a) for a in as_own_arrays(tup)], 2)


def column_stack(tup):
    """Vectors as the columns of a matrix; matrices are joined side by side."""
    columns = [
        _in_shape(a, (*a.shape, *(1,) * (2 - a.ndim))) if a.ndim else _in_shape(a, (1, 1))
        for a in as_own_arrays(tup)
    ]
    return concat(columns, 1)


def append(arr, values, axis=None):
    """The values behind the array, or both flattened."""
    return concat((arr, values), axis)


def block(arrays):
    """One array of nested lists of blocks: the innermost lists are joined along the last axis."""
    depth = _depth(arrays)
    leaves = as_own_arrays(_leaves(arrays))
    ndim = builtins.max([depth, *(a.ndim for a in leaves)])
    grown = iter([_in_shape(a, (*(1,) * (ndim - a.ndim), *a.shape)) for a in leaves])
    joined = _joined(arrays, grown, ndim - depth)
    return TRACED.positive(joined) if depth == 0 else joined


def _depth(arrays: Any) -> int:
    """How deep lists are nested, which must be the same everywhere."""
    if isinstance(arrays, tuple):
        message = "block(arrays): got a tuple; expected lists of arrays. Write [a, b]."
        raise ArgumentError(message)
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        message = (
            "block(arrays): got lists that are empty, or nested to different depths; expected one "
            "depth. Put single blocks into lists too."
        )
        raise ArgumentError(message)
    return 1 + depths.pop()


def _leaves(arrays: Any) -> list[Any]:
    return [x for part in arrays for x in _leaves(part)] if isinstance(arrays, list) else [arrays]


def _joined(arrays: Any, leaves: Any, axis: int) -> Any:
    """The outermost list along this axis, its parts along the next."""
    if not isinstance(arrays, list):
        return next(leaves)
    return TRACED.concat(*(_joined(part, leaves, axis + 1) for part in arrays), axis=axis)


def atleast_1d(*arrays) -> Any:
    """Arrays with at least one axis."""
    return _grown(arrays, lambda x: x if x.ndim else _in_shape(x, (1,)))


def atleast_2d(*arrays) -> Any:
    """Arrays with at least two axes."""
    return _grown(
        arrays, lambda x: x if x.ndim > 1 else _in_shape(x, (1, x.shape[0] if x.ndim else 1))
    )


def atleast_3d(*arrays) -> Any:
    """Arrays with at least three axes; a matrix gets the new one behind."""
    shapes = {0: lambda _: (1, 1, 1), 1: lambda s: (1, *s, 1), 2: lambda s: (*s, 1)}
    return _grown(
        arrays, lambda x: x if x.ndim > 2 else _in_shape(x, shapes[x.ndim](tuple(x.shape)))
    )


def _grown(arrays: Any, grow: Any) -> Any:
    grown = [grow(x) for x in as_own_arrays(arrays)]
    return tuple(grown) if len(grown) > 1 else grown[0]


def _in_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """An array, traced or not, in another shape."""
    return TRACED.reshape(x, shape=shape) if x.shape != shape else x


def _own(where: str, arrays: Any, dtype: Any, casting: Any) -> list[Any]:
    """The arrays to be joined, in the dtype that is asked for."""
    arrays = as_own_arrays(arrays)
    if dtype is None and casting in (None, "same_kind", "safe", "unsafe"):
        return arrays  # to their common dtype, which each of these allows
    for a in arrays:
        wanted = arrays[0].dtype if dtype is None else dtype
        if not _may_cast(a.dtype, wanted, "same_kind" if casting is None else casting):
            message = (
                f"{where}(casting): got dtype {a.dtype} to be made {wanted}, which casting="
                f"{casting!r} does not allow. Cast it before, with xp.astype."
            )
            raise DTypeError(message)
    return arrays if dtype is None else [astype(a, dtype, copy=False) for a in arrays]


def _may_cast(have: Any, wanted: Any, casting: Any) -> bool:
    """NumPy's answer; for the dtypes of other libraries, whether no part would be lost."""
    if isinstance(have, np.dtype):
        return np.can_cast(have, wanted, casting)
    order = ("other", "real", "complex")
    return casting == "unsafe" or order.index(kind_of(have)) <= order.index(kind_of(wanted))
