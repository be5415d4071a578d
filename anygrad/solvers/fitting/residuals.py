"""Residuals as solvers see them: values, costs and Jacobians at vectors, counted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anygrad.backends.types import Array, Tree
from anygrad.solvers.fitting.jacobians import make_matrix, make_operator, weighted
from anygrad.solvers.fitting.losses import Loss
from anygrad.solvers.fitting.models import Model
from anygrad.solvers.problem.objective import Box, Measure, Point, is_numerical
from anygrad.solvers.problem.space import Space


@dataclass(slots=True)
class Trial:
    """A place where only the residuals are known.

    Attributes
    ----------
    x, residuals : arrays, shapes (n,) and (m,)
        On the device; the residuals before the loss. They are None where the
        user's function failed.
    value : array, shape ()
        The cost, on the device.
    cost, gain : float
        The cost, and how much lower it is than where the trial started.
    """

    x: Array
    residuals: Any
    value: Array
    cost: float
    gain: float

    @property
    def is_finite(self) -> bool:
        """Whether the cost is finite."""
        return math.isfinite(self.cost)


@dataclass(slots=True)
class FitPoint(Point):
    """A point of least squares: ``f`` is the cost, and the Jacobian is known.

    Attributes
    ----------
    residuals : array, shape (m,)
        Before the loss.
    jacobian : array of shape (m, n), or Operator
        Of the residuals as the loss corrects them.
    model : Model or None
        The triangular factor and what goes with it, on the host; None without a matrix.
    size : float
        Norm of the residuals, weighted as the loss says.
    stretch : float
        A lower bound on the largest singular value of the Jacobian, in scaled variables, where
        it is no matrix.
    share : float
        Which part of a full step a line search took to come here.
    """

    residuals: Any = None
    jacobian: Any = None
    model: Model | None = None
    size: float = math.nan
    stretch: float = math.nan
    share: float = 1.0


@dataclass
class Residuals:
    """A least-squares problem on vectors; it takes the place of `Objective` in the loop.

    Attributes
    ----------
    space : Space
        What a vector of x means.
    residuals : callable
        From a tree like x to a tree of arrays.
    jacobian : "automatic", "numerical" or callable
        Where the derivatives come from.
    loss : Loss
        What large residuals count.
    dense : bool
        Whether the Jacobian is made as a matrix.
    box : Box or None
        Bounds.
    sides : pair of NumPy vectors or None
        The bounds on the host.
    widths : array, shape (n,), or None
        Typical sizes of the variables, where there is no matrix to take them from; None for 1.
    """

    space: Space
    residuals: Callable[[Tree], Tree]
    jacobian: Any
    loss: Loss
    dense: bool
    box: Box | None = None
    sides: tuple[np.ndarray, np.ndarray] | None = None
    widths: Array | None = None
    nfev: int = 0
    njev: int = 0
    nhev: int = 0
    failure: str = field(default="", init=False)
    outer: Space | None = field(default=None, init=False)
    where: str = "least_squares"

    def attempt(self, x: Array, origin: FitPoint | None = None) -> Trial:
        """Evaluate the residuals alone, and read the cost in one transfer."""
        values = self._values(x)
        if values is None:
            return Trial(x, None, self.space.number(math.nan), math.nan, math.nan)
        xp = self.space.xp
        value = self.loss.cost(xp, values)
        wanted = [value]
        if origin is not None:
            wanted.append(self.loss.gain(xp, origin.residuals, values))
        cost, *gain = self.space.fetch(wanted)
        return Trial(x, values, value, cost, gain[0] if gain else math.nan)

    def evaluate(self, x: Array, measure: Measure | None = None) -> FitPoint:
        """Evaluate residuals and Jacobian at a vector."""
        values = self._values(x)
        if values is None:
            number = self.space.number(math.nan)
            return FitPoint(x, number, self.space.zeros(), math.nan, math.nan, [])
        value = self.loss.cost(self.space.xp, values)
        return self._complete(x, values, value, measure)

    def complete(self, trial: Trial) -> FitPoint:
        """Add the Jacobian to a trial that was accepted."""
        return self._complete(trial.x, trial.residuals, trial.value, None)

    def evaluate_value(self, x: Array) -> float:
        """Evaluate the cost alone; nan where the residuals raise ArithmeticError."""
        return self.attempt(x).cost

    def matrix(self, x: Array) -> Array:
        """The Jacobian of the residuals before the loss, shape (m, n)."""
        assert self.outer is not None
        return make_matrix(
            self.where, self.residuals, self.jacobian, self.space, self.outer, self.box
        )(x)

    def factor(self, x: Array, values: Array) -> tuple[Array, Array, list[Array]]:
        """The corrected matrix, the gradient, and what a `Model` is made of."""
        xp = self.space.xp
        matrix = self.matrix(x)
        corrected, weights = self.loss.correct(xp, values)
        if weights is not None:
            matrix = matrix * weights[:, None]
        q, r = xp.linalg.qr(matrix, mode="reduced")
        return matrix, corrected @ matrix, [xp.reshape(r, (-1,)), corrected @ q]

    def _complete(self, x: Array, values: Array, value: Array, measure: Measure | None) -> FitPoint:
        self.njev += 1
        way = self._with_matrix if self.dense else self._with_products
        try:
            return way(x, values, value, measure)
        except Exception as error:
            if not is_numerical(error):
                raise
            self.failure = f"{type(error).__name__}: {error}"
            return FitPoint(x, value, self.space.zeros(), math.nan, math.nan, [])

    def _with_matrix(
        self, x: Array, values: Array, value: Array, measure: Measure | None
    ) -> FitPoint:
        space, xp = self.space, self.space.xp
        matrix, gradient, factors = self.factor(x, values)
        size = self.loss.size(xp, values)
        wanted = [] if measure is None else measure(gradient)
        cost, norm, r, q, at, *extra = space.fetch([value, size, *factors, x, *wanted])
        model = Model.of(r, q, at, norm, matrix.shape[0], space.eps, self.sides)
        peak = model.optimality() if math.isfinite(cost) else math.nan
        return FitPoint(x, value, gradient, cost, peak, extra, values, matrix, model, norm)

    def _with_products(
        self, x: Array, values: Array, value: Array, measure: Measure | None
    ) -> FitPoint:
        space, xp = self.space, self.space.xp
        assert self.outer is not None
        plain = make_operator(self.residuals, space, self.outer, x)
        corrected, weights = self.loss.correct(xp, values)
        operator = plain if weights is None else weighted(plain, weights)
        gradient = operator.rmatvec(corrected)
        size = xp.sqrt(xp.sum(corrected * corrected))
        widths = xp.ones_like(x) if self.widths is None else self.widths
        # the largest singular value is at least |J g| / |g|, all in scaled variables
        steep = widths * gradient
        most = xp.max(xp.abs(steep))
        one = xp.ones_like(most)
        unit = steep / xp.where(most > 0, most, one)  # squares of the gradient may leave the range
        ahead = operator.matvec(widths * unit)
        length = xp.sqrt(xp.sum(unit * unit))
        stretch = xp.sqrt(xp.sum(ahead * ahead)) / xp.where(length > 0, length, one)
        below = stretch * size
        reach = xp.where(stretch > 0, stretch, one) ** 2
        move = widths * steep / reach
        if self.box is not None:
            move = x - self.box.project(space, x - move)
        peak = xp.max(xp.abs(move / widths)) * reach / xp.where(below > 0, below, one)
        wanted = [] if measure is None else measure(gradient)
        cost, norm, far, top, *extra = space.fetch([value, size, stretch, peak, *wanted])
        return FitPoint(x, value, gradient, cost, top, extra, values, operator, None, norm, far)

    def _values(self, x: Array) -> Array | None:
        self.nfev += 1
        try:
            # a copy: what users write into is theirs
            tree = self.residuals(self.space.to_tree(self.space.copy(x)))
        except Exception as error:
            if not is_numerical(error):
                raise
            self.failure = f"{type(error).__name__}: {error}"
            return None
        if self.outer is None:
            self.outer = Space.of(f"{self.where}(residuals)", tree, "residuals(x)")
        values = self.outer.to_vector(tree, f"{self.where}(residuals)")
        # all is computed in the precision of x; functions that are not traced may fill the same
        # array at every call
        own = self.jacobian != "automatic"
        return self.space.xp.astype(values, self.space.dtype, copy=own)
