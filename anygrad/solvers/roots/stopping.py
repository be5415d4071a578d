"""When a root is found: the tests that methods for systems of equations share."""

from __future__ import annotations

import math

from anygrad.solvers.problem.objective import Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.stopping import FLAT, Stopping


class RootStopping(Stopping):
    """Tests of max |f|, which `Tolerances` keeps as gtol; nothing else makes a point a root."""

    def at_start(self, point: Point) -> tuple[Status, str] | None:
        """Test the point that the user gave."""
        if not point.is_finite:
            why = self.objective.failure
            what = f"f raised {why}" if why else f"max |f| = {point.peak}"
            return Status.NONFINITE, f"f is not finite at x0 ({what}). Start elsewhere."
        return self._is_root(point)

    def after(self, old: Point, new: Point, nit: int) -> tuple[Status, str] | None:
        """Test a step."""
        return self._is_root(new) or self._is_flat(old, new) or self.too_long(nit)

    def _is_root(self, point: Point) -> tuple[Status, str] | None:
        ftol = self.tolerances.gtol
        if point.peak > ftol:
            return None
        message = f"The largest element of |f|, {point.peak:.3g}, is not above ftol = {ftol:g}."
        return Status.CONVERGED, message

    def _is_flat(self, old: Point, new: Point) -> tuple[Status, str] | None:
        change, size = abs(old.f - new.f), max(old.f, new.f)
        self.flat = self.flat + 1 if change <= self.objective.space.eps * size else 0
        return (Status.STAGNATED, stagnated(new)) if self.flat >= FLAT else None


def stagnated(point: Point) -> str:
    """Say that |f| cannot be made smaller."""
    return (
        f"|f| = {math.sqrt(2.0 * point.f):.3g} does not become smaller any more, and max |f| = "
        f"{point.peak:.3g} is above ftol: there may be no root near, or rounding of f is larger "
        "than ftol."
    )
