"""``np.add.reduce``, ``np.multiply.accumulate``, ``np.maximum.at`` and their like.

What has a row or a function of its own goes there; every other ufunc of two operands is applied
pair by pair, which gives its derivative with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, MissingRuleError, TraceError
from anygrad.ops import ROWS
from anygrad.ops.indexing import selects_once
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing import ufuncs
from anygrad.tracing.assignment import in_dtype_of, plain_key
from anygrad.tracing.functions import FUNCTIONS, LINALG, SPECIAL, reductions
from anygrad.tracing.functions.arguments import (
    ABSENT,
    as_arrays,
    as_mask,
    beside,
    deliver,
    given,
    plain_axis,
)
from anygrad.tracing.functions.shapes import broadcast_to, moveaxis
from anygrad.tracing.functions.values import beside_values
from anygrad.tracing.level import LIFTED, bind, strip
from anygrad.tracing.operations import TRACED
from anygrad.tracing.ufuncs import call_with_keywords, name_of, operation_of

# Reductions that are functions of their own, in signatures that allow where= and initial=.
_REDUCED: dict[Any, Callable[..., Any]] = {
    np.add: reductions.sum,
    np.multiply: reductions.prod,
    np.maximum: reductions.max,
    np.minimum: reductions.min,
    np.logical_and: reductions.all,
    np.logical_or: reductions.any,
}


def _log_of_sum(x: Any, axis: Any, keepdims: bool) -> Any:
    return SPECIAL["logsumexp"](x, axis=axis, keepdims=keepdims)


def _length(x: Any, axis: Any, keepdims: bool) -> Any:
    return LINALG["vector_norm"](x, axis=axis, keepdims=keepdims)


# The same without where= and initial=, and the neutral element.
_STABLE: dict[Any, tuple[Callable[..., Any], float]] = {
    np.logaddexp: (_log_of_sum, -np.inf),
    np.hypot: (_length, 0.0),
}
_SIMPLE = {"axis", "keepdims"}
_ACCUMULATED = {np.add: "cumulative_sum", np.multiply: "cumulative_prod"}

# (a b) c = a (b c): the order of pairs does not matter, so a scan takes log n steps.
_ASSOCIATIVE = {np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot}


def reduce(ufunc: Any, args: tuple, kw: dict[str, Any]) -> Any:
    """``ufunc.reduce``: along axis 0 unless told otherwise."""
    if ufunc in _REDUCED and kw.keys() <= _SIMPLE:
        return _REDUCED[ufunc](*args, **{"axis": 0, **kw})
    (x,), name = args, f"{name_of(ufunc)}.reduce"
    axis, out = kw.pop("axis", 0), kw.pop("out", None)
    dtype, keepdims = kw.pop("dtype", None), bool(kw.pop("keepdims", False))
    initial, mask = given(kw.pop("initial", ABSENT)), given(kw.pop("where", True))
    if kw:
        ufuncs.refuse_keywords(name, kw)
    x = _operand(x, out, mask, initial)
    if ufunc in (np.logical_and, np.logical_or):
        return _truth(ufunc, x, (axis, keepdims), initial, mask, out)
    x = _truths(ufunc, _cast(name, x, dtype, out))
    start = {} if initial is ABSENT else {"initial": initial}
    if mask is not True and mask is not ABSENT:
        start["where"] = mask
    if ufunc in _REDUCED:
        return deliver(name, out, _REDUCED[ufunc](x, axis=axis, keepdims=keepdims, **start))
    operation = operation_of(ufunc)
    if ufunc in _STABLE:
        function, neutral = _STABLE[ufunc]
        if "where" in start:
            x = TRACED.where(strip(as_mask(name, mask, x)), x, neutral)
        y = function(x, _normal(axis, x), keepdims)
    else:
        if "where" in start:
            ufuncs.refuse_keywords(name, {"where": mask})
        if ufunc in (np.power, np.arctan2):
            message = (
                f"{name}: no derivative rule; NumPy's own result depends on the order in memory. "
                "Write a loop, or take the last of accumulate."
            )
            raise MissingRuleError(message)
        y = _folded(name, operation, ufunc, x, axis, keepdims, initial)
        initial = ABSENT
    if initial is not ABSENT and initial is not None:
        y = operation(y, initial)
    return deliver(name, out, y)


def _operand(x: Any, *others: Any) -> Any:
    if hasattr(x, "shape"):
        return x
    flat = [part for o in others for part in (o if isinstance(o, tuple) else (o,))]
    return beside(x, [part for part in flat if hasattr(part, "shape")])


def _cast(name: str, x: Any, dtype: Any, out: Any) -> Any:
    if dtype is not None and kind_of(np.dtype(dtype)) == "other":
        ufuncs.refuse_keywords(name, {"dtype": dtype})
    (out,) = out if isinstance(out, tuple) else (out,)
    return reductions.in_dtype_of_output(x, None if dtype is None else np.dtype(dtype), out)


def _normal(axis: Any, x: Any) -> Any:
    return None if axis is None or not x.shape else plain_axis(axis)


def _truth(ufunc: Any, x: Any, how: tuple, initial: Any, mask: Any, out: Any) -> Any:
    axis, keepdims = how
    y = _REDUCED[ufunc](x, axis=axis, keepdims=keepdims, where=mask)
    if initial is not ABSENT and initial is not None:
        y = operation_of(ufunc)(y, bool(initial))
    return deliver(f"{name_of(ufunc)}.reduce", out, y)


def _folded(
    name: str, operation: Any, ufunc: Any, x: Any, axis: Any, keepdims: bool, initial: Any
) -> Any:
    """One element after the other; in pairs of neighbours where the order is free."""
    axes = normal_axes(_normal(axis, x), x.ndim)
    if len(axes) > 1:
        if ufunc not in _ASSOCIATIVE:
            message = (
                f"{name}(axis): got {len(axes)} axes; expected one: the result depends on the "
                "order. Reduce one axis after the other."
            )
            raise ArgumentError(message)
        rest = [k for k in range(x.ndim) if k not in axes]
        shape = tuple(x.shape[k] for k in rest)
        flat = TRACED.reshape(
            TRACED.permute_dims(x, axes=(*rest, *axes)),
            shape=(*shape, int(np.prod([x.shape[k] for k in axes]))),
        )
    else:
        flat = moveaxis(x, axes[0], -1) if axes else x[..., None]
    begun = initial is not ABSENT and initial is not None
    if not flat.shape[-1] and not begun:
        message = f"{name}(x): got no elements along the axis; expected one at least, or initial=."
        raise ArgumentError(message)
    if ufunc in _ASSOCIATIVE and flat.shape[-1]:
        while flat.shape[-1] > 1:
            half = flat.shape[-1] // 2
            pairs = operation(flat[..., :half], flat[..., half : 2 * half])
            odd = flat.shape[-1] % 2
            flat = TRACED.concat(pairs, flat[..., -1:], axis=-1) if odd else pairs
        y = operation(initial, flat[..., 0]) if begun else flat[..., 0]
    else:
        y = initial if begun else flat[..., 0]
        for k in range(0 if begun else 1, flat.shape[-1]):
            y = operation(y, flat[..., k])
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    return TRACED.reshape(y, shape=kept) if keepdims else y


def accumulate(ufunc: Any, args: tuple, kw: dict[str, Any]) -> Any:
    """``ufunc.accumulate``: along axis 0 unless told otherwise.

    Of equal extremes the later and the earlier ones get halves, as in ``xp.maximum``.
    """
    (x,), name = args, f"{name_of(ufunc)}.accumulate"
    axis, out, dtype = kw.pop("axis", 0), kw.pop("out", None), kw.pop("dtype", None)
    if kw:
        ufuncs.refuse_keywords(name, kw)
    x = _truths(ufunc, _cast(name, _operand(x, out), dtype, out))
    if ufunc in _ACCUMULATED:
        return deliver(name, out, FUNCTIONS[_ACCUMULATED[ufunc]](x, axis=operator.index(axis)))
    operation = operation_of(ufunc)
    (axis,) = normal_axes(operator.index(axis), x.ndim)
    y = moveaxis(x, axis, -1)
    y = _scanned(operation, y) if ufunc in _ASSOCIATIVE else _stepped(operation, y)
    return deliver(name, out, moveaxis(y, -1, axis))


def _truths(ufunc: Any, x: Any) -> Any:
    """What logical functions combine: whether elements are not 0, of which one alone is one too."""
    logical = ufunc in (np.logical_and, np.logical_or, np.logical_xor)
    return TRACED.not_equal(strip(x), 0) if logical else x


def _own(x: Any) -> Any:
    """The same in memory of its own; truths were made just before."""
    return TRACED.positive(x) if type(x) in LIFTED else x


def _scanned(operation: Any, x: Any) -> Any:
    """Windows of 1, 2, 4, ... elements combined (Hillis and Steele 1986)."""
    y, width = _own(x), 1
    while width < x.shape[-1]:
        y = TRACED.concat(y[..., :width], operation(y[..., :-width], y[..., width:]), axis=-1)
        width *= 2
    return y


def _stepped(operation: Any, x: Any) -> Any:
    if x.shape[-1] < 2:
        return _own(x)
    steps = [x[..., 0]]
    for k in range(1, x.shape[-1]):
        steps.append(operation(steps[-1], x[..., k]))
    return TRACED.stack(*steps, axis=-1)


def reduceat(ufunc: Any, args: tuple, kw: dict[str, Any]) -> Any:
    """``ufunc.reduceat``: each slice between two indices reduced."""
    (x, indices), name = args, f"{name_of(ufunc)}.reduceat"
    axis, out, dtype = kw.pop("axis", 0), kw.pop("out", None), kw.pop("dtype", None)
    if kw:
        ufuncs.refuse_keywords(name, kw)
    x = _truths(ufunc, _cast(name, _operand(x, out), dtype, out))
    (axis,) = normal_axes(operator.index(axis), x.ndim)
    n, starts = x.shape[axis], _host_indices(name, indices)
    if not starts or not all(0 <= k < n for k in starts):
        message = f"{name}(indices): got {indices!r}; expected integers from 0 to {n - 1}."
        raise ArgumentError(message)
    ends = [*starts[1:], n]
    rising = all(a < b for a, b in zip(starts, ends, strict=True))
    if ufunc is np.add and rising:  # each element goes to the sum of its slice
        used = x[(*(slice(None),) * axis, slice(starts[0], None))]
        lengths = np.diff([*starts, n])
        slots = beside_values(np.repeat(np.arange(len(starts)), lengths), x)
        shape = (*x.shape[:axis], len(starts), *x.shape[axis + 1 :])
        y = TRACED.untake(used, indices=slots, axis=axis, shape=shape)
        return deliver(name, out, y)
    moved = moveaxis(x, axis, 0)
    parts = [
        reduce(ufunc, (moved[a:b],), {}) if a < b else moved[a]
        for a, b in zip(starts, ends, strict=True)
    ]
    return deliver(name, out, moveaxis(TRACED.stack(*parts, axis=0), 0, axis))


def _host_indices(name: str, indices: Any) -> list[int]:
    if type(indices) in LIFTED or not isinstance(indices, np.ndarray | list | tuple):
        message = f"{name}(indices): got {type(indices).__name__}; expected integers of the host."
        raise MissingRuleError(message)
    return [operator.index(k) for k in np.asarray(indices).tolist()]


def at(ufunc: Any, args: tuple, kw: dict[str, Any]) -> None:
    """``ufunc.at(y, key, x)``: ``y[key] = ufunc(y[key], x)``, once for every time it is named."""
    name = f"{name_of(ufunc)}.at"
    operation = operation_of(ufunc)
    y, key, *rest = args
    if type(y) not in LIFTED:
        message = (
            f"{name}(y, key, x): got a traced value to write into a plain array, where its "
            "gradient would be lost. Make y with xp.zeros_like(x) of a traced x."
        )
        raise TraceError(message)
    if kw or len(rest) != ufunc.nin - 1 or ufunc.nin > 2:
        message = f"{name}: got {len(args)} arguments; expected {ufunc.nin + 1}, no keywords."
        raise ArgumentError(message)
    key = plain_key(_plain_lists(key))
    if ufunc in (np.add, np.subtract):
        values, shape = as_arrays((*rest, y))[0], y[key].shape
        values = in_dtype_of(y, values, f"{name}(y, key, x)")
        values = values if values.shape == shape else broadcast_to(values, shape)
        added = bind(ROWS["scatter"], (values,), {"key": key, "shape": y.shape})
        y[...] = operation(y, added)
    elif selects_once(key):
        y[key] = operation(y[key], *rest)
    else:
        y[...] = _in_rounds(name, operation, y, key, rest)


def _plain_lists(key: Any) -> Any:
    if type(key) is tuple:
        return tuple(map(_plain_lists, key))
    return np.asarray(key) if isinstance(key, list) else key


def _in_rounds(name: str, operation: Any, y: Any, key: Any, rest: list[Any]) -> Any:
    """Elements named again wait for the next round, so that each round names them once."""
    parts = key if type(key) is tuple else (key,)
    if any(hasattr(p, "shape") and not isinstance(p, np.ndarray | np.generic) for p in parts):
        message = (
            f"{name}(key): got index arrays of a device, or of vmap; whether they repeat is not "
            "known. Use slices, a boolean mask, or a NumPy index array."
        )
        raise TraceError(message)
    places = np.arange(y.size).reshape(y.shape)[key]
    chosen = places.ravel()
    order = np.argsort(chosen, kind="stable")
    ordered = chosen[order]
    first = np.searchsorted(ordered, ordered)
    turn = np.empty_like(chosen)
    turn[order] = np.arange(chosen.size) - first
    flat = TRACED.reshape(y, shape=(-1,))
    operands = [
        TRACED.reshape(broadcast_to(as_arrays((x, y))[0], places.shape), shape=(-1,)) for x in rest
    ]
    for k in range(int(turn.max(initial=-1)) + 1):
        now = np.flatnonzero(turn == k)
        where, which = beside_values(chosen[now], y), beside_values(now, y)
        picked = [TRACED.take(x, indices=which, axis=0) for x in operands]
        new = operation(TRACED.take(flat, indices=where, axis=0), *picked)
        flat = TRACED.setitem(flat, in_dtype_of(flat, new, name), key=where)
    return TRACED.reshape(flat, shape=y.shape)


METHODS: dict[str, Callable[..., Any]] = {
    "__call__": call_with_keywords,
    "accumulate": accumulate,
    "at": at,
    "outer": ufuncs.outer,
    "reduce": reduce,
    "reduceat": reduceat,
}
"""What NumPy calls a ufunc by."""
