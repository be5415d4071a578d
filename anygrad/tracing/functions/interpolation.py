"""Values between given points, and slopes and areas from values at points."""

from __future__ import annotations

import math
from typing import Any

from anygrad.errors import ArgumentError, ShapeError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import as_arrays, plain_axis
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.joining import concat
from anygrad.tracing.functions.ordering import argsort
from anygrad.tracing.functions.reductions import cumulative_sum
from anygrad.tracing.functions.shapes import broadcast_to, diff, moveaxis, ravel, take
from anygrad.tracing.functions.values import doubled, on_host, positions, whole_numbers
from anygrad.tracing.level import answer, is_mapped, plain_namespace, strip
from anygrad.tracing.operations import TRACED


def interp(x, xp, fp, left=None, right=None, period=None):
    """The straight line between the nearest points, differentiable by ``x``, ``xp`` and ``fp``.

    At a point, where two lines meet, the derivative by ``x`` is the mean of their slopes, as for
    ``xp.maximum``; at the ends the slope outside is 0, unless ``left`` or ``right`` make a step
    there. As in NumPy, the calculation has double precision.
    """
    x, xp, fp = (doubled(part) for part in as_arrays((x, xp, fp)))
    if xp.ndim != 1 or fp.shape != xp.shape or not xp.shape[0]:
        message = (
            f"interp(fp): got shapes {tuple(xp.shape)} and {tuple(fp.shape)} for xp and fp; "
            "expected two vectors of one length."
        )
        raise ShapeError(message)
    if period is not None:
        known = isinstance(period, int | float) or (on_host(period) and not is_mapped(period))
        if known and answer(period, _is_zero):
            message = "interp(period): got 0; expected another number."
            raise ArgumentError(message)
        period, left, right = abs(period), None, None
        x, xp = TRACED.remainder(x, period), TRACED.remainder(xp, period)
        order = argsort(xp)
        xp, fp = take(xp, order, 0), take(fp, order, 0)
        ends = TRACED.subtract(xp[-1:], period), TRACED.add(xp[:1], period)
        xp = TRACED.concat(ends[0], xp, ends[1], axis=0)
        fp = TRACED.concat(fp[-1:], fp, fp[:1], axis=0)
    return _on_lines(x, xp, fp, left, right)


def _is_zero(value):
    return bool(value == 0)


def _on_lines(x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    shape = tuple(x.shape)
    x = TRACED.reshape(x, shape=(math.prod(shape),))
    n = xp.shape[0]
    above, below = positions(xp, x, "right"), positions(xp, x, "left")
    slopes = _slopes(xp, fp, left, right)
    slope = 0.5 * (take(slopes, above, 0) + take(slopes, below, 0))
    start = whole_numbers(TRACED.minimum(TRACED.maximum(above - 1, 0), n - 1), above)
    # where it is exactly at a point, an infinite slope would make NaN of 0
    idle = TRACED.equal(strip(x), strip(take(xp, start, 0)))
    idle = TRACED.logical_and(idle, TRACED.logical_not(TRACED.isfinite(strip(slope))))
    slope = TRACED.where(idle, 0.0, slope)
    rise = TRACED.multiply(slope, TRACED.subtract(x, take(xp, start, 0)))
    y = TRACED.add(take(fp, start, 0), rise)
    value, ends = strip(x), (strip(xp)[0], strip(xp)[-1])
    y = TRACED.where(TRACED.less(value, ends[0]), fp[0] if left is None else left, y)
    y = TRACED.where(TRACED.greater(value, ends[1]), fp[-1] if right is None else right, y)
    return TRACED.reshape(y, shape=shape)


def _slopes(xp: Any, fp: Any, left: Any, right: Any) -> Any:
    """The slopes of the lines, and of what is before the first and behind the last point."""
    zero = TRACED.zeros_like(strip(fp)[:1])
    if xp.shape[0] == 1:
        return TRACED.concat(zero, zero, axis=0)
    run = xp[1:] - xp[:-1]
    slopes = TRACED.divide(fp[1:] - fp[:-1], TRACED.where(strip(run) == 0, 1.0, run))
    before = zero if left is None else slopes[:1]
    behind = zero if right is None else slopes[-1:]
    return TRACED.concat(before, slopes, behind, axis=0)


# Slopes


def gradient(f, *varargs, axis=None, edge_order=1):
    """Slopes by differences of second order inside; spacings or coordinates may be traced, too."""
    f = as_arrays((f, *varargs))[0]
    axes = normal_axes(plain_axis(axis), f.ndim)
    spacings = [1.0] * len(axes) if not varargs else list(varargs)
    if len(spacings) == 1 and not getattr(spacings[0], "ndim", 0) and not _is_list(spacings[0]):
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        message = f"gradient(varargs): got {len(spacings)} spacings for {len(axes)} axes."
        raise ArgumentError(message)
    if edge_order not in (1, 2):
        message = f"gradient(edge_order): got {edge_order!r}; expected 1 or 2."
        raise ArgumentError(message)
    f = f if kind_of(f.dtype) != "other" else astype(f, plain_namespace(f).float64)
    found = tuple(_slope(f, h, a, edge_order) for h, a in zip(spacings, axes, strict=True))
    return found[0] if len(found) == 1 else found


def _is_list(x: Any) -> bool:
    return isinstance(x, list | tuple)


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    n = f.shape[axis]
    if n < edge_order + 1:
        message = (
            f"gradient(f): got length {n} along axis {axis}; expected {edge_order + 1} at least."
        )
        raise ShapeError(message)
    f = moveaxis(f, axis, -1)
    spacing = as_arrays((spacing, f))[0] if _is_list(spacing) else spacing
    if getattr(spacing, "ndim", 0):
        if tuple(spacing.shape) != (n,):
            message = (
                f"gradient(varargs): got coordinates of shape {tuple(spacing.shape)}; expected "
                f"({n},)."
            )
            raise ShapeError(message)
        if kind_of(spacing.dtype) == "other":
            spacing = astype(spacing, plain_namespace(f).float64)
        parts = _with_coordinates(f, diff(spacing), edge_order)
    else:
        parts = _with_step(f, spacing, edge_order)
    y = TRACED.concat(*parts, axis=-1)
    return moveaxis(astype(y, f.dtype, copy=False), -1, axis)


def _with_step(f: Any, h: Any, edge_order: int) -> list[Any]:
    first, last = f[..., 1:2] - f[..., :1], f[..., -1:] - f[..., -2:-1]
    if edge_order == 2:
        first = -1.5 * f[..., :1] + 2.0 * f[..., 1:2] - 0.5 * f[..., 2:3]
        last = 0.5 * f[..., -3:-2] - 2.0 * f[..., -2:-1] + 1.5 * f[..., -1:]
    inner = TRACED.divide(f[..., 2:] - f[..., :-2], 2.0 * h)
    return [TRACED.divide(first, h), inner, TRACED.divide(last, h)]


def _with_coordinates(f: Any, h: Any, edge_order: int) -> list[Any]:
    """The slope of the parabola through three neighbours (Fornberg 1988)."""
    inner = _parabola([f[..., :-2], f[..., 1:-1], f[..., 2:]], h[:-1], h[1:], "middle")
    if edge_order == 1:
        first, last = f[..., 1:2] - f[..., :1], f[..., -1:] - f[..., -2:-1]
        return [TRACED.divide(first, h[:1]), inner, TRACED.divide(last, h[-1:])]
    ends = [f[..., k : k + 1] for k in range(3)], [f[..., k : k + 1 or None] for k in (-3, -2, -1)]
    first = _parabola(ends[0], h[:1], h[1:2], "first")
    return [first, inner, _parabola(ends[1], h[-2:-1], h[-1:], "last")]


def _parabola(f: list[Any], h0: Any, h1: Any, where: str) -> Any:
    both = h0 + h1
    if where == "middle":
        weights = (-h1 / (h0 * both), (h1 - h0) / (h0 * h1), h0 / (h1 * both))
    elif where == "first":
        weights = (-(2.0 * h0 + h1) / (h0 * both), both / (h0 * h1), -h0 / (h1 * both))
    else:
        weights = (h1 / (h0 * both), -both / (h0 * h1), (2.0 * h1 + h0) / (h1 * both))
    terms = [TRACED.multiply(value, weight) for value, weight in zip(f, weights, strict=True)]
    return terms[0] + terms[1] + terms[2]


def ediff1d(ary, to_end=None, to_begin=None):
    """Differences of neighbours in the flattened array, with more values before and behind."""
    ary = as_arrays((ary, *(x for x in (to_end, to_begin) if hasattr(x, "shape"))))[0]
    parts = [diff(ravel(ary))]
    for end, position in ((to_begin, 0), (to_end, 2)):
        if end is not None:
            end = ravel(as_arrays((end, ary))[0])
            end = astype(end, ary.dtype, copy=False)
            parts.insert(position, end)
    return concat(parts, 0) if len(parts) > 1 else parts[0]


# Areas


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The area below straight lines between values."""
    strips = _trapezoids("trapezoid", y, x, dx, axis)
    return TRACED.sum(strips, axis=-1, keepdims=False)


def _trapezoids(where: str, y: Any, x: Any, dx: Any, axis: Any) -> Any:
    y, steps = _values_and_steps(where, y, x, dx, axis)
    return TRACED.multiply(steps, y[..., 1:] + y[..., :-1]) / 2.0


def _values_and_steps(where: str, y: Any, x: Any, dx: Any, axis: Any) -> tuple[Any, Any]:
    """The values along the last axis, and the distances: one number, or an array."""
    beside = dx if x is None else x
    y = as_arrays((y, *((beside,) if hasattr(beside, "shape") else ())))[0]
    (axis,) = normal_axes(plain_axis(axis), y.ndim)
    y = moveaxis(y, axis, -1)
    if x is None:
        return y, dx
    x = as_arrays((x, y))[0]
    if x.ndim != 1:
        x = moveaxis(x, axis if x.ndim == y.ndim else axis - y.ndim, -1)
    if x.shape[-1] != y.shape[-1]:
        message = (
            f"{where}(x): got {x.shape[-1]} points for {y.shape[-1]} values; expected as many."
        )
        raise ShapeError(message)
    return y, x[..., 1:] - x[..., :-1]


def _trapezoid(y, x=None, dx=1.0, axis=-1):
    """The area below straight lines, in the dtype of the values, as scipy.integrate gives it."""
    area = trapezoid(y, x, dx, axis)
    dtype = getattr(y, "dtype", area.dtype)
    return area if area.dtype == dtype or kind_of(dtype) == "other" else astype(area, dtype)


def _cumulative_trapezoid(y, x=None, dx=1.0, axis=-1, initial=None):
    """The area below straight lines from the first value to each, as scipy.integrate gives it."""
    y = as_arrays((y, *(p for p in (x, dx) if hasattr(p, "shape"))))[0]
    (axis,) = normal_axes(plain_axis(axis), y.ndim)
    area = cumulative_sum(_trapezoids("cumulative_trapezoid", y, x, dx, axis), -1)
    if initial is not None:
        first = as_arrays((initial, area))[0]
        area = TRACED.concat(broadcast_to(first, (*area.shape[:-1], 1)), area, axis=-1)
    return moveaxis(area, -1, axis)


def _simpson(y, x=None, *, dx=1.0, axis=-1):
    """The area below parabolas, as scipy.integrate gives it.

    For an even number of values the last interval is that of Cartwright (2017), Simpson's rule
    cumulative integration.
    """
    y, h = _values_and_steps("simpson", y, x, dx, axis)
    n = y.shape[-1]
    if not getattr(h, "ndim", 0):
        h = TRACED.zeros_like(strip(TRACED.real(y[..., 1:]))) + h
    if n == 2:
        return TRACED.multiply(0.5 * h, y[..., 1:] + y[..., :-1])[..., 0]
    end = n if n % 2 else n - 1
    h0, h1 = h[..., 0 : end - 1 : 2], h[..., 1 : end - 1 : 2]
    both = h0 + h1
    weights = (2.0 - h1 / h0, both * both / (h0 * h1), 2.0 - h0 / h1)
    terms = [TRACED.multiply(y[..., k : end - 2 + k : 2], w) for k, w in enumerate(weights)]
    parabolas = TRACED.multiply(terms[0] + terms[1] + terms[2], both / 6.0)
    area = TRACED.sum(parabolas, axis=-1, keepdims=False)
    if n % 2:
        return area
    h0, h1 = h[..., -2], h[..., -1]
    both = h0 + h1
    weights = (
        -h1 * h1 * h1 / (6.0 * h0 * both),
        (h1 * h1 + 3.0 * h0 * h1) / (6.0 * h0),
        (2.0 * h1 * h1 + 3.0 * h0 * h1) / (6.0 * both),
    )
    for k, weight in zip((-3, -2, -1), weights, strict=True):
        area = TRACED.add(area, TRACED.multiply(y[..., k], weight))
    return area


INTEGRATE = {
    "cumulative_trapezoid": _cumulative_trapezoid,
    "simpson": _simpson,
    "trapezoid": _trapezoid,
}
"""Functions of scipy.integrate."""
