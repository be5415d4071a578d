"""How a value goes from a start to an end: the value at a fraction ``s`` of the way."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

__all__ = ["SHAPES", "blend", "follow", "quotient"]


def quotient(step: int, steps: float) -> float:
    """``step / steps``, infinite where that is beyond all floats."""
    try:
        return step / steps
    except OverflowError:
        return math.inf


def blend(start: float, end: float, weight: float) -> float:
    """Mean of start and end with this weight of the start; exact at the weights 0 and 1."""
    if start == end:  # the mean may miss both by a rounding
        return end
    return weight * start + (1.0 - weight) * end


SHAPES: Mapping[str, Callable[[float, float, float], float]] = {
    # s is the weight of the end: 1 - (1 - s) would lose digits near the start
    "linear": lambda start, end, s: blend(end, start, s),
    "cosine": lambda start, end, s: blend(start, end, 0.5 * (1.0 + math.cos(math.pi * s))),
    "sqrt": lambda start, end, s: blend(start, end, 1.0 - math.sqrt(s)),
}
"""Value at the fraction ``s`` of the way, by name; exact at both ends."""


def follow(
    positions: Sequence[float], values: Sequence[float], shape: str
) -> Callable[[int], float]:
    """Make a function through each value at its position (0 and up), constant after the last."""
    between = SHAPES[shape]

    def formula(step: int) -> float:
        n = bisect_right(positions, step) - 1
        if n + 1 == len(positions):
            return values[-1]
        s = (step - positions[n]) / (positions[n + 1] - positions[n])
        return between(values[n], values[n + 1], s)

    return formula
