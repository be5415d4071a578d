"""The line search of Hager and Zhang: secant steps in a bracket, judged by values or slopes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from anygrad.ranges import NOT_NEGATIVE, Range, check_count, check_number
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.problem.stopping import UNBOUNDED_BELOW
from anygrad.solvers.searches.search import End, growth, reaches_limit, shorten

__all__ = ["HagerZhang", "hager_zhang"]

EXPANSION = 5.0  # rho of the paper
SHRINKAGE = 0.66  # gamma of the paper: secant steps that narrow the bracket less are followed by
# a bisection

Bracket = tuple[End, End]
Steps = Generator[float, Trial, Bracket]
"""A procedure of the paper: it yields steps to try, is sent the trials and returns a bracket."""


@dataclass(frozen=True)
class HagerZhang:
    """Constants of the search; `hager_zhang` makes one."""

    delta: float
    sigma: float
    epsilon: float
    max_trials: int

    def run(self, line: Line, first: float) -> Trial | None:
        """Search from step ``first``; the lowest trial, where none is accepted."""
        steps = self._search(line, first)
        tried: set[float] = set()
        t = next(steps)
        while t not in tried:
            tried.add(t)
            trial = line.at(t)
            if not line.slope < 0.0:
                return None
            falls = trial.f < UNBOUNDED_BELOW or reaches_limit(line, trial, self.delta)
            if falls or self.accepts(line, trial):
                return trial
            if line.trials >= self.max_trials:
                break
            try:
                t = steps.send(trial)
            except StopIteration:
                break
        return line.improved

    def accepts(self, line: Line, trial: Trial) -> bool:
        """Whether a step satisfies the Wolfe conditions, or the approximate ones (T1, T2)."""
        if not trial.is_finite or trial.slope < self.sigma * line.slope:
            return False
        if trial.f <= line.f + self.delta * trial.t * line.slope:
            return True
        flat = trial.slope <= (2.0 * self.delta - 1.0) * line.slope
        return flat and trial.f <= self._bound(line)

    def _bound(self, line: Line) -> float:
        """Values up to here count as not above f(0), because they may be rounded so."""
        return line.f + max(self.epsilon * abs(line.f), line.noise)

    def _search(self, line: Line, first: float) -> Steps:
        a, b = yield from self._bracket(line, first)
        while True:
            width = b.t - a.t
            a, b = yield from self._secant_twice(line, a, b)
            if b.t - a.t > SHRINKAGE * width:
                a, b = yield from self._update(line, a, b, 0.5 * (a.t + b.t))
            if not b.t - a.t < width:
                return a, b

    def _bracket(self, line: Line, first: float) -> Steps:
        """B0-B3: a low end that falls and a high one that rises; steps grow until then."""
        step, low, tries = min(first, line.limit), None, 0
        while True:
            trial = yield step
            low = End(0.0, line.f, line.slope) if low is None else low
            if trial.is_finite and trial.slope >= 0.0:
                return low, End.of(trial)
            if not trial.is_finite or trial.f > self._bound(line):
                return (yield from self._bisect(line, low, End.of(trial)))
            low = End.of(trial)
            tries += 1
            step = min(growth(EXPANSION, tries) * trial.t, line.limit)

    def _update(self, line: Line, a: End, b: End, t: float) -> Steps:
        """U0-U3: narrow the bracket by a step inside it."""
        if not a.t < t < b.t:
            return a, b
        c = yield t
        if not c.is_finite:
            return (yield from self._bisect(line, a, End.of(c)))
        if c.slope >= 0.0:
            return a, End.of(c)
        if c.f <= self._bound(line):
            return End.of(c), b
        return (yield from self._bisect(line, a, End.of(c)))

    def _bisect(self, line: Line, a: End, b: End) -> Steps:
        """U3: between an end that falls and one that is too high, or not finite, find a rise."""
        tries = 0
        while True:
            tries += not b.is_finite
            d = yield 0.5 * (a.t + b.t) if b.is_finite else shorten(a.t, b.t, tries)
            if not d.is_finite or (d.slope < 0.0 and d.f > self._bound(line)):
                b = End.of(d)
            elif d.slope >= 0.0:
                return a, End.of(d)
            else:
                a = End.of(d)

    def _secant_twice(self, line: Line, a: End, b: End) -> Steps:
        """S1-S4: a secant step, and a second one from the end that it replaced."""
        t = _secant(a, b)
        low, high = yield from self._update(line, a, b, t)
        if t == high.t:
            return (yield from self._update(line, low, high, _secant(b, high)))
        if t == low.t:
            return (yield from self._update(line, low, high, _secant(a, low)))
        return low, high


def hager_zhang(
    *, delta: float = 0.1, sigma: float = 0.9, epsilon: float = 1e-6, max_trials: int = 50
) -> HagerZhang:
    """Search by secant steps until the Wolfe conditions, or the approximate ones, hold.

    Near a minimum, values of f differ by rounding only, while slopes still tell where it is. So a
    step is accepted if ``f(t) <= f(0) + delta t f'(0)`` and ``f'(t) >= sigma f'(0)``, or if
    ``f(t) <= f(0) + epsilon |f(0)|`` and ``(2 delta - 1) f'(0) >= f'(t) >= sigma f'(0)``. A trial
    that is not finite shortens the step.

    Parameters
    ----------
    delta : float
        Sufficient decrease, in (0, 0.5).
    sigma : float
        Curvature, in [delta, 1).
    epsilon : float
        How much a step may raise f, relative to f, where slopes speak for it; >= 0. Differences
        within the rounding of f are always allowed.
    max_trials : int
        Evaluations in one search, >= 1; afterwards the lowest point found is taken.

    Returns
    -------
    HagerZhang
        For ``minimize(search=...)``.

    Raises
    ------
    ArgumentError
        If a constant is outside its range.

    References
    ----------
    Hager, Zhang (2005), A new conjugate gradient method with guaranteed descent and an efficient
    line search, section 4; (2006), Algorithm 851: CG_DESCENT. Steps beyond eight expansions grow
    faster, so that a function without a minimum is recognised.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> search = ag.solvers.hager_zhang()
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 4), np.zeros(2), search=search).x.round(1)
    array([3., 3.])
    """
    delta = check_number("hager_zhang(delta)", delta, Range(0, 0.5, open_low=True, open_high=True))
    sigma = check_number("hager_zhang(sigma)", sigma, Range(delta, 1, open_high=True))
    epsilon = check_number("hager_zhang(epsilon)", epsilon, NOT_NEGATIVE)
    return HagerZhang(delta, sigma, epsilon, check_count("hager_zhang(max_trials)", max_trials, 1))


def _secant(a: End, b: End) -> float:
    """Where the line through two slopes vanishes; the middle where it does not."""
    change = b.slope - a.slope
    return (a.t * b.slope - b.t * a.slope) / change if change else 0.5 * (a.t + b.t)
