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


DONE = (
    "The cost cannot be lowered: the gain that the linear model promises is below the rounding of "
    "the residuals."
)

SHORTEST = 1e-3
"""A smaller part of a step tells nothing of what is left to gain."""


class Prospect:
    """What is to be gained along steps that were rejected.

    The first of them near by decides, as of ever shorter ones little can be gained in any case.
    """

    def __init__(self, cost: float, eps: float, noise: float) -> None:
        self.reach, self.noise = math.sqrt(eps) * cost, noise
        self.open = True

    def is_nothing(self, slope: float, gain: float) -> bool:
        """Whether the parabola through the cost, its slope and a trial gains rounding only."""
        bend = -gain - slope
        if not (self.open and abs(gain) <= self.reach and bend > 0.0):
            return False
        self.open = False
        return 0.25 * slope * (slope / bend) <= self.noise


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
        if ftol > 0.0 and new.share >= 1.0 and abs(change) <= ftol * old.f:
            return (
                Status.CONVERGED,
                f"The last step lowered the cost by {change:.3g}, not above ftol = {ftol:g} times "
                f"the cost, {old.f:.3g}.",
            )
        # costs tell x to half the digits only: as long as the gradient falls, the rest is coming
        is_flat = abs(change) <= self.objective.space.eps * old.f and new.peak > FALLING * old.peak
        self.flat = self.flat + 1 if is_flat and self._tells(new) else 0
        if self.flat < FLAT:
            return None
        return (
            Status.CONVERGED,
            f"The last {FLAT} steps changed the cost by no more than its rounding; nothing is left "
            "to gain.",
        )

    def _tells(self, new: Any) -> bool:
        """Whether a step tells what is left: it was not cut to nothing, or little was promised."""
        return new.share >= SHORTEST or new.peak**2 <= self.objective.space.eps

    def _small_step(self, old: Any, new: Any) -> tuple[Status, str] | None:
        # how long the step was to be: a search may cut it short wherever the cost is rough
        move = (new.x - old.x) * (1.0 / new.share)
        length, size = (math.sqrt(max(v, 0.0)) for v in self._squares(move, new.x))
        xtol = self.tolerances.xtol
        if not self._tells(new) or length > xtol * (xtol + size):
            return None
        return (
            Status.CONVERGED,
            f"The last step, of length {length:.3g}, is not above xtol = {xtol:g} times the length "
            f"of x, {size:.3g}.",
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
