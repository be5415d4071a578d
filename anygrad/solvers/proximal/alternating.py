"""The alternating direction method of multipliers, as a method of the common loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anygrad.backends.types import Array, Tree
from anygrad.solvers.descents.descent import LineSearchMethod
from anygrad.solvers.descents.lbfgs import LBFGS
from anygrad.solvers.iteration import iterate
from anygrad.solvers.problem.objective import Measure, Objective, Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.problem.stopping import UNBOUNDED_BELOW, Stopping, Tolerances
from anygrad.solvers.proximal.mapping import LinearMap
from anygrad.solvers.proximal.operator import Proximal

RATIO, FACTOR = 10.0, 2.0
"""rho is multiplied by the factor where one residual is so many times the other."""

CHANGES = 60
"""rho changes so often at most: convergence is proved for a rho that is constant in the end."""

INNER_STEPS = 500
TINY = 1e-300


@dataclass
class Split:
    """min f(x) + g(z) subject to A x = z, and where a run stands.

    Attributes
    ----------
    smooth : Objective
        f and its gradient, counted; f alone where ``solve`` replaces the gradient.
    g : Proximal
        The other half.
    map : LinearMap
        A.
    solve : callable or None
        ``solve(v, rho)``: the tree x that minimises f(x) + rho / 2 |A x - v|^2.
    rho : float
        The penalty.
    z, u : arrays
        The other half's point, and the multipliers over rho.
    """

    smooth: Objective
    g: Proximal
    map: LinearMap
    solve: Callable[[Tree, float], Tree] | None
    rho: float
    z: Any = None
    u: Any = None

    def prox(self, v: Array) -> Array:
        """Update z."""
        image = self.map.image
        return image.to_vector(self.g.prox(image.to_tree(v), 1.0 / self.rho), f"{self.g.name}.prox")

    def update_x(self, v: Array, x: Array, tolerance: float) -> Array:
        """Minimise f(x) + rho / 2 |A x - v|^2, from the last x where it is done by L-BFGS."""
        space = self.map.space
        if self.solve is not None:
            found = self.solve(self.map.image.to_tree(v), self.rho)
            return space.to_vector(found, "admm(solve)")
        inner = Objective(space, self._penalised(v), lambda tree: self._penalised(v)(tree)[0])
        inner.nfev, inner.njev = self.smooth.nfev, self.smooth.njev
        tolerances = Tolerances(tolerance, 0.0, 0.0, INNER_STEPS, math.inf)
        descent = LBFGS()
        result = iterate(inner, x, LineSearchMethod(descent, descent.search), tolerances)
        self.smooth.nfev, self.smooth.njev = inner.nfev, inner.njev
        return space.to_vector(result.x)

    def _penalised(self, v: Array) -> Callable[[Tree], tuple[Any, Tree]]:
        space = self.map.space

        def both(tree: Tree) -> tuple[Any, Tree]:
            value, gradient = self.smooth.value_and_gradient(tree)
            x = space.to_vector(tree)
            miss = self.map.apply(x) - v
            pull = self.map.transpose(miss, x)
            total = space.number(value) + space.number(0.5 * self.rho * (miss @ miss))
            return total, space.to_tree(space.to_vector(gradient) + self.rho * pull)

        return both


@dataclass
class SplitObjective(Objective):
    """What the loop sees: f(x) + g(z), with the larger residual as the distance from the end."""

    split: Any = None
    residuals: tuple[float, float] = (math.nan, math.nan)

    def evaluate(self, x: Array, measure: Measure | None = None) -> Point:
        """Begin at x, z = A x and u = 0."""
        split: Split = self.split
        split.z = split.map.apply(x)
        split.u = 0.0 * split.z
        return self.at(x, [])

    def at(self, x: Array, extra: list[Array]) -> Point:
        """Evaluate, and read what else is asked for."""
        split: Split = self.split
        split.smooth.nfev += 1
        value = self.space.number(self.value_alone(self.space.to_tree(x)))
        other = split.g.value(split.map.image.to_tree(split.z))
        total = value + self.space.number(other)
        f, *read = self.space.fetch([total, *(self.space.number(one) for one in extra)])
        self.nfev, self.njev = split.smooth.nfev, split.smooth.njev
        return Point(x, total, None, f, 0.0, read)


class SplitStopping(Stopping):
    """The tests of primal and dual residuals."""

    def at_start(self, point: Point) -> tuple[Status, str] | None:
        """There is no residual yet."""
        return None

    def after(self, old: Point, new: Point, nit: int) -> tuple[Status, str] | None:
        """Test both residuals against their bounds."""
        primal, dual, enough, enough_dual = new.extra
        if new.f < UNBOUNDED_BELOW:
            return Status.UNBOUNDED, ""
        if not math.isfinite(primal + dual):
            return Status.NONFINITE, ""
        if primal <= enough and dual <= enough_dual:
            return (
                Status.CONVERGED,
                f"The residuals, primal {primal:.3g} and dual {dual:.3g}, are not above "
                f"{enough:.3g} and {enough_dual:.3g}.",
            )
        return self.too_long(nit)


@dataclass(frozen=True)
class Alternating:
    """Options of the method; `admm` makes one."""

    adaptive: bool
    over_relaxation: float
    atol: float
    rtol: float
    name: str = "ADMM"
    stopping: type[SplitStopping] = SplitStopping

    def start(self, objective: Objective, point: Point) -> Turns:
        """Begin at a point that was evaluated."""
        assert isinstance(objective, SplitObjective)
        return Turns(objective, self)

    def is_better(self, point: Point, best: Point) -> bool:
        """The newest point: lower ones violate A x = z more."""
        return True


class Turns:
    """The method at work: x, z and the multipliers by turns."""

    def __init__(self, objective: SplitObjective, options: Alternating) -> None:
        self.objective = objective
        self.options = options
        self.changes = 0
        self.tolerance = math.nan

    def step(self, point: Point) -> Step:
        """Do one round: Boyd et al. (2011), eq. 3.5 to 3.7 with 3.4.3."""
        objective, options = self.objective, self.options
        split: Split = objective.split
        alpha, z, map_ = options.over_relaxation, split.z, split.map
        if math.isnan(self.tolerance):
            self.tolerance = 1e-2 * self._first_size(point)
        x = split.update_x(z - split.u, point.x, self.tolerance)
        ax = map_.apply(x)
        relaxed = alpha * ax + (1.0 - alpha) * z
        split.z = split.prox(relaxed + split.u)
        split.u = split.u + relaxed - split.z
        new = objective.at(x, self._measures(x, ax, z))
        rho = split.rho
        primal, dual, image, pull = (math.sqrt(max(square, 0.0)) for square in new.extra)
        dual, pull = rho * dual, rho * pull
        sizes = map_.image.size, map_.space.size
        enough, enough_dual = (
            math.sqrt(size) * options.atol + options.rtol * scale
            for size, scale in zip(sizes, (image, pull), strict=True)
        )
        new.extra = [primal, dual, enough, enough_dual]
        new.peak = max(primal, dual)
        objective.residuals = primal, dual
        goal = 0.1 * min(enough, enough_dual) / math.sqrt(max(sizes))
        self.tolerance = max(goal, 0.05 * min(primal, dual) / math.sqrt(max(sizes)))
        if options.adaptive:
            self._balance(split, primal / max(enough, TINY), dual / max(enough_dual, TINY))
        return Step(new, rho)

    def _first_size(self, point: Point) -> float:
        """The size of the gradient at the start, where there is one."""
        split: Split = self.objective.split
        if split.solve is not None:
            return 1.0
        return min(split.smooth.evaluate(point.x).peak, 1.0)

    def _measures(self, x: Array, ax: Array, old: Array) -> list[Array]:
        """Squares: primal residual, dual one over rho, sizes of the image and of A^T u."""
        split: Split = self.objective.split
        xp = split.map.image.xp
        miss, z, move = ax - split.z, split.z, split.z - old
        back, pull = (split.map.transpose(part, x) for part in (move, split.u))
        return [miss @ miss, back @ back, xp.maximum(ax @ ax, z @ z), pull @ pull]

    def _balance(self, split: Split, primal: float, dual: float) -> None:
        """Keep the residuals, relative to their bounds, within a factor of each other."""
        if self.changes >= CHANGES or not math.isfinite(primal + dual):
            return
        factor = FACTOR if primal > RATIO * dual else 1.0
        factor = 1.0 / FACTOR if dual > RATIO * primal else factor
        if factor != 1.0:
            self.changes += 1
            split.rho *= factor
            split.u = split.u / factor
