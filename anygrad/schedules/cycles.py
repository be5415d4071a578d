"""Schedules that come back: restarts after a fall, and triangular cycles."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping

from anygrad.errors import ArgumentError
from anygrad.ranges import FINITE, Range, check_count, check_number
from anygrad.schedules.base import Schedule
from anygrad.schedules.checks import check_choice, plain
from anygrad.schedules.shapes import blend

__all__ = ["cosine_restarts", "cyclic"]

FRACTION = Range(0, 1, open_low=True)
AT_LEAST_ONE = Range(1, open_high=True)


def cosine_restarts(
    peak: float, period: int, *, growth: float = 1.0, decay: float = 1.0, final: float = 0.0
) -> Schedule:
    """Fall along half a cosine wave, jump back, and fall again, each time in a longer period.

    Fall ``n`` (from 0) takes ``period * growth ** n`` steps; at the fraction ``s`` of it the value
    is ``final + (peak - final) * decay ** n * (1 + cos(pi * s)) / 2``.

    Parameters
    ----------
    peak : float
        Value at step 0.
    period : int
        Length of the first fall in steps, >= 1.
    growth : float
        Factor from one length to the next, >= 1.
    decay : float
        Factor from the height of one fall to that of the next, in (0, 1].
    final : float
        What each fall comes near to before the jump.

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
    Loshchilov, Hutter (2017), SGDR: stochastic gradient descent with warm restarts, equation 5 with
    T_0 = ``period`` and T_mult = ``growth``; ``decay`` is Keras's m_mul.

    Examples
    --------
    >>> rate = ag.schedules.cosine_restarts(1.0, 10, growth=2, decay=0.5)
    >>> rate(0), rate(5), rate(10), rate(20), rate(30)
    (1.0, 0.5, 0.5, 0.25, 0.25)
    """
    peak = check_number("cosine_restarts(peak)", peak, FINITE)
    period = check_count("cosine_restarts(period)", period, low=1)
    growth = check_number("cosine_restarts(growth)", growth, AT_LEAST_ONE)
    decay = check_number("cosine_restarts(decay)", decay, FRACTION)
    final = check_number("cosine_restarts(final)", final, FINITE)

    def formula(step: int) -> float:
        n, s = _place(step, period, growth)
        return blend(peak, final, decay**n * 0.5 * (1.0 + math.cos(math.pi * s)))

    text = (
        f"cosine_restarts({peak}, {period}, growth={plain(growth)}, decay={plain(decay)}, "
        f"final={final})"
    )
    return Schedule(text, formula)


def _place(step: int, period: int, growth: float) -> tuple[int, float]:
    """Number of the fall that a step lies in, and the fraction of it that is over."""
    if growth == 1.0:
        n, rest = divmod(step, period)
        return n, rest / period
    # the sum of the first n lengths is period * (growth**n - 1) / (growth - 1)
    power_less_1 = min(step / period * (growth - 1.0), sys.float_info.max)
    n = int(math.log1p(power_less_1) / math.log(growth))
    # the logarithm may be off by a rounding just where a fall begins
    while _start(n + 1, period, growth) <= step:
        n += 1
    while _start(n, period, growth) > step:
        n -= 1
    s = (step - _start(n, period, growth)) / (period * growth**n)
    return n, min(s, 1.0)


def _start(n: int, period: int, growth: float) -> float:
    try:
        return period * ((growth**n - 1.0) / (growth - 1.0))
    except OverflowError:
        return math.inf


HEIGHTS: Mapping[str, Callable[[int, int, float], float]] = {
    "triangular": lambda cycle, step, gamma: 1.0,
    "triangular2": lambda cycle, step, gamma: 2.0**-cycle,
    "exp_range": lambda cycle, step, gamma: gamma**step,
}
"""Height of the triangle, by the mode's name in the paper; cycles are counted from 0."""


def cyclic(
    initial: float,
    peak: float,
    rise_steps: int,
    *,
    fall_steps: int | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
) -> Schedule:
    """Go from ``initial`` to ``peak`` and back in straight lines, again and again.

    ``initial + (peak - initial) * height * w``, where ``w`` goes from 0 to 1 and back, and
    ``height`` is 1 ("triangular"), halves after each cycle ("triangular2"), or is ``gamma ** step``
    ("exp_range"). For the momentum of the same run swap the roles: ``cyclic(0.9, 0.8, ...)``.

    Parameters
    ----------
    initial : float
        Value at step 0 and at the ends of each cycle.
    peak : float
        Value in the middle of the first cycle; may be below ``initial``.
    rise_steps : int
        Steps from ``initial`` to ``peak``, >= 1.
    fall_steps : int, optional
        Steps back, >= 1; by default as many.
    mode : {"triangular", "triangular2", "exp_range"}
        How the height changes.
    gamma : float
        Factor of the height per step, in (0, 1]; for "exp_range" only.

    Returns
    -------
    Schedule
        ``step -> value``.

    Raises
    ------
    ArgumentError
        If an argument is outside its range, or ``gamma`` is given to a mode without it.

    References
    ----------
    Smith (2017), Cyclical learning rates for training neural networks, section 3.

    Examples
    --------
    >>> rate = ag.schedules.cyclic(0.0, 1.0, 10, mode="triangular2")
    >>> rate(0), rate(5), rate(10), rate(20), rate(30)
    (0.0, 0.5, 1.0, 0.0, 0.5)
    """
    initial = check_number("cyclic(initial)", initial, FINITE)
    peak = check_number("cyclic(peak)", peak, FINITE)
    rise_steps = check_count("cyclic(rise_steps)", rise_steps, low=1)
    if fall_steps is None:
        fall_steps = rise_steps
    fall_steps = check_count("cyclic(fall_steps)", fall_steps, low=1)
    height = HEIGHTS[check_choice("cyclic(mode)", mode, HEIGHTS)]
    gamma = check_number("cyclic(gamma)", gamma, FRACTION)
    if gamma != 1.0 and mode != "exp_range":
        message = (
            f"cyclic(gamma): got {gamma} with mode {mode!r}; expected 1. Only the mode 'exp_range' "
            "uses it."
        )
        raise ArgumentError(message)

    def formula(step: int) -> float:
        cycle, rest = divmod(step, rise_steps + fall_steps)
        way = rest / rise_steps if rest <= rise_steps else 1.0 - (rest - rise_steps) / fall_steps
        return blend(peak, initial, way * height(cycle, step, gamma))

    text = (
        f"cyclic({initial}, {peak}, {rise_steps}, fall_steps={fall_steps}, mode={mode!r}, "
        f"gamma={plain(gamma)})"
    )
    return Schedule(text, formula)
