"""Gauss-Newton: the minimum of the linear model, with a line search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anygrad.backends.types import Array
from anygrad.linear import lsmr
from anygrad.solvers.descents.descent import LineSearchMethod, Move
from anygrad.solvers.fitting.models import Scaled
from anygrad.solvers.fitting.residuals import FitPoint, Residuals
from anygrad.solvers.fitting.stopping import DONE, FitStopping
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.status import Status
from anygrad.solvers.searches.backtracking import backtracking
from anygrad.solvers.searches.search import Search


@dataclass(frozen=True)
class GaussNewton:
    """Directions -J^+ f; with a line search a method for `iterate`."""

    name: str = "gauss-newton"
    search: Search = field(default_factory=backtracking)

    def begin(self, objective: Residuals, point: FitPoint) -> Directions:
        """Start at a point."""
        return Directions(objective)


class Directions:
    """Gauss-Newton directions; nothing is remembered."""

    def __init__(self, objective: Residuals) -> None:
        self.objective = objective

    def move(self, point: Any) -> Move:
        """The minimum of the model at a point, the shortest where it has several."""
        space = self.objective.space
        if point.model is None:
            operator = point.jacobian
            corrected, _ = self.objective.loss.correct(space.xp, point.residuals)
            found = lsmr(operator.matvec, operator.rmatvec, -corrected, atol=1e-8, btol=1e-8)
            return Move(found.x)
        model = point.model
        norms = model.norms
        scale = np.where(norms > 0.0, norms, 1.0)
        inner = Scaled(model, scale, np.ones(scale.shape, dtype=bool), model.q)
        p = inner.solve(0.0) / scale
        return Move(space.from_host(p), slope=float(model.gradient @ p))

    def measure(self, point: Any, direction: Array, gradient: Array) -> Sequence[Array]:
        """Nothing is wanted of a trial."""
        return ()

    def learn(self, point: Any, line: Line, trial: Trial) -> None:
        """Nothing is remembered but, for the tests of the end, how much of the step was taken."""
        trial.point.share = trial.t  # type: ignore[attr-defined]

    def reset(self) -> bool:
        """There is nothing to forget."""
        return False


class GaussNewtonStopping(FitStopping):
    """The tests of least squares, and one for residuals that are zero up to rounding."""

    def _small_change(self, old: Any, new: Any) -> tuple[Status, str] | None:
        model = new.model
        if model is not None and float(np.linalg.norm(model.q)) <= model.wiggle:
            return Status.CONVERGED, DONE
        return super()._small_change(old, new)


class GaussNewtonMethod(LineSearchMethod):
    """Gauss-Newton and its search, with the tests of least squares."""

    stopping = GaussNewtonStopping
