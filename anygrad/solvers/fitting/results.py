"""What ``least_squares`` returns, and the covariance of the parameters."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError
from anygrad.solvers.fitting.jacobians import Operator, weighted
from anygrad.solvers.fitting.models import Model
from anygrad.solvers.fitting.residuals import FitPoint, Residuals
from anygrad.solvers.iteration import Trace, make_result
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.status import Status

__all__ = ["LeastSquaresResult"]


@dataclass
class LeastSquaresResult(Result):
    """The best parameters that `least_squares` found; fields as in SciPy's ``least_squares``.

    Attributes
    ----------
    x : tree of arrays
        The parameters: structure, shapes, dtypes and device of the start.
    cost : array, shape ()
        Half the sum of the squares, or of the losses, at ``x``.
    fun : tree of arrays
        The residuals at ``x``, before the loss.
    jac : array of shape (m, n), or Operator
        The Jacobian at ``x``, rows as the loss rescales them, so that J^T J is the Gauss-Newton
        Hessian of the cost. Real and imaginary parts of a complex leaf are rows, or columns, of
        their own. Without a matrix, an object with ``shape``, ``matvec`` and ``rmatvec``.
    grad : tree of arrays
        Gradient of the cost, like ``x``.
    optimality : float
        Its largest absolute element; with bounds, of its projection max(abs(P(x - grad) - x)).
    active_mask : tree of arrays
        Like ``x``: -1 at a lower bound, 1 at an upper, else 0.
    success, status, message, nit, nfev, njev, history, recorded
        As in `Result`. ``nfev`` counts residuals, ``njev`` Jacobians; the history has the cost as
        ``fun`` and the largest cosine of residuals and columns as ``optimality``.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> t = np.asarray([0.0, 1.0, 2.0, 3.0])
    >>> y = np.asarray([1.0, 2.9, 5.1, 7.0])
    >>> result = ag.least_squares(lambda p: p[0] + p[1] * t - y, np.zeros(2))
    >>> result.x.round(2), result.standard_errors().round(4)
    (array([0.97, 2.02]), array([0.0794, 0.0424]))
    """

    cost: Any = None
    grad: Tree = None
    optimality: float = math.nan
    active_mask: Tree = None
    _solved: Solved | None = field(default=None, repr=False)

    def keys(self) -> list[str]:
        """List the names of the fields."""
        return [item.name for item in fields(self) if not item.name.startswith("_")]

    def covariance(self, *, absolute_sigma: bool = False) -> Array:
        """Estimate the covariance of the parameters, (J^T J)^-1 s^2.

        Parameters
        ----------
        absolute_sigma : bool
            Whether the residuals are in units of their standard deviation, so that s^2 = 1. Else
            s^2 = 2 cost / (m - n), m residuals and n parameters.

        Returns
        -------
        array, shape (n, n)
            On the device, over the parameters in their flat order; real and imaginary parts of a
            complex leaf one after the other. All inf, with a warning, where the Jacobian does not
            determine the parameters, or where m <= n and s^2 is wanted.

        Warns
        -----
        UserWarning
            If the covariance is infinite.

        Raises
        ------
        ArgumentError
            If the residuals were not finite where the solver ended.

        References
        ----------
        Bates, Watts (1988), Nonlinear regression analysis and its applications, 2.3. Columns are
        scaled before the singular values are taken, so that rank does not depend on units.
        """
        found = self._fitted().covariance(absolute_sigma)
        space = self._fitted().space
        return space.xp.reshape(space.from_host(found.reshape(-1)), found.shape)

    def standard_errors(self, *, absolute_sigma: bool = False) -> Tree:
        """Estimate the standard deviation of each parameter.

        Parameters
        ----------
        absolute_sigma : bool
            As for `covariance`.

        Returns
        -------
        tree of arrays
            Like ``x``; for a complex leaf those of the real and imaginary parts, as re + i im.
        """
        variances = np.diagonal(self._fitted().covariance(absolute_sigma))
        space = self._fitted().space
        return space.to_tree(space.from_host(np.sqrt(variances)))

    def _fitted(self) -> Solved:
        if self._solved is not None and self.status is not Status.NONFINITE:
            return self._solved
        message = f"covariance: got no fit ({self.message}); expected finite residuals. Start anew."
        raise ArgumentError(message)


@dataclass(frozen=True)
class Solved:
    """What the covariance is made of, read from the device when it is asked for."""

    space: Space
    make_model: Callable[[], Model]
    cost: float

    def covariance(self, absolute_sigma: bool) -> np.ndarray:
        """On the host, in float64."""
        model = self.make_model()
        n = model.x.size
        norms = model.norms
        scale = np.where(norms > 0.0, norms, 1.0)
        _, s, vt = np.linalg.svd(model.r / scale, full_matrices=False)
        rank = int(np.sum(s > model.eps * max(model.m, n) * s[0]))
        if rank < n or (model.m <= n and not absolute_sigma):
            why = (
                f"only {rank} directions of {n} parameters are determined"
                if rank < n
                else f"{model.m} residuals leave none to estimate their variance from"
            )
            message = f"covariance: it is infinite, for {why}. Fix some parameters or add data."
            warnings.warn(message, UserWarning, stacklevel=3)
            return np.full((n, n), math.inf)
        inverse = vt.T / s / scale[:, None]
        variance = 1.0 if absolute_sigma else 2.0 * self.cost / (model.m - n)
        return (inverse @ inverse.T) * variance


def make_fit_result(
    objective: Residuals,
    best: FitPoint,
    status: Status,
    message: str,
    nit: int,
    name: str,
    trace: Trace,
) -> LeastSquaresResult:
    """Put the best point into the shape that the user gave."""
    plain = make_result(objective, best, status, message, nit, name, trace)  # type: ignore[arg-type]
    space, outer = objective.space, objective.outer
    if best.residuals is None:
        outer = None  # nothing could be evaluated
    kept: dict[str, Any] = {key: plain[key] for key in plain}
    kept["fun"] = outer.to_tree(space.copy(best.residuals)) if outer is not None else None
    kept["jac"] = _jacobian(objective, best) if outer is not None else None
    return LeastSquaresResult(
        **kept,
        cost=plain.fun,
        grad=plain.jac,
        optimality=_optimality(objective, best),
        active_mask=_active(objective, best.x),
        _solved=_solved(objective, best, kept["jac"]) if outer is not None else None,
    )


def _jacobian(objective: Residuals, best: FitPoint) -> Any:
    """The Jacobian with the rows that the Hessian asks for, not those of the steps."""
    loss, space = objective.loss, objective.space
    if loss.rho is None or best.jacobian is None:
        return best.jacobian
    factor = loss.sharpen(space.xp, best.residuals, space.eps)
    if isinstance(best.jacobian, Operator):
        return weighted(best.jacobian, factor)
    return best.jacobian * factor[:, None]


def _optimality(objective: Residuals, best: FitPoint) -> float:
    space, move = objective.space, best.gradient
    if objective.box is not None:
        move = objective.box.project(space, best.x - move) - best.x
    return space.fetch([space.xp.max(space.xp.abs(move))])[0]


def _active(objective: Residuals, x: Array) -> Tree:
    space, xp = objective.space, objective.space.xp
    mask = space.zeros()
    if objective.box is not None:
        one = xp.ones_like(mask)
        mask = xp.where(x >= objective.box.upper, one, mask)
        mask = xp.where(x <= objective.box.lower, -one, mask)
    return space.to_tree(mask)


def _solved(objective: Residuals, best: FitPoint, jacobian: Any) -> Solved:
    def make_model() -> Model:
        if best.model is not None and objective.loss.rho is None:
            return best.model
        space, xp = objective.space, objective.space.xp
        matrix = jacobian
        if isinstance(jacobian, Operator):
            matrix = objective.matrix(best.x)
            _, weights = objective.loss.correct(xp, best.residuals)
            if weights is not None:
                factor = objective.loss.sharpen(xp, best.residuals, space.eps)
                matrix = matrix * (weights * factor)[:, None]
        # a covariance asks for the triangle only
        r = xp.linalg.qr(matrix, mode="reduced")[1]
        r, x = space.fetch([xp.reshape(r, (-1,)), best.x])
        height = r.shape[0] // x.shape[0]
        return Model.of(r, np.zeros(height), x, best.size, matrix.shape[0], space.eps, None)

    return Solved(objective.space, make_model, best.f)
