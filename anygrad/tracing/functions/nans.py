"""NumPy's reductions that leave NaN out; such elements get the derivative 0.

NumPy warns where a slice holds nothing else. Here no value is read for that: the result is the
same.
"""

from __future__ import annotations

import math
from typing import Any

from anygrad.errors import ArgumentError
from anygrad.tracing.functions import reductions
from anygrad.tracing.functions.arguments import ABSENT, deliver, given, plain_keepdims
from anygrad.tracing.functions.values import check_ordered, on_host
from anygrad.tracing.level import is_mapped, strip
from anygrad.tracing.operations import TRACED


def _replaced(x, neutral):
    return TRACED.where(TRACED.isnan(strip(x)), neutral, x)


def nansum(a, axis=None, dtype=None, out=None, keepdims=ABSENT, initial=ABSENT, where=ABSENT):
    """The sum of the elements that are not NaN."""
    return reductions.sum(_replaced(a, 0.0), axis, dtype, out, keepdims, initial, where)


def nanprod(a, axis=None, dtype=None, out=None, keepdims=ABSENT, initial=ABSENT, where=ABSENT):
    """The product of the elements that are not NaN."""
    return reductions.prod(_replaced(a, 1.0), axis, dtype, out, keepdims, initial, where)


def nancumsum(a, axis=None, dtype=None, out=None):
    """Sums of the first 1, 2, ... elements, NaN taken as 0."""
    return reductions.cumulative_sum(_replaced(a, 0.0), axis, dtype, out)


def nancumprod(a, axis=None, dtype=None, out=None):
    """Products of the first 1, 2, ... elements, NaN taken as 1."""
    return reductions.cumulative_prod(_replaced(a, 1.0), axis, dtype, out)


def nanmax(a, axis=None, out=None, keepdims=ABSENT, initial=ABSENT, where=ABSENT):
    """The greatest of the elements that are not NaN; equal ones share the derivative."""
    return _extreme("nanmax", reductions.max, -math.inf, a, axis, out, (keepdims, initial, where))


def nanmin(a, axis=None, out=None, keepdims=ABSENT, initial=ABSENT, where=ABSENT):
    """The smallest of the elements that are not NaN; equal ones share the derivative."""
    return _extreme("nanmin", reductions.min, math.inf, a, axis, out, (keepdims, initial, where))


def _extreme(name: str, reduce: Any, beyond: float, x: Any, axis: Any, out: Any, how: Any) -> Any:
    check_ordered(name, x)
    y = reduce(_replaced(x, beyond), axis, None, *how)
    if given(how[1]) is ABSENT:  # without an initial value, NaN where there is nothing else
        nothing = reductions.all(TRACED.isnan(strip(x)), axis, keepdims=plain_keepdims(how[0]))
        y = TRACED.where(nothing, math.nan, y)
    return deliver(name, out, y)


def nanargmax(a, axis=None, out=None, *, keepdims=ABSENT):
    """The position of the greatest element that is not NaN, a constant.

    Where there is none, NumPy's arrays raise, and others give -1, as CuPy does.
    """
    return _position("nanargmax", reductions.argmax, -math.inf, a, axis, out, keepdims)


def nanargmin(a, axis=None, out=None, *, keepdims=ABSENT):
    """The position of the smallest element that is not NaN, a constant.

    Where there is none, NumPy's arrays raise, and others give -1, as CuPy does.
    """
    return _position("nanargmin", reductions.argmin, math.inf, a, axis, out, keepdims)


def _position(name, search, beyond, x, axis, out, keepdims):
    check_ordered(name, x)
    value, keepdims = strip(x), plain_keepdims(keepdims)
    missing = TRACED.isnan(value)
    found = search(TRACED.where(missing, beyond, value), axis, keepdims=keepdims)
    nothing = reductions.all(missing, axis, keepdims=keepdims)
    if on_host(x) and not is_mapped(nothing) and bool(nothing.any()):
        message = f"{name}(a): got a slice of NaN only; expected a number in each."
        raise ArgumentError(message)
    return deliver(name, out, TRACED.where(nothing, -1, found))


def _numbers(x):
    return TRACED.logical_not(TRACED.isnan(strip(x)))


def _where(x, mask):
    mask = given(mask)
    numbers = _numbers(x)
    return numbers if mask is ABSENT or mask is True or mask is None else numbers & mask


def nanmean(a, axis=None, dtype=None, out=None, keepdims=ABSENT, *, where=ABSENT):
    """The mean of the elements that are not NaN; NaN where there are none."""
    return reductions.mean(a, axis, dtype, out, keepdims, where=_where(a, where))


def nanvar(
    a,
    axis=None,
    dtype=None,
    out=None,
    ddof=0,
    keepdims=ABSENT,
    *,
    where=ABSENT,
    mean=ABSENT,
    correction=ABSENT,
):
    """The variance of the elements that are not NaN; NaN where there are too few."""
    y = _variance(reductions.var, a, axis, dtype, ddof, keepdims, where, mean, correction)
    return deliver("nanvar", out, y)


def nanstd(
    a,
    axis=None,
    dtype=None,
    out=None,
    ddof=0,
    keepdims=ABSENT,
    *,
    where=ABSENT,
    mean=ABSENT,
    correction=ABSENT,
):
    """The standard deviation of the elements that are not NaN; NaN where there are too few."""
    y = _variance(reductions.std, a, axis, dtype, ddof, keepdims, where, mean, correction)
    return deliver("nanstd", out, y)


def _variance(reduce, x, axis, dtype, ddof, keepdims, where, mean, correction):
    ddof = ddof if given(correction) is ABSENT else correction
    numbers, keepdims = _where(x, where), plain_keepdims(keepdims)
    y = reduce(x, axis, dtype, None, ddof, keepdims, where=numbers, mean=mean)
    count = reductions.count_nonzero(numbers, axis, keepdims=keepdims)
    return TRACED.where(count <= ddof, math.nan, y)
