"""Sums, means, extremes and counts along axes."""

from __future__ import annotations

import builtins
import math
from typing import Any

from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import (
    ABSENT,
    as_mask,
    beside,
    deliver,
    given,
    plain_axis,
    plain_keepdims,
    root_at_rest,
)
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import broadcast_to, moveaxis
from anygrad.tracing.level import strip
from anygrad.tracing.operations import TRACED


def _axis_of(x, axis):
    """The axis in plain integers; NumPy takes 0 and -1 for arrays without axes, too."""
    return None if axis in (0, -1) and not x.shape else plain_axis(axis)


_NEUTRAL = {"sum": 0.0, "prod": 1.0, "max": -math.inf, "min": math.inf}
_COMBINED = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}


def _reduced(name: str, linear: bool) -> Any:
    operation = getattr(TRACED, name)

    def reduce(x, axis=None, dtype=None, out=None, keepdims=False, initial=ABSENT, where=ABSENT):
        if out is not None or initial is not ABSENT or where is not ABSENT:
            return _reduce_with(name, x, axis, dtype, out, keepdims, initial, where)
        if dtype is not None and dtype != x.dtype:
            x = astype(x, dtype)
        return operation(x, axis=_axis_of(x, axis), keepdims=plain_keepdims(keepdims))

    def extreme(x, axis=None, out=None, keepdims=False, initial=ABSENT, where=ABSENT):
        if out is not None or initial is not ABSENT or where is not ABSENT:
            return _reduce_with(name, x, axis, None, out, keepdims, initial, where)
        return operation(x, axis=_axis_of(x, axis), keepdims=plain_keepdims(keepdims))

    chosen = reduce if linear else extreme
    chosen.__name__ = chosen.__qualname__ = name
    return chosen


def _reduce_with(name, x, axis, dtype, out, keepdims, initial, where):
    """A reduction of the elements that a mask selects, begun at some value, written somewhere.

    At a tie between ``initial`` and the extreme each gets half, as in ``xp.maximum``.
    """
    initial, mask = given(initial), given(where)
    masked = mask is not ABSENT and mask is not True and mask is not None
    begun = initial is not ABSENT and initial is not None
    x = in_dtype_of_output(_array(x, out, mask, initial), dtype, out)
    axis, keepdims = _axis_of(x, axis), plain_keepdims(keepdims)
    if masked:
        if name in ("max", "min") and not begun:
            message = (
                f"{name}(where): got a mask without initial=; expected a value for the case that "
                "it selects nothing."
            )
            raise ArgumentError(message)
        x = _selected(name, x, mask, _NEUTRAL[name])
    if begun and name in ("max", "min") and not math.prod(x.shape):
        y = TRACED.sum(x, axis=axis, keepdims=keepdims) + _NEUTRAL[name]  # the shape, without x
    else:
        y = getattr(TRACED, name)(x, axis=axis, keepdims=keepdims)
    if begun:
        if getattr(initial, "shape", ()) != ():
            message = f"{name}(initial): got {describe(initial)}; expected one number."
            raise ShapeError(message)
        y = astype(getattr(TRACED, _COMBINED[name])(y, initial), x.dtype, copy=False)
    return deliver(name, out, y)


def _array(x, *others):
    """The operand as an array: where an output or a mask is traced, it may be a list."""
    if hasattr(x, "shape"):
        return x
    return beside(x, [other for other in others if hasattr(other, "shape")])


def in_dtype_of_output(x, dtype, out):
    """The operand as it is added up: in the dtype asked for, without one in that of the output."""
    if dtype is None and out is not None and kind_of(x.dtype) == kind_of(out.dtype):
        dtype = out.dtype
    return x if dtype is None or dtype == x.dtype else astype(x, dtype)


def _selected(name, x, mask, neutral):
    """``x`` where the mask holds, and the neutral element elsewhere."""
    y = TRACED.where(strip(as_mask(name, mask, x)), x, neutral)
    if y.shape != x.shape:
        message = (
            f"{name}(where): got a mask of shape {tuple(mask.shape)}; expected one that broadcasts "
            f"to {tuple(x.shape)}."
        )
        raise ShapeError(message)
    return y


sum = _reduced("sum", linear=True)
prod = _reduced("prod", linear=True)
max = _reduced("max", linear=False)
min = _reduced("min", linear=False)
_mean = _reduced("mean", linear=True)


def mean(x, axis=None, dtype=None, out=None, keepdims=False, *, where=ABSENT):
    """The arithmetic mean along axes, of the elements that a mask selects."""
    if out is None and where is ABSENT:
        return _mean(x, axis, dtype, None, keepdims)
    x = in_dtype_of_output(_array(x, out, where), dtype, out)
    if _selects_all(where):
        return deliver("mean", out, _mean(x, axis, None, None, keepdims))
    total = TRACED.sum(
        _selected("mean", x, where, 0.0), axis=_axis_of(x, axis), keepdims=plain_keepdims(keepdims)
    )
    return deliver("mean", out, total / _count(x, where, axis, keepdims))


def _selects_all(mask) -> bool:
    mask = given(mask)
    return mask is ABSENT or mask is True or mask is None


def _count(x, mask, axis, keepdims):
    """How many elements a mask selects along axes, in the real dtype of ``x``."""
    ones = TRACED.zeros_like(TRACED.real(strip(x)))
    ones = TRACED.where(strip(as_mask("where", mask, x)), ones + 1.0, ones)
    return TRACED.sum(ones, axis=_axis_of(x, axis), keepdims=plain_keepdims(keepdims))


def var(
    x,
    axis=None,
    dtype=None,
    out=None,
    ddof=0,
    keepdims=False,
    *,
    correction=None,
    where=ABSENT,
    mean=ABSENT,
):
    """Variance; ``correction`` (NumPy: ``ddof``) is subtracted from the count.

    ``mean``, with the reduced axes kept, may be given, and traced.
    """
    x = _array(x, out, where, mean)
    if dtype is not None:
        x = astype(x, dtype)
    correction = ddof if correction is None or given(correction) is ABSENT else correction
    axes = normal_axes(plain_axis(axis), x.ndim)
    whole = _selects_all(where)
    if given(mean) is not ABSENT:
        centre = mean
    elif whole:
        centre = TRACED.mean(x, axis=axes, keepdims=True)
    else:
        total = TRACED.sum(_selected("var", x, where, 0.0), axis=axes, keepdims=True)
        centre = total / _count(x, where, axes, True)
    deviation = x - centre
    if not whole:
        deviation = _selected("var", deviation, where, 0.0)
    squares = (
        TRACED.square(TRACED.abs(deviation))
        if kind_of(x.dtype) == "complex"
        else deviation * deviation
    )
    total = TRACED.sum(squares, axis=axes, keepdims=plain_keepdims(keepdims))
    if whole:
        n = math.prod(x.shape[a] for a in axes)
        return deliver("var", out, total / builtins.max(n - correction, 0))
    n = TRACED.maximum(_count(x, where, axes, keepdims) - correction, 0.0)
    return deliver("var", out, total / n)


def std(
    x,
    axis=None,
    dtype=None,
    out=None,
    ddof=0,
    keepdims=False,
    *,
    correction=None,
    where=ABSENT,
    mean=ABSENT,
):
    """Standard deviation: the root of `var`; its derivative is taken as 0 where it is 0."""
    x = _array(x, out)
    squared = var(
        x, axis, dtype, None, ddof, keepdims, correction=correction, where=where, mean=mean
    )
    return deliver("std", out, root_at_rest(squared, 0.5))


def _answer(name: str) -> Any:
    """A reduction whose result is no number of the calculation, and has no derivative."""

    def reduce(x, axis=None, out=None, keepdims=False):
        keep = {} if not plain_keepdims(keepdims) else {"keepdims": True}
        return deliver(name, out, getattr(TRACED, name)(x, axis=_axis_of(x, axis), **keep))

    reduce.__name__ = reduce.__qualname__ = name
    return reduce


argmax = _answer("argmax")
argmin = _answer("argmin")
_all = _answer("all")
_any = _answer("any")


def count_nonzero(x, axis=None, *, keepdims=False):
    """How many elements are not 0, along axes."""
    keep = {} if not plain_keepdims(keepdims) else {"keepdims": True}
    return TRACED.count_nonzero(x, axis=_axis_of(x, axis), **keep)


def all(x, axis=None, out=None, keepdims=False, *, where=ABSENT):
    """Whether all elements, of those that a mask selects, are not 0."""
    return _all(x if _selects_all(where) else _truth("all", x, where, True), axis, out, keepdims)


def any(x, axis=None, out=None, keepdims=False, *, where=ABSENT):
    """Whether an element, of those that a mask selects, is not 0."""
    return _any(x if _selects_all(where) else _truth("any", x, where, False), axis, out, keepdims)


def _truth(name, x, mask, neutral):
    return _selected(name, TRACED.not_equal(strip(_array(x, mask)), 0), mask, neutral)


def cumulative_sum(x, axis=None, dtype=None, out=None, *, include_initial=False):
    """Sums of the first 1, 2, ... elements along an axis."""
    x, axis = _along_one(x, axis, dtype, out)
    y = TRACED.cumulative_sum(x, axis=axis)
    if include_initial:
        start = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        y = TRACED.concat(broadcast_to(beside(0.0, [x]), start), y, axis=axis)
    return deliver("cumulative_sum", out, y)


def cumulative_prod(x, axis=None, dtype=None, out=None, *, include_initial=False):
    """Products of the first 1, 2, ... elements along an axis, differentiable where some are 0."""
    x, axis = _along_one(x, axis, dtype, out)
    moved = moveaxis(x, axis, -1)
    y = _products_so_far(moved)
    if include_initial:
        y = TRACED.concat(broadcast_to(beside(1.0, [x]), (*moved.shape[:-1], 1)), y, axis=-1)
    return deliver("cumulative_prod", out, moveaxis(y, -1, axis))


def _along_one(x, axis, dtype, out):
    """An operand with the axis to go along; flattened if none is named."""
    x = in_dtype_of_output(_array(x, out), dtype, out)
    if axis is None:
        return (x if x.ndim == 1 else TRACED.reshape(x, shape=(-1,))), 0
    return x, normal_axes(plain_axis(axis), x.ndim)[0]


def _products_so_far(x):
    """Along the last axis, in pairs: products of products, without a division."""
    n = x.shape[-1]
    if n < 2:
        return TRACED.positive(x)
    half = n // 2
    even = TRACED.getitem(x, key=(..., slice(0, 2 * half, 2)))
    pairs = _products_so_far(even * TRACED.getitem(x, key=(..., slice(1, None, 2))))
    first = TRACED.getitem(x, key=(..., slice(0, 1)))
    rest = TRACED.getitem(x, key=(..., slice(2, None, 2)))
    between = TRACED.getitem(pairs, key=(..., slice(0, rest.shape[-1]))) * rest
    firsts = TRACED.concat(first, between, axis=-1)
    both = TRACED.stack(TRACED.getitem(firsts, key=(..., slice(0, half))), pairs, axis=-1)
    woven = TRACED.reshape(both, shape=(*x.shape[:-1], 2 * half))
    return TRACED.concat(woven, TRACED.getitem(firsts, key=(..., slice(half, None))), axis=-1)
