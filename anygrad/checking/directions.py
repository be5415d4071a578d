"""Large inputs: derivatives along random directions, and the wrong element found by halving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.backends import to_host
from anygrad.checking.elements import ElementCheck
from anygrad.checking.judging import BARS, HIDES, Tolerance, judge
from anygrad.checking.measuring import measure_some
from anygrad.checking.subjects import Subject
from anygrad.differences.directional import directional

__all__ = ["Along", "check_along", "draw", "narrow", "tolerate"]


@dataclass(frozen=True)
class Along:
    """The slope of f along one direction by the gradient and by differences.

    Attributes
    ----------
    automatic, numerical, error : float
        Both values, and what may lie between them.
    kink, singular, one_sided, noisy : bool
        The flags of the ladder.
    """

    automatic: float
    numerical: float
    error: float
    kink: bool
    singular: bool
    one_sided: bool
    noisy: bool

    @property
    def inside(self) -> bool:
        """Whether both agree; never if one is not finite."""
        return bool(abs(self.automatic - self.numerical) <= self.error)


def draw(subject: Subject, rng: np.random.Generator, inside: slice = slice(None)) -> Any:
    """A direction on the host, shape (C,): parts of either sign, from 1/2 to 1, of like size.

    No part is small, so that none is overlooked; sizes differ, so that errors do not cancel.
    """
    direction = np.zeros(subject.count)
    part = direction[inside]
    part[...] = rng.uniform(0.5, 1.0, part.shape) * rng.choice((-1.0, 1.0), part.shape)
    return direction


def tolerate(subject: Subject, tolerance: Tolerance, products: Any, numerical: float) -> float:
    """What rounding of the gradient, of the direction and of a sum of products explains."""
    size = float(np.sqrt(np.sum(products * products)))
    relative = max(tolerance.rtol, 4.0 * subject.eps)
    return relative * max(size, abs(numerical)) + float(np.finfo(np.float64).tiny)


def measure_along(subject: Subject, direction: Any, automatic: Any, tolerance: Tolerance) -> Along:
    """Both slopes along a direction."""
    x, v = subject.coordinates.copy_tree(), subject.make_tree(direction)
    found = directional(subject.evaluate, x, v, evaluate="loop", full_output=True)
    numerical, bar = _number(found.value), _number(found.error)
    with np.errstate(all="ignore"):
        products = automatic * direction
        products = products[direction != 0.0]
        error = BARS * bar + tolerate(subject, tolerance, products, numerical)
        flags = found.flags
        marks = (flags.kink, flags.singular, flags.one_sided, flags.noisy)
        return Along(float(np.sum(products)), numerical, error, *(bool(_number(m)) for m in marks))


def check_along(
    subject: Subject, path: str, direction: Any, automatic: Any, tolerance: Tolerance
) -> ElementCheck:
    """The verdict along one direction."""
    along = measure_along(subject, direction, automatic, tolerance)
    largest = float(np.max(np.abs(automatic[direction != 0.0]), initial=0.0))
    cause, explanation = "agrees", ""
    if not np.isfinite(along.automatic):
        cause, explanation = "wrong rule", "The gradient is not finite"
    elif not np.isfinite(along.error):
        cause, explanation = "edge" if along.one_sided else "noise", _SINGULAR
    elif not along.inside:
        # along a direction the slopes of both sides of kinks add up: none is known by itself
        cause = "noise" if along.kink else "wrong rule"
        explanation = "f has kinks along this direction" if along.kink else ""
    elif along.error > HIDES * max(abs(along.automatic), largest) and not _below_last_digit(
        along, tolerance
    ):
        cause = "noise" if along.noisy else "step"
        explanation = "The error bar is larger than the slope"
    return ElementCheck(
        path, (), "direction", along.automatic, along.numerical, along.error, cause, explanation
    )


_SINGULAR = "f is not smooth along this direction, or not finite on one side"


def _below_last_digit(along: Along, tolerance: Tolerance) -> bool:
    digit = tolerance.eps * abs(tolerance.value)
    return abs(along.automatic) <= digit and along.error <= 256.0 * digit + 1e-290


def narrow(
    subject: Subject, direction: Any, automatic: Any, tolerance: Tolerance, evaluate: str
) -> tuple[int, ElementCheck] | None:
    """Follow a wrong direction down to one wrong coordinate, in halves; None if none is found.

    Halves are cut between leaves where there are several. Each takes one derivative along a
    direction; where the first half explains no more than half of the difference, the other does.
    """
    start, stop = _span(direction)
    whole = measure_along(subject, direction, automatic, tolerance)
    gap = whole.automatic - whole.numerical
    if not np.isfinite(whole.automatic):
        k = int(np.flatnonzero(~np.isfinite(automatic))[0])
        return k, _single(subject, k, automatic, tolerance, evaluate)
    while stop - start > 1 and np.isfinite(gap):
        middle = _cut(subject, start, stop)
        half = np.zeros_like(direction)
        half[start:middle] = direction[start:middle]
        along = measure_along(subject, half, automatic, tolerance)
        first = along.automatic - along.numerical
        if not along.inside and abs(first) >= 0.5 * abs(gap):
            stop, gap = middle, first
        else:
            start, gap = middle, gap - first
    if stop - start > 1:
        return None
    found = _single(subject, start, automatic, tolerance, evaluate)
    return (start, found) if found.verdict == "wrong" else None


def _single(
    subject: Subject, k: int, automatic: Any, tolerance: Tolerance, evaluate: str
) -> ElementCheck:
    chosen = np.asarray([k])
    slopes = measure_some(subject, chosen, evaluate)
    return judge(subject, chosen, slopes, automatic[chosen], tolerance, [subject.name(k)])[0]


def _span(direction: Any) -> tuple[int, int]:
    moved = np.flatnonzero(direction)
    return int(moved[0]), int(moved[-1]) + 1


def _cut(subject: Subject, start: int, stop: int) -> int:
    """The end of a leaf that is next to the middle, else the middle."""
    middle = (start + stop) // 2
    ends = [end for _, end in subject.ranges if start < end < stop]
    return min(ends, key=lambda end: abs(end - middle)) if ends else middle


def _number(x: Any) -> float:
    return float(np.reshape(np.asarray(to_host(x)), ())[()])
