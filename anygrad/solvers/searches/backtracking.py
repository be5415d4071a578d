"""Backtracking: shorten the step until f is low enough."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anygrad.ranges import Range, check_count, check_number
from anygrad.solvers.problem.line import Line, Trial
from anygrad.solvers.searches.search import is_as_low, shorten

__all__ = ["Backtracking", "backtracking"]


@dataclass(frozen=True)
class Backtracking:
    """Constants of the search; `backtracking` makes one."""

    c1: float
    shrink: float
    max_trials: int

    def run(self, line: Line, first: float) -> Trial | None:
        """Shorten the step by interpolation, at least to half and at most by ``shrink``."""
        trial = line.at(min(first, line.limit))
        if not line.slope < 0.0:
            return None
        tries = 0
        while True:
            if trial.f == -math.inf:
                return trial
            if trial.is_finite:
                low = line.f + self.c1 * trial.t * line.slope
                if trial.f <= low or is_as_low(line, trial, 1.0):
                    return trial
                # the minimum of the parabola through f(0), f'(0) and f(t)
                curvature = trial.f - line.f - line.slope * trial.t
                step = -0.5 * line.slope * trial.t**2 / curvature
                step = min(max(step, self.shrink * trial.t), 0.5 * trial.t)
            else:
                tries += 1
                step = shorten(0.0, trial.t, tries)
            if line.trials >= self.max_trials or step == 0.0:
                return line.improved
            trial = line.at(step)


def backtracking(*, c1: float = 1e-4, shrink: float = 0.1, max_trials: int = 40) -> Backtracking:
    """Shorten the step until f(t) <= f(0) + c1 t f'(0): the rule of Armijo.

    Parameters
    ----------
    c1 : float
        Sufficient decrease, in (0, 1).
    shrink : float
        The most that one trial may shorten the step, in (0, 0.5].
    max_trials : int
        Evaluations in one search, >= 1; afterwards the lowest point found is taken.

    Returns
    -------
    Backtracking
        For ``minimize(search=...)``.

    Raises
    ------
    ArgumentError
        If a constant is outside its range.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, 3.1 and 3.5.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> search = ag.solvers.backtracking()
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2), search=search).x.round(4)
    array([3., 3.])
    """
    c1 = check_number("backtracking(c1)", c1, Range(0, 1, open_low=True, open_high=True))
    shrink = check_number("backtracking(shrink)", shrink, Range(0, 0.5, open_low=True))
    return Backtracking(c1, shrink, check_count("backtracking(max_trials)", max_trials, 1))
