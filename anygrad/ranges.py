"""Check numbers that a caller passes: what a range is called, and one wording for what is wrong."""

from __future__ import annotations

import math
import numbers
import operator
from dataclasses import dataclass
from typing import Any

from anygrad.errors import ArgumentError, describe

__all__ = ["FINITE", "NOT_NEGATIVE", "POSITIVE", "Range", "check_count", "check_number"]


@dataclass(frozen=True)
class Range:
    """An interval of real numbers; ``nan`` lies in none.

    Attributes
    ----------
    low, high : float
        The ends.
    open_low, open_high : bool
        Whether the end itself is outside. An infinite end is inside unless it is open.

    Examples
    --------
    >>> from anygrad.ranges import Range
    >>> print(Range(0, 1, open_high=True))
    a number in [0, 1)
    >>> 1.0 in Range(0, 1, open_high=True)
    False
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, number: float) -> bool:
        above = number > self.low if self.open_low else number >= self.low
        below = number < self.high if self.open_high else number <= self.high
        return above and below

    def __str__(self) -> str:
        if self.high == math.inf and self.low == -math.inf:
            return "a finite number" if self.open_low else "a number"
        if self.high == math.inf:
            return f"a number {'>' if self.open_low else '>='} {self.low:g}"
        left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"a number in {left}{self.low:g}, {self.high:g}{right}"


FINITE = Range(open_low=True, open_high=True)
NOT_NEGATIVE = Range(low=0, open_high=True)
POSITIVE = Range(low=0, open_low=True, open_high=True)


def check_number(where: str, value: Any, allowed: Range, advice: str = "") -> float:
    """Return ``value`` as a Python float, which never widens the dtype of an array it meets.

    Parameters
    ----------
    where : str
        Function and argument, ``"adam(b2)"``.
    value : int, float or NumPy real scalar
        What the caller passed; booleans are refused.
    allowed : Range
        Where it must lie.
    advice : str
        A sentence for the end of the message.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    ArgumentError
        If ``value`` is no real number or outside ``allowed``.

    Examples
    --------
    >>> from anygrad.ranges import POSITIVE, check_number
    >>> check_number("clip_by_norm(max_norm)", 2, POSITIVE)
    2.0
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if is_number and float(value) in allowed:
        return float(value)
    message = f"{where}: got {describe(value)}; expected {allowed}. {advice}".rstrip()
    raise ArgumentError(message)


def check_count(where: str, value: Any, low: int = 0, advice: str = "") -> int:
    """Return ``value`` as a Python int of at least ``low``.

    Parameters
    ----------
    where : str
        Function and argument, ``"cosine(steps)"``.
    value : int or integer NumPy scalar or 0-d array on the host
        What the caller passed; booleans are refused.
    low : int
        The smallest value allowed.
    advice : str
        A sentence for the end of the message.

    Returns
    -------
    int
        The same number.

    Raises
    ------
    ArgumentError
        If ``value`` is no integer or less than ``low``.

    Examples
    --------
    >>> from anygrad.ranges import check_count
    >>> check_count("cosine(steps)", 10, low=1)
    10
    """
    try:
        count = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = None
    if count is not None and count >= low:
        return count
    message = f"{where}: got {describe(value)}; expected an integer >= {low}. {advice}".rstrip()
    raise ArgumentError(message)
