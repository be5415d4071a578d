"""The function to minimise, as solvers see it: values and gradients at vectors, counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from anygrad.backends.types import Array, Tree
from anygrad.solvers.problem.space import Space

ValueAndGradient = Callable[[Tree], tuple[Any, Tree]]
Measure = Callable[[Array], Sequence[Array]]
"""From the gradient of a trial, what the method wants to know about it: 0-d and 1-d arrays."""


@dataclass(frozen=True)
class Box:
    """Lower and upper bounds as vectors; infinite where there is none."""

    lower: Array
    upper: Array


@dataclass(slots=True)
class Point:
    """A place where the function was evaluated.

    Attributes
    ----------
    x, gradient : array, shape (n,)
        On the device.
    value : array, shape ()
        f(x), on the device.
    f, peak : float
        f(x), and the largest absolute element of the gradient (with bounds, of the projected one,
        as `Objective.peak` says), on the host. Not finite where something is not.
    extra : list
        What the method asked to be measured.
    """

    x: Array
    value: Array
    gradient: Array
    f: float
    peak: float
    extra: list[Any]

    @property
    def is_finite(self) -> bool:
        """Whether the value and every element of the gradient are finite."""
        return math.isfinite(self.f) and math.isfinite(self.peak)


@dataclass
class Objective:
    """f, its gradient and products with its Hessian, for vectors of a space.

    Attributes
    ----------
    space : Space
        What a vector means.
    value_and_gradient : callable
        ``x -> (f(x), gradient)`` for trees.
    value_alone : callable
        ``x -> f(x)`` for trees.
    product_with_hessian : callable or None
        ``(x, v) -> H v`` for trees.
    box : Box or None
        Bounds, which `peak` takes into account.
    nfev, njev, nhev : int
        Evaluations of f, of its gradient and products with its Hessian.
    """

    space: Space
    value_and_gradient: ValueAndGradient
    value_alone: Callable[[Tree], Any]
    product_with_hessian: Callable[[Tree, Tree], Tree] | None = None
    box: Box | None = None
    nfev: int = 0
    njev: int = 0
    nhev: int = 0
    failure: str = field(default="", init=False)

    def evaluate(self, x: Array, measure: Measure | None = None) -> Point:
        """Evaluate f and its gradient, and read what is needed of them in one transfer.

        Where ``f`` raises ArithmeticError or fails to decompose a matrix, the point counts as not
        finite, and `failure` keeps what was raised.
        """
        space = self.space
        self.nfev += 1
        self.njev += 1
        try:
            value, tree = self.value_and_gradient(space.to_tree(x))
        except Exception as error:
            if not _is_numerical(error):
                raise
            self.failure = f"{type(error).__name__}: {error}"
            return Point(x, space.number(math.nan), space.zeros(), math.nan, math.nan, [])
        gradient = space.to_vector(tree, "minimize(gradient)")
        if not space.is_on_host:
            value = space.number(value)
        wanted = measure(gradient) if measure is not None else ()
        f, peak, *extra = space.fetch([value, self.peak(x, gradient), *wanted])
        return Point(x, value, gradient, f, peak, extra)

    def evaluate_value(self, x: Array) -> float:
        """Evaluate f alone; nan where it raises ArithmeticError."""
        self.nfev += 1
        try:
            value = self.value_alone(self.space.to_tree(x))
        except Exception as error:
            if not _is_numerical(error):
                raise
            self.failure = f"{type(error).__name__}: {error}"
            return math.nan
        return self.space.fetch([self.space.number(value)])[0]

    def hessian_product(self, x: Array, v: Array) -> Array:
        """Multiply the Hessian at ``x`` by a vector."""
        self.nhev += 1
        assert self.product_with_hessian is not None
        space = self.space
        product = self.product_with_hessian(space.to_tree(x), space.to_tree(v))
        return space.to_vector(product, "minimize(hvp)")

    def peak(self, x: Array, gradient: Array) -> Array:
        """Measure how far from a minimum: max |g|, with bounds max |P(x - g) - x|; 0-d."""
        xp = self.space.xp
        if self.box is not None:
            inside = xp.minimum(xp.maximum(x - gradient, self.box.lower), self.box.upper)
            # where g is not finite the projection may hide it
            gradient = xp.where(xp.isfinite(gradient), inside - x, gradient)
        return xp.max(xp.abs(gradient))


def _is_numerical(error: Exception) -> bool:
    """Whether an error says that numbers went out of range, as far steps of a search may do."""
    # each library has a LinAlgError of its own
    names = (kind.__name__ for kind in type(error).__mro__)
    return isinstance(error, ArithmeticError) or any("LinAlgError" in name for name in names)
