"""Broyden's good method: the inverse Jacobian is learned from the steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from anygrad.backends.types import Array
from anygrad.solvers.problem.objective import Point, is_numerical
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.roots.damping import DECREASE, Damped
from anygrad.solvers.roots.levenberg import Levenberg
from anygrad.solvers.roots.newton import contradicts, wrong_jacobian
from anygrad.solvers.roots.stopping import RootStopping, stagnated
from anygrad.solvers.roots.system import System

SLOW = 0.9
"""A step that leaves more of |f| than this gained little."""

PATIENCE = 3
"""So many steps in a row that gain little end the trust in what was learned."""


@dataclass(frozen=True)
class Broyden:
    """Options: whether the first matrix is the Jacobian, and how many updates are kept if not."""

    xtol: float
    from_jacobian: bool
    memory: int = 40
    name: str = "Broyden"
    stopping: Any = RootStopping

    def start(self, objective: Any, point: Point) -> BroydenSteps:
        """Begin at a point."""
        return BroydenSteps(objective, self)


class Inverse:
    """H = H0 + sum a b^T: a matrix that takes its updates in, or a scaled identity and pairs."""

    def __init__(self, system: System, matrix: Array | None, scale: float) -> None:
        self.xp = system.space.xp
        self.matrix = matrix
        self.scale = scale
        self.a: list[Array] = []
        self.b: list[Array] = []

    def times(self, v: Array) -> Array:
        """Multiply H by a vector."""
        if self.matrix is not None:
            return self.matrix @ v
        return self._with_pairs(v, self.a, self.b)

    def transposed_times(self, v: Array) -> Array:
        """Multiply the transposed H by a vector."""
        return v @ self.matrix if self.matrix is not None else self._with_pairs(v, self.b, self.a)

    def _with_pairs(self, v: Array, left: list[Array], right: list[Array]) -> Array:
        if not left:
            return self.scale * v
        xp = self.xp
        return self.scale * v + (xp.stack(right) @ v) @ xp.stack(left)

    def add(self, a: Array, b: Array) -> None:
        """Add a b^T."""
        if self.matrix is not None:
            self.matrix = self.matrix + a[:, None] * b[None, :]
        else:
            self.a.append(a)
            self.b.append(b)


class BroydenSteps:
    """Quasi-Newton steps.

    References
    ----------
    Broyden (1965), A class of methods for solving nonlinear simultaneous equations, eq. 4.12 (by
    the formula of Sherman and Morrison); Kvaalen (1991), A faster Broyden method, for the idea
    that small denominators are left out of the update.
    """

    def __init__(self, system: System, method: Broyden) -> None:
        self.system = system
        self.method = method
        self.inverse: Inverse | None = None
        self.jacobian: Array | None = None
        self.levenberg = Levenberg(system)
        self.slow = 0

    def step(self, point: Point) -> Step:
        """Go on from a point, with what was learned; without it where that does not help."""
        if self.slow >= PATIENCE or (
            self.inverse is not None and len(self.inverse.a) >= self.method.memory
        ):
            self.inverse = None
        is_fresh = self.inverse is None
        found = self._search(point, 12 if is_fresh else 5)
        if found is None and not is_fresh:
            self.inverse = None
            found = self._search(point, 12)
        if found is not None:
            return found
        self.inverse = None
        if self.jacobian is None:
            return Step(None, 0.0, Status.STAGNATED, stagnated(point))
        return self.levenberg.step(point, self.jacobian)

    def _search(self, point: Point, trials: int) -> Step | None:
        is_fresh = self.inverse is None
        inverse = self.inverse or self._first(point)
        if inverse is None:
            return None
        self.inverse = inverse
        s = -inverse.times(point.gradient)
        damped = Damped(self.system, point, s, slope=-2.0 * point.f, trials=trials)
        is_exact = is_fresh and self.jacobian is not None
        found = damped.step(self.method.xtol, is_exact=is_exact)
        reached = damped.accepted
        if reached is not None:
            self.slow = self.slow + 1 if reached.f > SLOW**2 * point.f else 0
            self._learn(damped.t * s, reached.gradient - point.gradient)
        elif is_exact and found is None and callable(self.system.source):
            assert self.jacobian is not None
            if contradicts(self.system, point, self.jacobian @ s, s):
                return wrong_jacobian(damped.lowest)
        return found

    def _first(self, point: Point) -> Inverse | None:
        """Start anew: with the inverse Jacobian, or a multiple of the identity."""
        system, xp = self.system, self.system.space.xp
        self.slow = 0
        if not self.method.from_jacobian:
            # the multiple of the identity that fits J along f best
            moved = system.product(point.x)(point.gradient)
            ahead, square = system.space.fetch([point.gradient @ moved, moved @ moved])
            scale = ahead / square if square > 0.0 else 0.0
            return Inverse(system, None, scale) if math.isfinite(scale) and scale else None
        self.jacobian = system.jacobian(point.x)
        try:
            return Inverse(system, xp.linalg.inv(self.jacobian), 1.0)
        except Exception as error:
            if not is_numerical(error):
                raise
            return None

    def _learn(self, s: Array, y: Array) -> None:
        assert self.inverse is not None
        inverse = self.inverse
        moved = inverse.times(y)
        ahead, ss, mm = self.system.space.fetch([s @ moved, s @ s, moved @ moved])
        if abs(ahead) <= DECREASE * (ss * mm) ** 0.5:
            return
        inverse.add((s - moved) / ahead, inverse.transposed_times(s))
