"""The subproblem by conjugate gradients that stop at the boundary."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anygrad.backends.types import Array
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.regions.region import Proposal

PRODUCTS_PER_VARIABLE = 10
"""In exact arithmetic conjugate gradients end after n products; rounding takes some more."""


@dataclass(frozen=True)
class Steihaug:
    """Options of the method of Steihaug and Toint."""

    forcing: float = 0.1
    max_products: int | None = None
    name: str = "Steihaug"

    def model(self, objective: Objective, point: Point) -> Krylov:
        """Make the model of a point."""
        most = self.max_products
        if most is None:
            most = PRODUCTS_PER_VARIABLE * objective.space.size
        return Krylov(objective, point, self.forcing, most)


class Krylov:
    """The model, seen through products with the Hessian."""

    def __init__(self, objective: Objective, point: Point, forcing: float, most: int) -> None:
        self.objective = objective
        self.point = point
        self.forcing = forcing
        self.most = most

    def propose(self, radius: float) -> Proposal:
        """Follow conjugate gradients to their end, the boundary or a direction that curves down.

        One read a product; lengths within the region follow from the coefficients, on the host.
        """
        space, point = self.objective.space, self.point
        xp = space.xp
        r, d, z = point.gradient, -point.gradient, space.zeros()
        rr = r @ r
        zz = zd = predicted = 0.0
        dd = goal = math.nan
        for _ in range(self.most):
            moved = self.objective.hessian_product(point.x, d)
            bend = d @ moved
            # the next residual is made before it is known whether f curves upwards, so that one
            # read does
            new_r = r + (rr / xp.where(bend > 0.0, bend, xp.ones_like(bend))) * moved
            new_rr = new_r @ new_r
            curvature, rest, now = space.fetch([bend, new_rr, rr])
            if math.isnan(goal):
                dd = now
                goal = min(self.forcing, math.sqrt(math.sqrt(now))) ** 2 * now
            if not math.isfinite(curvature):
                curvature = 0.0
            alpha = now / curvature if curvature > 0.0 else math.inf
            longer = zz + 2.0 * alpha * zd + alpha * alpha * dd
            if not longer < radius * radius:
                return self._boundary(z, d, radius, (zz, zd, dd), (now, curvature), predicted)
            z = z + alpha * d
            predicted += 0.5 * alpha * now
            if rest <= goal or not math.isfinite(rest):
                return Proposal(z, math.sqrt(longer), predicted, False)
            beta = rest / now
            zz, zd, dd = longer, beta * (zd + alpha * dd), rest + beta * beta * dd
            d = beta * d - new_r
            r, rr = new_r, new_rr
        return Proposal(z, math.sqrt(zz), predicted, False)

    def _boundary(
        self,
        z: Array,
        d: Array,
        radius: float,
        squares: tuple[float, float, float],
        model: tuple[float, float],
        predicted: float,
    ) -> Proposal:
        """Go on from z along d as far as the radius allows."""
        zz, zd, dd = squares
        now, curvature = model
        room = max(radius * radius - zz, 0.0)
        root = zd + math.sqrt(zd * zd + dd * room)  # zd >= 0: nothing cancels
        tau = room / root if root > 0.0 else 0.0
        predicted += tau * now - 0.5 * tau * tau * curvature
        return Proposal(z + tau * d, radius, predicted, True)
