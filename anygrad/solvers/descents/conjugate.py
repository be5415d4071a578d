"""Nonlinear conjugate gradients: the gradient and the last direction, combined."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from anygrad.backends.types import Array
from anygrad.errors import ArgumentError, suggest
from anygrad.solvers.descents.descent import Move
from anygrad.solvers.problem.line import ROUNDINGS, Line, Trial
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.searches.hager_zhang import HagerZhang
from anygrad.solvers.searches.search import Search
from anygrad.solvers.searches.wolfe import StrongWolfe

__all__ = ["ConjugateGradient", "conjugate_gradient"]

PSI_0 = 0.01  # of I0: the first step, as a share of the size of x
PSI_1 = 0.1
PSI_2 = 2.0
ETA = 0.4  # how far beta may be negative, relative to the last direction
DESCENT = 1e-3  # a direction whose cosine with -g is smaller is given up


class Products(NamedTuple):
    """Inner products of an accepted step: d direction, g and h old and new gradient, y = h - g."""

    hh: float
    yh: float
    yy: float
    gg: float
    dg: float
    dh: float
    dd: float


def _hager_zhang(p: Products) -> float:
    dy = p.dh - p.dg
    beta = (p.yh - 2.0 * p.yy * p.dh / dy) / dy
    return max(beta, ETA * p.dg / p.dd)


def _polak_ribiere(p: Products) -> float:
    return max(p.yh / p.gg, 0.0)


def _fletcher_reeves(p: Products) -> float:
    return p.hh / p.gg


def _dai_yuan(p: Products) -> float:
    return p.hh / (p.dh - p.dg)


class Formula(NamedTuple):
    """How beta is computed, the search that its theory asks for, and whether it needs restarts."""

    beta: Callable[[Products], float]
    search: Search
    restarts: bool


FORMULAS = {
    "hager-zhang": Formula(_hager_zhang, HagerZhang(0.1, 0.9, 1e-6, 50), False),
    "polak-ribiere+": Formula(_polak_ribiere, StrongWolfe(1e-4, 0.1, 30), False),
    "fletcher-reeves": Formula(_fletcher_reeves, StrongWolfe(1e-4, 0.1, 30), True),
    "dai-yuan": Formula(_dai_yuan, HagerZhang(0.1, 0.9, 1e-6, 50), True),
}


@dataclass(frozen=True)
class ConjugateGradient:
    """Options of nonlinear conjugate gradients; `conjugate_gradient` makes one."""

    beta: str = "hager-zhang"
    quadratic_step: bool = True
    name: str = "conjugate gradient"

    @property
    def search(self) -> Search:
        """The search that the formula needs."""
        return FORMULAS[self.beta].search

    def begin(self, objective: Objective, point: Point) -> Conjugate:
        """Start at a point."""
        return Conjugate(objective, point, FORMULAS[self.beta], self.quadratic_step)


class Conjugate:
    """The direction -g + beta d; its inner products come with the trial that is accepted."""

    def __init__(
        self, objective: Objective, point: Point, formula: Formula, quadratic_step: bool
    ) -> None:
        self.objective = objective
        self.formula = formula
        self.quadratic_step = quadratic_step
        xp = objective.space.xp
        width, gg = objective.space.fetch(
            [xp.max(xp.abs(point.x)), point.gradient @ point.gradient]
        )
        self.gg = gg
        self.first = _first(width, gg, point)
        self.direction: Array | None = None
        self.beta = 0.0
        self.slope, self.dd = -gg, gg
        self.last: float | None = None
        self.since = 0  # steps since the last restart

    def move(self, point: Point) -> Move:
        """Choose a direction at a point."""
        direction = -point.gradient
        if self.direction is not None:
            direction = direction + self.beta * self.direction
        first = self.first
        if self.quadratic_step and self.last is not None:
            first = self._quadratic_step(point, direction, self.last)
        return Move(direction, first, self.slope)

    def _quadratic_step(self, point: Point, direction: Array, last: float) -> float:
        """I1, the minimum of the parabola through f(0), f'(0) and f at a short step, or I2."""
        noise = ROUNDINGS * self.objective.space.eps * abs(point.f)
        t = PSI_1 * last
        if abs(self.slope) * t <= noise:
            return self.first
        f = self.objective.evaluate_value(point.x + t * direction)
        if not math.isfinite(f):
            return PSI_1 * t
        curvature = f - point.f - self.slope * t
        if curvature > noise:
            return -0.5 * self.slope * t * t / curvature
        return PSI_2 * last if curvature < -noise else self.first

    def measure(self, point: Point, direction: Array, gradient: Array) -> Sequence[Array]:
        """Ask for all inner products of beta and of the next slope."""
        y = gradient - point.gradient
        return [gradient @ gradient, y @ gradient, y @ y]

    def learn(self, point: Point, line: Line, trial: Trial) -> None:
        """Compute beta, slope and length of the next direction, and its first step."""
        hh, yh, yy = trial.point.extra
        old = self.slope
        p = Products(hh, yh, yy, self.gg, line.slope, trial.slope, self.dd)
        self.since += 1
        beta = self.formula.beta(p) if p.dh > p.dg and p.gg > 0.0 and p.dd > 0.0 else 0.0
        if self.formula.restarts and self.since >= trial.point.x.shape[0]:
            beta = 0.0
        slope = -hh + beta * p.dh
        dd = hh - 2.0 * beta * p.dh + beta * beta * p.dd
        if not slope < -DESCENT * math.sqrt(hh * dd) or not math.isfinite(beta):
            beta, slope, dd = 0.0, -hh, hh
        if beta == 0.0:
            self.since = 0
        self.gg, self.beta, self.slope, self.dd = hh, beta, slope, dd
        self.direction = line.direction
        self.last = trial.t
        # the same first-order change as in the last step (Nocedal, Wright, eq. 3.60)
        self.first = trial.t * old / slope if slope < 0.0 else trial.t

    def reset(self) -> bool:
        """Go against the gradient."""
        had = self.beta != 0.0
        self.beta, self.slope, self.dd, self.since = 0.0, -self.gg, self.gg, 0
        return had


def _first(width: float, gg: float, point: Point) -> float:
    """The very first step, I0 of Hager and Zhang."""
    if width > 0.0 and point.peak > 0.0:
        return PSI_0 * width / point.peak
    if point.f != 0.0 and gg > 0.0:
        return PSI_0 * abs(point.f) / gg
    return 1.0


def conjugate_gradient(
    *, beta: str = "hager-zhang", quadratic_step: bool = True
) -> ConjugateGradient:
    """Go along -g + beta d, d the last direction; for many variables and little memory.

    Memory: about 8 vectors. Five inner products and f are read in one transfer a trial. Every
    direction descends; where the formula gives none that does, the gradient takes its place.

    Parameters
    ----------
    beta : {"hager-zhang", "polak-ribiere+", "fletcher-reeves", "dai-yuan"}
        The formula. It chooses the search too, unless ``minimize(search=...)`` does: `hager_zhang`
        for the first and the last, `strong_wolfe` with ``c2=0.1`` for the others. The last two
        start anew every n steps.
    quadratic_step : bool
        Whether to evaluate f alone at a tenth of the last step first, and to start the search at
        the minimum of the parabola that this gives. It halves the gradients needed, so it pays
        unless f costs as much as f and its gradient together.

    Returns
    -------
    ConjugateGradient
        For ``minimize(method=...)``.

    Raises
    ------
    ArgumentError
        If there is no such formula.

    References
    ----------
    Hager, Zhang (2006), Algorithm 851: CG_DESCENT, eq. 1.3 and the initial steps I0-I2; the bound
    on beta is that of (2013), The limited memory conjugate gradient method, which does not depend
    on the scale of f. Nocedal, Wright (2006), Numerical Optimization, 5.2, for the other formulas.
    The parabola is used wherever it has a minimum, also if the probe raised f.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> method = ag.solvers.conjugate_gradient()
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2), method=method).x.round(4)
    array([3., 3.])
    """
    if beta not in FORMULAS:
        known = ", ".join(map(repr, FORMULAS))
        message = (
            f"conjugate_gradient(beta): got {beta!r}; expected one of {known}. "
            f"{suggest(beta, FORMULAS)}"
        )
        raise ArgumentError(message.rstrip())
    return ConjugateGradient(beta, bool(quadratic_step))
