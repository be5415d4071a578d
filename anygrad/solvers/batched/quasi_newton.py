"""BFGS for a batch: every example has its matrix, its search and its end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.backends.types import Array
from anygrad.solvers.batched.lanes import RUNNING, Lanes
from anygrad.solvers.batched.running import Running
from anygrad.solvers.problem.line import ROUNDINGS
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.stopping import FLAT, UNBOUNDED_BELOW, Tolerances

ARMIJO, CURVATURE = 1e-4, 0.9
TRIALS = 40
COUNTERS = ("f", "peak", "slope", "t", "low", "high", "trials", "flat", "fresh", "seen")


@dataclass
class Search:
    """Numbers of every row on the host: where its search stands."""

    f: np.ndarray
    peak: np.ndarray
    slope: np.ndarray
    t: np.ndarray
    low: np.ndarray
    high: np.ndarray
    trials: np.ndarray
    flat: np.ndarray
    fresh: np.ndarray  # whether the direction is -g
    seen: np.ndarray  # whether the search met a finite value

    def keep(self, stay: np.ndarray) -> None:
        """Keep some rows."""
        for name in COUNTERS:
            setattr(self, name, getattr(self, name)[stay])


class Batch(Running):
    """A run; every tick evaluates f once for every row, and reads the device once.

    Each row goes its own way: one may be in the third trial of its first search when another takes
    its tenth step. Searches bisect between a step that is too short and one that is too long.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, alg. 6.1; Lewis, Overton (2013), Nonsmooth
    optimization via quasi-Newton methods, alg. 2.6, for the search.
    """

    def __init__(self, lanes: Lanes, x: Array, tolerances: Tolerances) -> None:
        size, n = x.shape
        super().__init__(lanes, size)
        self.tolerances = tolerances
        value, gradient = lanes.evaluate(x)
        self.x, self.g = x, gradient
        xp, space = self.xp, lanes.space
        self.d = -gradient
        self.h = xp.zeros((size, n, n), dtype=space.dtype, device=space.device)
        f, peak = lanes.read(value, xp.max(xp.abs(gradient), axis=1))
        self.host = Search(
            f,
            peak,
            *(np.zeros(size) for _ in range(6)),
            fresh=np.ones(size, dtype=bool),
            seen=np.zeros(size, dtype=bool),
        )
        self._begin(np.ones(size, dtype=bool))
        self.host.t = self._first()
        with np.errstate(invalid="ignore"):
            self.end(~(np.isfinite(f) & np.isfinite(peak)), Status.NONFINITE)
            self.end(peak <= tolerances.gtol, Status.CONVERGED)
        if tolerances.max_steps == 0:
            self.end(np.ones(size, dtype=bool), Status.MAX_STEPS)

    def keep(self, stay: np.ndarray, which: Array) -> None:
        """Drop all rows but some."""
        rows = self.lanes.rows
        self.x, self.g, self.d, self.h = (rows(a, which) for a in (self.x, self.g, self.d, self.h))
        self.host.keep(stay)

    def _begin(self, which: np.ndarray) -> None:
        """Start a search in some rows."""
        host = self.host
        host.t[which], host.low[which], host.high[which] = 1.0, 0.0, math.inf
        host.trials[which], host.seen[which] = 0, False

    def _first(self) -> np.ndarray:
        """Choose a step along -g of length 1 or less, as `first_step` does."""
        size = self.host.peak * math.sqrt(self.x.shape[1])
        return np.where(size > 1.0, 1.0 / np.where(size > 0.0, size, 1.0), 1.0)

    def tick(self, running: np.ndarray) -> None:
        """Evaluate all rows once, and go on in those that run."""
        xp, host, lanes = self.xp, self.host, self.lanes
        t = np.where(running, host.t, 0.0)
        (step,) = lanes.send(t)
        x = self.x + step * self.d
        value, g = lanes.evaluate(x)
        self.nfev[lanes.number[running]] += 1
        y = g - self.g
        f, peak, slope, host.slope, yy = lanes.read(
            value,
            xp.max(xp.abs(g), axis=1),
            xp.sum(g * self.d, axis=1),
            xp.sum(self.g * self.d, axis=1),
            xp.sum(y * y, axis=1),
        )
        self.end(running & (f < UNBOUNDED_BELOW), Status.UNBOUNDED)
        running = running & ~(f < UNBOUNDED_BELOW)
        accept = running & self._judge(t, f, peak, slope)
        reset = self._next(running & ~accept, f, slope, np.isfinite(f) & np.isfinite(peak))
        sy = t * (slope - host.slope)
        learn = accept & (sy > lanes.space.eps * np.abs(t * host.slope))
        self._move(accept, reset, learn, x, g, y, t, sy, yy)
        self._took(accept, f, peak, learn)
        self._begin(accept | reset)
        plain = (accept | reset) & host.fresh
        host.t = np.where(plain, self._first(), host.t)

    def _judge(
        self, t: np.ndarray, f: np.ndarray, peak: np.ndarray, slope: np.ndarray
    ) -> np.ndarray:
        """Test the two conditions of Wolfe, by slopes alone where values differ by rounding."""
        host = self.host
        noise = ROUNDINGS * self.lanes.space.eps * np.abs(host.f)
        finite = np.isfinite(f) & np.isfinite(peak) & np.isfinite(slope)
        host.seen |= finite
        low = f <= host.f + ARMIJO * t * host.slope
        flat = slope >= CURVATURE * host.slope
        alike = (np.abs(f - host.f) <= noise) & flat & (slope <= -0.9 * host.slope)
        return finite & (host.slope < 0.0) & ((low & flat) | alike)

    def _next(
        self, which: np.ndarray, f: np.ndarray, slope: np.ndarray, finite: np.ndarray
    ) -> np.ndarray:
        """Choose the next trial of some rows; tells which have to start anew along -g."""
        host, t = self.host, self.host.t
        low = f <= host.f + ARMIJO * t * host.slope
        short = which & finite & low
        long = which & ~short
        # the minimum of the parabola through f(0), f'(0) and f(t), while nothing is known to be low
        curvature = f - host.f - host.slope * t
        parabola = np.clip(-0.5 * host.slope * t * t / curvature, 0.1 * t, 0.5 * t)
        middle = host.low + np.where(finite | (host.trials < 2), 0.5, 0.1) * (t - host.low)
        use = finite & (host.low == 0.0) & np.isfinite(parabola)
        shorter = np.where(use, parabola, middle)
        rising = slope > host.slope
        secant = np.clip(t * host.slope / (host.slope - slope), 2.0 * t, 10.0 * t)
        secant = np.where(rising, secant, 10.0 * t)
        longer = np.where(
            np.isfinite(host.high),
            0.5 * (t + host.high),
            np.where(np.isfinite(secant), secant, 2.0 * t),
        )
        host.high = np.where(long, t, host.high)
        host.low = np.where(short, t, host.low)
        host.t = np.where(long, shorter, np.where(short, longer, t))
        host.trials = np.where(which, host.trials + 1, host.trials)
        return self._failed(which & ((host.trials >= TRIALS) | ~(host.slope < 0.0)))

    def _failed(self, failed: np.ndarray) -> np.ndarray:
        host = self.host
        noise = ROUNDINGS * self.lanes.space.eps * np.abs(host.f)
        self.end(failed & (np.abs(host.slope) <= noise) & host.seen, Status.CONVERGED)
        again = failed & ~host.fresh
        self.end(failed & host.fresh & host.seen, Status.STAGNATED)
        self.end(failed & host.fresh & ~host.seen, Status.NONFINITE)
        again = again & (self.status[self.lanes.number] == RUNNING)
        host.fresh = host.fresh | again
        return again

    def _move(
        self,
        accept: np.ndarray,
        reset: np.ndarray,
        learn: np.ndarray,
        x: Array,
        g: Array,
        y: Array,
        t: np.ndarray,
        sy: np.ndarray,
        yy: np.ndarray,
    ) -> None:
        """Take accepted steps, and update the matrices and directions."""
        xp, space, host = self.xp, self.lanes.space, self.host
        begin = learn & host.fresh
        safe = np.where(learn, sy, 1.0)
        scale = np.where(begin, sy / np.where(yy > 0.0, yy, 1.0), 0.0)
        plain = reset | (accept & host.fresh & ~learn)
        took, learned, began, along, step, curved, turned = self.lanes.send(
            accept, learn, begin, scale, t, safe, plain
        )
        one = xp.eye(space.size, dtype=space.dtype, device=space.device)[None, :, :]
        h = xp.where(began[:, :, None] > 0.5, along[:, :, None] * one, self.h)
        s = xp.where(learned > 0.5, step * self.d, xp.zeros_like(x))
        y = xp.where(learned > 0.5, y, xp.zeros_like(y))
        moved = xp.sum(h * y[:, None, :], axis=2)
        bend = xp.sum(y * moved, axis=1, keepdims=True)
        w = s * ((0.5 / curved) * (1.0 + bend / curved)) - moved / curved
        self.h = h + s[:, :, None] * w[:, None, :] + w[:, :, None] * s[:, None, :]
        self.x = xp.where(took > 0.5, x, self.x)
        self.g = xp.where(took > 0.5, g, self.g)
        newton = -xp.sum(self.h * self.g[:, None, :], axis=2)
        self.d = xp.where(turned > 0.5, -self.g, xp.where(took > 0.5, newton, self.d))

    def _took(self, accept: np.ndarray, f: np.ndarray, peak: np.ndarray, learn: np.ndarray) -> None:
        host, tolerances = self.host, self.tolerances
        change, size = np.abs(host.f - f), np.maximum(np.abs(host.f), np.abs(f))
        alike = change <= self.lanes.space.eps * size
        host.flat = np.where(accept, np.where(alike, host.flat + 1, 0), host.flat)
        host.f = np.where(accept, f, host.f)
        host.peak = np.where(accept, peak, host.peak)
        host.fresh = host.fresh & ~learn
        numbers = self.lanes.number
        self.nit[numbers[accept]] += 1
        done = (peak <= tolerances.gtol) | (host.flat >= FLAT)
        if tolerances.ftol > 0.0:
            done |= change <= tolerances.ftol * np.maximum(size, 1.0)
        self.end(accept & done, Status.CONVERGED)
        self.end(accept & (self.nit[numbers] >= tolerances.max_steps), Status.MAX_STEPS)
        self.end(self.nfev[numbers] >= tolerances.max_evaluations, Status.MAX_EVALUATIONS)


def run_quasi_newton(lanes: Lanes, x: Array, tolerances: Tolerances) -> tuple[Array, Any]:
    """Minimise for every row of ``x``."""
    batch = Batch(lanes, x, tolerances)
    return batch.run(), batch
