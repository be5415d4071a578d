"""Sums, means, extremes and counts along axes."""

from __future__ import annotations

import builtins
import math
from typing import Any

from anygrad.errors import MissingRuleError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import (
    ABSENT,
    beside,
    given,
    plain_axis,
    plain_keepdims,
    refuse,
    root_at_rest,
)
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import broadcast_to, moveaxis
from anygrad.tracing.operations import TRACED


def _axis_of(x, axis):
    """The axis in plain integers; NumPy takes 0 and -1 for arrays without axes, too."""
    return None if axis in (0, -1) and not x.shape else plain_axis(axis)


def _reduced(name: str, linear: bool) -> Any:
    operation = getattr(TRACED, name)

    def reduce(x, axis=None, dtype=None, out=None, keepdims=False, initial=ABSENT, where=ABSENT):
        if out is not None or initial is not ABSENT or where is not ABSENT:
            refuse(name, out, given(initial), given(where))
        if dtype is not None and dtype != x.dtype:
            x = astype(x, dtype)
        return operation(x, axis=_axis_of(x, axis), keepdims=plain_keepdims(keepdims))

    def extreme(x, axis=None, out=None, keepdims=False, initial=ABSENT, where=ABSENT):
        if out is not None or initial is not ABSENT or where is not ABSENT:
            refuse(name, out, given(initial), given(where))
        return operation(x, axis=_axis_of(x, axis), keepdims=plain_keepdims(keepdims))

    chosen = reduce if linear else extreme
    chosen.__name__ = chosen.__qualname__ = name
    return chosen


sum = _reduced("sum", linear=True)
prod = _reduced("prod", linear=True)
max = _reduced("max", linear=False)
min = _reduced("min", linear=False)
_mean = _reduced("mean", linear=True)


def mean(x, axis=None, dtype=None, out=None, keepdims=False, *, where=ABSENT):
    """The arithmetic mean along axes."""
    return _mean(x, axis, dtype, out, keepdims, ABSENT, where)


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
    """Variance; ``correction`` (NumPy: ``ddof``) is subtracted from the count."""
    refuse("var", out, mask=given(where))
    if given(mean) is not ABSENT:
        message = "var(mean): got a mean; no rule takes it. Leave it out."
        raise MissingRuleError(message)
    if dtype is not None:
        x = astype(x, dtype)
    correction = ddof if correction is None or given(correction) is ABSENT else correction
    axes = normal_axes(plain_axis(axis), x.ndim)
    n = math.prod(x.shape[a] for a in axes)
    deviation = x - TRACED.mean(x, axis=axes, keepdims=True)
    squares = (
        TRACED.square(TRACED.abs(deviation))
        if kind_of(x.dtype) == "complex"
        else deviation * deviation
    )
    return TRACED.sum(squares, axis=axes, keepdims=plain_keepdims(keepdims)) / builtins.max(
        n - correction, 0
    )


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
    squared = var(
        x, axis, dtype, out, ddof, keepdims, correction=correction, where=where, mean=mean
    )
    return root_at_rest(squared, 0.5)


def _constant(name: str) -> Any:
    def reduce(x, axis=None, out=None, keepdims=False, **kw):
        refuse(name, out)
        keep = {} if not plain_keepdims(keepdims) else {"keepdims": True}
        return getattr(TRACED, name)(x, axis=plain_axis(axis), **keep, **kw)

    reduce.__name__ = reduce.__qualname__ = name
    return reduce


all = _constant("all")
any = _constant("any")
argmax = _constant("argmax")
argmin = _constant("argmin")
count_nonzero = _constant("count_nonzero")


def cumulative_sum(x, axis=None, dtype=None, out=None, *, include_initial=False):
    """Sums of the first 1, 2, ... elements along an axis."""
    refuse("cumulative_sum", out)
    if dtype is not None:
        x = astype(x, dtype)
    if axis is None:
        if x.ndim > 1:
            x = TRACED.reshape(x, shape=(-1,))
        axis = 0
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    y = TRACED.cumulative_sum(x, axis=axis)
    if include_initial:
        start = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        zero = beside(0.0, [x])
        y = TRACED.concat(broadcast_to(zero, start), y, axis=axis)
    return y


def cumulative_prod(x, axis=None, dtype=None, out=None, *, include_initial=False):
    """Products of the first 1, 2, ... elements along an axis, differentiable where some are 0."""
    refuse("cumulative_prod", out)
    if dtype is not None:
        x = astype(x, dtype)
    if axis is None:
        x, axis = TRACED.reshape(x, shape=(-1,)), 0
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    moved = moveaxis(x, axis, -1)
    y = _products_so_far(moved)
    if include_initial:
        y = TRACED.concat(broadcast_to(beside(1.0, [x]), (*moved.shape[:-1], 1)), y, axis=-1)
    return moveaxis(y, -1, axis)


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
