"""When least squares has converged: tests that do not depend on units."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.stopping import FLAT, Stopping, Tolerances

SHARE = 0.75
"""Default tolerances are this power of the rounding: 1.8e-12 in float64, 6.4e-6 in float32."""

FALLING = 0.95
"""A step that lowers the optimality to this part of it gains something, whatever the cost says."""


class FitStopping(Stopping):
    """The tests of the loop; those of trust regions, which know more, are made by the methods."""

    def _small_gradient(self, point: Any) -> tuple[Status, str] | None:
        gtol = self.tolerances.gtol
        if point.peak > gtol:
            return None
        return (
            Status.CONVERGED,
            "The residuals are orthogonal to the columns of the Jacobian: the largest cosine, "
            f"{point.peak:.3g}, is not above gtol = {gtol:g}.",
        )

    def _small_change(self, old: Any, new: Any) -> tuple[Status, str] | None:
        ftol = self.tolerances.ftol
        change = old.f - new.f
        if ftol > 0.0 and abs(change) <= ftol * old.f:
            return (
                Status.CONVERGED,
                f"The last step lowered the cost by {change:.3g}, not above ftol = {ftol:g} times "
                f"the cost, {old.f:.3g}.",
            )
        # costs tell x to half the digits only: as long as the gradient falls, the rest is coming
        is_flat = abs(change) <= self.objective.space.eps * old.f and new.peak > FALLING * old.peak
        self.flat = self.flat + 1 if is_flat else 0
        if self.flat < FLAT:
            return None
        return (
            Status.CONVERGED,
            f"The last {FLAT} steps changed the cost by no more than its rounding; nothing is left "
            "to gain.",
        )


def make_tolerances(
    where: str,
    eps: float,
    *,
    gtol: float | None,
    ftol: float | None,
    xtol: float | None,
    max_steps: int | None,
    max_evaluations: int | None,
) -> Tolerances:
    """Check what the user gave and fill in the rest."""
    found = Tolerances.of(
        where,
        gtol=gtol,
        ftol=ftol,
        xtol=xtol,
        max_steps=max_steps,
        max_evaluations=max_evaluations,
        default_steps=1000,
    )
    small = eps**SHARE
    return replace(
        found,
        gtol=small if gtol is None else found.gtol,
        xtol=small if xtol is None else found.xtol,
        max_evaluations=math.inf if max_evaluations is None else found.max_evaluations,
    )
