"""Elements chosen by conditions and indices, and functions applied along axes."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, DTypeError, ShapeError
from anygrad.ops import ROWS
from anygrad.ops.batching import refuse as refuse_batched
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.assignment import in_dtype_of
from anygrad.tracing.functions.arguments import a_traced, as_arrays, deliver, fresh, plain_axis
from anygrad.tracing.functions.creation import zeros_like
from anygrad.tracing.functions.shapes import broadcast_to, expand_dims, moveaxis, ravel, take
from anygrad.tracing.functions.values import beside_values, on_host
from anygrad.tracing.level import is_mapped, strip
from anygrad.tracing.operations import TRACED


def select(condlist, choicelist, default=0):
    """Elements of the first choice whose condition holds, else the default."""
    if len(condlist) != len(choicelist) or not len(condlist):
        message = (
            f"select(choicelist): got {len(choicelist)} choices for {len(condlist)} conditions; "
            "expected one for each."
        )
        raise ArgumentError(message)
    parts = as_arrays((*choicelist, default, *(c for c in condlist if hasattr(c, "shape"))))
    choices, y = parts[: len(choicelist)], parts[len(choicelist)]
    conditions = [_booleans("select", c, choices[0]) for c in condlist]
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        y = TRACED.where(condition, choice, y)
    return y


def _booleans(where: str, condition: Any, like: Any) -> Any:
    if not hasattr(condition, "shape"):
        condition = beside_values(condition, like)
    if "bool" not in str(condition.dtype):
        message = (
            f"{where}(condlist): got conditions of {condition.dtype}; expected booleans. Write "
            "x != 0."
        )
        raise DTypeError(message)
    return strip(condition)


def piecewise(x, condlist, funclist, *args, **kw):
    """Functions, or constants, of the elements for which a condition holds.

    Each function gets these elements alone, as in NumPy; how many there are is read on the host.
    Where several conditions hold the last one counts; one more function is for the rest.
    """
    conditions = [_mask(c, x) for c in ([condlist] if _is_one(condlist, x) else condlist)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(TRACED.logical_not(functools.reduce(TRACED.logical_or, conditions)))
    if len(funclist) != len(conditions):
        message = (
            f"piecewise(funclist): got {len(funclist)} functions for {len(conditions)} conditions; "
            "expected one for each, or one more for the rest."
        )
        raise ArgumentError(message)
    y = zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        if not callable(function):
            y = TRACED.where(condition, function, y)
            continue
        chosen = TRACED.getitem(x, key=condition)
        if chosen.shape[0]:
            part = as_arrays((function(chosen, *args, **kw), chosen))[0]
            y = TRACED.setitem(y, in_dtype_of(y, part, "piecewise(funclist)"), key=condition)
    return y


def _is_one(condlist: Any, x: Any) -> bool:
    """Whether it is a condition, and not a list of them, by NumPy's rule."""
    if np.isscalar(condlist):
        return True
    first = condlist[0]
    return bool(x.ndim) and not isinstance(first, list) and not getattr(first, "ndim", 0)


def _mask(condition: Any, x: Any) -> Any:
    if not hasattr(condition, "shape"):
        condition = beside_values(np.asarray(condition, dtype=bool), x)
    condition = strip(condition)
    if is_mapped(condition):
        refuse_batched(ROWS["nonzero"])
    mask = condition if "bool" in str(condition.dtype) else TRACED.not_equal(condition, 0)
    return mask if mask.shape == x.shape else broadcast_to(mask, x.shape)


def choose(a, choices, out=None, mode="raise"):
    """Elements of the array that a whole number names, for each position.

    Numbers that name none are an error for NumPy's arrays; elsewhere, where no value is read for
    that, they give NaN.
    """
    parts = as_arrays((*choices, *((a,) if hasattr(a, "shape") else ())))[: len(choices)]
    a = strip(a) if hasattr(a, "shape") else beside_values(a, parts[0])
    n = len(parts)
    if kind_of(a.dtype) != "other":
        message = f"choose(a): got dtype {a.dtype}; expected integers."
        raise DTypeError(message)
    a = _inside("choose", a, n, mode)
    if on_host(a) and not is_mapped(a) and ((a < 0) | (a >= n)).any():
        message = f"choose(a): got numbers beyond 0 to {n - 1}; expected numbers of the choices."
        raise ArgumentError(message)
    y = _nan_beside(parts)
    for k, part in enumerate(parts):
        y = TRACED.where(a == k, part, y)
    return deliver("choose", out, y)


def _nan_beside(parts: list[Any]) -> Any:
    return as_arrays((math.nan, a_traced(parts)))[0]


def _inside(where: str, index: Any, n: int, mode: str) -> Any:
    """Positions cut, or taken around, to those that there are."""
    if mode not in ("raise", "wrap", "clip"):
        message = f"{where}(mode): got {mode!r}; expected 'raise', 'wrap' or 'clip'."
        raise ArgumentError(message)
    if mode == "wrap":
        return TRACED.remainder(index, n)
    return index if mode == "raise" else TRACED.minimum(TRACED.maximum(index, 0), n - 1)


def compress(condition, a, axis=None, out=None):
    """The slices for which a condition holds; their number is read on the host."""
    a = as_arrays((a, *((condition,) if hasattr(condition, "shape") else ())))[0]
    if not hasattr(condition, "shape"):
        condition = beside_values(np.asarray(condition), a)
    if condition.ndim != 1:
        message = f"compress(condition): got {condition.ndim} axes; expected one."
        raise ShapeError(message)
    places = TRACED.nonzero(strip(condition))[0]
    return deliver("compress", out, take(a, places, axis))


def extract(condition, arr):
    """The elements for which a condition holds; their number is read on the host."""
    arr = as_arrays((arr, *((condition,) if hasattr(condition, "shape") else ())))[0]
    if not hasattr(condition, "shape"):
        condition = beside_values(np.asarray(condition), arr)
    return take(ravel(arr), TRACED.nonzero(ravel(strip(condition)))[0], 0)


def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """A function of one axis, called for each of the others; its results take the place of it."""
    (axis,) = normal_axes(plain_axis(axis), arr.ndim)
    moved = moveaxis(arr, axis, -1)
    lead = tuple(moved.shape[:-1])
    if 0 in lead:
        message = (
            f"apply_along_axis(arr): got shape {tuple(arr.shape)}; expected other axes not empty."
        )
        raise ArgumentError(message)
    places = itertools.product(*map(range, lead))
    results = [func1d(TRACED.getitem(moved, key=(*k, ...)), *args, **kwargs) for k in places]
    results = as_arrays((*results, arr))[:-1]
    y = TRACED.stack(*results, axis=0)
    rank = y.ndim - 1
    y = TRACED.reshape(y, shape=(*lead, *y.shape[1:]))
    return fresh(
        moveaxis(y, tuple(range(-rank, 0)), tuple(range(axis, axis + rank))) if rank else y
    )


def apply_over_axes(func, a, axes):
    """A function of an array and an axis, applied for one axis after the other."""
    axes = (axes,) if np.ndim(axes) == 0 else tuple(axes)
    for axis in axes:
        (axis,) = normal_axes(plain_axis(axis), a.ndim)
        y = func(a, axis)
        if y.ndim != a.ndim:
            y = expand_dims(y, axis)
        if y.ndim != a.ndim:
            message = f"apply_over_axes(func): got {y.ndim} axes; expected {a.ndim}, or one less."
            raise ShapeError(message)
        a = y
    return a


def tril_indices_from(arr, k=0):
    """The indices of the lower triangle of a matrix of this shape."""
    return np.tril_indices(*_matrix_shape("tril_indices_from", arr, k))


def triu_indices_from(arr, k=0):
    """The indices of the upper triangle of a matrix of this shape."""
    return np.triu_indices(*_matrix_shape("triu_indices_from", arr, k))


def _matrix_shape(where: str, arr: Any, k: int) -> tuple[int, int, int]:
    if arr.ndim != 2:
        message = f"{where}(arr): got {arr.ndim} axes; expected a matrix."
        raise ShapeError(message)
    return arr.shape[0], k, arr.shape[1]


def diag_indices_from(arr):
    """The indices of the diagonal of an array whose axes have one length."""
    if arr.ndim < 2 or len(set(arr.shape)) != 1:
        message = f"diag_indices_from(arr): got shape {tuple(arr.shape)}; expected equal lengths."
        raise ShapeError(message)
    return np.diag_indices(arr.shape[0], arr.ndim)
