"""Newton's method with a line search, its linear system solved as far as it pays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from anygrad.backends.types import Array
from anygrad.ranges import Range, check_count, check_number
from anygrad.solvers.descents.descent import Move
from anygrad.solvers.descents.steepest import first_step
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.searches.search import Search
from anygrad.solvers.searches.wolfe import StrongWolfe

__all__ = ["NewtonCG", "newton_cg"]

PRODUCTS_PER_VARIABLE = 10
"""In exact arithmetic conjugate gradients end after n products; rounding takes some more."""


@dataclass(frozen=True)
class NewtonCG:
    """Options of Newton-CG; `newton_cg` makes one."""

    forcing: float = 0.1
    max_products: int | None = None
    search: Search = field(default_factory=lambda: StrongWolfe(1e-4, 0.9, 30))
    name: str = "Newton-CG"

    def begin(self, objective: Objective, point: Point) -> Truncated:
        """Start at a point."""
        most = self.max_products
        if most is None:
            most = PRODUCTS_PER_VARIABLE * objective.space.size
        return Truncated(objective, self.forcing, most)


def newton_cg(*, forcing: float = 0.1, max_products: int | None = None) -> NewtonCG:
    """Solve H p = -g by conjugate gradients, loosely at first, and search along p.

    Products with the Hessian come from ``minimize(hvp=...)``, else from automatic differentiation,
    else from differences of gradients. Where f curves downwards, the iteration ends with the
    direction it has; the very first one is the gradient. The device is read once a product, for
    two numbers, and once a trial of the search.

    Parameters
    ----------
    forcing : float
        The largest residual relative to abs(g), in (0, 1); sqrt(abs(g)) takes over where it is
        less, so that convergence is superlinear.
    max_products : int, optional
        Products with the Hessian in one step, >= 1; 10 n if it is not given.

    Returns
    -------
    NewtonCG
        For ``minimize(method=...)``.

    Raises
    ------
    ArgumentError
        If an option is outside its range.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, alg. 7.1, with 0.1 in place of its 0.5, which
    takes half as many steps for as many products. Where the gradient itself is a
    direction of negative curvature c, the first step is abs(g)^2 / abs(c).

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> method = ag.solvers.newton_cg()
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 4), np.zeros(2), method=method).x.round(1)
    array([3., 3.])
    """
    allowed = Range(0, 1, open_low=True, open_high=True)
    forcing = check_number("newton_cg(forcing)", forcing, allowed)
    if max_products is not None:
        max_products = check_count("newton_cg(max_products)", max_products, 1)
    return NewtonCG(forcing, max_products)


class Truncated:
    """The direction -H^-1 g, approximately."""

    def __init__(self, objective: Objective, forcing: float, most: int) -> None:
        self.objective = objective
        self.forcing = forcing
        self.most = most
        self.plain = False  # whether the next direction is to be the gradient
        self.was_plain = False

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        self.was_plain, self.plain = self.plain, False
        if self.was_plain:
            return Move(-point.gradient, first_step(point))
        found, curvature, square = self._solve(point)
        if found is not None:
            return Move(found)
        self.was_plain = True
        known = math.isfinite(curvature) and curvature != 0.0
        return Move(-point.gradient, square / abs(curvature) if known else first_step(point))

    def _solve(self, point: Point) -> tuple[Array | None, float, float]:
        """Run conjugate gradients: z, if one step could be made; else g H g, and g g."""
        objective, space = self.objective, self.objective.space
        xp = space.xp
        r, d, z = point.gradient, -point.gradient, None
        rr = r @ r
        goal = square = math.nan
        for _ in range(self.most):
            moved = objective.hessian_product(point.x, d)
            bend = d @ moved
            # the step is made before it is known whether f curves upwards, so that one read does
            alpha = rr / xp.where(bend > 0.0, bend, xp.ones_like(bend))
            new_r = r + alpha * moved
            new_rr = new_r @ new_r
            curvature, rest, now = space.fetch([bend, new_rr, rr])
            if z is None:
                square = now
                goal = min(self.forcing, math.sqrt(math.sqrt(square))) ** 2 * square
            if not curvature > 0.0 or not math.isfinite(rest):
                return z, curvature, square
            z = alpha * d if z is None else z + alpha * d
            if rest <= goal:
                break
            d = (new_rr / rr) * d - new_r
            r, rr = new_r, new_rr
        return z, math.nan, square

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Nothing is needed of a trial."""
        return []

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Nothing is remembered."""

    def reset(self) -> bool:
        """Go against the gradient next, once."""
        self.plain = not self.was_plain
        return self.plain
