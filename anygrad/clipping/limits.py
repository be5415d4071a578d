"""A limit kept as two numbers, so that it may lie beyond the dtype of the gradients.

The norm of ``[3e38, 3e38]`` is no float32, nor need the limit be one that it is clipped to.
"""

from __future__ import annotations

import math
import sys
from typing import NamedTuple

from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Namespace

__all__ = ["Limit", "as_limit", "compare_with_limit", "largest_power", "power_of_two_below"]


class Limit(NamedTuple):
    """What stands for one number, ``power * times``.

    Attributes
    ----------
    power : array or float
        A power of two; an array has room for four of it in its dtype.
    times : array or float
        The rest.
    """

    power: Array | float
    times: Array | float

    @property
    def value(self) -> Array | float:
        """The product, infinite where that is beyond the dtype."""
        return self.power * self.times

    def fit(self, xp: Namespace, dtype: object) -> Limit:
        """Bring a power that is a Python number into the range of a dtype."""
        if not isinstance(self.power, float):
            return self
        limits = float_limits(xp, dtype)
        power = max(self.power, float(limits.smallest_normal))
        power = min(power, largest_power(float(limits.max)))
        return Limit(power, min(self.times * (self.power / power), float(limits.max)))


def as_limit(value: float, times: float = 1.0) -> Limit:
    """Make a limit of ``value * times``, of which the product need not be a float."""
    if value == math.inf:
        return Limit(power_of_two_below(sys.float_info.max), math.inf)
    power = power_of_two_below(value)
    return Limit(power, value / power * times)


def power_of_two_below(value: float) -> float:
    """Round a Python number down to a power of two."""
    return math.ldexp(0.5, math.frexp(value)[1])


def largest_power(largest: float) -> float:
    """Find the power of two of which four are in the range."""
    return power_of_two_below(largest / 4)


def compare_with_limit(
    xp: Namespace, ratio: Array, divisor: Array, limit: Limit
) -> tuple[Array, Array]:
    """Tell where ``ratio * divisor`` is above the limit, and ``limit / ratio`` there; 1 elsewhere.

    Neither product is taken, for either may be beyond the dtype.
    """
    power, times = limit.fit(xp, ratio.dtype)
    # by the namespace's functions: operators of some arrays refuse a traced limit
    relative = xp.multiply(xp.divide(power, divisor), times)
    above = xp.greater(ratio, relative)
    # the other branch has no part in derivatives, but its infinities would
    safe = xp.where(above, ratio, 1.0)
    times = times if isinstance(times, float) else xp.where(above, times, 1.0)
    return above, xp.multiply(xp.divide(power, safe), times)
