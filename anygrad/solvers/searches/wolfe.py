"""The line search of Moré and Thuente: a step that satisfies the strong Wolfe conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anygrad.ranges import Range, check_count, check_number
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.stopping import UNBOUNDED_BELOW
from anygrad.solvers.searches.search import End, growth, is_as_low, reaches_limit, shorten

__all__ = ["StrongWolfe", "strong_wolfe"]

GROWTH = 4.0  # the most that a step may grow from one trial to the next
NARROWING = 0.66  # an interval that shrinks less than this in two trials is halved


@dataclass(frozen=True)
class StrongWolfe:
    """Constants of the search; `strong_wolfe` makes one."""

    c1: float
    c2: float
    max_trials: int

    def run(self, line: Line, first: float) -> Trial | None:
        """Search from step ``first``; the best trial that is lower, where none satisfies both."""
        trial = line.at(min(first, line.limit))
        if not line.slope < 0.0:
            return None
        interval, tries = None, 0
        while True:
            if trial.f < UNBOUNDED_BELOW or reaches_limit(line, trial, self.c1):
                return trial
            if trial.is_finite:
                if self.accepts(line, trial) or is_as_low(line, trial, self.c2):
                    return trial
                interval = interval or Interval(End(0.0, line.f, line.slope))
                step = interval.take(line, trial, self.c1)
            else:
                interval = interval or Interval(End(0.0, line.f, line.slope))
                tries += 1
                step = shorten(interval.best.t, trial.t, tries)
            stuck = step in (trial.t, interval.best.t) or not 0.0 < step < math.inf
            if stuck or line.trials >= self.max_trials:
                return line.improved
            trial = line.at(step)

    def accepts(self, line: Line, trial: Trial) -> bool:
        """Whether a step satisfies both conditions."""
        lower = trial.f <= line.f + self.c1 * trial.t * line.slope
        return lower and abs(trial.slope) <= -self.c2 * line.slope


def strong_wolfe(*, c1: float = 1e-4, c2: float = 0.9, max_trials: int = 30) -> StrongWolfe:
    """Search by cubic and quadratic interpolation until both strong Wolfe conditions hold.

    Parameters
    ----------
    c1 : float
        Sufficient decrease, f(t) <= f(0) + c1 t f'(0); in (0, 0.5).
    c2 : float
        Curvature, abs(f'(t)) <= c2 abs(f'(0)); in [c1, 1). 0.9 suits quasi-Newton directions, 0.1
        conjugate gradients.
    max_trials : int
        Evaluations in one search, >= 1; afterwards the lowest point found is taken.

    Returns
    -------
    StrongWolfe
        For ``minimize(search=...)``.

    Raises
    ------
    ArgumentError
        If a constant is outside its range.

    References
    ----------
    Moré, Thuente (1994), Line search algorithms with guaranteed sufficient decrease; the trials are
    those of their program, MINPACK-2's dcsrch. Where values differ by rounding only, slopes decide,
    as in Hager, Zhang (2005), and steps beyond eight expansions grow faster, so that a function
    without a minimum is recognised.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> search = ag.solvers.strong_wolfe(c2=0.5)
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 4), np.zeros(2), search=search).x.round(1)
    array([3., 3.])
    """
    c1 = check_number("strong_wolfe(c1)", c1, Range(0, 0.5, open_low=True, open_high=True))
    c2 = check_number("strong_wolfe(c2)", c2, Range(c1, 1, open_high=True))
    return StrongWolfe(c1, c2, check_count("strong_wolfe(max_trials)", max_trials, 1))


class Interval:
    """The interval of uncertainty: ``best`` is its lowest end, ``other`` the far one, if any."""

    def __init__(self, start: End) -> None:
        self.best = start
        self.other = start
        self.bracketed = False
        self.auxiliary = True
        self.growths = 0
        self.widths = (math.inf, math.inf)

    def take(self, line: Line, trial: Trial, c1: float) -> float:
        """Update the interval by a trial and propose the next step."""
        tilt = c1 * line.slope
        # until a step is found with psi <= 0 and phi' >= 0, psi = phi - phi(0) - c1 t phi'(0)
        # leads to a step that satisfies the first condition
        if self.auxiliary and trial.f <= line.f + tilt * trial.t and trial.slope >= 0.0:
            self.auxiliary = False
        use_psi = self.auxiliary and trial.f <= self.best.f and trial.f > line.f + tilt * trial.t
        shift = tilt if use_psi else 0.0
        best, other = _tilted(self.best, shift), _tilted(self.other, shift)
        now = _tilted(End(trial.t, trial.f, trial.slope), shift)
        low, high = self._limits(line, now)
        step, closes = _propose(best, other, now, self.bracketed, low, high)
        if now.f > best.f:
            other = now
        else:
            if now.slope * (best.t - now.t) <= 0.0:  # else the minimum lies beyond the trial
                other = best
            best = now
        self.best, self.other = _tilted(best, -shift), _tilted(other, -shift)
        self.bracketed = self.bracketed or closes
        return self._inside(line, step, low, high)

    def _limits(self, line: Line, now: End) -> tuple[float, float]:
        if self.bracketed:
            low, high = sorted((self.best.t, self.other.t))
            return low, high
        self.growths += 1
        reach = now.t - self.best.t
        high = min(now.t + growth(GROWTH, self.growths) * reach, line.limit)
        if line.ceiling < math.inf:
            high = min(high, 0.5 * (now.t + line.ceiling))
        # the first trial says little of where a minimum is: the next one may lie just beyond it
        return now.t + (1.1 * reach if self.growths > 1 else 0.0), high

    def _inside(self, line: Line, step: float, low: float, high: float) -> float:
        if not self.bracketed:
            return min(max(step, min(low, high)), high)
        width = abs(self.other.t - self.best.t)
        if width >= NARROWING * self.widths[0]:
            step = self.best.t + 0.5 * (self.other.t - self.best.t)
        self.widths = (self.widths[1], width)
        low, high = sorted((self.best.t, self.other.t))
        return min(max(step, low), high, line.limit)


def _tilted(end: End, shift: float) -> End:
    return End(end.t, end.f - shift * end.t, end.slope - shift) if shift else end


def _propose(
    best: End, other: End, now: End, bracketed: bool, low: float, high: float
) -> tuple[float, bool]:
    """The next step by the four cases of section 4, and whether the interval is closed now."""
    if now.f > best.f:
        cubic = cubic_minimum(best, now)
        quadratic = best.t + 0.5 * best.slope / (
            (best.f - now.f) / (now.t - best.t) + best.slope
        ) * (now.t - best.t)
        near = abs(cubic - best.t) < abs(quadratic - best.t)
        return (cubic if near else 0.5 * (cubic + quadratic)), True
    if now.slope * best.slope < 0.0:
        cubic, secant = cubic_minimum(now, best), _secant(now, best)
        far = abs(cubic - now.t) > abs(secant - now.t)
        return (cubic if far else secant), True
    if abs(now.slope) <= abs(best.slope):
        secant = _secant(now, best)
        cubic = cubic_minimum(now, best, math.nan)
        beyond = (cubic - now.t) * (now.t - best.t) > 0.0
        if not beyond:  # nor where there is none
            cubic = high if now.t > best.t else low
        if bracketed:
            step = cubic if abs(cubic - now.t) < abs(secant - now.t) else secant
            edge = now.t + NARROWING * (other.t - now.t)
            return (min(step, edge) if now.t > best.t else max(step, edge)), False
        step = cubic if abs(cubic - now.t) > abs(secant - now.t) else secant
        return min(max(step, low), high), False
    if bracketed:
        return cubic_minimum(now, other), False
    return (high if now.t > best.t else low), False


def cubic_minimum(a: End, b: End, otherwise: float | None = None) -> float:
    """The minimum of the cubic through values and slopes at two steps (Nocedal, Wright, eq. 3.59).

    Where the cubic has none, ``otherwise``, or without it the point where it is flattest.
    """
    span = b.t - a.t
    middle = a.t + 0.5 * span if otherwise is None else otherwise
    d1 = a.slope + b.slope - 3.0 * (a.f - b.f) / (a.t - b.t)
    scale = max(abs(d1), abs(a.slope), abs(b.slope))
    if not scale < math.inf or scale == 0.0:
        return middle
    inner = (d1 / scale) ** 2 - (a.slope / scale) * (b.slope / scale)
    if inner <= 0.0 and otherwise is not None:
        return otherwise
    d2 = math.copysign(scale * math.sqrt(max(inner, 0.0)), span)
    below = b.slope - a.slope + 2.0 * d2
    if below == 0.0:
        return middle
    step = b.t - span * (b.slope + d2 - d1) / below
    return step if math.isfinite(step) else middle


def _secant(a: End, b: End) -> float:
    change = b.slope - a.slope
    return a.t - a.slope / change * (b.t - a.t) if change else a.t + 0.5 * (b.t - a.t)
