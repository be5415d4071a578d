"""The proximal gradient method, plain and accelerated, as a method of the common loop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from anygrad.backends.types import Array
from anygrad.solvers.problem.line import Line
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.status import Status
from anygrad.solvers.problem.steps import Step
from anygrad.solvers.proximal.composite import Composite, CompositeStopping

ROUNDINGS = 10.0
"""Values that differ by fewer units of rounding, relative to f, count as equal."""

FAR = 1e3
"""Differences of so many times the noise are trusted whatever is summed up in f."""

SHORTENINGS = 8
"""A step that passes after so many, and only by rounding, makes the gradient suspicious."""

SAFE = 0.95
"""Share of the step that the curvature just seen would allow."""


@dataclass(frozen=True)
class ForwardBackward:
    """Options of the method; `proximal_gradient` makes one.

    Attributes
    ----------
    accelerated, restart : bool
        Whether there is momentum, and whether it is dropped when it leads uphill.
    fixed : bool
        Whether the step is the user's and stays.
    gtol : float
        From this value on the generalised gradient is measured at the new point itself.
    eps : float
        Unit of rounding.
    """

    accelerated: bool
    restart: bool
    fixed: bool
    gtol: float
    eps: float
    first_growth: float = 2.0
    growth: float = 1.1
    max_trials: int = 60

    @property
    def name(self) -> str:
        """What the method is called."""
        return "FISTA" if self.accelerated else "ISTA"

    @property
    def stopping(self) -> type[CompositeStopping]:
        """The tests of a run."""
        return CompositeStopping

    def start(self, objective: Objective, point: Point) -> Stepping:
        """Begin at a point that was evaluated."""
        assert isinstance(objective, Composite)
        return Stepping(objective, self, point)

    def is_better(self, point: Point, best: Point) -> bool:
        """Compare by values, and by generalised gradients where values differ by rounding only."""
        noise = ROUNDINGS * self.eps * max(abs(point.f), abs(best.f))
        if abs(point.f - best.f) > noise:
            return point.f < best.f
        return point.peak <= best.peak


@dataclass(slots=True)
class Base:
    """Where a step starts from: a point that was extrapolated, with f and its gradient."""

    y: Array
    value: Array
    gradient: Array
    f: float = math.nan


@dataclass(slots=True)
class Trial:
    """A proximal step from a base, and what was read of it."""

    z: Array
    value: Array
    f: float
    total: float
    change: Array
    drop: float  # gradient @ (z - y)
    square: float  # |z - y|^2
    peak: float
    uphill: float
    gradient: Any


class Stepping:
    """The method at work."""

    def __init__(self, objective: Composite, options: ForwardBackward, point: Point) -> None:
        self.objective = objective
        self.options = options
        self.t = objective.step
        self.growth = options.first_growth
        self.theta = 1.0
        self.base: Base | None = Base(point.x, *point.extra)
        self.y: Array = point.x  # where the next base is, if it is not known
        self.longer = self.t
        self.last: Base | None = None
        self.proved = math.inf  # the shortest step that values far above rounding asked for
        self.suspicious = self.wrong = False

    def step(self, point: Point) -> Step:
        """Go on from a point, by way of the extrapolated one."""
        base = self.base or Base(self.y, *self.objective.smooth(self.y))
        trial = self._search(base, point)
        if trial is None and base.y is not point.x:  # momentum led out of the domain
            self.theta = 1.0
            base = Base(point.x, *self.objective.smooth(point.x))
            trial = self._search(base, point)
        if trial is None or (self.suspicious and self._contradicts(base, trial)):
            return self._failed(base)
        self.last = base
        self._extrapolate(point, trial)
        self.objective.step = self.t
        if trial.peak <= self.options.gtol:
            at = self.objective.evaluate(trial.z)
            if self.base is None and self.y is trial.z:
                self.base = Base(trial.z, *at.extra)
            return Step(at, self.t)
        return Step(Point(trial.z, trial.value, trial.change, trial.total, trial.peak, []), self.t)

    def _search(self, base: Base, point: Point) -> Trial | None:
        """Shorten the step until the parabola that it belongs to lies above f."""
        options = self.options
        for tries in range(options.max_trials):
            trial = self._try(base, point, first=tries == 0)
            if not math.isfinite(base.f):
                return None
            finite = math.isfinite(trial.f) and math.isfinite(trial.square)
            if options.fixed:
                return trial if finite else None
            if not finite:
                self._shorten(0.5 if tries < 2 else 0.1)
                continue
            noise = ROUNDINGS * options.eps * max(abs(base.f), abs(trial.f))
            bend = trial.f - base.f - trial.drop
            fits = bend <= 0.5 * trial.square / self.t + noise
            # rounding of f may be larger than that of its value alone
            floor = 0.5 * self.proved if bend < FAR * noise else 0.0
            if fits or self.t <= floor:
                informative = fits and 0.5 * trial.square / self.t > noise
                if fits and 0.5 * trial.square / self.t > FAR * noise:
                    self.proved = min(self.proved, self.t)
                self.longer = self.t * (self.growth if informative and tries == 0 else 1.0)
                self.suspicious = tries >= SHORTENINGS and not informative
                return trial
            wanted = 0.5 * SAFE * trial.square / bend
            self._shorten(min(max(wanted, 0.1 * self.t, floor) / self.t, 0.9))
        return None

    def _try(self, base: Base, point: Point, first: bool) -> Trial:
        """Take a proximal step, and read all that is asked of it in one transfer."""
        objective, xp = self.objective, self.objective.space.xp
        z = objective.prox(base.y - self.t * base.gradient, self.t)
        value, gradient = objective.smooth(z, with_gradient=not self.options.accelerated)
        total = value + objective.value_of_g(z)
        move = z - base.y
        wanted = [
            base.value,
            value,
            total,
            base.gradient @ move,
            move @ move,
            xp.max(xp.abs(move)),
            move @ (point.x - z),
        ]
        last = self.last
        if first and last is not None and last.y is not base.y:
            between, bend = base.y - last.y, base.gradient - last.gradient
            wanted += [between @ between, between @ bend, base.y @ base.y]
        read = objective.space.fetch(wanted)
        base.f, f, whole, drop, square, peak, uphill, *curvature = read
        change = move / -self.t
        trial = Trial(z, total, f, whole, change, drop, square, peak / self.t, uphill, gradient)
        if curvature and not self.options.fixed:
            return self._recheck(base, point, trial, *curvature)
        return trial

    def _recheck(
        self, base: Base, point: Point, trial: Trial, between: float, bend: float, size: float
    ) -> Trial:
        """Shorten the step where the last two gradients show more curvature than it allows.

        They do so still where the values of f differ by rounding only; but not for ever, since
        gradients are rounded too.
        """
        far = between > self.options.eps**1.2 * size
        if not (far and 0.0 < bend < math.inf and bend * self.t > between):
            return trial
        share = max(SAFE * between / bend, 0.5 * self.proved) / self.t
        if share >= 1.0:
            return trial
        self._shorten(share)
        return self._try(base, point, first=False)

    def _shorten(self, share: float) -> None:
        self.t *= share
        self.growth = self.options.growth

    def _contradicts(self, base: Base, trial: Trial) -> bool:
        """Whether f falls otherwise than its gradient says; asked where only a tiny step passed."""
        space = self.objective.space
        direction = trial.z - base.y
        slope = space.fetch([base.gradient @ direction])[0]
        origin = Point(base.y, base.value, base.gradient, base.f, trial.peak, [])
        self.wrong = Line(self.objective, origin, direction, slope).contradicts()
        return self.wrong

    def _extrapolate(self, point: Point, trial: Trial) -> None:
        """Choose the next base: the new point, or one beyond it."""
        options, used = self.options, self.t
        if not options.fixed:
            self.t = self.longer
        z = trial.z
        self.base, self.y = None, z
        if not options.accelerated:
            self.base = Base(z, self.objective.space.number(trial.f), trial.gradient)
            return
        if options.restart and trial.uphill > 0.0:
            self.theta = 1.0
            return
        # theta by the ratio of the steps: Scheinberg, Goldfarb, Bai (2014), alg. 3
        theta = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * self.theta**2 * used / self.t))
        momentum = (self.theta - 1.0) / theta
        self.theta = theta
        if momentum > 0.0:
            self.y = z + momentum * (z - point.x)

    def _failed(self, base: Base) -> Step:
        if self.wrong:
            return Step(None, self.t, Status.WRONG_GRADIENT)
        if not math.isfinite(base.f) or self.options.fixed:
            why = self.objective.failure
            what = f"f raised {why}" if why else "f is not finite at the new point"
            advice = " A shorter step may help." if self.options.fixed else ""
            return Step(None, self.t, Status.NONFINITE, f"{what}.{advice}")
        message = (
            "No step, however short, lowers f as its gradient says. Check it with "
            "ag.check_gradients(f, x); f may also have a kink."
        )
        return Step(None, self.t, Status.STAGNATED, message)
