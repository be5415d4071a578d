"""Medians and quantiles: elements picked by order, and straight lines between them.

Elements are picked from the sorted values: among equal ones it is the first in order that has the
derivative, in every library. By ``q``, which may be traced, the derivative is the slope of the
line; where lines meet, that of the line above, and at the greatest element that of the one below.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anygrad.errors import ArgumentError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import (
    ABSENT,
    as_arrays,
    deliver,
    fresh,
    plain_axis,
    plain_keepdims,
)
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import broadcast_to, moveaxis, take, take_along_axis
from anygrad.tracing.functions.values import (
    along,
    beside_values,
    check_ordered,
    gathered,
    on_host,
    sorted_last,
    whole_numbers,
)
from anygrad.tracing.level import answer, is_mapped, plain_namespace, read_value, strip
from anygrad.tracing.operations import TRACED


def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The middle element, or the mean of the middle two; NaN where there is one."""
    ordered, _ = sorted_last("median", a, axis)
    n = ordered.shape[-1]
    if not n:
        y = TRACED.mean(ordered, axis=-1, keepdims=False)
        return deliver("median", out, _shaped(y, a, axis, keepdims))
    y = ordered[..., n // 2] if n % 2 else (ordered[..., n // 2 - 1] + ordered[..., n // 2]) / 2.0
    return deliver("median", out, _shaped(_or_nan(y, ordered[..., -1]), a, axis, keepdims))


def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=ABSENT):
    """The median of the elements that are not NaN; NaN where there are none."""
    ordered, order = sorted_last("nanmedian", a, axis)
    count = _numbers(ordered, order)
    low = TRACED.maximum(TRACED.floor_divide(count - 1, 2), 0)
    high = TRACED.floor_divide(count, 2)
    a_low, a_high = (take_along_axis(ordered, k, -1)[..., 0] for k in (low, _at_most(high, count)))
    same = (low == high)[..., 0]
    y = TRACED.where(same, a_low, (a_low + a_high) / 2.0)
    return deliver("nanmedian", out, _shaped(y, a, axis, keepdims))


def _numbers(ordered, order):
    """How many elements are not NaN, in the dtype of indices."""
    numbers = TRACED.logical_not(TRACED.isnan(strip(ordered)))
    return whole_numbers(TRACED.count_nonzero(numbers, axis=-1, keepdims=True), order)


def _at_most(index, count):
    return TRACED.maximum(TRACED.minimum(index, count - 1), 0)


def _or_nan(y, last):
    """The result, or NaN, which stands last among the sorted elements if there is one."""
    return TRACED.where(TRACED.isnan(strip(last)), last, y)


def _shaped(y, x, axis, keepdims):
    """The reduced axes with length 1, behind those of ``q``, if they are to be kept."""
    if not plain_keepdims(keepdims):
        return y
    axes = normal_axes(plain_axis(axis), x.ndim)
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    lead = y.ndim - (x.ndim - len(axes))
    return fresh(TRACED.reshape(y, shape=(*y.shape[:lead], *kept)))


class _Line(NamedTuple):
    """A method: the position of a quantile among n, and what is made of the neighbours."""

    position: Any
    step: str = "line"


def _between(alpha: float, beta: float) -> _Line:
    # Hyndman, Fan (1996), Sample quantiles in statistical packages
    return _Line(lambda n, q: q * n + (alpha + q * (1 - alpha - beta)) - 1)


def _from_0(n, q):
    return q * (n - 1)


_METHODS = {
    "inverted_cdf": _Line(lambda n, q: q * n - 1, "next"),
    "averaged_inverted_cdf": _Line(lambda n, q: q * n - 1, "averaged"),
    "closest_observation": _Line(lambda n, q: q * n - 1 - 0.5, "even"),
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "linear": _Line(_from_0),
    "median_unbiased": _between(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _between(3 / 8.0, 3 / 8.0),
    "lower": _Line(_from_0, "floor"),
    "higher": _Line(_from_0, "ceil"),
    "midpoint": _Line(_from_0, "middle"),
    "nearest": _Line(_from_0, "round"),
}


def quantile(
    a,
    q,
    axis=None,
    out=None,
    overwrite_input=False,
    method="linear",
    keepdims=False,
    *,
    weights=None,
):
    """Quantiles by any of NumPy's methods; ``q`` from 0 to 1 may be traced.

    Weights, with the method "inverted_cdf", select elements; by them the derivative is zero.
    """
    return _quantile("quantile", 1.0, a, q, axis, out, method, keepdims, weights)


def percentile(
    a,
    q,
    axis=None,
    out=None,
    overwrite_input=False,
    method="linear",
    keepdims=False,
    *,
    weights=None,
):
    """Quantiles as `quantile` gives them, ``q`` from 0 to 100."""
    return _quantile("percentile", 100.0, a, q, axis, out, method, keepdims, weights)


def nanquantile(
    a,
    q,
    axis=None,
    out=None,
    overwrite_input=False,
    method="linear",
    keepdims=ABSENT,
    *,
    weights=None,
):
    """Quantiles of the elements that are not NaN; NaN where there are none."""
    how = (axis, out, method, keepdims, weights)
    return _quantile("nanquantile", 1.0, a, q, *how)


def nanpercentile(
    a,
    q,
    axis=None,
    out=None,
    overwrite_input=False,
    method="linear",
    keepdims=ABSENT,
    *,
    weights=None,
):
    """Quantiles as `nanquantile` gives them, ``q`` from 0 to 100."""
    how = (axis, out, method, keepdims, weights)
    return _quantile("nanpercentile", 100.0, a, q, *how)


def _quantile(name, whole, a, q, axis, out, method, keepdims, weights):
    if method not in _METHODS:
        message = f"{name}(method): got {method!r}; expected one of {', '.join(_METHODS)}."
        raise ArgumentError(message)
    a, q = _operands(name, a, q, whole)
    flat_q = TRACED.reshape(q, shape=(-1,))
    ordered, order = sorted_last(name, a, axis)
    if not ordered.shape[-1]:
        message = f"{name}(a): got no elements along axis={axis}; expected one at least."
        raise ArgumentError(message)
    if weights is not None:
        y = _weighted(name, a, axis, weights, method, ordered, order, strip(flat_q))
    else:
        y = _by_position(name, ordered, order, flat_q, _METHODS[method])
    if not name.startswith("nan"):
        y = _or_nan(y, ordered[..., -1:])
    y = TRACED.reshape(moveaxis(y, -1, 0), shape=(*q.shape, *ordered.shape[:-1]))
    return deliver(name, out, _shaped(fresh(y), a, axis, keepdims))


def _operands(name, a, q, whole):
    """The array and the quantiles, in [0, 1] if they can be seen without a device."""
    if not hasattr(a, "shape"):
        a = as_arrays((a, q))[0]
    check_ordered(name, a)
    if isinstance(q, int | float):
        q = as_arrays((float(q), a))[0] if kind_of(a.dtype) == "real" else np.asarray(float(q))
    elif not hasattr(q, "shape"):
        q = np.asarray(q, dtype=float)
    if isinstance(q, np.ndarray | np.generic):
        q = beside_values(q if q.dtype.kind == "f" else q.astype(float), a)
    if whole != 1.0:
        q = q / whole
    if on_host(q) and not is_mapped(q) and not answer(q, _are_shares):
        message = f"{name}(q): got {read_value(q) * whole}; expected values from 0 to {whole:g}."
        raise ArgumentError(message)
    if q.ndim > 2:
        message = f"{name}(q): got {q.ndim} axes; expected a number or a list of numbers."
        raise ArgumentError(message)
    return a, q


def _by_position(name, ordered, order, q, line):
    """Elements along the last axis, one for each quantile."""
    n: Any = ordered.shape[-1]
    if name.startswith("nan"):
        n = TRACED.maximum(astype(_numbers(ordered, order), q.dtype), 1.0)
    position = line.position(n, q)
    at = strip(position)
    below = TRACED.floor(at)
    exact = TRACED.astype(at == below, dtype=q.dtype)
    if line.step in _PICKED:
        return _picked(ordered, _PICKED[line.step](at, below, exact), n, order)
    if line.step == "line":
        low = TRACED.maximum(TRACED.minimum(below, n - 2.0), 0.0)
        share = position - low
        limited = TRACED.maximum(TRACED.minimum(strip(share), 1.0), 0.0)
        share = TRACED.where((at < 0.0) | TRACED.greater(at, n - 1.0), limited, share)
    else:
        low = below
        share = 1.0 - 0.5 * exact if line.step == "averaged" else 0.5 - 0.5 * exact
    first, second = (_picked(ordered, k, n, order) for k in (low, low + 1.0))
    gap = second - first
    near = strip(share) >= 0.5  # both forms are exact at one end, as in NumPy
    lines = TRACED.add(first, TRACED.multiply(gap, share)), TRACED.multiply(gap, 1.0 - share)
    return TRACED.where(near, TRACED.subtract(second, lines[1]), lines[0])


# Which element it is, from the position, the position rounded down, and 1 where they are equal
_PICKED = {
    "floor": lambda _at, below, _exact: below,
    "ceil": lambda at, _below, _exact: TRACED.ceil(at),
    "round": lambda at, _below, _exact: TRACED.round(at),
    "next": lambda _at, below, exact: below + (1.0 - exact),
    "even": lambda _at, below, exact: below + (1.0 - exact * TRACED.remainder(below, 2.0)),
}


def _picked(ordered, index, n, order):
    """Elements at positions, which are cut to those that there are."""
    index = TRACED.maximum(TRACED.minimum(index, n - 1.0), 0.0)
    index = whole_numbers(index, order)
    return take(ordered, index, -1) if index.ndim == 1 else take_along_axis(ordered, index, -1)


def _weighted(name, a, axis, weights, method, ordered, order, q):
    """The elements at which the sum of weights passes the share ``q`` of the whole."""
    if method != "inverted_cdf":
        message = f"{name}(method): got {method!r}; expected 'inverted_cdf' together with weights."
        raise ArgumentError(message)
    weights = along(name, as_arrays((weights, a))[0], a, plain_axis(axis))
    weights = gathered(broadcast_to(strip(weights), tuple(a.shape)), axis)
    weights = take_along_axis(weights, order, -1)
    if on_host(weights) and not is_mapped(weights) and answer(weights, _is_negative):
        message = f"{name}(weights): got negative weights; expected weights of at least 0."
        raise ArgumentError(message)
    weights = astype(weights, plain_namespace(a).float64)
    if name.startswith("nan"):
        weights = TRACED.where(TRACED.isnan(strip(ordered)), 0.0, weights)
    shares = TRACED.cumulative_sum(weights, axis=-1)
    shares = astype(shares / shares[..., -1:], q.dtype)
    shares = TRACED.where(shares == 0.0, -1.0, shares)
    before = TRACED.less(TRACED.reshape(shares, shape=(*shares.shape, 1)), q)
    index = whole_numbers(TRACED.count_nonzero(before, axis=-2), order)
    return take_along_axis(ordered, TRACED.minimum(index, shares.shape[-1] - 1), -1)


def _are_shares(value):
    return bool(((value >= 0) & (value <= 1)).all())


def _is_negative(value):
    return bool((value < 0).any())
