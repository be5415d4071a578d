"""f along a ray from a point: what a line search looks at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        return self.point.is_finite and math.isfinite(self.slope)


class Line:
    """phi(t) = f(x + t d): every evaluation reads from the device once.

    Attributes
    ----------
    f, slope : float
        phi(0) and phi'(0). Where the descent did not know the slope, it is read with the first
        trial; until then it is nan.
    limit : float
        The largest step allowed.
    noise : float
        Differences of f below this are rounding.
    lowest : Trial or None
        The lowest finite trial so far.
    ceiling : float
        The smallest step known to give no finite value; inf so far.
    """

    def __init__(
        self,
        objective: Objective,
        origin: Point,
        direction: Array,
        slope: float | None = None,
        limit: float = math.inf,
        measure: Callable[[Array], Sequence[Array]] | None = None,
    ) -> None:
        self.objective = objective
        self.origin = origin
        self.direction = direction
        self.f = origin.f
        self.slope = math.nan if slope is None else slope
        self.limit = limit
        self.noise = ROUNDINGS * objective.space.eps * abs(origin.f)
        self.trials = 0
        self.lowest: Trial | None = None
        self.ceiling = math.inf
        self._measure = measure

    def at(self, t: float) -> Trial:
        """Evaluate at step ``t``."""
        self.trials += 1
        objective, box = self.objective, self.objective.box
        x = self.origin.x + t * self.direction
        if box is not None:  # rounding must not leave the bounds
            xp = objective.space.xp
            x = xp.minimum(xp.maximum(x, box.lower), box.upper)
        point = objective.evaluate(x, self._measures)
        if not point.extra:
            self.ceiling = min(self.ceiling, t)
            return Trial(t, point.f, math.nan, point)
        slope = point.extra[0]
        del point.extra[:1]
        if math.isnan(self.slope):
            self.slope = point.extra.pop(0)
        trial = Trial(t, point.f, slope, point)
        if not trial.is_finite:
            self.ceiling = min(self.ceiling, t)
        elif self.lowest is None or trial.f < self.lowest.f:
            self.lowest = trial
        return trial

    def _measures(self, gradient: Array) -> list[Array]:
        direction = self.direction
        wanted = [gradient @ direction]
        if math.isnan(self.slope):
            wanted.append(self.origin.gradient @ direction)
        if self._measure is not None:
            wanted.extend(self._measure(gradient))
        return wanted

    @property
    def improved(self) -> Trial | None:
        """The lowest trial, if it is lower than the origin."""
        return self.lowest if self.lowest is not None and self.lowest.f < self.f else None

    def contradicts(self) -> bool:
        """Whether values around the origin have another slope than the gradient says.

        Two evaluations of f, for use when a search found nothing. The central difference decides
        only where it is far above the rounding of f.
        """
        space = self.objective.space
        width, length = space.fetch(
            [space.xp.max(space.xp.abs(self.origin.x)), space.xp.max(space.xp.abs(self.direction))]
        )
        if not length > 0.0:
            return False
        for power in (1.0 / 3.0, 0.5):  # a gradient is wrong at every distance, a kink at some
            t = space.eps**power * max(width, 1.0) / length
            if self.objective.box is not None:
                return False  # a point on one side may be outside
            ahead = self.objective.evaluate_value(self.origin.x + t * self.direction)
            behind = self.objective.evaluate_value(self.origin.x - t * self.direction)
            difference = (ahead - behind) / (2.0 * t)
            rounding = (self.noise + space.eps * max(abs(ahead), abs(behind))) / t
            size = max(abs(difference), abs(self.slope))
            if not abs(difference - self.slope) > 0.05 * size + rounding:
                return False
        return True
