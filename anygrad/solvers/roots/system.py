"""A system of equations, as the loop of solvers sees it: values and Jacobians at vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anygrad import differences, trees
from anygrad.autodiff import jacobian, jvp, vjp
from anygrad.autodiff.inputs import call
from anygrad.backends.types import Array, Tree
from anygrad.errors import ShapeError, describe
from anygrad.solvers.differentiable import any_vector, to_tree
from anygrad.solvers.problem.captured import refuse_traced
from anygrad.solvers.problem.objective import Measure, Point, is_numerical
from anygrad.solvers.problem.space import Space


@dataclass
class System:
    """f(x) = 0 for vectors: as many equations as unknowns.

    A `Point` of a system holds f(x) in the place of the gradient, 0.5 |f(x)|^2 as its value and
    max |f(x)| as its peak.

    Attributes
    ----------
    where : str
        The front, for messages.
    space : Space
        What a vector means.
    f : callable
        ``x -> f(x)`` for trees.
    source : {"automatic", "numerical"} or callable
        Where Jacobians come from.
    outputs : Space or None
        The structure of f(x); known after the first evaluation.
    nfev, njev, nhev : int
        Evaluations of f, Jacobians, and products with them.
    """

    where: str
    space: Space
    f: Callable[[Tree], Tree]
    source: Any = "automatic"
    outputs: Space | None = None
    box: None = None
    nfev: int = 0
    njev: int = 0
    nhev: int = 0
    failure: str = field(default="", init=False)

    def evaluate(self, x: Array, measure: Measure | None = None) -> Point:
        """Evaluate f, and read what is needed of it in one transfer."""
        space = self.space
        self.nfev += 1
        try:
            tree = self.f(space.to_tree(x))
        except Exception as error:
            if not is_numerical(error):
                raise
            self.failure = f"{type(error).__name__}: {error}"
            return Point(x, space.number(math.nan), space.zeros(), math.nan, math.nan, [])
        residual = self._vector(tree)
        with np.errstate(over="ignore", invalid="ignore"):  # far trials may overflow
            value = 0.5 * (residual @ residual)
            peak = space.xp.max(space.xp.abs(residual))
            wanted = measure(residual) if measure is not None else ()
            f, size, *extra = space.fetch([value, peak, *wanted])
        return Point(x, value, residual, f, size, extra)

    def _vector(self, tree: Tree) -> Array:
        tree = trees.map(lambda leaf: refuse_traced(f"{self.where}(f)", leaf), tree)
        if self.outputs is None:
            self.outputs = Space.of(f"{self.where}(f)", tree)
        residual = any_vector(self.space, tree)
        if residual.shape != (self.space.size,):
            message = (
                f"{self.where}(f): it gave {residual.shape[0]} equations, {describe(tree)}, for "
                f"{self.space.size} unknowns; expected as many. For more equations use "
                "ag.least_squares."
            )
            raise ShapeError(message)
        return residual

    def residual_tree(self, vector: Array) -> Tree:
        """Put f(x) into the structure that f gave it."""
        assert self.outputs is not None
        vector = self.space.xp.astype(vector, self.outputs.dtype)
        return self.outputs.to_tree(vector)

    def traced(self, v: Any) -> Any:
        """Evaluate f at a vector that may be traced."""
        return any_vector(self.space, call(self.f, (to_tree(self.space, v),), {}))

    def jacobian(self, x: Array) -> Array:
        """Make the Jacobian, shape (n, n); the device is not read."""
        self.njev += 1
        space = self.space
        if self.source == "automatic":
            matrix = jacobian(self.traced, mode="forward")(x)
            refuse_traced(f"{self.where}(f)", matrix)
            return matrix
        if self.source == "numerical":
            self.nfev += 2 * space.size
            return differences.jacobian(self.traced, x)
        return self._given(self.source(space.to_tree(x)))

    def _given(self, matrix: Any) -> Array:
        space = self.space
        n = space.size
        if math.prod(getattr(matrix, "shape", ())) != n * n:
            message = (
                f"{self.where}(jacobian): it returned {describe(matrix)}; expected an array of "
                f"shape ({n}, {n}), or of f's shape followed by x's."
            )
            raise ShapeError(message)
        return space.xp.astype(space.xp.reshape(matrix, (n, n)), space.dtype)

    def product(self, x: Array) -> Callable[[Array], Array]:
        """Make the function that multiplies the Jacobian at ``x`` by a vector."""
        if callable(self.source):
            matrix = self.jacobian(x)
            return lambda v: matrix @ v

        def of(v: Array) -> Array:
            self.nhev += 1
            if self.source == "numerical":
                return self._difference(x, v)
            return jvp(self.traced, (x,), (v,))[1]

        return of

    def _difference(self, x: Array, v: Array) -> Array:
        """J v as a central difference; the step is eps^(1/3) max(|x|, 1) / max |v|."""
        xp, space = self.space.xp, self.space
        self.nfev += 2
        width, length = xp.max(xp.abs(x)), xp.max(xp.abs(v))
        one = xp.ones_like(width)
        step = xp.maximum(width, one) * space.eps ** (1.0 / 3.0)
        step = step / xp.where(length > 0, length, one)
        return (self.traced(x + step * v) - self.traced(x - step * v)) / (2.0 * step)

    def pull(self, x: Array, v: Array) -> Array | None:
        """Multiply the transposed Jacobian by a vector; None where differences cannot."""
        if self.source == "numerical":
            return None
        if callable(self.source):
            return v @ self.jacobian(x)
        self.nhev += 1
        return vjp(self.traced, x)[1](v)[0]
