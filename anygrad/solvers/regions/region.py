"""Trust region: a step that is best for a model within a radius, which follows its success."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anygrad.backends.types import Array
from anygrad.solvers.problem.line import ROUNDINGS, Line, is_doubtful
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.searches.search import shorten

BAD, GOOD = 0.25, 0.75  # ratios below which the radius shrinks, and above which it grows
GROWTH = 2.0
NARROWEST, WIDEST = 0.1, 0.5  # by how much a rejected step shrinks the radius
TRIALS = 40  # rejections in one step; by then the radius is at most 1e-12 of what it was
WIDENINGS = 20
FLAT_TRIALS = 5  # the same where the model promises less than values of f can show


@dataclass(slots=True)
class Proposal:
    """A step of the model within a radius.

    Attributes
    ----------
    step : array, shape (n,)
        On the device.
    length : float
        Its 2-norm.
    predicted : float
        By how much it lowers the model.
    at_boundary : bool
        Whether the radius held it back.
    """

    step: Array
    length: float
    predicted: float
    at_boundary: bool


@dataclass(slots=True)
class Judged:
    """The longest step whose trial was finite, and the slope along it; nan so far."""

    step: Array
    slope: float = math.nan


class Model(Protocol):
    """The quadratic model of f at one point."""

    def propose(self, radius: float) -> Proposal:
        """Lower the model within a radius."""
        ...


class Subproblem(Protocol):
    """Options of how the model is lowered."""

    @property
    def name(self) -> str:
        """What the method is called."""
        ...

    def model(self, objective: Objective, point: Point) -> Model:
        """Make the model of a point."""
        ...


@dataclass(frozen=True)
class TrustRegion:
    """Options of a trust-region method; `trust_region` makes one."""

    subproblem: Subproblem
    radius: float | None = None
    max_radius: float = math.inf
    eta: float = 1e-4

    @property
    def name(self) -> str:
        """What the method is called."""
        return f"trust region, {self.subproblem.name}"

    def start(self, objective: Objective, point: Point) -> Region:
        """Begin at a point that was evaluated."""
        return Region(self, objective, point)


class Region:
    """A trust region at work."""

    def __init__(self, options: TrustRegion, objective: Objective, point: Point) -> None:
        self.options = options
        self.objective = objective
        radius = options.radius
        if radius is None:
            length = math.sqrt(objective.space.fetch([point.x @ point.x])[0])
            radius = length if 0.0 < length < math.inf else 1.0
        self.radius = min(radius, options.max_radius)
        self.doubtful: tuple[Array, float] | None = None  # a step, and the slope at its end

    def step(self, point: Point) -> Step:
        """Shrink the radius until a step of the model lowers f."""
        model = self.options.subproblem.model(self.objective, point)
        noise = ROUNDINGS * self.objective.space.eps * abs(point.f)
        first = proposal = self._visible(model, 10.0 * noise)
        # where the model promises less than values of f can show, slopes decide
        flat = first.predicted <= 10.0 * noise
        judged, bad = Judged(first.step), 0
        for _ in range(FLAT_TRIALS if flat else TRIALS):
            if not proposal.predicted > 0.0:
                break
            trial = self._evaluate(point, proposal.step)
            if trial.f == -math.inf:
                return Step(None, proposal.length, Status.UNBOUNDED)
            if not trial.is_finite:
                bad += 1
                self.radius = shorten(0.0, proposal.length, bad)
            else:
                before, after = trial.extra
                if trial.f == point.f and before == after and proposal is not first:
                    break  # so short that x stayed where it was
                if math.isnan(judged.slope):
                    judged = Judged(proposal.step, before)
                gain = point.f - trial.f
                if flat and abs(gain) <= noise:
                    gain = -0.5 * (before + after)
                ratio = gain / proposal.predicted
                self._adjust(proposal, ratio, gain, before)
                if ratio > self.options.eta:
                    doubtful = is_doubtful(trial.f - point.f, before + after, noise)
                    self.doubtful = (proposal.step, after) if doubtful else None
                    return Step(trial, proposal.length)
            proposal = model.propose(self.radius)
        return self._failed(point, judged, flat)

    def is_contradicted(self, point: Point) -> bool:
        """Whether values around the last point show that its small gradient is a wrong one."""
        if self.doubtful is None:
            return False
        step, slope = self.doubtful
        return Line(self.objective, point, step, slope).contradicts()

    def _visible(self, model: Model, gain: float) -> Proposal:
        """Widen a radius that is too small for values of f to tell whether the model is right.

        Slopes cannot judge such steps: over a short way, a wrong gradient agrees with itself.
        """
        proposal = model.propose(self.radius)
        for _ in range(WIDENINGS):
            if not proposal.at_boundary or not proposal.predicted <= gain:
                break
            wider = min(10.0 * self.radius, self.options.max_radius)
            if wider == self.radius:
                break
            self.radius = wider
            proposal = model.propose(self.radius)
        return proposal

    def _evaluate(self, point: Point, step: Array) -> Point:
        def measure(gradient: Array) -> Sequence[Array]:
            return [point.gradient @ step, gradient @ step]

        return self.objective.evaluate(point.x + step, measure)

    def _adjust(self, proposal: Proposal, ratio: float, gain: float, slope: float) -> None:
        if ratio > GOOD and proposal.at_boundary:
            longer = max(self.radius, GROWTH * proposal.length)
            self.radius = min(longer, self.options.max_radius)
        elif not ratio >= BAD:
            # where the parabola through f(0), f'(0) and f along the step is lowest
            curvature = -gain - slope
            share = -0.5 * slope / curvature if curvature > 0.0 else BAD
            self.radius = min(max(share, NARROWEST), WIDEST) * proposal.length

    def _failed(self, point: Point, judged: Judged, flat: bool) -> Step:
        """Say why no step lowers f."""
        if flat:
            message = (
                "f cannot be lowered: the gain that the model promises is below the rounding of f."
            )
            return Step(None, 0.0, Status.CONVERGED, message)
        if math.isnan(judged.slope):
            why = self.objective.failure
            return Step(
                None, 0.0, Status.NONFINITE, f"f could not be evaluated: {why}." if why else ""
            )
        if Line(self.objective, point, judged.step, judged.slope).contradicts():
            return Step(None, 0.0, Status.WRONG_GRADIENT)
        return Step(None, 0.0, Status.STAGNATED)
