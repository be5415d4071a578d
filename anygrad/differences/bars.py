"""Central differences with an error bar, from two steps and both sides of every coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.backends import to_host
from anygrad.differences.evaluation import PointFunction
from anygrad.differences.kinds import precision
from anygrad.differences.slopes import measure_slopes

__all__ = ["Measured", "measure_with_bars"]

RATIO = 4.0
"""Between the two steps; a power of two keeps the larger one exact."""


@dataclass(frozen=True)
class Measured:
    """What differences say about each coordinate, on the host; all arrays have shape (C,).

    Attributes
    ----------
    slopes : numpy array
        Central differences at the smaller step.
    bars : numpy array
        Truncation and rounding error to expect of them; half the jump is added at a kink.
    left, right : numpy array
        One-sided differences at the smaller step.
    kinks : numpy array of bool
        Where left and right differ by an amount that does not shrink with the step.
    steps : numpy array
        The smaller step.
    spread : numpy array
        The bars without the jumps of kinks.
    rounding : numpy array
        The part of the bars that the precision of f explains.
    far_slopes : numpy array
        Central differences at the larger step.
    reach : numpy array
        The larger of the slopes to the left and right, absolute, where they differ as at a kink
        or in proportion to the step, as with a curvature; else 0.
    values : tuple of float
        f at the point: twice before all other calls, and once behind them.
    repeatable : bool
        Whether these values are one, to rounding.
    """

    slopes: Any
    bars: Any
    left: Any
    right: Any
    kinks: Any
    steps: Any
    spread: Any
    rounding: Any
    far_slopes: Any
    reach: Any
    values: tuple[float, ...]
    repeatable: bool


def measure_with_bars(call: PointFunction, evaluate: str) -> Measured:
    """Measure every coordinate at the step of the point and at one four times as large.

    Truncation grows with the square of the step, so the results differ by 15 times the error of the
    better one; noise of f falls with the step, so they differ by about the error itself. Twice the
    difference covers both, and a kink that only one of the steps reaches. Rounding adds
    2 eps |f| / h, with eps of the dtype of f, and 8 times what a quarter of the coordinates stays
    below, for noise that happens to be equal at both steps.
    """
    point = call.coordinates.point
    first = call.alone([point, point])
    larger = PointFunction(
        call.where, call.f, call.coordinates.enlarge(RATIO), call.stack_axis, call.imaginary
    )
    left, right = (_numbers(measure_slopes(call, m, evaluate)) for m in ("backward", "forward"))
    far_left, far_right = (
        _numbers(measure_slopes(larger, m, evaluate)) for m in ("backward", "forward")
    )
    values = np.concatenate([_numbers(first), _numbers(call.alone([point]))])
    steps = _numbers(call.coordinates.steps)
    with np.errstate(invalid="ignore", over="ignore"):
        rounding = 2.0 * precision(first) * abs(float(values[0])) / steps
        slopes, far_slopes = 0.5 * (left + right), 0.5 * (far_left + far_right)
        change = np.abs(far_slopes - slopes)
        finite = np.isfinite(change)
        shared = _quartile((change * steps)[finite])
        noise = rounding + 8.0 * shared / steps
        jump, far_jump = np.abs(right - left), np.abs(far_right - far_left)
        # a quarter where f is smooth, about 4 where it is noise
        kinks = (jump > 0.4 * far_jump) & (jump < 1.2 * far_jump) & (jump > 2.0 * noise)
        spread = 2.0 * change + noise
        bars = spread + np.where(kinks, 0.5 * jump, 0.0)
        sides = np.maximum(np.abs(left), np.abs(right))
        reach = np.where(kinks | (jump <= 0.4 * far_jump), sides, 0.0)
        # parts of f that cancel in its value round too; each is about slope times distance from 0
        parts = float(np.sum((np.abs(slopes) * steps)[finite])) / call.coordinates.eps ** (1 / 3)
        rounded = 64.0 * precision(first) * (abs(float(values[0])) + parts)
        repeatable = _are_one(values, rounded)
    return Measured(
        slopes,
        bars,
        left,
        right,
        kinks,
        steps,
        spread,
        rounding,
        far_slopes,
        reach,
        tuple(values.tolist()),
        repeatable,
    )


def _are_one(values: Any, rounded: float) -> bool:
    if not np.all(np.isfinite(values)):
        return bool(np.all(np.isnan(values)) or np.all(values == values[0]))
    return bool(np.ptp(values) <= rounded)


def _quartile(x: Any) -> float:
    return float(np.quantile(x, 0.25, method="lower")) if x.size else 0.0


def _numbers(x: Any) -> Any:
    return np.asarray(to_host(x), dtype=np.float64)
