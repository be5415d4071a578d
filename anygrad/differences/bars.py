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
    """

    slopes: Any
    bars: Any
    left: Any
    right: Any
    kinks: Any
    steps: Any


def measure_with_bars(call: PointFunction, evaluate: str) -> Measured:
    """Measure every coordinate at the step of the point and at one four times as large.

    Truncation grows with the square of the step, so the results differ by 15 times the error of the
    better one; noise of f falls with the step, so they differ by about the error itself. Twice the
    difference covers both, and a kink that only one of the steps reaches. Rounding adds
    2 eps |f| / h, with eps of the dtype of f, and 8 times what a quarter of the coordinates stays
    below, for noise that happens to be equal at both steps.
    """
    value = call.alone([call.coordinates.point])
    rounding = 2.0 * precision(value) * abs(float(_numbers(value)[0]))
    larger = PointFunction(
        call.where, call.f, call.coordinates.enlarge(RATIO), call.stack_axis, call.imaginary
    )
    left, right = (_numbers(measure_slopes(call, m, evaluate)) for m in ("backward", "forward"))
    far_left, far_right = (
        _numbers(measure_slopes(larger, m, evaluate)) for m in ("backward", "forward")
    )
    steps = _numbers(call.coordinates.steps)
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = 0.5 * (left + right)
        change = np.abs(0.5 * (far_left + far_right) - slopes)
        finite = np.isfinite(change)
        shared = _quartile((change * steps)[finite])
        noise = (rounding + 8.0 * shared) / steps
        jump, far_jump = np.abs(right - left), np.abs(far_right - far_left)
        # a quarter where f is smooth, about 4 where it is noise
        kinks = (jump > 0.4 * far_jump) & (jump < 1.2 * far_jump) & (jump > 2.0 * noise)
        bars = 2.0 * change + noise + np.where(kinks, 0.5 * jump, 0.0)
    return Measured(slopes, bars, left, right, kinks, steps)


def _quartile(x: Any) -> float:
    return float(np.quantile(x, 0.25, method="lower")) if x.size else 0.0


def _numbers(x: Any) -> Any:
    return np.asarray(to_host(x), dtype=np.float64)
