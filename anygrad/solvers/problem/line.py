"""f along a ray from a point: what a line search looks at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from anygrad.backends.types import Array
from anygrad.solvers.problem.objective import Objective, Point

ROUNDINGS = 10.0
"""Values of f that differ by fewer units of rounding, relative to f, count as equal."""


@dataclass(slots=True)
class Trial:
    """f at one step along the ray.

    Attributes
    ----------
    t, f, slope : float
        The step, the value there, and the derivative by the step.
    point : Point
        The place; its ``extra`` is what the descent asked for.
    """

    t: float
    f: float
    slope: float
    point: Point

    @property
    def is_finite(self) -> bool:
        """Whether value, slope and gradient are finite."""
        return isfinite(self.f) and isfinite(self.slope) and isfinite(self.point.peak)


class Line:
    """phi(t) = f(x + t d): every evaluation reads from the device once.

    Attributes
    ----------
    f, slope : float
        phi(0) and phi'(0). Where the descent did not know the slope, it is read with the first
        trial; until then it is nan.
    limit : float
        The largest step allowed. Where the descent has it on the device, it is read with the first
        trial; until then it is 1.
    noise : float
        Differences of f below this are rounding.
    lowest : Trial or None
        The lowest finite trial so far.
    ceiling : float
        The smallest step known to give no finite value; inf so far.
    shortest : float
        The smallest step tried; inf so far.
    """

    def __init__(
        self,
        objective: Objective,
        origin: Point,
        direction: Array,
        slope: float | None = None,
        limit: float | Array = math.inf,
        measure: Callable[[Array], Sequence[Array]] | None = None,
    ) -> None:
        self.objective = objective
        self.origin = origin
        self.direction = direction
        self.f = origin.f
        self.slope = math.nan if slope is None else slope
        self.limit = limit if isinstance(limit, float) else 1.0
        self._unread = None if isinstance(limit, float) else limit
        self.noise = ROUNDINGS * objective.space.eps * abs(origin.f)
        self.trials = 0
        self.lowest: Trial | None = None
        self.ceiling = math.inf
        self.shortest = math.inf
        self._measure = measure

    def at(self, t: float) -> Trial:
        """Evaluate at step ``t``."""
        self.trials += 1
        self.shortest = min(self.shortest, t)
        objective, box = self.objective, self.objective.box
        x = self.origin.x + t * self.direction
        if box is not None:  # rounding must not leave the bounds
            x = box.snap(objective.space, x, self.origin.x)
        point = objective.evaluate(x, self._measures)
        if not point.extra:
            self.ceiling = min(self.ceiling, t)
            return Trial(t, point.f, math.nan, point)
        slope = point.extra.pop(0)
        if self.slope != self.slope:  # nan
            self.slope = point.extra.pop(0)
        if self._unread is not None:
            self.limit, self._unread = max(point.extra.pop(0), 1.0), None
        trial = Trial(t, point.f, slope, point)
        if not trial.is_finite:
            self.ceiling = min(self.ceiling, t)
        elif self.lowest is None or trial.f < self.lowest.f:
            self.lowest = trial
        return trial

    def _measures(self, gradient: Array) -> list[Array]:
        direction = self.direction
        wanted = [gradient @ direction]
        if self.slope != self.slope:  # nan
            wanted.append(self.origin.gradient @ direction)
        if self._unread is not None:
            wanted.append(self._unread)
        if self._measure is not None:
            wanted.extend(self._measure(gradient))
        return wanted

    @property
    def improved(self) -> Trial | None:
        """The lowest trial, if it is lower than the origin."""
        return self.lowest if self.lowest is not None and self.lowest.f < self.f else None

    def contradicts(self) -> bool:
        """Whether values around the origin have another slope than the gradient says.

        A few evaluations of f, for use when a search found nothing. Quotients at several distances
        must agree with each other and differ from the slope, on both sides alike, by more than
        rounding: so neither a kink nor noise nor curvature is taken for a wrong gradient. With
        bounds, where the other side may be outside, both are taken ahead.
        """
        found = []
        for t, noise in self._distances():
            near, far = self._quotients(t)
            central = 0.5 * (near + far) if self.objective.box is None else 2.0 * near - far
            rounding, miss = noise / t, central - self.slope
            size = max(abs(central), abs(self.slope))
            if not rounding < 0.5 * size:
                continue  # so near that it tells nothing
            if not abs(miss) > 0.05 * size + rounding:
                return False
            least = 0.25 * abs(miss) + rounding
            if not all(
                (q - self.slope) * miss > 0.0 and abs(q - self.slope) > least for q in (near, far)
            ):
                return False
            found.append((central, rounding))
        return len(found) > 1 and _agree(found)

    def _distances(self) -> list[tuple[float, float]]:
        """Steps to compare at, the longest first, each with the rounding of f around the origin."""
        space, origin = self.objective.space, self.origin
        xp = space.xp
        size = xp.abs(origin.x)
        width, length, moved = space.fetch(
            [xp.max(size), xp.max(xp.abs(self.direction)), xp.abs(origin.gradient) @ size]
        )
        if not 0.0 < length < math.inf:
            return []
        noise = self.noise + space.eps * moved
        root = space.eps ** (1.0 / 3.0)
        usual, near = max(width, 1.0) / length, width / length
        steps = {
            root * usual,
            space.eps**0.5 * usual,
            root * near,
            root * min(usual, self.shortest),
        }
        if self.shortest < math.inf:
            steps.add(0.1 * self.shortest)
        allowed = {min(t, 0.5 * self.limit) for t in steps}
        return [(t, noise) for t in sorted(allowed, reverse=True) if 0.0 < t < math.inf]

    def _quotients(self, t: float) -> tuple[float, float]:
        """Change of f by the step: ahead and behind, or with bounds at once and twice as far."""
        ahead = (self._value(t) - self.f) / t
        if self.objective.box is None:
            return ahead, (self.f - self._value(-t)) / t
        return ahead, (self._value(2.0 * t) - self.f) / (2.0 * t)

    def _value(self, t: float) -> float:
        objective = self.objective
        x = self.origin.x + t * self.direction
        if objective.box is not None:
            x = objective.box.snap(objective.space, x, self.origin.x)
        return objective.evaluate_value(x)


def _agree(found: list[tuple[float, float]]) -> bool:
    """Whether differences at several distances are one slope; those of a noisy f are not."""
    first, rounding = found[0]
    return all(abs(d - first) <= 0.2 * max(abs(d), abs(first)) + r + rounding for d, r in found[1:])


def is_doubtful(change: float, slopes: float, noise: float) -> bool:
    """Whether a step changed f by something else than its slopes at both ends let expect.

    Half their sum is the trapezoidal rule; near a minimum it is almost exact.
    """
    expected = 0.5 * slopes
    return abs(change - expected) > 0.25 * max(abs(change), abs(expected)) + 2.0 * noise
