"""Nelder-Mead: a simplex that walks downhill by values of f alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from anygrad.backends.types import Array
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.problem.stopping import UNBOUNDED_BELOW, Stopping

__all__ = ["NelderMead", "nelder_mead"]

# The first simplex is SciPy's: each element 5 % longer, or this where it is 0.
LONGER, FROM_ZERO = 0.05, 0.00025


class SmallSimplex(Stopping):
    """Ends when f and x differ little between the corners of the simplex."""

    def at_start(self, point: Point) -> tuple[Status, str] | None:
        """Test the point that the user gave."""
        return None if math.isfinite(point.f) else super().at_start(point)

    def after(self, old: Point, new: Point, nit: int) -> tuple[Status, str] | None:
        """Test a step; the size is read only once f differs little."""
        if new.f < UNBOUNDED_BELOW:
            return Status.UNBOUNDED, ""
        return self._small_simplex(*new.extra) or self.too_long(nit)

    def _small_simplex(self, simplex: Simplex) -> tuple[Status, str] | None:
        ftol, xtol = self.tolerances.ftol, self.tolerances.xtol
        if not simplex.spread <= ftol:
            return None
        size = simplex.size()
        if not size <= xtol:
            return None
        return (
            Status.CONVERGED,
            f"Between the corners of the simplex f differs by {simplex.spread:.3g} and x by "
            f"{size:.3g}, not more than ftol = {ftol:g} and xtol = {xtol:g}.",
        )


@dataclass(frozen=True)
class NelderMead:
    """Options of the simplex method; `nelder_mead` makes one."""

    adaptive: bool = True
    name: str = "Nelder-Mead"
    takes_bounds: ClassVar[bool] = True
    uses_gradient: ClassVar[bool] = False
    stopping: ClassVar[type[Stopping]] = SmallSimplex
    defaults: ClassVar[Mapping[str, float]] = {"ftol": 1e-4, "xtol": 1e-4}

    def start(self, objective: Objective, point: Point) -> Simplex:
        """Begin at a point that was evaluated."""
        return Simplex(objective, point, self.adaptive)


def nelder_mead(*, adaptive: bool = True) -> NelderMead:
    """Minimise without a gradient, by a simplex of n + 1 points; for up to some tens of variables.

    ``minimize`` stops it when, from the best corner to each other, f differs by at most ``ftol``
    and no element of x by more than ``xtol``; both are absolute, 1e-4 unless given. ``gtol`` has no
    meaning for it, and the result has no ``jac``. Points outside the bounds are moved to the
    nearest inside.

    Memory: n + 1 vectors. Each evaluation of f is one read of the device.

    Parameters
    ----------
    adaptive : bool
        Whether the factors suit the number of variables, or are 1, 2, 1/2 and 1/2.

    Returns
    -------
    NelderMead
        For ``minimize(method=...)``.

    References
    ----------
    Nelder, Mead (1965), A simplex method for function minimization. Gao, Han (2012), Implementing
    the Nelder-Mead simplex algorithm with adaptive parameters, sec. 2 (the order of the trials)
    and eq. 4.1 (the factors, for n >= 2). First simplex: ``scipy.optimize.minimize``.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> f = lambda x: abs(x[0] - 1.0) + abs(x[1] + 2.0)
    >>> ag.minimize(f, np.zeros(2), method=ag.solvers.nelder_mead()).x.round(3)
    array([ 1., -2.])
    """
    return NelderMead(bool(adaptive))


class Simplex:
    """The simplex: its corners as the rows of an array on the device, its values on the host."""

    def __init__(self, objective: Objective, point: Point, adaptive: bool) -> None:
        self.objective = objective
        n = objective.space.size
        few = n == 1 or not adaptive  # with n = 1 the adaptive simplex would shrink to a point
        self.expand = 2.0 if few else 1.0 + 2.0 / n
        self.contract = 0.5 if few else 0.75 - 0.5 / n
        self.shrink = 0.5 if few else 1.0 - 1.0 / n
        self.rows = self._first(point.x)
        self.corners = [point]
        self.corners += [self._at(objective.space.copy(self.rows[k, ...])) for k in range(1, n + 1)]
        self._sort()

    def _first(self, x: Array) -> Array:
        objective = self.objective
        space, box = objective.space, objective.box
        xp = space.xp
        steps = xp.where(x != 0.0, LONGER * x, xp.full_like(x, FROM_ZERO))
        one = xp.eye(space.size, dtype=space.dtype, device=space.device)
        others = x + one * steps
        if box is not None:
            # a corner beyond an upper bound would fall onto x itself
            others = xp.where(others > box.upper, 2.0 * box.upper - others, others)
            others = box.project(space, others)
        return xp.concat([xp.reshape(x, (1, -1)), others])

    def _at(self, x: Array) -> Point:
        """Evaluate within the bounds; what has no value is higher than all that has."""
        objective = self.objective
        if objective.box is not None:
            x = objective.box.project(objective.space, x)
        point = objective.evaluate(x)
        if math.isnan(point.f):
            point.f = math.inf
        return point

    def _sort(self) -> None:
        self.order = sorted(range(len(self.corners)), key=lambda k: self.corners[k].f)

    @property
    def best(self) -> Point:
        """The lowest corner."""
        return self.corners[self.order[0]]

    @property
    def spread(self) -> float:
        """How much f differs between the corners."""
        return self.corners[self.order[-1]].f - self.best.f

    def size(self) -> float:
        """How much an element of x differs between the best corner and another; a read."""
        space = self.objective.space
        xp = space.xp
        return space.fetch([xp.max(xp.abs(self.rows - self.best.x))])[0]

    def step(self, point: Point) -> Step:
        """Replace the worst corner, or shrink the simplex."""
        corners, order = self.corners, self.order
        worst, second = corners[order[-1]], corners[order[-2]]
        total = self.objective.space.xp.sum(self.rows, axis=0)
        centre = (total - worst.x) / (len(corners) - 1)
        away = centre - worst.x
        new = self._at(centre + away)
        if new.f < self.best.f:
            further = self._at(centre + self.expand * away)
            new = further if further.f < new.f else new
        elif new.f >= second.f:
            inside = new.f >= worst.f
            nearer = self._at(centre + (-self.contract if inside else self.contract) * away)
            good = nearer.f < worst.f if inside else nearer.f <= new.f
            new = nearer if good else None
        if new is None:
            self._shrink()
        else:
            self._replace(order[-1], new)
        self._sort()
        best = self.best
        # a new record: what it says of the simplex is of this step
        now = Point(best.x, best.value, None, best.f, self.spread, [self])
        return Step(now)

    def _replace(self, corner: int, point: Point) -> None:
        self.corners[corner] = point
        set_at = self.objective.space.backend.set_at
        if set_at is not None:
            self.rows = set_at(self.rows, (corner, ...), point.x)
        else:
            self.rows[corner, ...] = point.x

    def _shrink(self) -> None:
        keep = self.order[0]
        centre = self.best.x
        for corner, point in enumerate(self.corners):
            if corner != keep:
                x = centre + self.shrink * (point.x - centre)
                self._replace(corner, self._at(x))
