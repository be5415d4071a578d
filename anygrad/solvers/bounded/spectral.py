"""Projected gradients with spectral steps: two vectors of memory, any number of variables."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from anygrad.backends.types import Array
from anygrad.ranges import check_count
from anygrad.solvers.descents.descent import Move, Searching
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.searches.search import is_as_low, shorten

__all__ = ["ProjectedGradient", "projected_gradient"]

SUFFICIENT = 1e-4  # gamma of the paper
SHORTEST, LONGEST = 1e-30, 1e30  # spectral steps
TRIALS = 40


@dataclass(frozen=True)
class ProjectedGradient:
    """Options of the method; `projected_gradient` makes one."""

    memory: int = 10
    name: str = "projected gradient"
    takes_bounds: bool = True

    def start(self, objective: Objective, point: Point) -> Searching:
        """Begin at a point that was evaluated."""
        spectral = Spectral(objective, point, self.memory)
        return Searching(objective, spectral, spectral)


def projected_gradient(*, memory: int = 10) -> ProjectedGradient:
    """Go along projected gradients, with the step length of Barzilai and Borwein.

    f may rise from one step to the next, but not above its largest value of the last ``memory``
    steps. It needs little memory and no small matrices; L-BFGS-B needs fewer evaluations. Without
    bounds it is the spectral gradient method.

    Parameters
    ----------
    memory : int
        Values of f that a step is compared with, >= 1; with 1 every step goes down.

    Returns
    -------
    ProjectedGradient
        For ``minimize(method=...)``.

    Raises
    ------
    ArgumentError
        If ``memory`` is no positive integer.

    References
    ----------
    Birgin, Martínez, Raydan (2000), Nonmonotone spectral projected gradient methods on convex sets,
    algorithm SPG2. Where f curves downwards the step grows tenfold; theirs becomes 1e30 at once.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> f = lambda x: np.sum((x - np.asarray([3.0, -1.0])) ** 2)
    >>> ag.minimize(f, np.ones(2), method=ag.solvers.projected_gradient(), bounds=(0.0, 2.0)).x
    array([2., 0.])
    """
    return ProjectedGradient(check_count("projected_gradient(memory)", memory, 1))


class Spectral:
    """The method at work: its directions, and the search that allows f to rise."""

    def __init__(self, objective: Objective, point: Point, memory: int) -> None:
        self.objective = objective
        self.values = deque([point.f], maxlen=memory)
        self.length: float | None = None

    def move(self, point: Point) -> Move:
        """Choose a direction at a point: towards the projection of a step along -g."""
        length = self.length
        if length is None:
            length = 1.0 / point.peak if point.peak > 0.0 else 1.0
            self.length = min(max(length, SHORTEST), LONGEST)
        space, box = self.objective.space, self.objective.box
        if box is None:
            return Move(-length * point.gradient, limit=1.0)
        return Move(box.project(space, point.x - length * point.gradient) - point.x, limit=1.0)

    def run(self, line: Line, first: float) -> Trial | None:
        """Shorten the step until f is low enough, compared with the highest of the last values."""
        trial = line.at(first)
        if not line.slope < 0.0:
            return None
        highest, tries = max(self.values), 0
        while True:
            t = trial.t
            if trial.f == -math.inf:
                return trial
            if trial.is_finite:
                low = trial.f <= highest + SUFFICIENT * t * line.slope
                if low or is_as_low(line, trial, 1.0):
                    return trial
                rise = trial.f - line.f - line.slope * t
                step = -0.5 * line.slope * t * t / rise if rise > 0.0 else 0.5 * t
                if not 0.1 <= step <= 0.9 * t:  # as in the paper, 0.1 and not 0.1 t
                    step = 0.5 * t
            else:
                tries += 1
                step = shorten(0.0, t, tries)
            if line.trials >= TRIALS or step == 0.0:
                return line.improved
            trial = line.at(step)

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Ask for the square of the direction."""
        return [direction @ direction]

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Take the length of the next step from the curvature along this one."""
        self.values.append(trial.f)
        ss, sy = trial.t * trial.point.extra[0], trial.slope - line.slope
        assert self.length is not None
        length = ss / sy if sy > 0.0 else 10.0 * self.length
        self.length = min(max(length, SHORTEST), LONGEST)

    def reset(self) -> bool:
        """Forget the length of the step and the values."""
        had = self.length is not None and len(self.values) > 1
        self.length = None
        self.values = deque([self.values[-1]], maxlen=self.values.maxlen)
        return had
