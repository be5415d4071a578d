"""BFGS: the inverse Hessian as a matrix, from all steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from anygrad.backends.types import Array
from anygrad.solvers.descents.descent import Move
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
    Nocedal, Wright (2006), Numerical Optimization, alg. 6.1, first matrix by eq. 6.20.

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
    """The direction -H g."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.inverse: Array | None = None

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        if self.inverse is None:
            return Move(-point.gradient, first_step(point))
        return Move(-(self.inverse @ point.gradient))

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Ask for the square of the change of the gradient."""
        y = gradient - point.gradient
        return [y @ y]

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Update the matrix, if f curves upwards along the step."""
        space = self.space
        yy, sy = trial.point.extra[0], trial.t * (trial.slope - line.slope)
        if not sy > space.eps * yy:
            return
        xp = space.xp
        s, y = trial.t * line.direction, trial.point.gradient - point.gradient
        inverse = self.inverse
        if inverse is None:
            inverse = (sy / yy) * xp.eye(space.size, dtype=space.dtype, device=space.device)
        moved = inverse @ y
        # H + s w^T + w s^T; the scalar y H y stays on the device
        w = s * ((0.5 / sy) * (1.0 + (y @ moved) / sy)) - moved / sy
        left, right = xp.stack([s, w], axis=1), xp.stack([w, s], axis=0)
        self.inverse = inverse + left @ right

    def reset(self) -> bool:
        """Forget the matrix."""
        had = self.inverse is not None
        self.inverse = None
        return had
