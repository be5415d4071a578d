"""What a ladder of steps measures: the odd and the even part of f around each point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial, sqrt
from typing import Any

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array, Namespace
from anygrad.differences.windows import Table, place_table

__all__ = ["Lines", "Reading", "Series", "read"]


@dataclass(frozen=True)
class Lines:
    """M straight lines through points, along which f is evaluated; f has O real values.

    Attributes
    ----------
    evaluate : callable
        ``evaluate(index, offsets)``: values (R, m, O) in float64 at offsets of shape (R, m)
        along the lines ``index``, an array of shape (m,) or None for all.
    snap : callable
        ``snap(index, steps)``: the steps that can be taken exactly in both directions.
    center : array, shape (M, O) or (1, O)
        Values at offset 0.
    size : array, shape (M,)
        Natural size of the points, ``|x|``.
    floor : array, shape (M,)
        The smallest sensible step, a few units in the last place.
    scale : array, shape (M,)
        The size of points beside 0, 1 unless the user says otherwise.
    below, above : array, shape (M,), or None
        How far f may be evaluated against and along the line; None without bounds.
    eps : float
        Precision of the values.
    noise : float
        Standard deviation of f that the user states, else 0.
    together : bool
        Whether all lines belong to one f, which then has one noise.
    """

    evaluate: Callable[[Array | None, Array], Array]
    snap: Callable[[Array | None, Array], Array]
    center: Array
    size: Array
    floor: Array
    scale: Array
    below: Array | None
    above: Array | None
    eps: float
    noise: float = 0.0
    together: bool = False

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self.size.shape[0]

    def centers(self, index: Array) -> Array:
        """Values at offset 0 of some lines, (m, O) or (1, O)."""
        if self.center.shape[0] == 1:
            return self.center
        return namespace_of(index).take(self.center, index, axis=0)

    def room(self, index: Array, side: Array | None) -> Array | None:
        """How far some lines reach, to both sides or to one; None without bounds."""
        if self.below is None or self.above is None:
            return None
        xp = namespace_of(index)
        below, above = xp.take(self.below, index), xp.take(self.above, index)
        return xp.minimum(below, above) if side is None else xp.where(side > 0.0, above, below)


@dataclass(frozen=True)
class Series:
    """The power series that a derivative is a coefficient of, and how noise enters its terms.

    Central differences: the odd part over h, ``f' + f'''/6 h^2 + ...``, for odd orders; the even
    part over h^2, ``f''/2 + f''''/24 h^2 + ...``, for even ones. One-sided differences
    ``(f(x+h) - f(x)) / h`` have all orders in one series.
    """

    order: int
    one_sided: bool = False

    @property
    def odd(self) -> bool:
        """Whether it is read from the odd part."""
        return not self.one_sided and self.order % 2 == 1

    @property
    def power(self) -> int:
        """The power of h that the series is in."""
        return 1 if self.one_sided else 2

    @property
    def coefficient(self) -> int:
        """Which coefficient of the series."""
        return self.order - 1 if self.one_sided else (self.order - 1) // 2

    @property
    def falls(self) -> int:
        """Noise of a term grows as h to minus this power."""
        return 1 if self.one_sided or self.odd else 2

    @property
    def gain(self) -> float:
        """Standard deviation of a term at h = 1, where f has noise of 1."""
        if self.one_sided:
            return sqrt(2.0)
        return sqrt(0.5) if self.odd else sqrt(1.5)

    @property
    def factorial(self) -> float:
        """The derivative divided by the coefficient."""
        return float(factorial(self.order))

    @property
    def other(self) -> Series:
        """The series of the other part of f: one order higher, or lower for even orders."""
        return Series(self.order + 1 if self.odd else self.order - 1)

    def table(self, reading: Reading, ratio: float, lowest: int, highest: int) -> Table:
        """The weights of a ladder, beside what was read."""
        key = (reading.steps.shape[0], ratio, self.power, self.coefficient, self.falls)
        return place_table(reading.xp, device_of(reading.steps), (*key, lowest, highest))

    def of(self, reading: Reading) -> Array:
        """The terms of the series, shape (K, m, O)."""
        if self.one_sided or self.odd:
            return reading.odd / reading.steps
        return reading.even / reading.steps**2


@dataclass(frozen=True)
class Reading:
    """One ladder on some lines.

    Attributes
    ----------
    xp : namespace
        Of the arrays.
    top : array, shape (m, 1)
        The step h_0.
    steps : array, shape (K, m, 1)
        What was really stepped, falling.
    odd, even : array, shape (K, m, O)
        ``(f(x+h) - f(x-h)) / 2`` and ``(f(x+h) + f(x-h)) / 2 - f(x)``; one-sided, ``odd`` is
        ``f(x+h) - f(x)`` times side^order, and ``even`` is not used.
    size : array, shape (K, m, O)
        The largest absolute value of f at the rung, f(x) among them.
    center : array, shape (m, O) or (1, O)
        f(x).
    up, down : array, shape (K, m, O)
        The values themselves.
    """

    xp: Namespace
    top: Array
    steps: Array
    odd: Array
    even: Array
    size: Array
    center: Array
    up: Array
    down: Array


def read(
    lines: Lines, index: Array, factors: Any, top: Array, side: Array | None = None, order: int = 1
) -> Reading:
    """Evaluate f on a ladder: ``factors`` (K, 1) times ``top`` (m,), both ways or to one side.

    To one side, for a derivative of an order.
    """
    xp = namespace_of(top)
    steps = lines.snap(index, factors * top)
    center = lines.centers(index)
    rungs = steps.shape[0]
    if side is not None:
        up = down = lines.evaluate(index, steps * side)
        change = up - center
        odd = even = change * side[:, None] ** order
    else:
        values = lines.evaluate(index, xp.concat([steps, -steps], axis=0))
        up, down = values[:rungs, ...], values[rungs:, ...]
        # differences to the center first: they are exact where f changes little
        rise, fall = up - center, center - down
        odd, even = 0.5 * (up - down), 0.5 * (rise - fall)
    size = xp.maximum(xp.maximum(xp.abs(up), xp.abs(down)), xp.abs(center))
    return Reading(xp, top[:, None], steps[:, :, None], odd, even, size, center, up, down)
