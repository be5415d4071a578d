"""Schedules that begin with a rise in a straight line: the warm-up of large models."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from anygrad.ranges import FINITE, check_count, check_number
from anygrad.schedules.base import Schedule, as_schedule
from anygrad.schedules.checks import check_choice
from anygrad.schedules.falls import cosine
from anygrad.schedules.shapes import SHAPES, quotient

__all__ = ["inverse_sqrt", "warmup", "warmup_cosine", "warmup_stable_decay"]


def warmup(schedule: float | Callable[[int], Any], steps: int, *, initial: float = 0.0) -> Schedule:
    """Rise in a straight line to where a schedule begins, then follow it from its own step 0.

    ``initial + (schedule(0) - initial) * step / steps`` before step ``steps``, from there on
    ``schedule(step - steps)``.

    Parameters
    ----------
    schedule : callable or float
        What comes after: a schedule, any function of the step, or a number.
    steps : int
        Length of the rise, >= 0.
    initial : float
        Value at step 0. With 0.0 the very first step of an optimizer changes nothing.

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
    Goyal et al. (2017), Accurate, large minibatch SGD, section 2.2.

    Examples
    --------
    >>> rate = ag.schedules.warmup(ag.schedules.step(1.0, 0.5, 100), 10)
    >>> rate(0), rate(5), rate(10), rate(110)
    (0.0, 0.5, 1.0, 0.5)
    """
    after = as_schedule("warmup(schedule)", schedule)
    steps = check_count("warmup(steps)", steps)
    initial = check_number("warmup(initial)", initial, FINITE)
    text = f"warmup({after}, {steps}, initial={initial})"
    return Schedule(text, _rise(initial, steps, after))


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
    text = f"warmup_cosine({peak}, {warmup_steps}, {steps}, initial={initial}, final={final})"
    fall = cosine(peak, steps - warmup_steps, final=final)
    return Schedule(text, _rise(initial, warmup_steps, fall))


def warmup_stable_decay(
    peak: float,
    warmup_steps: int,
    stable_steps: int,
    decay_steps: int,
    *,
    initial: float = 0.0,
    final: float = 0.0,
    shape: str = "linear",
) -> Schedule:
    """Rise in a straight line to ``peak``, stay there, then fall to ``final``.

    In the fall, ``final + (peak - final) * w`` where, at the fraction ``s`` of it, ``w = 1 - s``
    ("linear"), ``(1 + cos(pi * s)) / 2`` ("cosine") or ``1 - sqrt(s)`` ("sqrt").

    Parameters
    ----------
    peak : float
        Value between rise and fall.
    warmup_steps : int
        Length of the rise, >= 0.
    stable_steps : int
        Length of the level part, >= 0. A run can go on from any point of it, with another length.
    decay_steps : int
        Length of the fall, >= 1; a tenth to a fifth of the run is usual.
    initial : float
        Value at step 0, if there is a rise.
    final : float
        Value after the fall.
    shape : {"linear", "cosine", "sqrt"}
        How the value falls.

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
    Hu et al. (2024), MiniCPM, section 4 (the three parts); Hägele et al. (2024), Scaling laws and
    compute-optimal training beyond fixed training durations, section 3 (the fall "sqrt").

    Examples
    --------
    >>> rate = ag.schedules.warmup_stable_decay(1.0, 10, 70, 20)
    >>> rate(0), rate(5), rate(10), rate(80), rate(90), rate(100)
    (0.0, 0.5, 1.0, 1.0, 0.5, 0.0)
    """
    where = "warmup_stable_decay"
    peak = check_number(f"{where}(peak)", peak, FINITE)
    warmup_steps = check_count(f"{where}(warmup_steps)", warmup_steps)
    stable_steps = check_count(f"{where}(stable_steps)", stable_steps)
    decay_steps = check_count(f"{where}(decay_steps)", decay_steps, low=1)
    initial = check_number(f"{where}(initial)", initial, FINITE)
    final = check_number(f"{where}(final)", final, FINITE)
    between = SHAPES[check_choice(f"{where}(shape)", shape, SHAPES)]

    def stay_and_fall(step: int) -> float:
        s = quotient(max(step - stable_steps, 0), decay_steps)
        return between(peak, final, min(s, 1.0))

    text = (
        f"{where}({peak}, {warmup_steps}, {stable_steps}, {decay_steps}, initial={initial}, "
        f"final={final}, shape={shape!r})"
    )
    return Schedule(text, _rise(initial, warmup_steps, stay_and_fall))


def inverse_sqrt(peak: float, warmup_steps: int, *, initial: float = 0.0) -> Schedule:
    """Rise in a straight line to ``peak``, then fall as one over the root of the step.

    ``initial + (peak - initial) * step / warmup_steps`` before step ``warmup_steps``, from there on
    ``peak * sqrt(warmup_steps / step)``.

    Parameters
    ----------
    peak : float
        Value at step ``warmup_steps``. The Transformer has
        ``width ** -0.5 * warmup_steps ** -0.5``, T5 ``warmup_steps ** -0.5``.
    warmup_steps : int
        Length of the rise, >= 1.
    initial : float
        Value at step 0. T5 has ``peak``: no rise, but a level part of that length.

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
    Vaswani et al. (2017), Attention is all you need, equation 3, which counts the steps from 1;
    Raffel et al. (2020), Exploring the limits of transfer learning, section 3.1.2.

    Examples
    --------
    >>> rate = ag.schedules.inverse_sqrt(1.0, 100)
    >>> rate(0), rate(50), rate(100), rate(400)
    (0.0, 0.5, 1.0, 0.5)
    """
    peak = check_number("inverse_sqrt(peak)", peak, FINITE)
    warmup_steps = check_count("inverse_sqrt(warmup_steps)", warmup_steps, low=1)
    initial = check_number("inverse_sqrt(initial)", initial, FINITE)

    def fall(step: int) -> float:
        return peak * math.sqrt(warmup_steps / (step + warmup_steps))

    text = f"inverse_sqrt({peak}, {warmup_steps}, initial={initial})"
    return Schedule(text, _rise(initial, warmup_steps, fall))


def _rise(initial: float, steps: int, after: Callable[[int], float]) -> Callable[[int], float]:
    """Go to ``after(0)`` in a straight line, then follow ``after``, which counts from there."""

    def formula(step: int) -> float:
        if step < steps:
            return initial + (after(0) - initial) * (step / steps)
        return after(step - steps)

    return formula
