"""The function to minimise, as solvers see it: values and gradients at vectors, counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from anygrad.backends.types import Array, Tree
from anygrad.solvers.problem.bounds import Box
from anygrad.solvers.problem.captured import refuse_traced
from anygrad.solvers.problem.space import Space

ValueAndGradient = Callable[[Tree], tuple[Any, Tree]]
Measure = Callable[[Array], Sequence[Array]]
"""From the gradient of a trial, what the method wants to know about it: 0-d and 1-d arrays."""


@dataclass(slots=True)
class Point:
    """A place where the function was evaluated.

    Attributes
    ----------
    x, gradient : array, shape (n,)
        On the device; the gradient is None where the method asks for none.
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
    gradient: Any
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
    batches : bool
        Whether `product_with_hessian` is ours, so that `anygrad.vmap` may map it.
    uses_gradient : bool
        Whether `evaluate` computes it; without it, points have None and a peak of 0.
    nfev, njev, nhev : int
        Evaluations of f, of its gradient and products with its Hessian.
    """

    space: Space
    value_and_gradient: ValueAndGradient
    value_alone: Callable[[Tree], Any]
    product_with_hessian: Callable[[Tree, Tree], Tree] | None = None
    box: Box | None = None
    uses_gradient: bool = True
    nfev: int = 0
    njev: int = 0
    nhev: int = 0
    batches: bool = False
    failure: str = field(default="", init=False)

    def evaluate(self, x: Array, measure: Measure | None = None) -> Point:
        """Evaluate f and its gradient, and read what is needed of them in one transfer.

        Where ``f`` raises ArithmeticError or fails to decompose a matrix, the point counts as not
        finite, and `failure` keeps what was raised.
        """
        if not self.uses_gradient:
            return self._without_gradient(x)
        space = self.space
        self.nfev += 1
        self.njev += 1
        try:
            value, tree = self.value_and_gradient(space.to_tree(x))
        except Exception as error:
            if not is_numerical(error):
                raise
            self.failure = f"{type(error).__name__}: {error}"
            return Point(x, space.number(math.nan), space.zeros(), math.nan, math.nan, [])
        value = refuse_traced("minimize(f)", value)
        gradient = space.to_vector(tree, "minimize(gradient)")
        if not space.is_on_host:
            value = space.number(value)
        wanted = measure(gradient) if measure is not None else ()
        f, peak, *extra = space.fetch([value, self.peak(x, gradient), *wanted])
        return Point(x, value, gradient, f, peak, extra)

    def evaluate_value(self, x: Array) -> float:
        """Evaluate f alone; nan where it raises ArithmeticError."""
        return self._without_gradient(x).f

    def _without_gradient(self, x: Array) -> Point:
        self.nfev += 1
        try:
            value = self.value_alone(self.space.to_tree(x))
        except Exception as error:
            if not is_numerical(error):
                raise
            self.failure = f"{type(error).__name__}: {error}"
            return Point(x, self.space.number(math.nan), None, math.nan, 0.0, [])
        value = refuse_traced("minimize(f)", value)
        value = self.space.number(value)
        return Point(x, value, None, self.space.fetch([value])[0], 0.0, [])

    def hessian_product(self, x: Array, v: Array) -> Array:
        """Multiply the Hessian at ``x`` by a vector."""
        self.nhev += 1
        assert self.product_with_hessian is not None
        space = self.space
        product = self.product_with_hessian(space.to_tree(x), space.to_tree(v))
        return space.to_vector(product, "minimize(hvp)")

    def peak(self, x: Array, gradient: Array) -> Array:
        """Measure how far from a minimum: max |g|, with bounds max |P(x - g) - x|; 0-d."""
        if self.box is not None:
            xp, box = self.space.xp, self.box
            # x - P(x - g), but a small g is not lost beside a large x
            inside = xp.minimum(xp.maximum(gradient, x - box.upper), x - box.lower)
            # where g is not finite the projection may hide it
            gradient = xp.where(xp.isfinite(gradient), inside, gradient)
        return self.space.largest(gradient)


def is_numerical(error: Exception) -> bool:
    """Whether an error says that numbers went out of range, as far steps of a search may do."""
    # each library has a LinAlgError of its own
    names = (kind.__name__ for kind in type(error).__mro__)
    return isinstance(error, ArithmeticError) or any("LinAlgError" in name for name in names)
