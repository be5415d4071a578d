"""L-BFGS: the inverse Hessian from the last few steps, in compact form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from anygrad.backends.types import Array
from anygrad.ranges import check_count
from anygrad.solvers.descents.descent import Move, is_curved_upwards
from anygrad.solvers.descents.steepest import first_step
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.space import Space
from anygrad.solvers.searches.search import Search
from anygrad.solvers.searches.wolfe import StrongWolfe

__all__ = ["LBFGS", "lbfgs"]


@dataclass(frozen=True)
class LBFGS:
    """Options of L-BFGS; `lbfgs` makes one."""

    memory: int = 10
    search: Search = field(default_factory=lambda: StrongWolfe(1e-4, 0.9, 30))
    name: str = "L-BFGS"

    def begin(self, objective: Objective, point: Point) -> Compact:
        """Start at a point."""
        return Compact(objective.space, self.memory)


def lbfgs(*, memory: int = 10) -> LBFGS:
    """Approximate the inverse Hessian from the last ``memory`` steps; for many variables.

    Memory: 2 ``memory`` + 8 vectors. An iteration reads the stored vectors twice, once for all
    inner products with the gradient, in one matrix product, and once for the direction.

    Parameters
    ----------
    memory : int
        Steps remembered, >= 1; 5 to 30 are usual.

    Returns
    -------
    LBFGS
        For ``minimize(method=...)``.

    Raises
    ------
    ArgumentError
        If ``memory`` is no positive integer.

    References
    ----------
    Byrd, Nocedal, Schnabel (1994), Representations of quasi-Newton matrices and their use in
    limited memory methods, theorem 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> method = ag.solvers.lbfgs(memory=5)
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 4), np.zeros(2), method=method).x.round(1)
    array([3., 3.])
    """
    return LBFGS(check_count("lbfgs(memory)", memory, 1))


class Pairs:
    """The last steps s and changes of the gradient y, with all their inner products on the host.

    Row 2 k of one array on the device holds the s of slot k, row 2 k + 1 its y; slots are used in
    turn. The small matrices have a row and a column for each slot, zero where there is nothing.

    Attributes
    ----------
    inverse_r : array, shape (memory, memory)
        Of R, the products of s with the y of the same step and of later ones.
    yy : array, shape (memory, memory)
        Products of all y.
    sy : array, shape (memory,)
        Product of s with y of the same step.
    of_g : array, shape (2 memory,)
        Products of the rows with the gradient of the current point.
    gamma : float
        s y / y y of the newest step.
    """

    def __init__(self, space: Space, memory: int) -> None:
        self.space = space
        self.memory = memory
        self.rows: Array | None = None
        self.forget()

    def forget(self) -> None:
        """Start anew; the array is kept."""
        m = self.memory
        self.count = 0
        self.slot = -1
        self.inverse_r = np.zeros((m, m))
        self.yy = np.zeros((m, m))
        self.sy = np.zeros(m)
        self.of_g = np.zeros(2 * m)
        self.gamma = 1.0

    def used(self) -> Array:
        """The rows that hold something; all of them for libraries that compile for each shape."""
        assert self.rows is not None
        stop = self._stop()
        return self.rows if stop == 2 * self.memory else self.rows[:stop, :]

    def _stop(self) -> int:
        return 2 * (self.memory if self.space.backend.compiles else self.count)

    def weights(self) -> np.ndarray:
        """Coefficients of the used rows in -H g, to which -gamma g is to be added."""
        inverse_r, gamma, of_g = self.inverse_r, self.gamma, self.of_g
        p = inverse_r @ of_g[::2]
        found = np.empty(2 * self.memory)
        found[::2] = (gamma * (of_g[1::2] - self.yy @ p) - self.sy * p) @ inverse_r
        found[1::2] = gamma * p
        return found[: self._stop()]

    def add(self, s: Array, y: Array, sy: float, yy: float, products: np.ndarray) -> None:
        """Store a pair; ``products`` are those of the used rows with the new y."""
        if self.count < self.memory:
            self.count += 1
        slot = self.slot = (self.slot + 1) % self.memory
        inverse_r, squares, size = self.inverse_r, self.yy, products.shape[0]
        # without the oldest row and column, R^-1 is the inverse of what is left of R; then it is
        # that of [[R, r], [0, sy]], with r = S y
        inverse_r[slot] = 0.0
        inverse_r[:, slot] = 0.0
        inverse_r[:, slot] = inverse_r[:, : size // 2] @ products[::2] * (-1.0 / sy)
        inverse_r[slot, slot] = 1.0 / sy
        squares[slot, : size // 2] = squares[: size // 2, slot] = products[1::2]
        squares[slot, slot] = yy
        self.sy[slot] = sy
        self.gamma = sy / yy
        self._write(2 * slot, s)
        self._write(2 * slot + 1, y)

    def _write(self, row: int, vector: Array) -> None:
        rows = self.rows
        if rows is None:
            rows = self.space.zeros(2 * self.memory, self.space.size)
        set_at = self.space.backend.set_at
        if set_at is not None:
            rows = set_at(rows, (row, ...), vector)
        else:
            rows[row, ...] = vector
        self.rows = rows


class Compact:
    """The direction -H g, with H in compact form."""

    def __init__(self, space: Space, memory: int) -> None:
        self.space = space
        self.pairs = Pairs(space, memory)
        self.change: tuple[Array, Array] | None = None  # the last gradient measured, and its y

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        pairs = self.pairs
        if not pairs.count:
            return Move(-point.gradient, first_step(point))
        weights = self.space.from_host(pairs.weights())
        return Move(weights @ pairs.used() - pairs.gamma * point.gradient)

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Ask for all inner products that the next direction needs, in one reduction."""
        y = gradient - point.gradient
        self.change = gradient, y
        if self.pairs.count:
            return [y @ y, y @ gradient, self.pairs.used() @ gradient]
        return [y @ y, y @ gradient]

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Store the step and the change of the gradient, if f curves upwards along it."""
        pairs, extra, t = self.pairs, trial.point.extra, trial.t
        now = extra[2] if len(extra) > 2 else np.zeros(0)
        yy, sy = extra[0], t * (trial.slope - line.slope)
        of_g = pairs.of_g
        before = of_g[: now.shape[0]]
        change = now - before
        before[...] = now
        if is_curved_upwards(line, trial, self.space.eps):
            gradient, y = self.change or (None, None)
            if gradient is not trial.point.gradient:  # an earlier trial was taken
                y = trial.point.gradient - point.gradient
            pairs.add(t * line.direction, y, sy, yy, change)
            of_g[2 * pairs.slot] = t * trial.slope
            of_g[2 * pairs.slot + 1] = extra[1]

    def reset(self) -> bool:
        """Forget all pairs."""
        had = self.pairs.count > 0
        self.pairs.forget()
        return had
