"""The method of multipliers, as a method of the common loop, and the front behind `minimize`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from anygrad.backends.types import Array
from anygrad.ranges import POSITIVE, check_number
from anygrad.solvers.constrained.constraints import read_constraints
from anygrad.solvers.constrained.lagrangian import Lagrangian, first_penalty
from anygrad.solvers.constrained.problem import (
    Constrained,
    ConstrainedResult,
    ConstrainedStopping,
)
from anygrad.solvers.constrained.stacking import Stack
from anygrad.solvers.iteration import Callback, iterate
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Method, Step
from anygrad.solvers.problem.stopping import Tolerances
from anygrad.solvers.watching import Watch

__all__ = ["ConstrainedResult", "minimize_constrained"]

OUTER_STEPS = 100
ENOUGH = 0.5  # the share to which a violation must fall, else the penalty grows
GROWTH = 10.0
LARGEST_MULTIPLIER = 1e20  # keeps a step with a huge penalty from deciding all later ones
LARGEST_PENALTY = 1e18
STUCK = 6  # minimisations in a row without a smaller violation, while the penalty grows

FAILURES = (Status.UNBOUNDED, Status.NONFINITE, Status.WRONG_GRADIENT)


@dataclass(frozen=True)
class Augmented:
    """Options of the method of multipliers.

    Attributes
    ----------
    inner : Method
        What minimises the augmented Lagrangian.
    tolerances : Tolerances
        Of the inner runs in the end.
    ctol : float
        The largest violation, and lack of complementarity, that counts as none.
    """

    inner: Method
    tolerances: Tolerances
    ctol: float

    @property
    def name(self) -> str:
        """What the method is called."""
        return f"augmented Lagrangian with {self.inner.name}"

    @property
    def stopping(self) -> type[ConstrainedStopping]:
        """The tests of the outer loop."""
        return ConstrainedStopping

    def start(self, objective: Objective, point: Point) -> Outer:
        """Begin at a point that was evaluated."""
        assert isinstance(objective, Constrained)
        return Outer(objective, self, point)

    def is_better(self, point: Point, best: Point) -> bool:
        """The newest point, unless it violates more."""
        return point.extra[0] <= max(best.extra[0], self.ctol)


class Outer:
    """The outer loop at work: minimise, update the multipliers, enlarge the penalty."""

    def __init__(self, objective: Constrained, options: Augmented, point: Point) -> None:
        self.objective = objective
        self.options = options
        self.lagrangian: Lagrangian = objective.lagrangian
        self.lagrangian.rho = first_penalty(self.lagrangian, point)
        gtol = options.tolerances.gtol
        self.tolerance = max(gtol, min(0.1, 0.1 * point.peak))
        self.missing = self.violation = math.inf
        self.stuck = self.failures = 0

    def step(self, point: Point) -> Step:
        """Minimise once, and judge the result."""
        lagrangian, options = self.lagrangian, self.options
        inner = lagrangian.objective()
        tolerances = dataclasses.replace(options.tolerances, gtol=self.tolerance)
        result = iterate(inner, point.x, options.inner, tolerances)
        lagrangian.take_counts(inner)
        self.objective.take_counts()
        if result.status in FAILURES:
            return self._failed(result, point)
        space = inner.space
        x = space.to_vector(result.x)
        peak = space.fetch([inner.peak(x, space.to_vector(result.jac))])[0]
        violation, missing = lagrangian.update(x, LARGEST_MULTIPLIER)
        new = self.objective.evaluate(x)
        new.peak, new.extra = peak, [violation]
        rho = lagrangian.rho
        ended = self._ended(result, peak, violation, missing)
        self._tighten(violation, missing)
        return Step(new, rho, *ended) if ended else Step(new, rho)

    def _failed(self, result: Result, point: Point) -> Step:
        """Try a larger penalty: for a small one the Lagrangian may have no minimum."""
        lagrangian = self.lagrangian
        self.failures += 1
        hopeless = self.failures > STUCK or result.status is Status.WRONG_GRADIENT
        if hopeless or lagrangian.rho >= LARGEST_PENALTY:
            return Step(None, lagrangian.rho, result.status, result.message)
        lagrangian.rho *= GROWTH**2
        lagrangian.reset()
        return self.step(point)

    def _ended(
        self, result: Result, peak: float, violation: float, missing: float
    ) -> tuple[Status, str] | None:
        options = self.options
        gtol = options.tolerances.gtol
        if max(violation, missing) <= options.ctol:
            if peak <= gtol:
                return (
                    Status.CONVERGED,
                    f"The largest element of the gradient of the Lagrangian, {peak:.3g}, is not "
                    f"above gtol = {gtol:g}, and the largest violation, {violation:.3g}, not above "
                    f"ctol = {options.ctol:g}.",
                )
            if result.success and self.tolerance <= gtol:
                return (
                    Status.CONVERGED,
                    f"The constraints hold to {violation:.3g}, and the augmented Lagrangian cannot "
                    f"be lowered beyond its rounding; its gradient is {peak:.3g}.",
                )
        if violation > options.ctol and violation > 0.9 * self.violation:
            self.stuck += 1
        else:
            self.stuck = 0
        if self.stuck >= STUCK or self.lagrangian.rho > LARGEST_PENALTY:
            return (
                Status.INFEASIBLE,
                f"The largest violation stays at {violation:.3g}, however large the penalty (now "
                f"{self.lagrangian.rho:.3g}): the constraints seem to contradict each other, or "
                "the start leads to a local minimum of their violation. Try another start.",
            )
        return None

    def _tighten(self, violation: float, missing: float) -> None:
        """Ask for more exact minimisations, and a larger penalty where the last one did little."""
        options = self.options
        if missing > max(ENOUGH * self.missing, options.ctol):
            self.lagrangian.rho *= GROWTH
        self.tolerance = max(0.1 * self.tolerance, options.tolerances.gtol)
        self.missing, self.violation = missing, violation


def minimize_constrained(
    where: str,
    objective: Objective,
    constraints: Any,
    start: Array,
    method: Method,
    tolerances: Tolerances,
    *,
    gradient: Any,
    ctol: float | None,
    max_steps: int | None,
    callback: Callback | None,
    record: tuple[str, ...],
    progress: Any,
) -> ConstrainedResult:
    """Minimise f under constraints by an augmented Lagrangian over ``method``.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, framework 17.3; Birgin, Martínez (2014),
    Practical augmented Lagrangian methods for constrained optimization, alg. 4.1, with the measure
    of feasibility and complementarity and the bounds on multipliers given there. Two-sided
    constraints: Rockafellar (1973), the multiplier method of Hestenes and Powell applied to convex
    programming, through the projection onto the bounds.
    """
    space = objective.space
    default = 1e-8 if space.eps < 1e-10 else 1e-4
    ctol = default if ctol is None else check_number(f"{where}(ctol)", ctol, POSITIVE)
    found = read_constraints(where, constraints)
    stack = Stack.of(where, found, space, space.to_tree(start), gradient == "numerical")
    multipliers = space.zeros(*stack.lower.shape)
    lagrangian = Lagrangian(objective, stack, 1.0, multipliers, gradient == "automatic")
    outer = Constrained(
        space, objective.value_and_gradient, objective.value_alone, lagrangian=lagrangian
    )
    limits = dataclasses.replace(
        tolerances, max_steps=OUTER_STEPS if max_steps is None else max_steps
    )
    augmented = Augmented(method, tolerances, ctol)
    result = iterate(
        outer,
        start,
        augmented,
        limits,
        callback=callback,
        record=record,
        watch=Watch(where, augmented.name, progress),
    )
    return _with_constraints(result, lagrangian)


def _with_constraints(result: Result, lagrangian: Lagrangian) -> ConstrainedResult:
    fields = {item.name: getattr(result, item.name) for item in dataclasses.fields(result)}
    space, stack = lagrangian.smooth.space, lagrangian.stack
    c = stack.values(result.x)
    miss = space.xp.max(space.xp.abs(c - stack.nearest(c, space.xp)))
    return ConstrainedResult(
        **fields,
        multipliers=stack.split(-lagrangian.multipliers),
        violation=space.fetch([miss])[0],
        penalty=lagrangian.rho,
    )
