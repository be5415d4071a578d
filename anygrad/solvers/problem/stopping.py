"""When to stop: the tests that every iterative method shares."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anygrad.ranges import NOT_NEGATIVE, check_count, check_number
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.status import Status

UNBOUNDED_BELOW = -1e30
"""A value under this, relative to max(|f(x0)|, 1), is no minimum of anything."""

FLAT = 5
"""So many steps in a row that change f by rounding only are the end of what can be gained."""


def usual_steps(size: int) -> int:
    """How many steps a minimiser of ``size`` variables may take, where the user does not say."""
    return max(1000, 200 * min(size, 1000))


@dataclass(frozen=True)
class Tolerances:
    """When a point is good enough, and how long to try.

    Attributes
    ----------
    gtol : float
        Largest absolute element of the gradient.
    ftol : float
        Decrease of f in one step, relative to max(|f|, 1); 0 switches it off.
    xtol : float
        Length of a step, relative to the length of x; 0 switches it off.
    max_steps, max_evaluations : int
        Bounds on iterations and evaluations of f.
    """

    gtol: float
    ftol: float
    xtol: float
    max_steps: int
    max_evaluations: float

    @classmethod
    def of(
        cls,
        where: str,
        *,
        gtol: float | None,
        ftol: float | None,
        xtol: float | None,
        max_steps: int | None,
        max_evaluations: int | None,
        default_steps: int,
    ) -> Tolerances:
        """Check what the user gave and fill in the rest."""

        def number(name: str, value: float | None, default: float) -> float:
            return (
                default if value is None else check_number(f"{where}({name})", value, NOT_NEGATIVE)
            )

        return cls(
            number("gtol", gtol, 1e-5),
            number("ftol", ftol, 0.0),
            number("xtol", xtol, 0.0),
            default_steps
            if max_steps is None
            else check_count(f"{where}(max_steps)", max_steps, 0),
            math.inf
            if max_evaluations is None
            else check_count(f"{where}(max_evaluations)", max_evaluations, 1),
        )


class Stopping:
    """Watches the points of one run; every test returns a status and a sentence, or None."""

    def __init__(self, tolerances: Tolerances, objective: Objective) -> None:
        self.tolerances = tolerances
        self.objective = objective
        self.flat = 0
        self.floor = UNBOUNDED_BELOW

    def at_start(self, point: Point) -> tuple[Status, str] | None:
        """Test the point that the user gave."""
        if not point.is_finite:
            why = self.objective.failure
            what = f"f raised {why}" if why else f"f = {point.f}"
            return (
                Status.NONFINITE,
                f"f or its gradient is not finite at x0 ({what}). Start elsewhere.",
            )
        self.floor = UNBOUNDED_BELOW * max(abs(point.f), 1.0)
        return self._small_gradient(point)

    def after(self, old: Point, new: Point, nit: int) -> tuple[Status, str] | None:
        """Test a step."""
        if new.f < self.floor:
            return Status.UNBOUNDED, ""
        return (
            self._small_gradient(new)
            or self._small_change(old, new)
            or (self._small_step(old, new) if self.tolerances.xtol > 0.0 else None)
            or self.too_long(nit)
        )

    def _small_gradient(self, point: Point) -> tuple[Status, str] | None:
        gtol = self.tolerances.gtol
        if point.peak > gtol:
            return None
        what = "gradient" if self.objective.box is None else "projected gradient"
        return (
            Status.CONVERGED,
            f"The largest element of the {what}, {point.peak:.3g}, is not above gtol = {gtol:g}.",
        )

    def _small_change(self, old: Point, new: Point) -> tuple[Status, str] | None:
        ftol = self.tolerances.ftol
        change, size = old.f - new.f, max(abs(old.f), abs(new.f))
        if ftol > 0.0 and abs(change) <= ftol * max(size, 1.0):
            return (
                Status.CONVERGED,
                f"The last step changed f by {change:.3g}; relative to max(|f|, 1) that is not "
                f"above ftol = {ftol:g}.",
            )
        self.flat = self.flat + 1 if abs(change) <= self.objective.space.eps * size else 0
        if self.flat < FLAT:
            return None
        return (
            Status.CONVERGED,
            f"The last {FLAT} steps changed f by no more than its rounding; nothing is left to "
            "gain.",
        )

    def _small_step(self, old: Point, new: Point) -> tuple[Status, str] | None:
        xtol = self.tolerances.xtol
        if not xtol > 0.0:
            return None
        move = new.x - old.x
        length, size = (math.sqrt(max(v, 0.0)) for v in self._squares(move, new.x))
        if length > xtol * (xtol + size):
            return None
        return (
            Status.CONVERGED,
            f"The last step, of length {length:.3g}, is not above xtol = {xtol:g} times the length "
            f"of x, {size:.3g}.",
        )

    def _squares(self, *vectors: object) -> list[float]:
        return self.objective.space.fetch([v @ v for v in vectors])  # type: ignore[operator]

    def too_long(self, nit: int) -> tuple[Status, str] | None:
        """Test the bounds on steps and evaluations."""
        tolerances = self.tolerances
        if nit >= tolerances.max_steps:
            return (
                Status.MAX_STEPS,
                f"{nit} steps, all that max_steps allows, were not enough; the best point so far "
                "is returned.",
            )
        if self.objective.nfev >= tolerances.max_evaluations:
            return (
                Status.MAX_EVALUATIONS,
                f"{self.objective.nfev} evaluations reached max_evaluations; the best point so far "
                "is returned.",
            )
        return None
