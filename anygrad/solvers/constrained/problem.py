"""A constrained problem as the common loop sees it, and what its solution is returned as."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from anygrad.backends.types import Array
from anygrad.solvers.problem.objective import Measure, Objective, Point
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.stopping import Stopping

__all__ = ["ConstrainedResult"]


@dataclass
class ConstrainedResult(Result):
    """What `minimize` returns under constraints: a `Result` and how well they hold.

    Attributes
    ----------
    multipliers : list of arrays
        For each constraint, of the Lagrangian f(x) - <multipliers, fun(x)>: how fast the minimum
        rises with the bound. Not negative at lower bounds (``fun >= 0``), not positive at upper
        ones, zero where a constraint is not active.
    violation : float
        The largest distance of an element of a constraint from its bounds.
    penalty : float
        rho in the end.
    """

    multipliers: list[Any] = field(default_factory=list)
    violation: float = math.nan
    penalty: float = math.nan


@dataclass
class Constrained(Objective):
    """What the loop sees: f, with the gradient of the Lagrangian as the distance from the end."""

    lagrangian: Any = None
    violation: float = math.inf

    def evaluate(self, x: Array, measure: Measure | None = None) -> Point:
        """Evaluate f and its gradient."""
        smooth: Objective = self.lagrangian.smooth
        point = smooth.evaluate(x)
        self.take_counts()
        point.extra = [math.inf]
        return point

    def take_counts(self) -> None:
        """Show the evaluations of f so far."""
        smooth: Objective = self.lagrangian.smooth
        self.nfev, self.njev, self.nhev = smooth.nfev, smooth.njev, smooth.nhev
        self.failure = smooth.failure


class ConstrainedStopping(Stopping):
    """The tests of the outer loop; the method itself tests for convergence."""

    def at_start(self, point: Point) -> tuple[Status, str] | None:
        """Refuse a start without a finite value."""
        return None if point.is_finite else super().at_start(point)

    def after(self, old: Point, new: Point, nit: int) -> tuple[Status, str] | None:
        """Test for too long a run only."""
        return self.too_long(nit)
