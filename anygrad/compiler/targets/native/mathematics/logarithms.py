"""Logarithms: the argument is a power of two times a number near one."""

from __future__ import annotations

import math

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import bits, copysign, fma, from_bits, select
from anygrad.compiler.targets.native.mathematics.common import (
    format_of,
    polynomial,
    two_sum,
)
from anygrad.compiler.targets.native.mathematics.exponentials import LOG_2
from anygrad.compiler.targets.native.values import Value

__all__ = ["LOG", "LOG1P", "LOG2", "LOG10", "log_of_sum", "split", "split_any"]

# (2 atanh(s) / s - 2) / s**2 as a polynomial in s**2, for s = f / (2 + f) with 1 + f from sqrt(1/2)
# to sqrt(2), in double precision; error relative to 2 atanh(s) / s
BEND = (
    0.6666666666666734,
    0.3999999999941704,
    0.28571428741897287,
    0.22222198620719147,
    0.18183561973805282,
    0.15314108193464065,
    0.14795394788170754,
)
# (f - log(1 + f)) / f**2 in single precision; error relative to log(1 + f)
LESS = (
    0.49999988079071045,
    -0.3333359956741333,
    0.2500189542770386,
    -0.19984488189220428,
    0.16585738956928253,
    -0.14503081142902374,
    0.13765476644039154,
    -0.11096004396677017,
    0.04154935106635094,
)
# 1 / log(base), and log(2) / log(base) whose products with exponents are exact; each in two parts
BASES = {
    "float64": {
        "2": ((1.4426950408889634, 2.0355273740931033e-17), (1.0, 0.0)),
        "10": (
            (0.4342944819032518, 1.098319650216765e-17),
            (0.30102999566395283, 2.8363394551044964e-14),
        ),
    },
    "float32": {
        "2": ((1.4426950216293335, 1.925963033500011e-08), (1.0, 0.0)),
        "10": (
            (0.4342944920063019, -1.0103049952192578e-08),
            (0.30103302001953125, -3.024355464731343e-06),
        ),
    },
}


def split(x: Value) -> tuple[Value, Value, Value]:
    """``k``, ``m`` and bits with ``x = 2**k * m``, m from sqrt(1/2) to sqrt(2).

    For positive numbers of full precision. The bits hold k plus the bias where a number has its
    exponent, and digits in the places of its fraction.
    """
    kind = format_of(x)
    one = kind.bias << kind.fraction
    # the integer of the largest number that is not above sqrt(1/2)
    root = {"float64": 0x3FE6A09E667F3BCC, "float32": 0x3F3504F3}[x.dtype]
    shifted = bits(x) + (one - root)
    m = from_bits((shifted & ((1 << kind.fraction) - 1)) + root)
    # a number of this exponent whose last digits are those of the integer
    units = (kind.bias + kind.fraction) << kind.fraction
    k = from_bits((shifted >> kind.fraction) | units) - (2.0**kind.fraction + kind.bias)
    return k, m, shifted


def split_any(x: Value) -> tuple[Value, Value]:
    """As `split`, the exponent and the number, also for those that are too small for all digits."""
    kind = format_of(x)
    room = kind.fraction + 2
    small = x < kind.smallest
    k, m, _ = split(select(small, x * 2.0**room, x))
    return select(small, k - float(room), k), m


def _special(y: Value, x: Value) -> Value:
    """The logarithm where there is one; infinite at zero and infinity, nan below zero."""
    y = select(x < math.inf, y, x)
    y = select(x == 0.0, -math.inf, y)
    return select(x < 0.0, math.nan, y)


def _less(f: Value) -> Value:
    """What log(1 + f) is less than f by; what is rounded here is small beside the logarithm.

    In double precision, with s = f / (2 + f) and z = s**2, the logarithm is 2 s + z s bend(z), and
    2 s is f - s f (FreeBSD's e_log.c). In single precision a polynomial costs less than a division.
    """
    if f.dtype == "float32":
        return f * f * polynomial(f, LESS)
    s = f / (f + 2.0)
    z = s * s
    return s * fma(-z, polynomial(z, BEND), f)


def _log(x: Value) -> Value:
    """The natural logarithm."""
    k, m = split_any(x)
    f = m - 1.0
    high, low = LOG_2[x.dtype]
    return _special(fma(k, high, f - fma(k, -low, _less(f))), x)


def log_of_sum(u: Value, lost: Value) -> Value:
    """The natural logarithm of a positive number of full precision and what it lacks."""
    kind = format_of(u)
    k, m, shifted = split(u)
    # lost / 2**k, by twice that and its half: there is no number 2**-k for the largest k
    exponents = (2 * kind.bias + 1) << kind.fraction
    twice = lost * from_bits(((2 * kind.bias + 1) << kind.fraction) - (shifted & exponents))
    near = m - 1.0
    f = fma(twice, 0.5, near)
    left = fma(twice, 0.5, near - f)
    high, low = LOG_2[u.dtype]
    return fma(k, high, f - fma(k, -low, _less(f) - left))


def _log1p(x: Value) -> Value:
    """log(1 + x): of the sum, with what rounding took from it."""
    y = copysign(log_of_sum(*two_sum(x.lift(1.0), x)), x)
    y = select(x < math.inf, y, x)
    y = select(x == -1.0, -math.inf, y)
    return select(x < -1.0, math.nan, y)


def _to_base(x: Value, base: str) -> Value:
    """The logarithm to the base 2 or 10."""
    k, m = split_any(x)
    f = m - 1.0
    (per_log, per_log_low), (unit, unit_low) = BASES[x.dtype][base]
    # both products with large numbers are exact until they are added
    small = fma(f, per_log_low, _less(f) * -per_log)
    if unit == 1.0:
        return _special(k + fma(f, per_log, small), x)
    return _special(fma(k, unit, fma(f, per_log, fma(k, unit_low, small))), x)


def _log2(x: Value) -> Value:
    """The logarithm to the base 2."""
    return _to_base(x, "2")


def _log10(x: Value) -> Value:
    """The logarithm to the base 10."""
    return _to_base(x, "10")


LOG = Function("log", _log)
LOG1P = Function("log1p", _log1p)
LOG2 = Function("log2", _log2)
LOG10 = Function("log10", _log10)
