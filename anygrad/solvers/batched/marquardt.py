"""Levenberg-Marquardt for a batch of systems or fits: every example has a damping of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends.types import Array
from anygrad.solvers.batched.lanes import Lanes, NotBatched
from anygrad.solvers.batched.running import Running
from anygrad.solvers.problem.line import ROUNDINGS
from anygrad.solvers.problem.objective import is_numerical
from anygrad.solvers.problem.status import Status

FIRST = 1e-3
SMALLEST, LARGEST = 1e-16, 1e16
NEWTON = 1e-6
"""Below this damping a step is as good as one of Gauss and Newton, and tells how near x is."""


class Batch(Running):
    """A run; every tick evaluates residuals and Jacobians once, and reads the device once.

    The matrix of a row is J^T J + mu diag(J^T J); mu falls tenfold after a good step and rises
    fivefold after a bad one.

    References
    ----------
    Marquardt (1963), An algorithm for least-squares estimation of nonlinear parameters; Nocedal,
    Wright (2006), Numerical Optimization, 10.3.
    """

    def __init__(
        self,
        lanes: Lanes,
        x: Array,
        *,
        is_root: bool,
        tolerance: float,
        xtol: float,
        max_steps: int,
        max_evaluations: float,
    ) -> None:
        size = x.shape[0]
        super().__init__(lanes, size)
        self.is_root = is_root
        self.tolerance, self.xtol = tolerance, xtol
        self.max_steps, self.max_evaluations = max_steps, max_evaluations
        self.mu = np.full(size, FIRST)
        self.x = x
        self.r, self.j = lanes.evaluate(x)
        self.slope = self._slope(self.r, self.j)
        self.cost, self.peak, self.up = lanes.read(*self._sizes(self.r, self.j, self.slope))
        with np.errstate(invalid="ignore"):
            self.end(~(np.isfinite(self.cost) & np.isfinite(self.up)), Status.NONFINITE)
            self.end(self.peak <= tolerance, Status.CONVERGED)
        if max_steps == 0:
            self.end(np.ones(size, dtype=bool), Status.MAX_STEPS)

    def keep(self, stay: np.ndarray, which: Array) -> None:
        """Drop all rows but some."""
        rows = self.lanes.rows
        self.x, self.r, self.j, self.slope = (
            rows(a, which) for a in (self.x, self.r, self.j, self.slope)
        )
        self.mu, self.cost, self.peak, self.up = (
            a[stay] for a in (self.mu, self.cost, self.peak, self.up)
        )

    def _slope(self, r: Array, j: Array) -> Array:
        return self.xp.sum(j * r[:, :, None], axis=1)

    def _sizes(self, r: Array, j: Array, slope: Array) -> tuple[Array, Array, Array]:
        """The cost; what is to become small; the largest element of the gradient."""
        xp = self.xp
        square = xp.sum(r * r, axis=1)
        up = xp.max(xp.abs(slope), axis=1)
        if self.is_root:
            return 0.5 * square, xp.max(xp.abs(r), axis=1), up
        # the largest cosine between residuals and columns, as single problems test
        lengths = xp.sqrt(xp.sum(j * j, axis=1) * square[:, None])
        some = lengths > 0.0
        cosines = xp.abs(slope) / xp.where(some, lengths, xp.ones_like(lengths))
        return 0.5 * square, xp.max(cosines, axis=1), up

    def _step(self, running: np.ndarray) -> tuple[Array, Array]:
        """Solve for the steps of all rows; also J s."""
        xp, space = self.xp, self.lanes.space
        (mu,) = self.lanes.send(np.where(running, self.mu, 1.0))
        square = xp.matmul(xp.matrix_transpose(self.j), self.j)
        diagonal = xp.sum(self.j * self.j, axis=1)
        largest = xp.max(diagonal, axis=1, keepdims=True)
        largest = xp.where(largest > 0.0, largest, xp.ones_like(largest))
        floor = space.eps * largest
        one = xp.eye(space.size, dtype=space.dtype, device=space.device)[None, :, :]
        damping = mu * xp.maximum(diagonal, floor) + floor * 1e-2
        matrix = square + damping[:, :, None] * one
        # a row of a failed example must not spoil the others
        sound = xp.all(xp.all(xp.isfinite(matrix), axis=2), axis=1)[:, None]
        matrix = xp.where(sound[:, :, None], matrix, one)
        right = xp.where(sound, -self.slope, xp.zeros_like(self.slope))
        try:
            s = xp.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        except Exception as error:
            if not is_numerical(error):
                raise
            raise NotBatched from error
        return s, xp.sum(self.j * s[:, None, :], axis=2)

    def tick(self, running: np.ndarray) -> None:
        """Evaluate all rows once, and go on in those that run."""
        xp, lanes = self.xp, self.lanes
        s, moved = self._step(running)
        (go,) = lanes.send(running.astype(float))
        s = xp.where(go > 0.5, s, xp.zeros_like(s))
        x = self.x + s
        r, j = lanes.evaluate(x)
        self.nfev[lanes.number[running]] += 1
        slope = self._slope(r, j)
        # more digits than the difference of two costs has
        gain = 0.5 * xp.sum((self.r - r) * (self.r + r), axis=1)
        promise = -xp.sum(self.slope * s, axis=1) - 0.5 * xp.sum(moved * moved, axis=1)
        cost, peak, up, gain, promise, ss, xx = lanes.read(
            *self._sizes(r, j, slope),
            gain,
            promise,
            xp.sum(s * s, axis=1),
            xp.sum(self.x * self.x, axis=1),
        )
        finite = np.isfinite(cost) & np.isfinite(up)
        good = finite & (gain > 1e-4 * promise) & (promise > 0.0)
        # where the gain is rounding the gradient decides
        noisy = finite & (promise <= ROUNDINGS * lanes.space.eps * self.cost)
        good = running & (good | (noisy & (up < self.up)))
        tiny = np.sqrt(ss) <= self.xtol * (self.xtol + np.sqrt(xx))
        near = running & tiny & (self.mu <= NEWTON) & finite
        stuck = running & noisy & ~good & (self.mu <= NEWTON)
        self.mu = np.where(good, self._eased(gain, promise), np.where(running, 5.0 * self.mu, 1.0))
        self._take(good, x, r, j, slope)
        self.cost, self.peak, self.up = (
            np.where(good, new, old)
            for new, old in ((cost, self.cost), (peak, self.peak), (up, self.up))
        )
        self._finish(running, good, near, stuck)

    def _eased(self, gain: np.ndarray, promise: np.ndarray) -> np.ndarray:
        return np.where(gain > 0.5 * promise, np.maximum(0.1 * self.mu, SMALLEST), self.mu)

    def _take(self, good: np.ndarray, x: Array, r: Array, j: Array, slope: Array) -> None:
        xp = self.xp
        (took,) = self.lanes.send(good.astype(float))
        mask = took > 0.5
        self.x = xp.where(mask, x, self.x)
        self.r = xp.where(mask, r, self.r)
        self.j = xp.where(mask[:, :, None], j, self.j)
        self.slope = xp.where(mask, slope, self.slope)
        self.nit[self.lanes.number[good]] += 1

    def _finish(
        self, running: np.ndarray, good: np.ndarray, near: np.ndarray, stuck: np.ndarray
    ) -> None:
        numbers = self.lanes.number
        self.end(good & (self.peak <= self.tolerance), Status.CONVERGED)
        self.end(near, Status.CONVERGED)
        # a fit ends where the gain is rounding; a root is none there
        self.end(stuck, Status.STAGNATED if self.is_root else Status.CONVERGED)
        hopeless = running & (self.mu > LARGEST)
        self.end(hopeless, Status.SINGULAR if self.is_root else Status.STAGNATED)
        self.end(running & (self.nit[numbers] >= self.max_steps), Status.MAX_STEPS)
        self.end(running & (self.nfev[numbers] >= self.max_evaluations), Status.MAX_EVALUATIONS)


def run_marquardt(lanes: Lanes, x: Array, **options: Any) -> tuple[Array, Batch]:
    """Solve for every row of ``x``."""
    batch = Batch(lanes, x, **options)
    return batch.run(), batch
