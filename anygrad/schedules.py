"""Schedules: values that follow the step count, for a learning rate or any other hyperparameter.

A schedule is a function ``step -> value`` with ``step`` counted from 0. It keeps no state, so a
training run that is resumed at a step continues exactly where it was. Any function of one integer
will do; those made here check their arguments and print as what they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from anygrad.ranges import FINITE, POSITIVE, check_count, check_number

__all__ = ["Schedule", "constant", "cosine", "exponential", "step", "warmup_cosine"]


class Schedule:
    """A function of the step count that knows its name.

    Parameters
    ----------
    text : str
        How it prints.
    formula : callable
        Takes a Python int >= 0, returns a float.

    Examples
    --------
    >>> ag.schedules.constant(0.1)
    constant(0.1)
    """

    __slots__ = ("_formula", "_name", "_text")

    def __init__(self, text: str, formula: Callable[[int], float]):
        self._text = text
        self._name = f"{text.partition('(')[0]}(step)"
        self._formula = formula

    def __call__(self, step: Any) -> float:
        """Value at ``step``, a Python int or an integer NumPy scalar or 0-d array, >= 0."""
        return self._formula(check_count(self._name, step, advice="Steps are counted from 0."))

    def __repr__(self) -> str:
        return self._text


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

    Examples
    --------
    >>> ag.schedules.constant(0.1)(1000)
    0.1
    """
    value = check_number("constant(value)", value, FINITE)
    return Schedule(f"constant({value})", lambda step: value)


def exponential(
    initial: float, rate: float, *, every: float = 1, staircase: bool = False
) -> Schedule:
    """Multiply by ``rate`` once in ``every`` steps, evenly or at once.

    ``initial * rate ** (step / every)``; with ``staircase`` the exponent is rounded down.

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
    >>> halve = ag.schedules.exponential(1.0, 0.5, every=10)
    >>> halve(0), halve(20)
    (1.0, 0.25)
    """
    initial = check_number("exponential(initial)", initial, FINITE)
    rate = check_number("exponential(rate)", rate, POSITIVE)
    every = check_number("exponential(every)", every, POSITIVE)

    def formula(step: int) -> float:
        exponent = step // every if staircase else step / every
        return initial * rate**exponent

    text = f"exponential({initial}, {rate}, every={every:g}, staircase={bool(staircase)})"
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
    return Schedule(text, lambda step: initial * factor ** (step // every))


def cosine(peak: float, steps: int, *, final: float = 0.0) -> Schedule:
    """Fall from ``peak`` to ``final`` along half a cosine wave, and stay there.

    ``final + (peak - final) * (1 + cos(pi * s)) / 2`` with ``s = min(step / steps, 1)``.

    Parameters
    ----------
    peak : float
        Value at step 0.
    steps : int
        Length of the fall, >= 1.
    final : float
        Value from step ``steps`` on.

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
    Loshchilov, Hutter (2017), SGDR: stochastic gradient descent with warm restarts, equation 5,
    without the restarts.

    Examples
    --------
    >>> fall = ag.schedules.cosine(1.0, 100)
    >>> fall(0), fall(50), fall(100), fall(200)
    (1.0, 0.5, 0.0, 0.0)
    """
    peak = check_number("cosine(peak)", peak, FINITE)
    steps = check_count("cosine(steps)", steps, low=1)
    final = check_number("cosine(final)", final, FINITE)
    text = f"cosine({peak}, {steps}, final={final})"
    return Schedule(text, lambda step: _fall(peak, final, step / steps))


def warmup_cosine(
    peak: float, warmup_steps: int, steps: int, *, initial: float = 0.0, final: float = 0.0
) -> Schedule:
    """Rise in a straight line to ``peak``, then fall to ``final`` along half a cosine wave.

    ``initial + (peak - initial) * step / warmup_steps`` before step ``warmup_steps``; from there on
    `cosine` over the ``steps - warmup_steps`` steps that are left.

    Parameters
    ----------
    peak : float
        Value at step ``warmup_steps``.
    warmup_steps : int
        Length of the rise, >= 0.
    steps : int
        Length of rise and fall together, > ``warmup_steps``.
    initial : float
        Value at step 0. With 0.0 the very first step of an optimizer changes nothing.
    final : float
        Value from step ``steps`` on.

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
    Goyal et al. (2017), Accurate, large minibatch SGD, section 2.2 (the rise); Loshchilov, Hutter
    (2017), SGDR, equation 5 (the fall).

    Examples
    --------
    >>> rate = ag.schedules.warmup_cosine(1.0, 10, 110)
    >>> rate(0), rate(5), rate(10), rate(60), rate(110)
    (0.0, 0.5, 1.0, 0.5, 0.0)
    """
    peak = check_number("warmup_cosine(peak)", peak, FINITE)
    warmup_steps = check_count("warmup_cosine(warmup_steps)", warmup_steps)
    advice = "It counts the steps of the warm-up too."
    steps = check_count("warmup_cosine(steps)", steps, low=warmup_steps + 1, advice=advice)
    initial = check_number("warmup_cosine(initial)", initial, FINITE)
    final = check_number("warmup_cosine(final)", final, FINITE)

    def formula(step: int) -> float:
        if step < warmup_steps:
            return initial + (peak - initial) * (step / warmup_steps)
        return _fall(peak, final, (step - warmup_steps) / (steps - warmup_steps))

    text = f"warmup_cosine({peak}, {warmup_steps}, {steps}, initial={initial}, final={final})"
    return Schedule(text, formula)


def _fall(peak: float, final: float, s: float) -> float:
    """Value at the fraction ``s`` of the fall, exact at both ends."""
    weight = 0.5 * (1.0 + math.cos(math.pi * min(s, 1.0)))
    return weight * peak + (1.0 - weight) * final
