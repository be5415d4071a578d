"""Schedules that go from one value to another in a given number of steps, and stay there."""

from __future__ import annotations

from collections.abc import Callable

from anygrad.ranges import FINITE, POSITIVE, check_count, check_number
from anygrad.schedules.base import Schedule
from anygrad.schedules.checks import plain
from anygrad.schedules.shapes import SHAPES, blend, quotient

__all__ = ["cosine", "linear", "polynomial", "rex"]


def linear(initial: float, final: float, steps: int) -> Schedule:
    """Go from ``initial`` to ``final`` in a straight line, and stay there.

    ``initial + (final - initial) * s`` with ``s = min(step / steps, 1)``.

    Parameters
    ----------
    initial : float
        Value at step 0.
    final : float
        Value from step ``steps`` on.
    steps : int
        Length of the line, >= 1.

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
    >>> rate = ag.schedules.linear(1.0, 0.5, 100)
    >>> rate(0), rate(50), rate(100), rate(200)
    (1.0, 0.75, 0.5, 0.5)
    """
    initial = check_number("linear(initial)", initial, FINITE)
    final = check_number("linear(final)", final, FINITE)
    steps = check_count("linear(steps)", steps, low=1)
    return _fall(f"linear({initial}, {final}, {steps})", initial, final, steps, SHAPES["linear"])


def polynomial(initial: float, final: float, steps: int, *, power: float = 1.0) -> Schedule:
    """Go from ``initial`` to ``final`` along a power of the steps that are left, and stay there.

    ``final + (initial - final) * (1 - s) ** power`` with ``s = min(step / steps, 1)``.

    Parameters
    ----------
    initial : float
        Value at step 0.
    final : float
        Value from step ``steps`` on.
    steps : int
        Length of the way, >= 1.
    power : float
        > 0; 1 is a straight line, above 1 the value moves early, below 1 late.

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
    >>> rate = ag.schedules.polynomial(1.0, 0.0, 100, power=2)
    >>> rate(0), rate(50), rate(100)
    (1.0, 0.25, 0.0)
    """
    initial = check_number("polynomial(initial)", initial, FINITE)
    final = check_number("polynomial(final)", final, FINITE)
    steps = check_count("polynomial(steps)", steps, low=1)
    power = check_number("polynomial(power)", power, POSITIVE)
    text = f"polynomial({initial}, {final}, {steps}, power={plain(power)})"
    return _fall(text, initial, final, steps, lambda a, b, s: blend(a, b, (1.0 - s) ** power))


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
    without the restarts; those are in `cosine_restarts`.

    Examples
    --------
    >>> fall = ag.schedules.cosine(1.0, 100)
    >>> fall(0), fall(50), fall(100), fall(200)
    (1.0, 0.5, 0.0, 0.0)
    """
    peak = check_number("cosine(peak)", peak, FINITE)
    steps = check_count("cosine(steps)", steps, low=1)
    final = check_number("cosine(final)", final, FINITE)
    return _fall(f"cosine({peak}, {steps}, final={final})", peak, final, steps, SHAPES["cosine"])


def rex(peak: float, steps: int, *, final: float = 0.0) -> Schedule:
    """Fall slowly at first and ever faster, from ``peak`` to ``final``, and stay there.

    ``final + (peak - final) * (1 - s) / (1/2 + (1 - s) / 2)`` with ``s = min(step / steps, 1)``.

    Parameters
    ----------
    peak : float
        Value at step 0.
    steps : int
        Length of the fall, >= 1.
    final : float
        Value from step ``steps`` on; the paper has 0.

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
    Chen, Wolfe, Kyrillidis (2022), REX: revisiting budgeted training with an improved schedule; the
    reflected exponential, updated every step.

    Examples
    --------
    >>> fall = ag.schedules.rex(3.0, 100)
    >>> fall(0), fall(50), fall(100)
    (3.0, 2.0, 0.0)
    """
    peak = check_number("rex(peak)", peak, FINITE)
    steps = check_count("rex(steps)", steps, low=1)
    final = check_number("rex(final)", final, FINITE)

    def reflected(start: float, end: float, s: float) -> float:
        return blend(start, end, (1.0 - s) / (0.5 + 0.5 * (1.0 - s)))

    return _fall(f"rex({peak}, {steps}, final={final})", peak, final, steps, reflected)


def _fall(
    text: str, start: float, end: float, steps: int, shape: Callable[[float, float, float], float]
) -> Schedule:
    return Schedule(text, lambda step: shape(start, end, min(quotient(step, steps), 1.0)))
