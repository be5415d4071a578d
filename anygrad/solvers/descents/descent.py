"""What every descent is, and how a descent and a search together make a method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anygrad.backends.types import Array
from anygrad.solvers.problem.line import ROUNDINGS, Line, Trial, is_doubtful
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.searches.search import Search


@dataclass(slots=True)
class Move:
    """A direction to search along.

    Attributes
    ----------
    direction : array, shape (n,)
        On the device.
    first : float
        The step to try first.
    slope : float or None
        Product with the gradient, where it is known on the host; else the line reads it with the
        first trial.
    limit : float or array, shape ()
        The largest step that stays feasible; at least 1 where it is on the device.
    """

    direction: Array
    first: float = 1.0
    slope: float | None = None
    limit: float | Array = math.inf


class Directions(Protocol):
    """A descent at work; it remembers what it needs of past steps."""

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        ...

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """List what `learn` wants to know on the host of a trial from ``point``; 0-d and 1-d."""
        ...

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Take in an accepted step, whose measures are ``trial.point.extra``."""
        ...

    def reset(self) -> bool:
        """Forget the past, after a failed search; False where there is nothing to forget."""
        ...


class Descent(Protocol):
    """Options of a descent."""

    @property
    def name(self) -> str:
        """What the method is called."""
        ...

    @property
    def search(self) -> Search:
        """The search that suits the directions."""
        ...

    def begin(self, objective: Objective, point: Point) -> Directions:
        """Start at a point."""
        ...


@dataclass(frozen=True)
class LineSearchMethod:
    """A descent and a search, as a method of `minimize`."""

    descent: Descent
    search: Search

    @property
    def name(self) -> str:
        """The descent's name."""
        return self.descent.name

    @property
    def takes_bounds(self) -> bool:
        """Whether the descent does."""
        return getattr(self.descent, "takes_bounds", False)

    def start(self, objective: Objective, point: Point) -> Searching:
        """Begin at a point that was evaluated."""
        return Searching(objective, self.descent.begin(objective, point), self.search)


class Searching:
    """A descent and a search at work."""

    def __init__(self, objective: Objective, directions: Directions, search: Search) -> None:
        self.objective = objective
        self.directions = directions
        self.search = search
        self.doubtful: tuple[Line, Trial] | None = None
        self.moved = False

    def step(self, point: Point) -> Step:
        """Search along a new direction; once more along a fresh one where the first fails."""
        line, trial = self._search(point)
        expected = abs(line.slope)
        if trial is None and self.directions.reset():
            line, trial = self._search(point)
        if trial is not None and trial.f == -math.inf:
            return Step(None, trial.t, Status.UNBOUNDED)
        if trial is not None:
            self.moved = True
            change, slopes = trial.f - line.f, trial.t * (line.slope + trial.slope)
            doubtful = is_doubtful(change, slopes, line.noise)
            self.doubtful = (line, trial) if doubtful else None
            self.directions.learn(point, line, trial)
            return Step(trial.point, trial.t)
        return self._failed(line, expected)

    def is_contradicted(self, point: Point) -> bool:
        """Whether values around the last point show that its small gradient is a wrong one.

        It costs a few evaluations, and only where the last step already looked wrong.
        """
        if self.doubtful is None:
            return False
        line, trial = self.doubtful
        # back along the last step, which is known to be inside of bounds
        back = Line(self.objective, point, -line.direction, -trial.slope, limit=trial.t)
        return back.contradicts()

    def _search(self, point: Point) -> tuple[Line, Trial | None]:
        move = self.directions.move(point)

        def measure(gradient: Array) -> Sequence[Array]:
            return self.directions.measure(point, move.direction, gradient)

        line = Line(self.objective, point, move.direction, move.slope, move.limit, measure)
        return line, self.search.run(line, move.first)

    def _failed(self, line: Line, expected: float) -> Step:
        """Say why no lower point was found; ``expected`` is the gain that a model promises."""
        if line.lowest is None:
            why = self.objective.failure
            return Step(
                None, 0.0, Status.NONFINITE, f"f could not be evaluated: {why}." if why else ""
            )
        gain = min(expected, abs(line.slope))
        # before the first step there is no scale by which a slope is a gain
        if self.moved and 0.0 < gain <= max(line.noise, self._noise_of_x(line.origin)):
            message = (
                "f cannot be lowered: the gain that the gradient promises is below the rounding of "
                "f."
            )
            return Step(None, 0.0, Status.CONVERGED, message)
        if line.contradicts():
            return Step(None, 0.0, Status.WRONG_GRADIENT)
        return Step(None, 0.0, Status.STAGNATED)

    def _noise_of_x(self, point: Point) -> float:
        """Estimate by how much f changes when every element of x is rounded."""
        space = self.objective.space
        xp = space.xp
        moved = space.fetch([xp.abs(point.gradient) @ xp.abs(point.x)])[0]
        return ROUNDINGS * space.eps * moved


def is_curved_upwards(line: Line, trial: Trial, eps: float) -> bool:
    """Whether a step shows a curvature s y > 0 that a quasi-Newton matrix can take in."""
    # in proportion to the first slope, so that the units of f and x do not matter
    return trial.slope - line.slope > eps * abs(line.slope)
