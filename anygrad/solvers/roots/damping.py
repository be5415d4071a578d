"""How far to go along a step towards a root: shorter until |f| is small enough."""

from __future__ import annotations

import math

from anygrad.backends.types import Array
from anygrad.solvers.problem.objective import Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.roots.system import System
from anygrad.solvers.searches.search import shorten

DECREASE = 1e-4

SHORTEST = 1e-3
"""A share of Newton's step below this means that its direction is of no use."""


class Damped:
    """Trials along one step.

    Attributes
    ----------
    accepted : Point or None
        The trial that is low enough.
    lowest : Point or None
        The lowest finite one, if it is lower than the start.
    t : float
        Share of the step that was tried last.
    length, width : float
        |s| and |x|; nan where f gave no value.
    """

    def __init__(
        self,
        system: System,
        point: Point,
        s: Array,
        *,
        slope: float | None = None,
        trials: int = 12,
    ) -> None:
        """Search; ``slope`` is the derivative of 0.5 |f|^2 along s, -|f|^2 for a Newton step.

        References
        ----------
        Dennis, Schnabel (1983), Numerical methods for unconstrained optimization and nonlinear
        equations, alg. A6.3.1 and 6.5.
        """
        self.accepted: Point | None = None
        self.lowest: Point | None = None
        self.length = self.width = math.nan
        slope = -2.0 * point.f if slope is None else slope
        t, tries = 1.0, 0
        for _ in range(trials):
            self.t = t
            trial = system.evaluate(point.x + t * s, lambda r: [s @ s, point.x @ point.x])
            if trial.extra:
                self.length, self.width = (math.sqrt(v) for v in trial.extra)
                if not math.isfinite(self.length):
                    return
            if not trial.is_finite:
                tries += 1
                t = shorten(0.0, t, tries)
                continue
            if trial.f < (point if self.lowest is None else self.lowest).f:
                self.lowest = trial
            if trial.f <= point.f + DECREASE * t * slope:
                self.accepted = trial
                return
            if self.is_tiny(4.0 * system.space.eps):
                return
            curvature = trial.f - point.f - slope * t
            t = min(max(-0.5 * slope * t * t / curvature, 0.1 * t), 0.5 * t)
            if t < SHORTEST:
                return

    def is_tiny(self, xtol: float) -> bool:
        """Whether the whole step is not above ``xtol`` relative to x."""
        return self.length <= xtol * (xtol + self.width)

    def step(self, xtol: float, *, is_exact: bool) -> Step | None:
        """Make the outcome of an iteration; None where |f| was not lowered enough.

        A whole Newton step below the resolution of x means that x is the root as well as its dtype
        can say, whatever f is there.
        """
        done = is_exact and self.is_tiny(xtol) and self.t == 1.0
        if self.accepted is None and not done:
            return None
        reached = self.accepted or self.lowest
        if not done:
            return Step(reached, self.t)
        message = (
            f"The last whole step, of length {self.length:.3g}, is not above xtol = {xtol:g} times "
            f"the length of x, {self.width:.3g}."
        )
        return Step(reached, self.t, Status.CONVERGED, message)
