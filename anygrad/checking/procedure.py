"""A check step by step: what is compared, and where something is wrong, why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff import grad as automatic_grad
from anygrad.autodiff import value_and_grad
from anygrad.autodiff.inputs import call
from anygrad.backends.types import Tree
from anygrad.checking.curvature import check_curvature
from anygrad.checking.directions import check_along, draw, narrow
from anygrad.checking.elements import ElementCheck, badness
from anygrad.checking.judging import Tolerance, judge
from anygrad.checking.measuring import measure_all, measure_some
from anygrad.checking.modes import compare_modes, push_along, push_coordinates
from anygrad.checking.operations import find_wrong_operation
from anygrad.checking.pictures import draw_errors
from anygrad.checking.reports import GradientReport
from anygrad.checking.subjects import Subject, copy_arrays, read_value, rounding_of

__all__ = ["WHERE", "Check"]

WHERE = "check_gradients"
EVERY = 1000
"""Up to so many coordinates every one is checked."""
DIRECTIONS = 2
"""Random directions through all of a larger point, besides one through each leaf."""
LEAVES = 32
"""Leaves that get a direction of their own, at most."""


@dataclass
class Check:
    """One check, step by step.

    Attributes
    ----------
    subject : Subject
        The function at its point.
    args : tuple
        The arguments as they were given.
    grad, argnums, modes, rtol, evaluate, seed
        As the user gave them.
    """

    subject: Subject
    args: tuple
    grad: Any
    argnums: Any
    modes: tuple[str, ...]
    rtol: float | None
    evaluate: str
    seed: int

    def run(self, order: int, samples: int | None, directions: int | None) -> GradientReport:
        """Measure, judge, and where something is wrong, look for the reason."""
        subject = self.subject
        self.rng = np.random.default_rng(self.seed)
        self.lines: dict[ElementCheck, Any] = {}
        relative = 16.0 * subject.eps ** (2 / 3) if self.rtol is None else float(self.rtol)
        every = subject.count <= EVERY and samples is None and directions is None
        chosen = _choose(subject.count, subject.count if every else samples)
        if not (every or samples or directions):
            directions = DIRECTIONS
        gradient = self.find_gradient(chosen)  # first, since it names what it refuses
        first = subject.evaluate(subject.coordinates.copy_tree())
        values = [read_value(first), subject.value()]
        self.tolerance = Tolerance(relative, values[0], rounding_of(subject, first))
        elements = self.check_elements(chosen, gradient) if len(chosen) else []
        if directions:
            elements += self.check_directions(directions, gradient, every_leaf=samples is None)
        values.append(subject.value())
        repeatable = _are_one(np.asarray(values), self.round_values(elements))
        report = GradientReport(
            tuple(elements), subject.count, tuple(values), repeatable, draw=self.draw
        )
        return self.explain(report, gradient, order, directions) if repeatable else report

    # What is compared

    def find_gradient(self, chosen: Any) -> Any:
        """The gradient that is checked, on the host; by forward mode alone only where chosen."""
        if self.grad is None and self.modes == ("forward",):
            return push_coordinates(self.subject, chosen)
        args = copy_arrays(self.args)
        if self.grad is None:
            found = value_and_grad(self.subject.f, self.argnums)(*args)[1]
        else:
            found = self.grad(*args) if callable(self.grad) else self.grad
        point = self.args[self.subject.numbers[0]] if self.subject.one else self.subject.point
        trees.check_same_structure(f"{WHERE}(grad)", point, found)
        return self.subject.flatten(found)

    def check_elements(self, chosen: Any, gradient: Any) -> list[ElementCheck]:
        """Every element, or some."""
        subject = self.subject
        whole = len(chosen) == subject.count
        slopes = (
            measure_all(subject, self.evaluate)
            if whole
            else measure_some(subject, chosen, self.evaluate)
        )
        names = subject.names if whole else [subject.name(k) for k in chosen.tolist()]
        found = judge(subject, chosen, slopes, gradient[chosen], self.tolerance, names)
        for k, element in zip(chosen.tolist(), found, strict=True):
            self.lines[element] = k
        return found

    def check_directions(self, count: int, gradient: Any, every_leaf: bool) -> list[ElementCheck]:
        """Directions through all, then one through each leaf; a wrong one is narrowed down."""
        subject = self.subject
        name = subject.leaves[0][0] if len(subject.leaves) == 1 else "all leaves"
        tasks = [(name, slice(None))] * count
        if every_leaf and 1 < len(subject.leaves) <= LEAVES:
            tasks += [
                (leaf[0], slice(*ends))
                for leaf, ends in zip(subject.leaves, subject.ranges, strict=True)
                if ends[1] > ends[0]
            ]
        forward_only = self.grad is None and self.modes == ("forward",)
        found = []
        for path, inside in tasks:
            direction = draw(subject, self.rng, inside)
            slopes = gradient
            if forward_only:
                # a constant whose product with the direction is the slope: all that is known
                slopes = direction * push_along(subject, direction) / np.sum(direction**2)
            found.append(check_along(subject, path, direction, slopes, self.tolerance))
            self.lines[found[-1]] = direction
        if not forward_only:
            found += self.narrow_down(found, gradient)
        return found

    def narrow_down(self, found: list[ElementCheck], gradient: Any) -> list[ElementCheck]:
        """The wrong element that a wrong direction leads to, if there is one."""
        wrong = [element for element in found if element.verdict == "wrong"]
        if not wrong:
            return []
        chosen = max(wrong, key=lambda element: element.ratio)
        single = narrow(self.subject, self.lines[chosen], gradient, self.tolerance, self.evaluate)
        if single is None:
            return []
        k, element = single
        self.lines[element] = k
        return [element]

    def round_values(self, elements: list[ElementCheck]) -> float:
        """How far values of one f at one point may differ, by rounding.

        Parts of f that cancel in its value round too; each is about slope times distance from 0.
        """
        parts = 0.0
        for element in elements:
            where = self.lines[element]
            reach = 1.0
            if element.part != "direction":
                reach = max(1.0, abs(float(self.subject.position[where])))
            slope = abs(element.numerical)
            parts += slope * reach if np.isfinite(slope) else 0.0
        eps = self.tolerance.eps
        return 64.0 * eps * (abs(self.tolerance.value) + parts)

    # What else is looked at

    def explain(
        self, report: GradientReport, gradient: Any, order: int, directions: int | None
    ) -> GradientReport:
        """Add the other mode, second derivatives, and the operation that is wrong."""
        subject = self.subject
        modes, forward_is_wrong = None, False
        if self.grad is None and len(self.modes) == 2:
            direction = draw(subject, self.rng)
            modes = compare_modes(subject, direction, gradient, self.tolerance)
            forward_is_wrong = not report.wrong and not report.inconclusive
        second = self.check_second(directions or DIRECTIONS) if order == 2 else []
        report = replace(
            report, modes=modes, forward_is_wrong=forward_is_wrong, second=tuple(second)
        )
        if report.verdict != "wrong" or self.grad is not None:
            return report
        replay = find_wrong_operation(subject, self.tolerance.rtol)
        return replace(report, operation=replay.operation, about_operations=replay.sentence)

    def check_second(self, count: int) -> list[ElementCheck]:
        """Second derivatives along some directions."""
        subject, chosen = self.subject, self.grad

        def plain(point: Tree) -> Tree:
            if chosen is None:
                return automatic_grad(subject.evaluate)(point)
            return subject.insert(chosen, point)

        def differentiated(point: Tree) -> Tree:
            if chosen is None:
                return automatic_grad(subject.differentiated)(point)
            return subject.insert(partial(_call, chosen), point)

        found = []
        for _ in range(count):
            direction = draw(subject, self.rng)
            found += check_curvature(subject, plain, differentiated, direction, self.tolerance.rtol)
        return sorted(found, key=badness, reverse=True)

    def draw(self, element: ElementCheck, path: Any) -> Any:
        """The picture of one element or direction."""
        where = self.lines[element]
        direction = where
        if element.part != "direction":
            direction = np.zeros(self.subject.count)
            direction[where] = 1.0
        return draw_errors(self.subject, element, direction, self.tolerance.eps, path)


def _call(f: Any, *args: Any) -> Any:
    """As transformations call a function: rebound."""
    return call(f, args, {})


def _choose(count: int, samples: int | None) -> Any:
    """Coordinates to check, spread evenly, first and last among them."""
    if samples is None:
        return np.arange(0)
    if samples >= count:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, samples).round().astype(int))


def _are_one(values: Any, rounded: float) -> bool:
    if not np.all(np.isfinite(values)):
        return bool(np.all(np.isnan(values)) or np.all(values == values[0]))
    return bool(np.ptp(values) <= rounded)
