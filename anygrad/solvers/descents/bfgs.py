"""BFGS: the inverse Hessian as a matrix, from all steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from anygrad.backends.types import Array
from anygrad.solvers.descents.descent import Move, is_curved_upwards
from anygrad.solvers.descents.steepest import first_step
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.space import Space
from anygrad.solvers.searches.search import Search
from anygrad.solvers.searches.wolfe import StrongWolfe

__all__ = ["BFGS", "bfgs"]


@dataclass(frozen=True)
class BFGS:
    """Options of BFGS; `bfgs` makes one."""

    search: Search = field(default_factory=lambda: StrongWolfe(1e-4, 0.9, 30))
    name: str = "BFGS"

    def begin(self, objective: Objective, point: Point) -> Dense:
        """Start at a point."""
        return Dense(objective.space)


def bfgs() -> BFGS:
    """Approximate the inverse Hessian by a matrix; for up to a few thousand variables.

    Memory and time of an iteration are those of a few passes over n^2 numbers.

    Returns
    -------
    BFGS
        For ``minimize(method=...)``.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, alg. 6.1 and eq. 6.17; first steps by
    eq. 3.60, at most 1.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> method = ag.solvers.bfgs()
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 4), np.zeros(2), method=method).x.round(1)
    array([3., 3.])
    """
    return BFGS()


class Dense:
    """The direction -H g; one product with H an iteration, from which all others follow."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.forget()

    def forget(self) -> None:
        """Start anew; None stands for the matrix one, of which no product need be made."""
        self.inverse: Array | None = None
        self.planned: Move | None = None
        self.product: tuple[Array, Array] | None = None  # a gradient, and H times it

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        return self.planned or Move(-point.gradient, first_step(point))

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Ask for y y, y H y and g H g, with y the change of the gradient."""
        y, moved = gradient - point.gradient, self._times(gradient)
        # direction = -H g of the old point
        return [y @ y, y @ (moved + direction), gradient @ moved]

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Update the matrix, if f curves upwards along the step, and plan the next step."""
        yy, y_moved, g_moved = trial.point.extra
        sy, s_g = trial.t * (trial.slope - line.slope), trial.t * trial.slope
        s, moved_g = trial.t * line.direction, self._times(trial.point.gradient)
        if not is_curved_upwards(line, trial, self.space.eps):
            self._plan(-moved_g, -g_moved, line.f - trial.f)
            return
        if self.inverse is None and sy > yy:
            # the matrix one would be too small in all directions (eq. 6.20)
            scale = sy / yy
            moved_g, y_moved, g_moved = scale * moved_g, scale * y_moved, scale * g_moved
        else:
            scale = 1.0
        # H + s w^T + w s^T is the new matrix
        moved = moved_g + scale * line.direction
        w = s * (0.5 / sy * (1.0 + y_moved / sy)) - moved / sy
        w_g = 0.5 / sy * (1.0 + y_moved / sy) * s_g - (g_moved + scale * trial.slope) / sy
        self._update(s, w, scale)
        self._plan(-moved_g - w_g * s - s_g * w, -g_moved - 2.0 * w_g * s_g, line.f - trial.f)

    def _times(self, gradient: Array) -> Array:
        if self.inverse is None:
            return gradient
        if self.product is None or self.product[0] is not gradient:
            self.product = gradient, self.inverse @ gradient
        return self.product[1]

    def _update(self, s: Array, w: Array, scale: float) -> None:
        space, xp, inverse = self.space, self.space.xp, self.inverse
        if inverse is None:
            inverse = scale * xp.eye(space.size, dtype=space.dtype, device=space.device)
        left, right = xp.stack([s, w], axis=1), xp.stack([w, s], axis=0)
        self.inverse = inverse + left @ right
        self.product = None

    def _plan(self, direction: Array, slope: float, fall: float) -> None:
        """Try the step that makes the same first-order change as the last one, at most 1."""
        first = min(1.0, 2.02 * fall / -slope) if fall > 0.0 > slope else 1.0
        self.planned = Move(direction, first, slope)

    def reset(self) -> bool:
        """Forget the matrix."""
        had = self.planned is not None
        self.forget()
        return had
