"""L-BFGS: the inverse Hessian from the last few steps, in compact form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anygrad.backends.types import Array
from anygrad.ranges import check_count
from anygrad.solvers.descents.descent import Move
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

    Rows of one array on the device hold s and y in slots that are used in turn; ``order`` lists the
    slots from the oldest to the newest, and the small matrices follow that order.
    """

    def __init__(self, space: Space, memory: int) -> None:
        self.space = space
        self.memory = memory
        self.rows: Array | None = None
        self.forget()

    def forget(self) -> None:
        """Start anew; the array is kept."""
        self.order = np.zeros(0, dtype=np.int64)
        self.inverse_r = np.zeros((0, 0))  # of R, the upper triangle of S Y^T
        self.yy = np.zeros((0, 0))
        self.sy = np.zeros(0)  # its diagonal
        self.gamma = 1.0

    @property
    def count(self) -> int:
        """How many pairs there are."""
        return len(self.order)

    def used(self) -> Array:
        """The rows that hold something: (2 k, n), s and y of each slot in turn."""
        assert self.rows is not None
        whole = self.count == self.memory
        return self.rows if whole else self.rows[: 2 * self.count, :]

    def split(self, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From products with all rows, those with S and those with Y, from the oldest on."""
        both = products.reshape(-1, 2)[self.order]
        return both[:, 0], both[:, 1]

    def join(self, of_s: np.ndarray, of_y: np.ndarray) -> np.ndarray:
        """Coefficients of all rows from those of S and Y: the inverse of `split`."""
        both = np.empty((self.count, 2))
        both[self.order, 0] = of_s
        both[self.order, 1] = of_y
        return both.reshape(-1)

    def add(self, s: Array, y: Array, sy: float, yy: float, s_y: Any, y_y: Any) -> None:
        """Store a pair; ``s_y`` and ``y_y`` are the products of stored S and Y with the new y."""
        k, inverse_r, yys, sys = self.count, self.inverse_r, self.yy, self.sy
        if k == self.memory:
            slot = int(self.order[0])
            self.order = np.append(self.order[1:], slot)
            inverse_r, yys, sys = inverse_r[1:, 1:], yys[1:, 1:], sys[1:]
            s_y, y_y = s_y[1:], y_y[1:]
            k -= 1
        else:
            slot = k
            self.order = np.append(self.order, slot)
        # the inverse of [[R, r], [0, sy]]
        grown = np.zeros((k + 1, k + 1))
        grown[:k, :k] = inverse_r
        grown[:k, k] = inverse_r @ s_y / -sy
        grown[k, k] = 1.0 / sy
        squares = np.empty((k + 1, k + 1))
        squares[:k, :k] = yys
        squares[k, :k] = squares[:k, k] = y_y
        squares[k, k] = yy
        self.inverse_r, self.yy, self.sy = grown, squares, np.append(sys, sy)
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
        # products of the stored S and Y with the gradient of the current point
        self.s_g = self.y_g = np.zeros(0)

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        pairs = self.pairs
        if not pairs.count:
            return Move(-point.gradient, first_step(point))
        gamma = pairs.gamma
        p = pairs.inverse_r @ self.s_g
        of_s = (pairs.sy * p + gamma * (pairs.yy @ p - self.y_g)) @ pairs.inverse_r
        weights = self.space.from_host(pairs.join(of_s, -gamma * p))
        return Move(-gamma * point.gradient - weights @ pairs.used())

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Ask for all inner products that the next direction needs, in one reduction."""
        y = gradient - point.gradient
        wanted = [y @ y, y @ gradient]
        return [*wanted, self.pairs.used() @ gradient] if self.pairs.count else wanted

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Store the step and the change of the gradient, if f curves upwards along it."""
        yy, y_g, *products = trial.point.extra
        s_g_now, y_g_now = self.pairs.split(products[0]) if products else (self.s_g, self.y_g)
        t = trial.t
        sy = t * (trial.slope - line.slope)
        if not sy > self.space.eps * yy:
            self.s_g, self.y_g = s_g_now, y_g_now
            return
        s, y = t * line.direction, trial.point.gradient - point.gradient
        s_y, y_y = s_g_now - self.s_g, y_g_now - self.y_g
        self.pairs.add(s, y, sy, yy, s_y, y_y)
        kept = self.pairs.count - 1
        self.s_g = np.append(s_g_now[len(s_g_now) - kept :], t * trial.slope)
        self.y_g = np.append(y_g_now[len(y_g_now) - kept :], y_g)

    def reset(self) -> bool:
        """Forget all pairs."""
        had = self.pairs.count > 0
        self.pairs.forget()
        self.s_g = self.y_g = np.zeros(0)
        return had
