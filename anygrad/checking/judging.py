"""Judges slopes: which gradients lie within the bars, where bars hide the slope, and what kinks do.

A gradient that lies within its bar agrees only if the bar is small: below half the slope there, the
slopes a little way off, or the largest slope of all. Where it lies outside, or the bar is large,
the slopes to the left and to the right are measured by themselves: at a kink, and beside one, they
are sharp where the central one is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from anygrad.checking.elements import ElementCheck
from anygrad.checking.measuring import Slopes, find_secants, measure_side
from anygrad.checking.subjects import Subject

__all__ = ["BARS", "HIDES", "Tolerance", "judge"]

BARS = 3.0
"""So many bars of the ladder, which hold for 97 to 99 %, are allowed: right gradients pass."""
HIDES = 0.5
"""An error above this part of the slope hides it."""
LOOKS = 200
"""Elements that are looked at from both sides, at most."""
TINY = float(np.finfo(np.float64).tiny)
CONFIRMED = 8
"""So many wrong ones that stay wrong from both sides, and the others are taken to be."""


@dataclass(frozen=True)
class Tolerance:
    """What is allowed besides the bars.

    Attributes
    ----------
    rtol : float
        Relative to the slope.
    value : float
        f at the point.
    eps : float
        The precision of f.
    """

    rtol: float
    value: float
    eps: float


@dataclass(frozen=True)
class Judged:
    """One element while it is judged; ``allowed`` is besides the bar."""

    automatic: float
    numerical: float
    error: float
    allowed: float
    cause: str = "agrees"
    explanation: str = ""

    @property
    def inside(self) -> bool:
        """Whether the gradient lies within the error."""
        return bool(abs(self.automatic - self.numerical) <= self.error)


def judge(
    subject: Subject, chosen: Any, slopes: Slopes, automatic: Any, tolerance: Tolerance, names: list
) -> list[ElementCheck]:
    """A verdict for each coordinate of ``chosen``, whose gradients are ``automatic``."""
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(np.abs(automatic), np.abs(slopes.values)), slopes.bends)
        size = np.where(np.isfinite(size), size, 0.0)
        # an element that is zero beside large ones is rounded like them
        floor = 1e-3 * tolerance.rtol * np.max(size, initial=0.0) + TINY
        allowed = tolerance.rtol * size + floor
        errors = BARS * slopes.bars + allowed
        own = np.minimum(np.abs(automatic), np.abs(slopes.values))
        largest = np.max(own[errors <= HIDES * own], initial=0.0)
    found = [
        Judged(float(a), float(v), float(e), float(t))
        for a, v, e, t in zip(automatic, slopes.values, errors, allowed, strict=True)
    ]
    verdicts = _Verdicts(subject, chosen, slopes, tolerance, float(largest))
    for i in verdicts.order(found):
        found[i] = verdicts.of(i, found[i])
    return [
        ElementCheck(
            path, index, part, one.automatic, one.numerical, one.error, one.cause, one.explanation
        )
        for (path, index, part), one in zip(names, found, strict=True)
    ]


class _Verdicts:
    """Looks at single elements, and keeps count of how many were looked at from both sides."""

    def __init__(
        self, subject: Subject, chosen: Any, slopes: Slopes, tolerance: Tolerance, largest: float
    ) -> None:
        self.subject, self.chosen, self.slopes = subject, chosen, slopes
        self.tolerance, self.largest = tolerance, largest
        self.looks = 0
        self.confirmed = 0

    def order(self, found: list[Judged]) -> list[int]:
        """Those that disagree first, the worst in front; right and sharp ones are left out."""
        todo = [
            i
            for i, one in enumerate(found)
            if self.slopes.kinks[i] or not (one.inside and self._is_sharp(one.error, one))
        ]
        far = [
            abs(one.automatic - one.numerical) / one.error if one.error else np.inf for one in found
        ]
        return sorted(todo, key=lambda i: -far[i] if np.isfinite(far[i]) else np.inf)

    def of(self, i: int, one: Judged) -> Judged:
        """The verdict on one element."""
        if not np.isfinite(one.automatic):
            return replace(one, cause="wrong rule", explanation="The gradient is not finite")
        if not np.isfinite(self.tolerance.value):
            return replace(one, cause="edge", explanation="f is not finite at the point")
        k = int(self.chosen[i])
        if self.slopes.one_sided[i] and not np.isfinite(self.slopes.bars[i]):
            return replace(one, cause="edge", explanation=EDGE)
        if one.inside and not self.slopes.kinks[i] and self._is_explained(k, one):
            return one
        if self._may_look(i, one):
            seen = self._look_from_both_sides(k, one)
            if seen is not None and seen.cause != "wrong rule":
                return seen
            self.confirmed += seen is not None
            if seen is not None and not (np.isfinite(one.error) and not one.inside):
                return seen
        if not one.inside and np.isfinite(one.error):
            return replace(one, cause="wrong rule", explanation=self._noise(i))
        return replace(one, cause=self._hides(i, k), explanation=self._why(i, k, one))

    def _may_look(self, i: int, one: Judged) -> bool:
        jumps = self.slopes.singular[i] and not self.slopes.kinks[i]
        if jumps or self.looks >= LOOKS:  # a side on which f does not jump says nothing
            return False
        enough = not one.inside and self.confirmed >= CONFIRMED and not self.slopes.kinks[i]
        self.looks += not enough
        return not enough

    def _is_sharp(self, error: float, one: Judged) -> bool:
        """Whether an error tells one slope from another, by what is known without further calls."""
        own = min(abs(one.automatic), abs(one.numerical))
        return bool(error <= HIDES * max(own, self.largest))

    def _is_explained(self, k: int, one: Judged) -> bool:
        """Whether the bar is small beside slopes a little way off, or slopes are below rounding."""
        reach = max(abs(float(self.subject.position[k])), 1.0)
        digit = self.tolerance.eps * abs(self.tolerance.value)
        rounding = 256.0 * digit / reach + TINY
        if abs(one.automatic) * reach <= digit and one.error - one.allowed <= rounding:
            return True
        secants = find_secants(self.subject, k, self.tolerance.value)
        return one.error <= HIDES * secants + 2.0 * TINY

    def _look_from_both_sides(self, k: int, one: Judged) -> Judged | None:
        """What the slopes to the left and right say; None if neither is sharp."""
        (left, left_bar), (right, right_bar) = (measure_side(self.subject, k, s) for s in (-1, 1))
        sides = [(left, left_bar), (right, right_bar)]
        size = max([abs(v) for v, e in sides if np.isfinite(e)], default=0.0)
        allowed = max(one.allowed, self.tolerance.rtol * size)
        size = max(size, self.largest, abs(one.automatic))
        sharp = [(v, BARS * e) for v, e in sides if BARS * e <= HIDES * size]
        if not sharp:
            near = any(abs(one.automatic - v) <= one.error < np.inf for v, _ in sides)
            doubtful = near and not one.inside
            return replace(one, cause="step", explanation=KINKS) if doubtful else None
        low, high = min(v - e for v, e in sharp), max(v + e for v, e in sharp)
        middle, error = 0.5 * (low + high), 0.5 * (high - low) + allowed
        seen = Judged(one.automatic, middle, error, allowed)
        if len(sharp) == 2 and abs(left - right) > sharp[0][1] + sharp[1][1] + allowed:
            slopes = f"{left:.6g} to the left and {right:.6g} to the right"
            text = f"f has a kink here: its slope is {slopes}"
            return replace(seen, cause="agrees" if seen.inside else "kink", explanation=text)
        if seen.inside:
            return seen
        if len(sharp) == 1 and one.inside:
            return None  # the other side may be what the gradient means
        return replace(seen, cause="wrong rule", explanation="")

    def _noise(self, i: int) -> str:
        if not self.slopes.noisy[i]:
            return ""
        return "f is noisy: the slope is that of what lies below the noise"

    def _hides(self, i: int, k: int) -> str:
        return "noise" if self.slopes.noisy[i] or self.slopes.singular[i] else "step"

    def _why(self, i: int, k: int, one: Judged) -> str:
        if self.slopes.singular[i]:
            return "f is not smooth here: it jumps, or its slope grows without bound"
        if self.slopes.noisy[i]:
            return "f is not smooth: it jumps, is noisy, or varies faster than steps can follow"
        return (
            "The rounding of f hides the slope: check in float64, or subtract what is constant; or "
            f"{KINKS}"
        )


KINKS = "f has kinks closer than steps can tell"
EDGE = (
    "f is not finite beside the point, which lies at the edge of the domain of f: move it before "
    "checking"
)
