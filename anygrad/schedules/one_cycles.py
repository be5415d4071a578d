"""One rise and one fall over a whole run, for the learning rate and its counterpart momentum."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from anygrad.errors import ArgumentError
from anygrad.ranges import FINITE, Range, check_count, check_number
from anygrad.schedules.base import Schedule
from anygrad.schedules.checks import check_choice
from anygrad.schedules.shapes import follow

__all__ = ["one_cycle", "one_cycle_momentum"]

INSIDE = Range(0, 1, open_low=True, open_high=True)


def one_cycle(
    peak: float,
    steps: int,
    *,
    rise: float = 0.3,
    back: float | None = None,
    initial: float | None = None,
    final: float | None = None,
    shape: str = "cosine",
    compat: str | None = None,
) -> Schedule:
    """Rise from ``initial`` to ``peak`` and fall to ``final``, far below where it began.

    The value is `interpolated` between ``initial`` at step 0, ``peak`` at ``rise * steps``,
    ``initial`` again at ``back * steps`` if that is given, and ``final`` from ``steps`` on; the
    steps in between are rounded down to whole ones, as optax does.

    Parameters
    ----------
    peak : float
        Largest value.
    steps : int
        Length of the run.
    rise : float
        Fraction of the steps after which the peak is reached, in (0, 1).
    back : float, optional
        Fraction of the steps after which the value is back at ``initial``, in (rise, 1): a fall in
        two parts.
    initial : float, optional
        Value at step 0; by default ``peak / 25``.
    final : float, optional
        Value from step ``steps`` on; by default ``initial / 10_000``.
    shape : {"cosine", "linear"}
        How the value moves in between.
    compat : {"torch"}, optional
        End every part where PyTorch does: ``rise * steps - 1``, ``back * steps - 2``, and
        ``steps - 1``, which is the last step of the run. Its three phases have ``back=2 * rise``.

    Returns
    -------
    Schedule
        ``step -> value``.

    Raises
    ------
    ArgumentError
        If an argument is outside its range, or a part is shorter than one step.

    References
    ----------
    Smith, Topin (2018), Super-convergence: very fast training of neural networks using large
    learning rates; the fractions and the cosine are those of fastai, PyTorch and optax.

    Examples
    --------
    >>> rate = ag.schedules.one_cycle(1.0, 100, initial=0.1, final=0.0)
    >>> rate(0), rate(30), rate(65), rate(100)
    (0.1, 1.0, 0.5, 0.0)
    """
    peak = check_number("one_cycle(peak)", peak, FINITE)
    initial = peak / 25 if initial is None else check_number("one_cycle(initial)", initial, FINITE)
    final = initial / 1e4 if final is None else check_number("one_cycle(final)", final, FINITE)
    ends = _ends("one_cycle", steps, rise, back, compat)
    values = [initial, peak, final] if back is None else [initial, peak, initial, final]
    text = (
        f"one_cycle({peak}, {steps}, rise={rise}, back={back}, initial={initial}, final={final}, "
        f"shape={shape!r}, compat={compat!r})"
    )
    shape = check_choice("one_cycle(shape)", shape, ("cosine", "linear"))
    return Schedule(text, follow(ends, values, shape))


def one_cycle_momentum(
    high: float,
    low: float,
    steps: int,
    *,
    rise: float = 0.3,
    back: float | None = None,
    shape: str = "cosine",
    compat: str | None = None,
) -> Schedule:
    """Fall from ``high`` to ``low`` while `one_cycle` rises, and come back while it falls.

    ``high`` at step 0, ``low`` at ``rise * steps``, and ``high`` again from ``steps`` on, or from
    ``back * steps`` on if that is given.

    Parameters
    ----------
    high : float
        Momentum at both ends; PyTorch has 0.95.
    low : float
        Momentum at the peak of the learning rate; PyTorch has 0.85.
    steps : int
        Length of the run.
    rise, back, shape, compat
        As those of the `one_cycle` that it goes with.

    Returns
    -------
    Schedule
        ``step -> value``.

    Raises
    ------
    ArgumentError
        If an argument is outside its range, or a part is shorter than one step.

    References
    ----------
    Smith (2018), A disciplined approach to neural network hyper-parameters, section 4.3.

    Examples
    --------
    >>> momentum = ag.schedules.one_cycle_momentum(1.0, 0.5, 100)
    >>> momentum(0), momentum(15), momentum(30), momentum(100)
    (1.0, 0.75, 0.5, 1.0)
    """
    high = check_number("one_cycle_momentum(high)", high, FINITE)
    low = check_number("one_cycle_momentum(low)", low, FINITE)
    ends = _ends("one_cycle_momentum", steps, rise, back, compat)
    values = [high, low, high, high][: len(ends)]
    shape = check_choice("one_cycle_momentum(shape)", shape, ("cosine", "linear"))
    text = (
        f"one_cycle_momentum({high}, {low}, {steps}, rise={rise}, back={back}, shape={shape!r}, "
        f"compat={compat!r})"
    )
    return Schedule(text, follow(ends, values, shape))


def _ends(
    where: str, steps: Any, rise: Any, back: Any, compat: str | None
) -> list[int] | list[float]:
    """Steps at which the parts begin and end, from 0 to that of the last value."""
    steps = check_count(f"{where}(steps)", steps, low=2)
    rise = check_number(f"{where}(rise)", rise, INSIDE)
    fractions = [rise]
    if back is not None:
        fractions.append(check_number(f"{where}(back)", back, Range(rise, 1, True, True)))
    if compat is None:
        ends = [0, *(int(part * steps) for part in fractions), steps]
    else:
        check_choice(f"{where}(compat)", compat, ("torch",))
        ends = [0, *(part * steps - n for n, part in enumerate(fractions, 1)), steps - 1]
    if all(a < b for a, b in pairwise(ends)):
        return ends
    message = (
        f"{where}(steps): got {steps}, so that the parts would end at the steps {ends[1:]}; "
        "expected each to end after the one before. Take more steps, or other fractions."
    )
    raise ArgumentError(message)
