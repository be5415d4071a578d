"""Newton's method for systems: dense, or matrix-free with GMRES, with a search on 0.5 |f|^2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from anygrad.backends.types import Array
from anygrad.linear import gmres
from anygrad.solvers.problem.objective import Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.roots.damping import Damped
from anygrad.solvers.roots.levenberg import Levenberg, solve
from anygrad.solvers.roots.stopping import RootStopping, stagnated
from anygrad.solvers.roots.system import System

LARGEST_FORCING = 0.5
USELESS = 0.99
"""A solution of the linear system that leaves more of the right side than this is none."""


@dataclass(frozen=True)
class Newton:
    """Newton's method with the Jacobian as a matrix."""

    xtol: float
    name: str = "Newton"
    stopping: Any = RootStopping

    def start(self, objective: Any, point: Point) -> DenseSteps:
        """Begin at a point."""
        return DenseSteps(objective, self.xtol)


class DenseSteps:
    """Newton steps; damped least-squares steps where those do not lower |f|."""

    def __init__(self, system: System, xtol: float) -> None:
        self.system = system
        self.xtol = xtol
        self.levenberg = Levenberg(system)
        self.trials = 12

    def step(self, point: Point) -> Step:
        """Go on from a point."""
        system = self.system
        matrix = system.jacobian(point.x)
        s = solve(matrix, -point.gradient)
        damped = None
        if s is not None:
            damped = Damped(system, point, s, trials=self.trials)
            found = damped.step(self.xtol, is_exact=True)
            if found is not None:
                self.trials = 12
                return found
            if callable(system.source) and contradicts(system, point, matrix @ s, s):
                return wrong_jacobian(damped.lowest)
        self.trials = 2  # near a singular Jacobian Newton's direction seldom helps
        return self.levenberg.step(point, matrix)


@dataclass(frozen=True)
class NewtonKrylov:
    """Newton's method by products with the Jacobian; each step solved as well as it pays."""

    xtol: float
    restart: int = 50
    max_products: int = 500
    name: str = "Newton-GMRES"
    stopping: Any = RootStopping

    def start(self, objective: Any, point: Point) -> KrylovSteps:
        """Begin at a point."""
        return KrylovSteps(objective, self)


class KrylovSteps:
    """Inexact Newton steps.

    References
    ----------
    Eisenstat, Walker (1996), Choosing the forcing terms in an inexact Newton method, eq. 2.6 with
    gamma = 0.9 and alpha = 2, and its safeguard.
    """

    def __init__(self, system: System, method: NewtonKrylov) -> None:
        self.system = system
        self.method = method
        self.forcing = LARGEST_FORCING
        self.last = math.nan

    def step(self, point: Point) -> Step:
        """Go on from a point."""
        system, method = self.system, self.method
        self._choose_forcing(point)
        solved = gmres(
            system.product(point.x),
            -point.gradient,
            rtol=self.forcing,
            restart=method.restart,
            max_steps=method.max_products,
        )
        self.last = point.f
        left = solved.residual / math.sqrt(2.0 * point.f)
        if left < USELESS:
            slope = -2.0 * point.f * (1.0 - left)
            damped = Damped(system, point, solved.x, slope=slope)
            found = damped.step(method.xtol, is_exact=True)
            if found is not None:
                return found
        return self._downhill(point, left)

    def _choose_forcing(self, point: Point) -> None:
        if math.isnan(self.last):
            return
        chosen = 0.9 * point.f / self.last if self.last > 0.0 else LARGEST_FORCING
        safe = 0.9 * self.forcing**2
        self.forcing = min(max(chosen, safe if safe > 0.1 else 0.0, 1e-8), LARGEST_FORCING)

    def _downhill(self, point: Point, residual: float) -> Step:
        """Step along -J^T f to the minimum of |f + J s|: it exists for a singular J too."""
        system = self.system
        slope = system.pull(point.x, point.gradient)
        if slope is not None:
            moved = system.product(point.x)(slope)
            gg, mm, ff = system.space.fetch(
                [slope @ slope, moved @ moved, point.gradient @ point.gradient]
            )
            if gg > 0.0 and mm > 0.0:
                damped = Damped(system, point, -(gg / mm) * slope, slope=-gg * gg / mm)
                found = damped.step(0.0, is_exact=False)
                if found is not None:
                    return found
            if gg * gg <= system.space.eps ** (2.0 / 3.0) * mm * ff:
                message = f"The Jacobian is singular where |f| = {math.sqrt(ff):.3g} is smallest."
                return Step(None, 0.0, Status.SINGULAR, message)
        if residual >= USELESS:
            message = (
                "GMRES found no solution of the linear system of Newton's step: the Jacobian is "
                "singular, or too ill-conditioned to do without a matrix (linear_solve='dense')."
            )
            return Step(None, 0.0, Status.SINGULAR, message)
        return Step(None, 0.0, Status.STAGNATED, stagnated(point))


def contradicts(system: System, point: Point, moved: Array, s: Array) -> bool:
    """Tell whether f does not change along a step as the Jacobian says; two evaluations."""
    space = system.space
    xp = space.xp
    width, length = space.fetch([xp.max(xp.abs(point.x)), xp.max(xp.abs(s))])
    if not (math.isfinite(length) and length > 0.0):
        return False
    t = space.eps ** (1.0 / 3.0) * max(width, 1.0) / length
    ahead, behind = system.evaluate(point.x + t * s), system.evaluate(point.x - t * s)
    if not (ahead.is_finite and behind.is_finite):
        return False
    error = (ahead.gradient - behind.gradient) / (2.0 * t) - moved
    off, size = space.fetch([xp.max(xp.abs(error)), xp.max(xp.abs(moved))])
    rounding = space.eps * max(ahead.peak, behind.peak) / t
    return off > 0.05 * size + 10.0 * rounding


def wrong_jacobian(lowest: Point | None) -> Step:
    """Say that the Jacobian that the user gave is not that of f."""
    message = (
        "The Jacobian disagrees with the values of f. Check it, or leave it out: "
        "jacobian='automatic'."
    )
    return Step(lowest, 0.0, Status.WRONG_GRADIENT, message)
