"""The class of all schedules, and how they are joined, multiplied and added."""

from __future__ import annotations

import math
import numbers
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from anygrad.errors import ArgumentError, describe
from anygrad.ranges import FINITE, check_count, check_number
from anygrad.schedules.checks import check_boundaries, check_length, real_number
from anygrad.tracing.level import LIFTED, hosted

__all__ = ["Schedule", "as_schedule", "join"]

SUM, PRODUCT, CALL = 0, 1, 2
"""How tightly the text of a schedule binds: what binds less needs parentheses inside it."""


class Schedule:
    """A function of the step count that knows its name.

    ``a * b`` and ``a + b`` are schedules again; either side may be a number or any other function
    of the step. `then` continues with another schedule.

    Parameters
    ----------
    text : str
        How it prints.
    formula : callable
        Takes a Python int >= 0, returns a real number (a 0-d array will do).

    Examples
    --------
    >>> rate = 2 * ag.schedules.constant(0.1)
    >>> rate
    2.0 * constant(0.1)
    >>> rate(7)
    0.2
    >>> ag.schedules.Schedule("squares", lambda step: step**2) + 1.0
    squares + 1.0
    """

    __slots__ = ("_formula", "_rank", "_text")
    __array_ufunc__ = None  # a NumPy scalar on the left leaves the product to this class

    def __init__(self, text: str, formula: Callable[[int], Any]):
        self._text = text
        self._formula = formula
        self._rank = CALL

    def __call__(self, step: Any) -> float:
        """Value at ``step``, a Python int or an integer NumPy scalar or 0-d array, >= 0.

        A value that is not finite, such as that of an exponential that grew too long, raises
        `ArgumentError`.
        """
        if type(step) in LIFTED and step.t.records:  # of a compiled function: asked in every run
            return hosted(self, step)
        if type(step) is not int or step < 0:
            step = check_count(self._where(), step, advice="Steps are counted from 0.")
        try:
            value = _number(self._text, self._formula(step), step)
        except OverflowError as error:
            if step > sys.float_info.max:
                message = (
                    f"{self._where()}: got an integer beyond all floats; expected at most "
                    f"{sys.float_info.max:.2g}."
                )
                raise ArgumentError(message) from error
            value = math.inf
        if math.isfinite(value):
            return value
        message = (
            f"{self._text}: got {value} at {_words(step)}; expected a finite number. Let another "
            "schedule follow before, with then()."
        )
        raise ArgumentError(message)

    def __repr__(self) -> str:
        return self._text

    def __mul__(self, other: Any) -> Schedule:
        return _combined("*", PRODUCT, lambda a, b: a * b, self, other)

    def __rmul__(self, other: Any) -> Schedule:
        return _combined("*", PRODUCT, lambda a, b: a * b, other, self)

    def __add__(self, other: Any) -> Schedule:
        return _combined("+", SUM, lambda a, b: a + b, self, other)

    def __radd__(self, other: Any) -> Schedule:
        return _combined("+", SUM, lambda a, b: a + b, other, self)

    def then(self, schedule: float | Callable[[int], Any], *, after: int) -> Schedule:
        """Follow this schedule for ``after`` steps, then another from its own step 0.

        ``self(step)`` before step ``after``, from there on ``schedule(step - after)``.

        Parameters
        ----------
        schedule : callable or float
            What comes after: a schedule, any function of the step, or a number.
        after : int
            Length of the first part in steps, >= 0, counted from the start of this schedule.

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
        >>> rise = ag.schedules.linear(0.0, 1.0, 10)
        >>> rate = rise.then(ag.schedules.exponential(1.0, 0.5, every=10), after=10)
        >>> rate(5), rate(10), rate(20)
        (0.5, 1.0, 0.5)
        """
        after = check_count("then(after)", after)
        second = as_schedule("then(schedule)", schedule)
        text = f"{self._inside(CALL)}.then({second}, after={after})"
        return Schedule(text, lambda n: self(n) if n < after else second(n - after))

    def _inside(self, rank: int) -> str:
        """The text, in parentheses where what stands around it binds more tightly."""
        return f"({self._text})" if self._rank < rank else self._text

    def _where(self) -> str:
        name = self._text.partition("(")[0] if self._rank == CALL else ""
        return f"{name or 'schedule'}(step)"


def join(schedules: Sequence[float | Callable[[int], Any]], boundaries: Sequence[int]) -> Schedule:
    """Put schedules one after the other, each counting from its own start.

    ``schedules[0](step)`` before ``boundaries[0]``; then ``schedules[i](step - boundaries[i - 1])``
    from step ``boundaries[i - 1]`` on.

    Parameters
    ----------
    schedules : list of callable or float
        Schedules, functions of the step or numbers; at least one.
    boundaries : list of int
        Where each but the first begins; increasing, >= 0, one fewer than ``schedules``.

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
    >>> s = ag.schedules
    >>> rate = s.join([s.linear(0.0, 1.0, 10), 1.0, s.cosine(1.0, 10)], [10, 30])
    >>> rate(5), rate(10), rate(29), rate(35)
    (0.5, 1.0, 1.0, 0.5)
    """
    if not isinstance(schedules, (list, tuple)):
        message = f"join(schedules): got {describe(schedules)}; expected a list of schedules."
        raise ArgumentError(message)
    parts = [as_schedule(f"join(schedules)[{n}]", part) for n, part in enumerate(schedules)]
    starts = check_boundaries("join(boundaries)", boundaries, low=0)
    check_length("join(schedules)", len(parts), "schedules", len(starts))

    def formula(step: int) -> float:
        n = bisect_right(starts, step)
        return parts[n](step - starts[n - 1] if n else step)

    return Schedule(f"join({parts}, {starts})", formula)


def as_schedule(where: str, given: Any) -> Schedule:
    """Return ``given`` as a schedule: itself, a function of the step, or a number that stays."""
    if isinstance(given, Schedule):
        return given
    if callable(given):
        name = getattr(given, "__name__", type(given).__name__)
        return Schedule(name, given)
    advice = "A schedule or any other function of the step will do, too."
    value = check_number(where, given, FINITE, advice)
    return Schedule(f"{value}", lambda step: value)


def _number(text: str, value: Any, step: int) -> float:
    if type(value) is float:
        return value
    number = real_number(value)
    if number is not None:
        return number
    message = (
        f"{text}: got {describe(value)} at {_words(step)}; expected a number. A function of "
        "the step returns a real number or a 0-d array."
    )
    raise ArgumentError(message)


def _words(step: int) -> str:
    return f"step {step}" if step <= sys.float_info.max else "a step beyond all floats"


def _combined(
    sign: str, rank: int, operate: Callable[[float, float], float], left: Any, right: Any
) -> Any:
    """Combine two operands, of which at least one is a schedule."""
    for side in (left, right):
        if not callable(side) and not isinstance(side, numbers.Real):
            return NotImplemented
    a, b = (as_schedule(f"schedule {sign} other", side) for side in (left, right))
    # `a * (b * c)` and `a * b * c` round differently, so the text keeps the difference
    text = f"{a._inside(rank)} {sign} {b._inside(rank + 1)}"
    made = Schedule(text, lambda step: operate(a(step), b(step)))
    made._rank = rank
    return made
