"""Tells where an error bar hides the slope, so that agreement there would mean nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.differences.bars import Measured

__all__ = ["find_unresolved"]

WIDE = 2.0
"""Bars up to this many slopes; a kink between the two steps makes 1.5 of a right slope."""


def find_unresolved(measured: Measured, automatic: Any, eps: float) -> Any:
    """Mark the elements, shape (C,), where any slope of the size found would have passed.

    Slopes of zero are right in many places, and their bars are never below them. A bar is small
    enough if it is below one of these:

    1. the slope, by the gradient and by differences;
    2. the slope to the left or right, where these have a kink or a curvature between them: so at
       a minimum;
    3. the largest slope of all elements that is above its own bar: a slope of zero beside those;

    or if it is explained:

    4. by truncation that vanishes with the step, as x^3 at 0: slopes grow 16 times from h to 4h;
    5. by rounding, where the gradient times max(abs(x), 1) is below the last digit of f.
    """
    spread, rounding = measured.spread, measured.rounding
    slopes = np.abs(measured.slopes)
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.minimum(np.abs(automatic), slopes)
        own = np.maximum(size, measured.reach)
        largest = np.max(size[spread <= WIDE * size], initial=0.0)
        small = spread <= WIDE * np.maximum(own, largest)
        far = np.abs(measured.far_slopes)
        even = np.abs(measured.right - measured.left) <= far + 64.0 * rounding  # noise is not
        truncated = np.where((far >= 8.0 * slopes) & even, 16.0 * far, 0.0)
        # the step is about eps^(1/3) max(|x|, 1), and rounding twice the last digit over it
        below_digit = np.abs(automatic) <= 0.5 * eps ** (1 / 3) * rounding
        rounded = np.where(below_digit, 64.0 * rounding, 0.0)
    return np.isfinite(spread) & ~(small | (spread <= truncated + rounded))
