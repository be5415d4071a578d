"""Schedules given by values at some steps: constant between them, or interpolated."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from anygrad.ranges import FINITE, POSITIVE, check_number
from anygrad.schedules.base import Schedule
from anygrad.schedules.checks import check_boundaries, check_choice, check_values
from anygrad.schedules.shapes import follow

__all__ = ["interpolated", "multi_step", "piecewise"]


def piecewise(values: Sequence[float], boundaries: Sequence[int]) -> Schedule:
    """Jump from value to value at the boundaries.

    ``values[0]`` before step ``boundaries[0]``; ``values[i]`` from step ``boundaries[i - 1]`` on.

    Parameters
    ----------
    values : list of float
        One more than there are boundaries.
    boundaries : list of int
        Steps at which the next value begins; increasing, >= 1.

    Returns
    -------
    Schedule
        ``step -> value``.

    Raises
    ------
    ArgumentError
        If an argument is outside its range, or the lengths do not fit.

    Examples
    --------
    >>> rate = ag.schedules.piecewise([1.0, 0.5, 0.1], [100, 150])
    >>> rate(99), rate(100), rate(150)
    (1.0, 0.5, 0.1)
    """
    starts = check_boundaries("piecewise(boundaries)", boundaries, low=1)
    numbers = check_values("piecewise(values)", values, len(starts))
    text = f"piecewise({numbers}, {starts})"
    return Schedule(text, lambda step: numbers[bisect_right(starts, step)])


def multi_step(initial: float, factor: float, milestones: Sequence[int]) -> Schedule:
    """Multiply by ``factor`` at each milestone.

    ``initial * factor ** n``, where ``n`` milestones are at most ``step``.

    Parameters
    ----------
    initial : float
        Value at step 0.
    factor : float
        Factor at each milestone, > 0; 0.1 is usual.
    milestones : list of int
        Steps at which the value drops; increasing, >= 1.

    Returns
    -------
    Schedule
        ``step -> value``.

    Raises
    ------
    ArgumentError
        If an argument is outside its range.

    Examples
    --------
    >>> drops = ag.schedules.multi_step(1.0, 0.5, [30, 80])
    >>> drops(29), drops(30), drops(80)
    (1.0, 0.5, 0.25)
    """
    initial = check_number("multi_step(initial)", initial, FINITE)
    factor = check_number("multi_step(factor)", factor, POSITIVE)
    starts = check_boundaries("multi_step(milestones)", milestones, low=1)
    text = f"multi_step({initial}, {factor}, {starts})"
    return Schedule(text, lambda step: initial * factor ** bisect_right(starts, step))


def interpolated(
    values: Sequence[float], boundaries: Sequence[int], *, shape: str = "linear"
) -> Schedule:
    """Go from value to value without a jump, and stay at the last.

    ``values[0]`` at step 0 and ``values[i]`` at step ``boundaries[i - 1]``. In between, at the
    fraction ``s`` of the way from ``a`` to ``b``, ``b + (a - b) * w`` with ``w = 1 - s``
    ("linear") or ``w = (1 + cos(pi * s)) / 2`` ("cosine", level at every boundary).

    Parameters
    ----------
    values : list of float
        One more than there are boundaries.
    boundaries : list of int
        Steps at which each value but the first is reached; increasing, >= 1.
    shape : {"linear", "cosine"}
        How the value moves in between.

    Returns
    -------
    Schedule
        ``step -> value``.

    Raises
    ------
    ArgumentError
        If an argument is outside its range, or the lengths do not fit.

    Examples
    --------
    >>> rate = ag.schedules.interpolated([0.0, 1.0, 0.5], [10, 30])
    >>> rate(5), rate(10), rate(20), rate(99)
    (0.5, 1.0, 0.75, 0.5)
    """
    steps = check_boundaries("interpolated(boundaries)", boundaries, low=1)
    numbers = check_values("interpolated(values)", values, len(steps))
    shape = check_choice("interpolated(shape)", shape, ("linear", "cosine"))
    text = f"interpolated({numbers}, {steps}, shape={shape!r})"
    return Schedule(text, follow([0, *steps], numbers, shape))
