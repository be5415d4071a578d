"""Levenberg-Marquardt without a matrix: damped steps by LSMR."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anygrad.backends.types import Array
from anygrad.linear import lsmr
from anygrad.solvers.fitting.residuals import FitPoint, Residuals
from anygrad.solvers.fitting.stopping import DONE, FitStopping, Prospect
from anygrad.solvers.problem.line import Line
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step

FIRST = 1e-3
"""The first damping, relative to the square of the largest singular value."""

TRIALS = 60
BETTER = 0.9
"""Where costs differ by rounding only, a step must lower the optimality to this part."""

ILL = (
    "The cost was not lowered, but the linear systems are so badly conditioned that LSMR did not "
    "solve them. Give x_scale, the sizes of the parameters, or take linear_solver='dense'."
)
PRODUCTS, MOST_PRODUCTS = 10, 2000
"""Products with the Jacobian for one step: so many a parameter, and never more than the second."""

LOOSE, TIGHT = 1e-3, 1e-12
"""The linear systems are solved at least so well, relative to the gradient and to the columns.

Damping makes the first ones easy; narrow valleys are only followed with the last digits.
"""


@dataclass(frozen=True)
class Damped:
    """Levenberg-Marquardt with a damping parameter; a method for `iterate`.

    Attributes
    ----------
    ftol, xtol : float
        Tolerances.
    """

    ftol: float
    xtol: float
    name: str = "lm"

    stopping = FitStopping

    def start(self, objective: Residuals, point: FitPoint) -> Damping:
        """Begin at a point that was evaluated."""
        return Damping(self, objective, point)


class Damping:
    """The damping at work.

    References
    ----------
    Nielsen (1999), Damping parameter in Marquardt's method, eq. 2.4. With bounds the variables that
    the gradient presses against one stay, and steps are projected (Kelley 1999, Iterative methods
    for optimization, 5.5).
    """

    def __init__(self, method: Damped, objective: Residuals, point: FitPoint) -> None:
        self.method, self.objective = method, objective
        self.damping = FIRST * self._curvature(point)
        self.factor = 2.0
        self.start = point.size
        self.solved = True

    def step(self, point: FitPoint) -> Step:
        """Raise the damping until a step lowers the cost enough."""
        objective, space = self.objective, self.objective.space
        finite, p, promised, prospect = False, None, 0.0, None
        for _ in range(TRIALS):
            p = self._solve(point)
            ahead = point.jacobian.matvec(p)
            corrected, _ = objective.loss.correct(space.xp, point.residuals)
            # what rounding of x does to the residuals
            wiggle = point.jacobian.matvec(point.x)
            sizes = self._norm(p), self._norm(point.x), space.xp.sqrt(wiggle @ wiggle)
            products = corrected @ ahead, ahead @ ahead
            slope, square, length, width, reach = space.fetch([*products, *sizes])
            predicted = -(slope + 0.5 * square)
            noise = space.eps * point.size * (point.size + reach)
            if objective.loss.rho is not None:
                noise += space.eps * abs(point.f)  # outliers round too
            if not predicted > 0.0 and objective.box is not None:
                self._raise()  # the projection took away more than the step gained
                continue
            if not promised:
                if predicted <= noise and self.damping > self._floor(point):
                    # without damping there may be more to gain
                    self.damping = max(1e-4 * self.damping, self._floor(point))
                    continue
                if predicted <= noise:
                    return self._polish(point, p, length, noise)
                promised = predicted
            if length <= space.eps * width:
                break
            trial = objective.attempt(point.x + p, point)
            finite = finite or trial.is_finite
            ratio = trial.gain / predicted if trial.is_finite else -math.inf
            if ratio > 1e-4:
                new = objective.complete(trial)
                if new.is_finite:
                    eased = self.damping <= FIRST * self._curvature(point)
                    self.damping *= max(1.0 / 3.0, 1.0 - (2.0 * ratio - 1.0) ** 3)
                    self.factor = 2.0
                    gain = max(predicted, trial.gain)
                    return self._after(point, new, gain, length, width, eased)
            prospect = prospect or Prospect(point.f, space.eps, noise)
            if prospect.is_nothing(slope, trial.gain):
                return Step(None, 0.0, Status.CONVERGED, DONE)
            self._raise()
        if not promised:
            return Step(None, 0.0, Status.CONVERGED, DONE)
        return self._failed(point, p, finite)

    def _raise(self) -> None:
        self.damping *= self.factor
        self.factor *= 2.0

    def _solve(self, point: FitPoint) -> Array:
        """The damped step, within the bounds."""
        objective, space = self.objective, self.objective.space
        xp, box = space.xp, objective.box
        weights = xp.ones_like(point.x) if objective.widths is None else objective.widths
        if box is not None:
            g = point.gradient
            stuck = ((point.x <= box.lower) & (g > 0)) | ((point.x >= box.upper) & (g < 0))
            weights = xp.where(stuck, xp.zeros_like(weights), weights)
        corrected, _ = objective.loss.correct(xp, point.residuals)
        # better than the gradient is now, ever more so, that the end is fast
        share = min(point.peak, LOOSE)
        found = lsmr(
            lambda v: point.jacobian.matvec(weights * v),
            lambda u: weights * point.jacobian.rmatvec(u),
            -corrected,
            damp=math.sqrt(self.damping),
            atol=max(min(share * point.peak, TIGHT), space.eps),
            btol=max(min(share, TIGHT), space.eps),
            max_steps=min(PRODUCTS * point.x.shape[0] + 20, MOST_PRODUCTS),
        )
        self.solved = found.converged
        p = weights * found.x
        if box is None:
            return p
        return xp.minimum(xp.maximum(point.x + p, box.lower), box.upper) - point.x

    def _norm(self, v: Array) -> Array:
        xp = self.objective.space.xp
        if self.objective.widths is not None:
            v = v / self.objective.widths
        return xp.sqrt(xp.sum(v * v))

    def _after(
        self,
        point: FitPoint,
        new: FitPoint,
        gain: float,
        length: float,
        width: float,
        eased: bool,
    ) -> Step:
        """Test a step that was accepted; ``eased`` says that the damping hardly shortened it."""
        method, eps = self.method, self.objective.space.eps
        status, message = None, ""
        if new.size <= eps**2 * self.start:
            status, message = Status.CONVERGED, "The residuals are zero up to rounding."
        elif eased and length <= method.xtol * width:
            status = Status.CONVERGED
            message = (
                f"The last step, of length {length:.3g}, is not above xtol = {method.xtol:g} times "
                f"the length of x, {width:.3g}."
            )
        elif eased and gain <= method.ftol * point.f:
            status = Status.CONVERGED
            message = (
                f"The last step lowered the cost by {gain:.3g}, not above ftol = {method.ftol:g} "
                f"times the cost, {point.f:.3g}."
            )
        return Step(new, length, status, message)

    def _polish(self, point: FitPoint, p: Array, length: float, noise: float) -> Step:
        """Go on where costs are equal up to rounding: as long as the gradient gets smaller."""
        if not length > 0.0:
            return Step(None, 0.0, Status.CONVERGED, DONE)
        new = self.objective.evaluate(point.x + p)
        is_better = new.is_finite and new.peak <= BETTER * point.peak
        if is_better and new.f <= point.f + 10.0 * noise:
            new.f = min(new.f, point.f)  # equal up to rounding, and the newer one is the better
            return Step(new, length)
        if not self.solved:
            return Step(None, 0.0, Status.STAGNATED, ILL)
        return Step(None, 0.0, Status.CONVERGED, DONE)

    def _curvature(self, point: FitPoint) -> float:
        """The largest eigenvalue of J^T J in scaled variables, about."""
        return point.stretch**2

    def _floor(self, point: FitPoint) -> float:
        """Damping below this is none."""
        return self.objective.space.eps**2 * self._curvature(point)

    def _failed(self, point: FitPoint, p: Array | None, finite: bool) -> Step:
        if not finite:
            why = self.objective.failure
            message = f"The residuals could not be evaluated: {why}." if why else ""
            return Step(None, 0.0, Status.NONFINITE, message)
        assert p is not None
        slope = self.objective.space.fetch([point.gradient @ p])[0]
        if slope < 0.0 and Line(self.objective, point, p, slope).contradicts():  # type: ignore[arg-type]
            return Step(None, 0.0, Status.WRONG_GRADIENT)
        return Step(None, 0.0, Status.STAGNATED)
