"""Levenberg-Marquardt and dogleg: steps of a linear model within a trust region."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from anygrad.solvers.fitting.models import Model, Move, Proposal
from anygrad.solvers.fitting.residuals import FitPoint, Residuals, Trial
from anygrad.solvers.fitting.stopping import DONE, FitStopping, Prospect
from anygrad.solvers.problem.line import Line
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step

FIRST = 10.0
"""The first radius, relative to the scaled length of x."""

TRIALS = 60
"""Each failed trial halves the radius at least; this many take it below rounding."""

POOR, GOOD, ACCEPTED = 0.25, 0.75, 1e-4
"""Shares of the predicted gain: below the first the region shrinks, above the second it grows."""

BETTER = 0.9
"""Where costs differ by rounding only, a step must lower the gradient to this part."""

TINY = 2.0
"""Residuals that are smaller than those of the start by this power of the rounding are zero."""


@dataclass(frozen=True)
class TrustRegion:
    """A way to propose steps, with the tests that end it; a method for `iterate`.

    Attributes
    ----------
    name : str
        For messages.
    propose : callable
        From a model, a scale and a radius to a step.
    scale : ndarray of shape (n,), or None
        1 / x_scale; None for the norms of the columns, and never less than before.
    ftol, xtol : float
        Tolerances.
    """

    name: str
    propose: Proposal
    scale: np.ndarray | None
    ftol: float
    xtol: float

    stopping = FitStopping

    def start(self, objective: Residuals, point: FitPoint) -> Region:
        """Begin at a point that was evaluated."""
        return Region(self, objective, point)


class Region:
    """The trust region at work.

    References
    ----------
    Moré (1978), The Levenberg-Marquardt algorithm: implementation and theory, algorithm 7.1.
    """

    def __init__(self, method: TrustRegion, objective: Residuals, point: FitPoint) -> None:
        self.method, self.objective = method, objective
        model = _model(point)
        self.scale = self._scaled(model, np.zeros(model.x.shape))
        width = float(np.linalg.norm(self.scale * model.x))
        # without a length of its own, x is taken to be about 1 in each variable
        self.radius = FIRST * (width if width > 0.0 else float(np.linalg.norm(self.scale)))
        self.first = True
        self.start = point.size

    def step(self, point: FitPoint) -> Step:
        """Shrink the region until a step lowers the cost enough."""
        model = _model(point)
        self.scale = self._scaled(model, self.scale)
        eps, noise = self.objective.space.eps, self._noise(point, model)
        prospect = Prospect(point.f, eps, noise)
        finite, move = False, None
        for _ in range(TRIALS):
            move = self.method.propose(model, self.scale, self.radius)
            # a step that bounds cut may promise a loss instead, which is no sign of a minimum
            if move.full and abs(move.predicted) <= noise:
                return self._polish(point, model, move, noise)
            if not move.length > 0.0:
                return Step(None, 0.0, Status.CONVERGED, DONE)
            if move.predicted <= 0.0:  # a bound cut the step until nothing was left of it
                self.radius = POOR * move.length
                continue
            if self.first:
                self.radius = min(self.radius, move.length)
            trial = self.objective.attempt(self._at(model, move), point)
            finite = finite or trial.is_finite
            if self._judge(model, move, trial):
                new = self.objective.complete(trial)
                if new.is_finite:
                    self.first = False
                    return self._after(point, new, move, trial)
                self.radius = POOR * move.length
            elif prospect.is_nothing(float(model.gradient @ move.p), trial.gain):
                return Step(None, 0.0, Status.CONVERGED, DONE)
            if not self.radius > eps**2 * self._width(model):
                break
        return self._failed(point, model, move, finite)

    def _judge(self, model: Model, move: Move, trial: Trial) -> bool:
        """Set the radius by how well the model foretold the cost, and say whether to accept."""
        if not trial.is_finite:
            self.radius = 0.1 * move.length
            return False
        ratio = trial.gain / move.predicted
        if ratio <= POOR:
            slope = float(model.gradient @ move.p)
            # the minimum of the parabola through the cost, its slope and the cost of the trial
            bend = -trial.gain - slope
            part = -0.5 * slope / bend if bend > 0.0 else 0.5
            self.radius = min(max(part, 0.1), 0.5) * min(self.radius, move.length)
        elif ratio >= GOOD or move.full:
            self.radius = 2.0 * move.length
        return ratio >= ACCEPTED

    def _after(self, point: FitPoint, new: FitPoint, move: Move, trial: Trial) -> Step:
        """Test a step that was accepted."""
        method, eps = self.method, self.objective.space.eps
        status, message = None, ""
        width = self._width(_model(new))
        cost = point.f
        if new.size <= eps**TINY * self.start:
            status, message = Status.CONVERGED, "The residuals are zero up to rounding."
        elif move.full and move.length <= method.xtol * width:
            status = Status.CONVERGED
            message = (
                f"The last step, of scaled length {move.length:.3g}, is not above xtol = "
                f"{method.xtol:g} times the scaled length of x, {width:.3g}."
            )
        elif move.full and max(trial.gain, move.predicted) <= method.ftol * cost:
            status = Status.CONVERGED
            message = (
                f"The last step lowered the cost by {trial.gain:.3g}, not above ftol = "
                f"{method.ftol:g} times the cost, {cost:.3g}."
            )
        return Step(new, move.length, status, message)

    def _polish(self, point: FitPoint, model: Model, move: Move, noise: float) -> Step:
        """Go on where costs are equal up to rounding: as long as the gradient gets smaller.

        Costs tell x to half the digits only; the projected residuals tell it to all.
        """
        if move.predicted <= 0.0:
            return Step(None, 0.0, Status.CONVERGED, DONE)
        new = self.objective.evaluate(self._at(model, move))
        if not new.is_finite or new.f > point.f + 10.0 * noise:
            return Step(None, 0.0, Status.CONVERGED, DONE)
        after = self.method.propose(_model(new), self.scale, math.inf)
        if not after.predicted <= BETTER**2 * move.predicted:
            return Step(None, 0.0, Status.CONVERGED, DONE)
        new.f = min(new.f, point.f)  # equal up to rounding, and the newer one is the better
        self.radius = max(self.radius, 2.0 * move.length)
        if move.length <= self.method.xtol * self._width(model):
            return Step(new, move.length, Status.CONVERGED, DONE)
        return Step(new, move.length)

    def _failed(self, point: FitPoint, model: Model, move: Move | None, finite: bool) -> Step:
        """Say why no step lowered the cost."""
        if not finite:
            why = self.objective.failure
            message = f"The residuals could not be evaluated: {why}." if why else ""
            return Step(None, 0.0, Status.NONFINITE, message)
        space = self.objective.space
        slope = float(model.gradient @ move.p) if move is not None else 0.0
        if move is not None and slope < 0.0:
            direction = space.from_host(move.p)
            if Line(self.objective, point, direction, slope).contradicts():  # type: ignore[arg-type]
                return Step(None, 0.0, Status.WRONG_GRADIENT)
        return Step(None, 0.0, Status.STAGNATED)

    def _scaled(self, model: Model, before: np.ndarray) -> np.ndarray:
        if self.method.scale is not None:
            return self.method.scale
        scale = np.maximum(before, model.norms)
        # a column of zeros has no scale of its own; it gets one when it moves
        return np.where(scale > 0.0, scale, 1.0)

    def _noise(self, point: FitPoint, model: Model) -> float:
        """How much the cost changes by rounding; a robust one has that of outliers too."""
        if self.objective.loss.rho is None:
            return model.noise
        return model.noise + self.objective.space.eps * abs(point.f)

    def _width(self, model: Model) -> float:
        return float(np.linalg.norm(self.scale * model.x))

    def _at(self, model: Model, move: Move):
        """The place of a step; exactly on a bound where the step ends there."""
        x = model.x + move.p
        if model.sides is not None:
            low, high = model.sides
            x = np.clip(x, low, high)
            x = np.where(move.p == low - model.x, low, np.where(move.p == high - model.x, high, x))
        return self.objective.space.from_host(x)


def _model(point: FitPoint) -> Model:
    assert point.model is not None
    return point.model
