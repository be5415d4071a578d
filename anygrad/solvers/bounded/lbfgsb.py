"""L-BFGS-B: limited-memory BFGS within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from anygrad.backends.types import Array
from anygrad.ranges import check_count
from anygrad.solvers.bounded.cauchy import cauchy_point
from anygrad.solvers.bounded.model import Model
from anygrad.solvers.descents.descent import Directions, Move, is_curved_upwards
from anygrad.solvers.descents.lbfgs import Compact
from anygrad.solvers.descents.steepest import first_step
from anygrad.solvers.problem.bounds import Box
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.space import Space
from anygrad.solvers.searches.search import Search
from anygrad.solvers.searches.wolfe import StrongWolfe

__all__ = ["LBFGSB", "lbfgsb"]


@dataclass(frozen=True)
class LBFGSB:
    """Options of L-BFGS-B; `lbfgsb` makes one."""

    memory: int = 10
    search: Search = field(default_factory=lambda: StrongWolfe(1e-4, 0.9, 30))
    name: str = "L-BFGS-B"
    takes_bounds: bool = True

    def begin(self, objective: Objective, point: Point) -> Directions:
        """Start at a point; without bounds as L-BFGS."""
        if objective.box is None:
            return Compact(objective.space, self.memory)
        return Bounded(objective.space, objective.box, self.memory)


def lbfgsb(*, memory: int = 10) -> LBFGSB:
    """Minimise within bounds by a limited-memory model; for many variables.

    Each step minimises the model along the projected gradient, then over the variables that are
    not at a bound, and searches towards the projection of that minimum. Without bounds it is
    L-BFGS.

    Memory: about 20 ``memory`` + 20 vectors. An iteration reads from the device once more than it
    evaluates f: the small matrix of the second minimisation, of ``(2 memory)^2`` numbers.

    Parameters
    ----------
    memory : int
        Steps remembered, >= 1; 5 to 30 are usual.

    Returns
    -------
    LBFGSB
        For ``minimize(method=...)``.

    Raises
    ------
    ArgumentError
        If ``memory`` is no positive integer.

    References
    ----------
    Byrd, Lu, Nocedal, Zhu (1995), A limited memory algorithm for bound constrained optimization.
    Morales, Nocedal (2011), Remark on algorithm 778, for the projection of the second minimum.
    The first trial step is 1 where every variable has both bounds, else at most 1 / |d|.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> f = lambda x: np.sum((x - np.asarray([3.0, -1.0])) ** 2)
    >>> ag.minimize(f, np.ones(2), method=ag.solvers.lbfgsb(), bounds=(0.0, 2.0)).x
    array([2., 0.])
    """
    return LBFGSB(check_count("lbfgsb(memory)", memory, 1))


class Bounded:
    """Directions to the minimum of the model within the bounds."""

    def __init__(self, space: Space, box: Box, memory: int) -> None:
        self.space = space
        self.box = box
        self.model = Model(space, memory)
        self.along: list[Array] = []  # the rows times the direction, on the device

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        with np.errstate(over="ignore", invalid="ignore"):  # of steps to bounds that are far
            target = self._target(point)
            direction = target - point.x
            limit = self.box.reach(self.space, point.x, direction)
        known = self.model.count > 0
        self.along = [self.model.kept() @ direction] if known else []
        # between bounds on both sides the projected gradient has a length that makes sense
        first = 1.0 if known or self.box.is_closed else first_step(point)
        return Move(direction, first, limit=limit)

    def _target(self, point: Point) -> Array:
        model, space, x, g = self.model, self.space, point.x, point.gradient
        if not model.count:
            return cauchy_point(space, self.box, x, g, 1.0, None, None).x
        try:
            middle = space.from_host(model.middle())
        except np.linalg.LinAlgError:
            self.reset()
            return self._target(point)
        rows = model.kept()
        cauchy = cauchy_point(space, self.box, x, g, model.theta, rows, middle).x
        return self._improved(x, g, cauchy, rows, middle)

    def _improved(self, x: Array, g: Array, cauchy: Array, rows: Array, middle: Array) -> Array:
        """Minimise the model over the variables that are free at the Cauchy point."""
        space, box, model = self.space, self.box, self.model
        xp, theta = space.xp, model.theta
        free = (cauchy > box.lower) & (cauchy < box.upper)
        shift = cauchy - x
        residual = (middle @ (rows @ shift)) @ rows - g - theta * shift
        residual = xp.where(free, residual, xp.zeros_like(residual))
        free_rows = rows * xp.astype(free, space.dtype)
        gram = free_rows @ xp.permute_dims(free_rows, (1, 0))
        size = rows.shape[0]
        gram, product = space.fetch([xp.reshape(gram, (size * size,)), free_rows @ residual])
        try:
            weights = model.reduced(np.reshape(gram, (size, size)), product) / theta**2
        except np.linalg.LinAlgError:
            return cauchy
        if not np.all(np.isfinite(weights)):
            return cauchy
        step = residual / theta + space.from_host(weights) @ free_rows
        projected = box.project(space, cauchy + step)
        falls = g @ (projected - x) < 0.0
        if space.is_on_host and falls:
            return projected
        # the projection may lead upwards; then the step is cut where it meets the first bound
        share = box.reach(space, cauchy, step)
        share = xp.where(share < 1.0, share, xp.ones_like(share))
        cut = box.project(space, cauchy + share * step)
        return xp.where(falls, projected, cut)

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Ask for the inner products that the next model needs."""
        y = gradient - point.gradient
        return [y @ y, direction @ direction, *self.along]

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Store the step and the change of the gradient, if f curves upwards along it."""
        t = trial.t
        yy, dd, *along = trial.point.extra
        sy = t * (trial.slope - line.slope)
        if not is_curved_upwards(line, trial, self.space.eps):
            return
        s, y = t * line.direction, trial.point.gradient - point.gradient
        products = t * along[0][: 2 * self.model.count] if along else np.zeros(0)
        self.model.store(s, y, t * t * dd, sy, yy, products)

    def reset(self) -> bool:
        """Forget all pairs."""
        had = self.model.count > 0
        self.model.forget()
        return had
