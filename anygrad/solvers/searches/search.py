"""What every line search is."""

from __future__ import annotations

from typing import Protocol

from anygrad.solvers.problem.line import Line, Trial


class Search(Protocol):
    """Finds a step along a line that lowers f enough."""

    def run(self, line: Line, first: float) -> Trial | None:
        """Try steps, ``first`` first; give the accepted trial, or None where none is lower.

        The slope at 0 may be known only after the first trial. A trial that is not finite shortens
        the step.
        """
        ...


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
