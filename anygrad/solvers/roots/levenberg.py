"""Where Newton's step does not help: damped least-squares steps of Levenberg and Marquardt."""

from __future__ import annotations

import math

from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Namespace
from anygrad.solvers.problem.objective import Point, is_numerical
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.roots.stopping import stagnated
from anygrad.solvers.roots.system import System

FIRST = 1e-3
STRONGEST = 1e16
TRIALS = 25


class Levenberg:
    """Steps (J^T J + mu d I) s = -J^T f, with d the largest element of the diagonal of J^T J.

    They exist for a singular J too, and always lead down where J^T f is not zero.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, 10.3; the damping by the ratio of actual to
    predicted decrease as in Marquardt (1963), An algorithm for least-squares estimation of
    nonlinear parameters.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.mu = FIRST

    def step(self, point: Point, matrix: Array) -> Step:
        """Find a lower |f| from a point with its Jacobian, or say why there is none."""
        system, space = self.system, self.system.space
        xp, f = space.xp, point.gradient
        slope = f @ matrix
        square = xp.matrix_transpose(matrix) @ matrix
        one = xp.eye(space.size, dtype=space.dtype, device=space.device)
        scale = xp.max(xp.abs(square * one))
        scale = xp.where(scale > 0.0, scale, xp.ones_like(scale))
        sizes: list[float] = []
        for _ in range(TRIALS):
            s = solve(square + (self.mu * scale) * one, -slope)
            if s is not None:
                trial = system.evaluate(
                    point.x + s, lambda r, s=s: _measures(xp, slope, s, matrix, f)
                )
                if trial.extra:
                    down, curvature, *sizes = trial.extra
                    predicted = -(down + 0.5 * curvature)
                    if trial.is_finite and predicted > 0.0:
                        ratio = (point.f - trial.f) / predicted
                        if ratio > 1e-4 and trial.f < point.f:
                            if ratio > 0.75:
                                self.mu = max(0.1 * self.mu, space.eps)
                            elif ratio < 0.25:
                                self.mu *= 4.0
                            return Step(trial, 1.0 / (1.0 + self.mu))
            if self.mu >= STRONGEST:
                break
            self.mu *= 10.0
        self.mu = FIRST
        return self._failed(point, sizes)

    def _failed(self, point: Point, sizes: list[float]) -> Step:
        eps = self.system.space.eps
        if not sizes:
            why = self.system.failure
            return Step(
                None, 0.0, Status.NONFINITE, f"f could not be evaluated: {why}." * bool(why)
            )
        slope, product = (math.sqrt(max(v, 0.0)) for v in sizes)
        if slope <= eps ** (1.0 / 3.0) * product:
            message = (
                f"The Jacobian is singular where |f| has a local minimum, "
                f"{math.sqrt(2.0 * point.f):.3g}: there is no root near. Start elsewhere."
            )
            return Step(None, 0.0, Status.SINGULAR, message)
        return Step(None, 0.0, Status.STAGNATED, stagnated(point))


def _measures(xp: Namespace, slope: Array, s: Array, matrix: Array, f: Array) -> list[Array]:
    moved = matrix @ s
    return [slope @ s, moved @ moved, slope @ slope, xp.sum(matrix * matrix) * (f @ f)]


def solve(matrix: Array, b: Array) -> Array | None:
    """Solve a dense system; None where the library says that it is singular.

    Libraries that do not say it give values that are not finite, which a trial shows.
    """
    xp = namespace_of(matrix)
    try:
        return xp.linalg.solve(matrix, b[:, None])[:, 0]
    except Exception as error:
        if not is_numerical(error):
            raise
        return None
