"""f + g with f smooth: evaluations at vectors, counted, and what a minimum of it looks like."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from anygrad.backends.types import Array
from anygrad.solvers.problem.captured import refuse_traced
from anygrad.solvers.problem.objective import Measure, Objective, Point, is_numerical
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.stopping import Stopping
from anygrad.solvers.proximal.operator import Proximal

LONG = 500
"""So many steps without a lower value or a smaller generalised gradient are the end."""


@dataclass
class Composite(Objective):
    """A smooth function and a proximal operator.

    The *generalised gradient* (x - prox(x - t grad f(x), t)) / t takes the place of the gradient;
    it is the gradient where g = 0, and zero at a minimum of f + g and nowhere else if both are
    convex.

    Attributes
    ----------
    g : Proximal
        The part that need not be smooth.
    step : float
        t; nan until something is known of the curvature of f.
    """

    g: Proximal = field(default=None)  # type: ignore[assignment]
    step: float = math.nan

    def prox(self, x: Array, step: float) -> Array:
        """Apply the proximal map of g to a vector."""
        space = self.space
        return space.to_vector(self.g.prox(space.to_tree(x), step), f"{self.g.name}.prox")

    def value_of_g(self, x: Array) -> Array:
        """Evaluate g; 0-d, on the device."""
        return self.space.number(self.g.value(self.space.to_tree(x)))

    def smooth(self, x: Array, with_gradient: bool = True) -> tuple[Array, Any]:
        """Evaluate f and its gradient without reading them; nan where f fails with numbers."""
        space = self.space
        self.nfev += 1
        gradient = None
        try:
            if with_gradient:
                self.njev += 1
                value, tree = self.value_and_gradient(space.to_tree(x))
                gradient = space.to_vector(tree, "proximal_gradient(gradient)")
            else:
                value = self.value_alone(space.to_tree(x))
        except Exception as error:
            if not is_numerical(error):
                raise
            self.failure = f"{type(error).__name__}: {error}"
            return space.number(math.nan), space.zeros()
        value = refuse_traced("proximal_gradient(f)", value)
        return space.number(value), gradient

    def evaluate(self, x: Array, measure: Measure | None = None) -> Point:
        """Evaluate f + g and the generalised gradient; ``extra`` keeps f and its gradient."""
        space = self.space
        value, gradient = self.smooth(x)
        if math.isnan(self.step):
            self.step = self._first_step(x, gradient)
        change = (x - self.prox(x - self.step * gradient, self.step)) / self.step
        total = value + self.value_of_g(x)
        # where the gradient of f is not finite, a projection may hide it
        peak = space.xp.max(space.xp.abs(change)) + 0.0 * space.xp.max(space.xp.abs(gradient))
        f, peak = space.fetch([total, peak])
        return Point(x, total, change, f, peak, [value, gradient])

    def _first_step(self, x: Array, gradient: Array) -> float:
        """One over the curvature of f along its gradient, from one more gradient nearby."""
        space, xp = self.space, self.space.xp
        peak, width = space.fetch([xp.max(xp.abs(gradient)), xp.max(xp.abs(x))])
        if not 0.0 < peak < math.inf:
            return 1.0
        probe = math.sqrt(space.eps) * max(width, 1.0) / peak
        _, there = self.smooth(x - probe * gradient)
        change = gradient - there
        curvature, square = space.fetch([change @ gradient, gradient @ gradient])
        step = probe * square / curvature if curvature > 0.0 else math.nan
        return step if 0.0 < step < math.inf else 1.0 / peak


class CompositeStopping(Stopping):
    """The tests of a run on f + g."""

    def __init__(self, tolerances: Any, objective: Objective) -> None:
        super().__init__(tolerances, objective)
        self.lowest = (math.inf, math.inf)

    def _small_gradient(self, point: Point) -> tuple[Status, str] | None:
        gtol = self.tolerances.gtol
        if point.peak > gtol or not point.extra:  # without extra it was measured elsewhere
            return None
        return (
            Status.CONVERGED,
            f"The largest element of the generalised gradient, {point.peak:.3g}, is not above gtol "
            f"= {gtol:g}.",
        )

    def _small_change(self, old: Point, new: Point) -> tuple[Status, str] | None:
        ftol = self.tolerances.ftol
        change, size = old.f - new.f, max(abs(old.f), abs(new.f))
        if ftol > 0.0 and abs(change) <= ftol * max(size, 1.0):
            return (
                Status.CONVERGED,
                f"The last step changed f + g by {change:.3g}; relative to max(|f + g|, 1) that is "
                f"not above ftol = {ftol:g}.",
            )
        f, peak = self.lowest
        gains = new.f < f - self.objective.space.eps * size or new.peak < peak
        self.lowest = min(f, new.f), min(peak, new.peak)
        self.flat = 0 if gains else self.flat + 1
        if self.flat < LONG:
            return None
        return (
            Status.CONVERGED,
            f"The last {LONG} steps lowered neither f + g, beyond its rounding, nor the "
            "generalised gradient; nothing is left to gain.",
        )
