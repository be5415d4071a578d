"""Every optimizer of ``anygrad.optimizers`` as a method of ``minimize``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anygrad import trees
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError
from anygrad.optimizers import OPTIMIZERS, Transform, evaluation_params
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.problem.stopping import Stopping

__all__ = ["Stochastic", "named_optimizer"]


class AsGiven(Stopping):
    """The usual tests without that of flat steps: schedules begin with steps of no length."""

    def _small_change(self, old: Point, new: Point) -> tuple[Status, str] | None:
        self.flat = 0
        return super()._small_change(old, new)


@dataclass(frozen=True)
class Stochastic:
    """An optimizer as a method of ``minimize``, which takes a `Transform` itself.

    Each iteration is one step of the optimizer, with the parameters and gradients as trees, and
    one evaluation of f and its gradient, read at once. Where parameters to evaluate with differ
    from those that are stepped, it is two: the point of the iteration, which is tested and kept,
    is where the former are. Bounds are met by projection after each step. ``max_steps`` is 10,000
    unless given.
    """

    transform: Transform
    takes_bounds: ClassVar[bool] = True
    stopping: ClassVar[type[Stopping]] = AsGiven
    defaults: ClassVar[Mapping[str, int]] = {"max_steps": 10_000}

    @property
    def name(self) -> str:
        """The optimizer's name."""
        return self.transform.name

    def start(self, objective: Objective, point: Point) -> Stepping:
        """Begin at a point that was evaluated."""
        return Stepping(objective, self.transform, point)


def named_optimizer(name: str) -> Stochastic:
    """Make the optimizer of a name of ``OPTIMIZERS``, with its default learning rate.

    Raises
    ------
    ArgumentError
        If the optimizer has none.
    """
    try:
        return Stochastic(OPTIMIZERS[name]())
    except ArgumentError as err:
        message = (
            f"minimize(method): got {name!r}, which has no learning rate of its own; expected an "
            f"optimizer with one. Write method=ag.optimizers.{name}(0.01)."
        )
        raise ArgumentError(message) from err


class Stepping:
    """An optimizer at work."""

    def __init__(self, objective: Objective, transform: Transform, point: Point) -> None:
        self.objective = objective
        self.transform = transform
        self.params = objective.space.to_tree(point.x)
        self.state = transform.init(self.params)
        self.trained = point  # where the parameters that are stepped are
        self.steps = 0

    def step(self, point: Point) -> Step:
        """Take one step of the optimizer."""
        objective, space = self.objective, self.objective.space
        old, self.steps = self.trained, self.steps + 1
        params, self.state = self.transform.step(
            self.params,
            space.to_tree(old.gradient),
            self.state,
            value=old.value,
            value_and_grad=self._differentiate,
        )
        shown = evaluation_params(params, self.state)
        x = self._vector(params)
        move = x - point.x

        def measure(gradient: Array) -> list[Array]:
            return [move @ move]

        self.params = params if objective.box is None else space.to_tree(x)
        self.trained = new = objective.evaluate(x, measure)
        length = math.sqrt(new.extra[0]) if new.extra else math.nan
        if not _is_same(params, shown):
            new = objective.evaluate(self._vector(shown))
        if new.is_finite and self.trained.is_finite:
            return Step(new, length)
        why = f" ({objective.failure})" if objective.failure else ""
        message = (
            f"f or its gradient is not finite after step {self.steps} of {self.transform.name}"
            f"{why}. Take a smaller learning rate."
        )
        return Step(new, length, Status.NONFINITE, message)

    def _vector(self, params: Tree) -> Array:
        space, box = self.objective.space, self.objective.box
        x = space.to_vector(params)
        return x if box is None else box.project(space, x)

    def _differentiate(self, params: Tree) -> tuple[Any, Tree]:
        """The function that optimizers may call at points of their own."""
        self.objective.nfev += 1
        self.objective.njev += 1
        box, space = self.objective.box, self.objective.space
        if box is not None:
            params = space.to_tree(box.project(space, space.to_vector(params)))
        return self.objective.value_and_gradient(params)


def _is_same(params: Tree, shown: Tree) -> bool:
    pairs = zip(trees.leaves(params), trees.leaves(shown), strict=True)
    return all(a is b for a, b in pairs)
