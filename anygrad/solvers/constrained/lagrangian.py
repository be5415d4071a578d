"""The augmented Lagrangian of a problem, as an objective for the other methods."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

from anygrad.autodiff import hvp as product_of
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.solvers.constrained.stacking import Stack
from anygrad.solvers.problem.building import difference_product
from anygrad.solvers.problem.objective import Objective, Point


@dataclass
class Lagrangian:
    """f(x) + rho / 2 |c + y / rho - P(c + y / rho)|^2, with P the projection onto the bounds of c.

    Attributes
    ----------
    smooth : Objective
        f, its gradient and its bounds on x; evaluations are counted here.
    stack : Stack
        c.
    rho : float
        The penalty.
    multipliers : array, shape (m,)
        y, of the Lagrangian f + <y, c>: positive at upper bounds, negative at lower ones.
    traced : bool
        Whether f can be traced for Hessian products.
    """

    smooth: Objective
    stack: Stack
    rho: float
    multipliers: Array
    traced: bool

    def objective(self) -> Objective:
        """The function to minimise for the present rho and multipliers."""
        smooth = self.smooth
        if self.traced and self.stack.is_traceable:
            product = functools.partial(product_of, self.value)
        else:
            product = functools.partial(difference_product, smooth.space, self.both)
        made = Objective(smooth.space, self.both, self.value, product, smooth.box)
        made.nfev, made.njev, made.nhev = smooth.nfev, smooth.njev, smooth.nhev
        return made

    def take_counts(self, objective: Objective) -> None:
        """Add the evaluations of an inner run to those of f."""
        smooth = self.smooth
        smooth.nfev, smooth.njev, smooth.nhev = objective.nfev, objective.njev, objective.nhev
        smooth.failure = objective.failure or smooth.failure

    def value(self, x: Tree) -> Any:
        """Evaluate it; traced where x is."""
        excess = self._excess(self.stack.values(x))
        xp = namespace_of(excess)
        penalty = xp.sum(excess * excess) * (0.5 * self.rho)
        return penalty + self.smooth.value_alone(x)

    def both(self, x: Tree) -> tuple[Any, Tree]:
        """Evaluate it and its gradient."""
        space = self.smooth.space
        value, slope = self.smooth.value_and_gradient(x)
        c, pull = self.stack.both(x)
        excess = self._excess(c)
        total = space.number(value) + 0.5 * self.rho * (excess @ excess)
        gradient = space.to_vector(slope, "minimize(gradient)") + pull(self.rho * excess)
        return total, space.to_tree(gradient)

    def _excess(self, c: Any) -> Any:
        shifted = c + self.multipliers / self.rho
        return shifted - self.stack.nearest(shifted, namespace_of(shifted))

    def update(self, x: Array, limit: float) -> tuple[float, float]:
        """Take the multipliers that make x stationary, and measure what is left to do at x.

        Returns the largest violation, and the largest violation or lack of complementarity.
        """
        space, xp = self.smooth.space, self.smooth.space.xp
        c = self.stack.values(space.to_tree(x))
        new = self.rho * self._excess(c)
        missing = xp.max(xp.abs(new - self.multipliers)) / self.rho
        violation = xp.max(xp.abs(c - self.stack.nearest(c, xp)))
        ends = limit + space.zeros(*new.shape)
        self.multipliers = xp.minimum(xp.maximum(new, -ends), ends)
        violated, left = space.fetch([violation, missing])
        return violated, left

    def reset(self) -> None:
        """Forget the multipliers."""
        self.multipliers = 0.0 * self.multipliers


def first_penalty(lagrangian: Lagrangian, point: Point) -> float:
    """A penalty that balances f and the squares of the violations at the start."""
    space, stack = lagrangian.smooth.space, lagrangian.stack
    c = stack.values(space.to_tree(point.x))
    miss = c - stack.nearest(c, space.xp)
    square = space.fetch([0.5 * (miss @ miss)])[0]
    if not math.isfinite(square):
        return 1.0
    return min(max(10.0 * max(abs(point.f), 1.0) / max(square, 1.0), 1e-6), 1e6)
