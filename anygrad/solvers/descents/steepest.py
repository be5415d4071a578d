"""Steepest descent: against the gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from anygrad.backends.types import Array
from anygrad.solvers.descents.descent import Move
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.searches.search import Search
from anygrad.solvers.searches.wolfe import StrongWolfe

__all__ = ["Steepest", "steepest_descent"]


@dataclass(frozen=True)
class Steepest:
    """Options of steepest descent."""

    search: Search = field(default_factory=lambda: StrongWolfe(1e-4, 0.9, 30))
    name: str = "steepest descent"

    def begin(self, objective: Objective, point: Point) -> Against:
        """Start at a point."""
        return Against()


class Against:
    """The direction -g; the first step makes the same first-order change as the last one."""

    def __init__(self) -> None:
        self.last: float | None = None  # step times slope of the last iteration

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        direction = -point.gradient
        if not point.extra:
            return Move(direction, first_step(point))
        square = point.extra[0]
        change = self.last if self.last is not None else -square
        return Move(direction, change / -square if square > 0.0 else 1.0, -square)

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Ask for the square of the gradient, which is the next slope."""
        return [gradient @ gradient]

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Keep the first-order change."""
        self.last = trial.t * line.slope

    def reset(self) -> bool:
        """There is nothing better than the gradient to fall back on."""
        return False


def steepest_descent() -> Steepest:
    """Go against the gradient: the slowest method, to compare others with.

    Returns
    -------
    Steepest
        For ``minimize(method=...)``.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, 3.3; first step by eq. 3.60.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> method = ag.solvers.steepest_descent()
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2), method=method).x.round(4)
    array([3., 3.])
    """
    return Steepest()


def first_step(point: Point) -> float:
    """A step along -g where nothing is known of the curvature: a length of at most 1."""
    size = point.peak * math.sqrt(point.gradient.shape[0])
    # |g| <= sqrt(n) max |g|, so the step has length 1 or less
    return min(1.0, 1.0 / size) if size > 0.0 else 1.0
