"""What every line search is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from anygrad.solvers.problem.line import Line, Trial

PATIENCE = 8
LEAP = 100.0


class Search(Protocol):
    """Finds a step along a line that lowers f enough."""

    def run(self, line: Line, first: float) -> Trial | None:
        """Try steps, ``first`` first; give the accepted trial, or None where none is lower.

        The slope at 0 may be known only after the first trial. A trial that is not finite shortens
        the step.
        """
        ...


@dataclass(slots=True)
class End:
    """An end of an interval: step, value and slope, of phi or of a function made from it."""

    t: float
    f: float
    slope: float

    @classmethod
    def of(cls, trial: Trial) -> End:
        """Take the numbers of a trial; nan where it is not finite."""
        if trial.is_finite:
            return cls(trial.t, trial.f, trial.slope)
        return cls(trial.t, math.nan, math.nan)

    @property
    def is_finite(self) -> bool:
        """Whether the trial was finite."""
        return not math.isnan(self.f)


def is_as_low(line: Line, trial: Trial, c2: float) -> bool:
    """Accept by slopes where values differ by less than their rounding: the approximate Wolfe rule.

    References
    ----------
    Hager, Zhang (2005), A new conjugate gradient method with guaranteed descent and an efficient
    line search, eq. 4.1 with delta near 0.
    """
    close = abs(trial.f - line.f) <= line.noise
    return close and c2 * line.slope <= trial.slope <= -0.9 * line.slope


def shorten(good: float, bad: float, tries: int) -> float:
    """Step back towards a good step from one that gave no finite value."""
    # a first bad value is often a little outside the domain, a third one means far outside
    share = 0.5 if tries < 2 else 0.1
    return good + share * (bad - good)


def growth(usual: float, tries: int) -> float:
    """By how much the next step exceeds the last one, where f has fallen ``tries`` times."""
    # after 8 expansions nothing but a function without a minimum is left; leaps of 100 show that
    # within the trials of one search
    return usual if tries < PATIENCE else LEAP


def reaches_limit(line: Line, trial: Trial, c1: float) -> bool:
    """Whether a step as long as allowed lowers f enough, and a longer one would go on."""
    if not trial.is_finite or trial.t < line.limit:
        return False
    return trial.slope <= 0.0 and trial.f <= line.f + c1 * trial.t * line.slope
