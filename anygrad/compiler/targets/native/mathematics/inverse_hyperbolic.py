"""Inverse hyperbolic functions: logarithms of one and something, as exact as these."""

from __future__ import annotations

import math

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import absolute, copysign, fma, select, sqrt
from anygrad.compiler.targets.native.mathematics.common import ordered_sum, two_sum
from anygrad.compiler.targets.native.mathematics.exponentials import LOG_2
from anygrad.compiler.targets.native.mathematics.logarithms import log_of_sum
from anygrad.compiler.targets.native.values import Value

__all__ = ["ACOSH", "ASINH", "ATANH"]

# from these on the root of the square and one is the number itself
_LARGE = {"float64": 2.0**28, "float32": 2.0**13}


def _log1p_or_log_2(w: Value, rest: Value, x: Value) -> Value:
    """log(1 + w + rest), but the logarithm of twice x where that is large."""
    large = x > _LARGE[x.dtype]
    u, lost = two_sum(x.lift(1.0), w)
    y = log_of_sum(select(large, x, u), select(large, 0.0, lost + rest))
    y = select(large, y + sum(LOG_2[x.dtype]), y)
    return select(x < math.inf, y, x)


def _asinh(x: Value) -> Value:
    """log(x + sqrt(x**2 + 1)), for positive x and with its sign."""
    size = absolute(x)
    root = sqrt(fma(size, size, 1.0))
    w, rest = ordered_sum(size, size * (size / (root + 1.0)))
    return copysign(_log1p_or_log_2(w, rest, size), x)


def _acosh(x: Value) -> Value:
    """log(x + sqrt(x**2 - 1))."""
    t = x - 1.0
    w, rest = ordered_sum(sqrt(fma(t, t, t + t)), t)
    return select(x < 1.0, math.nan, _log1p_or_log_2(w, rest, x))


def _atanh(x: Value) -> Value:
    """Half of log((1 + x) / (1 - x)), for positive x and with its sign."""
    size = absolute(x)
    below = 1.0 - size
    w = (size + size) / below
    # what remains of the division times the reciprocal, which is 1 + w / 2
    remains = fma(-w, below, size + size)
    remains = fma(-w, (1.0 - below) - size, remains)
    rest = remains * fma(w, 0.5, 1.0)
    u, lost = two_sum(x.lift(1.0), w)
    y = log_of_sum(u, lost + rest) * 0.5
    y = select(size == 1.0, math.inf, y)
    y = select(size <= 1.0, y, math.nan)
    return copysign(y, x)


ASINH = Function("asinh", _asinh)
ACOSH = Function("acosh", _acosh)
ATANH = Function("atanh", _atanh)
