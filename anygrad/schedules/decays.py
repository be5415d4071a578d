"""Schedules without an end: constant, exponential, inverse-time and step decay."""

from __future__ import annotations

import math

from anygrad.errors import ArgumentError
from anygrad.ranges import FINITE, NOT_NEGATIVE, POSITIVE, check_count, check_number
from anygrad.schedules.base import Schedule
from anygrad.schedules.checks import plain
from anygrad.schedules.shapes import quotient

__all__ = ["constant", "exponential", "inverse_time", "step"]


def constant(value: float) -> Schedule:
    """Stay at ``value``.

    Parameters
    ----------
    value : float
        Any finite number.

    Returns
    -------
    Schedule
        ``step -> value``.

    Raises
    ------
    ArgumentError
        If ``value`` is no finite number.

    Examples
    --------
    >>> ag.schedules.constant(0.1)(1000)
    0.1
    """
    value = check_number("constant(value)", value, FINITE)
    return Schedule(f"constant({value})", lambda step: value)


def exponential(
    initial: float,
    rate: float,
    *,
    every: float = 1,
    staircase: bool = False,
    final: float | None = None,
) -> Schedule:
    """Multiply by ``rate`` once in ``every`` steps, evenly or at once.

    ``initial * rate ** (step / every)``; with ``staircase`` the exponent is rounded down. The value
    stays at ``final`` from where it would pass it.

    Parameters
    ----------
    initial : float
        Value at step 0.
    rate : float
        Factor per ``every`` steps, > 0; below 1 the value decays.
    every : float
        Steps, > 0.
    staircase : bool
        Whether the value stays constant between multiples of ``every``.
    final : float, optional
        Where the value ends: at most ``initial`` if the value falls, at least if it rises. Without
        it, a value that grows beyond all floats raises `ArgumentError` when it is asked for.

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
    >>> halve = ag.schedules.exponential(1.0, 0.5, every=10, final=0.1)
    >>> halve(0), halve(20), halve(1000)
    (1.0, 0.25, 0.1)
    """
    initial = check_number("exponential(initial)", initial, FINITE)
    rate = check_number("exponential(rate)", rate, POSITIVE)
    every = check_number("exponential(every)", every, POSITIVE)
    text = f"exponential({initial}, {rate}, every={plain(every)}, staircase={bool(staircase)})"

    def grow(step: int) -> float:
        return _grown(initial, rate, _periods(step, every, staircase))

    if final is None:
        return Schedule(text, grow)
    end = check_number("exponential(final)", final, FINITE)
    bound = max if (rate < 1.0) == (initial > 0.0) else min
    if bound(initial, end) != initial:
        message = (
            f"exponential(final): got {end}; expected a number {'<=' if bound is max else '>='} "
            f"{initial}, where the value starts, for it moves away from there."
        )
        raise ArgumentError(message)
    return Schedule(f"{text[:-1]}, final={end})", lambda step: bound(grow(step), end))


def inverse_time(
    initial: float, rate: float, *, every: float = 1, staircase: bool = False
) -> Schedule:
    """Divide by a number that grows by ``rate`` in ``every`` steps, evenly or at once.

    ``initial / (1 + rate * step / every)``; with ``staircase``, ``step / every`` is rounded down.

    Parameters
    ----------
    initial : float
        Value at step 0.
    rate : float
        Growth of the divisor per ``every`` steps, >= 0.
    every : float
        Steps, > 0.
    staircase : bool
        Whether the value stays constant between multiples of ``every``.

    Returns
    -------
    Schedule
        ``step -> value``.

    Raises
    ------
    ArgumentError
        If an argument is outside its range.

    References
    ----------
    Robbins, Monro (1951), A stochastic approximation method: steps that fall as 1/n.

    Examples
    --------
    >>> rate = ag.schedules.inverse_time(1.0, 0.5, every=10)
    >>> rate(0), rate(20), rate(60)
    (1.0, 0.5, 0.25)
    """
    initial = check_number("inverse_time(initial)", initial, FINITE)
    rate = check_number("inverse_time(rate)", rate, NOT_NEGATIVE)
    every = check_number("inverse_time(every)", every, POSITIVE)

    def formula(step: int) -> float:
        growth = rate * _periods(step, every, staircase) if rate else 0.0
        return initial / (1.0 + growth)

    text = f"inverse_time({initial}, {rate}, every={plain(every)}, staircase={bool(staircase)})"
    return Schedule(text, formula)


def step(initial: float, factor: float, every: int) -> Schedule:
    """Multiply by ``factor`` after each ``every`` steps.

    ``initial * factor ** (step // every)``.

    Parameters
    ----------
    initial : float
        Value at step 0.
    factor : float
        Factor at each drop, > 0; 0.1 is usual.
    every : int
        Steps between two drops, >= 1.

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
    >>> drops = ag.schedules.step(1.0, 0.5, every=30)
    >>> drops(29), drops(30)
    (1.0, 0.5)
    """
    initial = check_number("step(initial)", initial, FINITE)
    factor = check_number("step(factor)", factor, POSITIVE)
    every = check_count("step(every)", every, low=1)
    text = f"step({initial}, {factor}, every={every})"
    return Schedule(text, lambda step: _grown(initial, factor, step // every))


def _periods(step: int, every: float, staircase: bool) -> float:
    """``step / every``, or its floor; the floor division of floats may give one less."""
    periods = quotient(step, every)
    return math.floor(periods) if staircase and periods < math.inf else periods


def _grown(initial: float, rate: float, exponent: float) -> float:
    """``initial * rate ** exponent``; infinite, not an error, where that is beyond all floats."""
    if initial == 0.0:
        return initial
    try:
        return initial * rate**exponent
    except OverflowError:  # of the power, or of an exponent that no float holds
        power = 1.0 if rate == 1.0 else math.inf if rate > 1.0 else 0.0
        return initial * power
