"""exp and its relatives: polynomials of what an argument is beside a multiple of log 2."""

from __future__ import annotations

import math
from typing import Any

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import absolute, bits, fma, from_bits, select
from anygrad.compiler.targets.native.mathematics.common import (
    at_least,
    at_most,
    format_of,
    nearest,
    ordered_sum,
    polynomial,
    power_of_two,
    two_sum,
)
from anygrad.compiler.targets.native.values import Value

__all__ = [
    "EXP",
    "EXP2",
    "EXPIT",
    "EXPM1",
    "LOGADDEXP",
    "LOG_2",
    "LOG_EXPIT",
    "PER_LOG_2",
    "RISE",
    "RISE_2",
    "SOFTPLUS",
    "minus_one",
    "reduced",
    "scaled",
]

# (exp(r) - 1 - r) / r**2 for |r| <= log(2)/2, error relative to exp(r)
RISE = {
    "float64": (
        0.5000000000000011,
        0.16666666666666466,
        0.04166666666652616,
        0.008333333333456247,
        0.0013888888944525108,
        0.00019841269590625127,
        2.4801492352017424e-05,
        2.7557513188174878e-06,
        2.763045703323036e-07,
        2.502221697571756e-08,
    ),
    "float32": (
        0.4999999403953552,
        0.1666652262210846,
        0.04166829213500023,
        0.008368533104658127,
        0.0013818313600495458,
    ),
}
# (2**r - 1) / r for |r| <= 1/2, error relative to 2**r
RISE_2 = {
    "float64": (
        0.6931471805599457,
        0.2402265069591009,
        0.05550410866478744,
        0.009618129107610545,
        0.0013333558154133738,
        0.00015403530437323423,
        1.5252726733518172e-05,
        1.321544468541554e-06,
        1.0180912994571487e-07,
        7.072242235012043e-09,
        4.038991542357595e-10,
    ),
    "float32": (
        0.6931472420692444,
        0.24022692441940308,
        0.055502891540527344,
        0.00961417704820633,
        0.0013408882077783346,
        0.00016259429685305804,
    ),
}
# (2 atanh(s) / s - 2) / s**2 as a polynomial in s**2, for s <= 1/3; error relative to atanh(s) / s
BEND = {
    "float64": (
        0.6666666666666631,
        0.40000000000155933,
        0.28571428548007366,
        0.2222222396089803,
        0.1818174421205034,
        0.15386554303697053,
        0.1330104106118612,
        0.12105600462992781,
        0.08342022956161306,
        0.17015371452746783,
    ),
    "float32": (
        0.6666667461395264,
        0.3999894857406616,
        0.28615203499794006,
        0.21444153785705566,
        0.24243538081645966,
    ),
}
# log(2) in two parts: products of the first one with exponents are exact
LOG_2 = {
    "float64": (0.6931471806019545, -4.2009150726810846e-11),
    "float32": (0.693115234375, 3.194618329871446e-05),
}
PER_LOG_2 = 1.4426950408889634

# beyond these exp overflows, or vanishes; -1 is all that is left of exp - 1
_HIGHEST = {"float64": 710.0, "float32": 89.0}
_LOWEST = {"float64": -746.0, "float32": -104.0}
_FLAT = {"float64": -40.0, "float32": -18.0}


def reduced(x: Value, offset: int, given: Any = 0.0) -> tuple[Value, Value, Value]:
    """``main``, ``small`` and bits, with ``exp(x + given) = 2**n exp(main + small)``.

    The main part is exact, at most log(2)/2, and x itself where n is zero. The bits end in n plus
    the offset.
    """
    whole, stored = nearest(x, PER_LOG_2, offset)
    high, low = LOG_2[x.dtype]
    return fma(whole, -high, x), fma(whole, -low, given), stored


def scaled(p: Value, stored: Value) -> Value:
    """``2**n * (1 + p)``, rounded a second time where the numbers are too small for all digits.

    The bits end in n plus twice the bias of the format. Each half of that is an exponent as it is
    stored, while n itself can be smaller or larger than all of them.
    """
    first = power_of_two(stored >> 1)
    second = from_bits((stored << format_of(p).fraction) - bits(first))
    return fma(p, first, first) * second


def _exp(x: Value) -> Value:
    """The exponential function."""
    x = at_least(at_most(x, _HIGHEST[x.dtype]), _LOWEST[x.dtype])
    whole, stored = nearest(x, PER_LOG_2, 2 * format_of(x).bias)
    high, low = LOG_2[x.dtype]
    r = fma(whole, -low, fma(whole, -high, x))
    return scaled(fma(r * r, polynomial(r, RISE[x.dtype]), r), stored)


def _exp2(x: Value) -> Value:
    """Two to a power."""
    kind = format_of(x)
    x = at_least(at_most(x, kind.bias + 2.0), -kind.bias - kind.fraction - 2.0)
    whole, stored = nearest(x, 1.0, 2 * kind.bias)
    r = x - whole
    first, *others = RISE_2[x.dtype]
    return scaled(fma(r, first, r * r * polynomial(r, others)), stored)


def minus_one(x: Value, unit: float = 1.0) -> tuple[Value, Value]:
    """``unit * (exp(x) - 1)`` for the unit 1 or 1/2, as a number and its rest; within range."""
    main, small, stored = reduced(x, format_of(x).bias - (unit != 1.0))
    r = main + small
    q = fma(r * r, polynomial(r, RISE[x.dtype]), small)
    s = power_of_two(stored)
    # base and s * main are exact, and the first one is zero or the larger one: their sum has all
    # digits in two numbers
    base = s - unit
    total = fma(s, main, base)
    return total, fma(s, q, fma(s, main, base - total))


def _expm1(x: Value) -> Value:
    """exp(x) - 1."""
    half, rest = minus_one(at_least(at_most(x, _HIGHEST[x.dtype]), _FLAT[x.dtype]), 0.5)
    half = half + rest
    # for the sign of zero, and as the half of the smallest numbers is no number
    return select(absolute(x) < 2.0 ** -(format_of(x).fraction + 2), x, half + half)


def _decay(x: Value, given: Any = 0.0) -> tuple[Value, Value]:
    """``exp(x + given)`` as a number and its rest: x is not positive, and the other one small."""
    room = {"float64": 60, "float32": 30}[x.dtype]
    x = at_least(x, _LOWEST[x.dtype])
    main, small, stored = reduced(x, format_of(x).bias + room, given)
    r = main + small
    q = fma(r * r, polynomial(r, RISE[x.dtype]), small)
    # 1 + main + q without an error, then the larger part of it and the rest
    one, left = ordered_sum(main.lift(1.0), main)
    total, rest = ordered_sum(one, left + q)
    # without room below the exponents, as results may be too small for all digits
    s = power_of_two(stored)
    return total * s * 2.0**-room, rest * s * 2.0**-room


def _joined(x: Value, e: Value, given: Value) -> Value:
    """``x + log(1 + e + given)`` for e from zero to one, and the other one small.

    s is e / (2 + e), and the logarithm twice its inverse hyperbolic tangent, 2 s + z s bend(z) with
    z = s**2. Written as ``e - (e**2 / 2 - s * (e**2 / 2 + z * bend(z)))`` it loses least to
    rounding (as FreeBSD's e_log.c explains).
    """
    s = e / (e + 2.0)
    z = s * s
    half = e * 0.5 * e
    less = fma(-s, fma(z, polynomial(z, BEND[e.dtype]), half), half)
    total, rest = two_sum(x, e)
    # infinite sums have no rest; 1 - 3/2 s is close enough to the derivative, 1 / (1 + e)
    rest = select(absolute(x) < math.inf, rest, 0.0)
    return total - (less - fma(given, fma(s, -1.5, 1.0), rest))


def _expit(x: Value) -> Value:
    """1 / (1 + exp(-x)), or exp(x) / (1 + exp(x)) where x is negative."""
    negative = x < 0.0
    e, rest = _decay(-absolute(x))
    above, below = select(negative, e, 1.0), e + 1.0
    quotient = above / below
    # what remains of the division, and of what was rounded before it, times the reciprocal
    remains = fma(-quotient, below, above) + select(negative, rest, 0.0)
    remains = fma(-quotient, (e - (below - 1.0)) + rest, remains)
    return fma(remains, select(negative, 1.0 - quotient, quotient), quotient)


def _softplus(x: Value) -> Value:
    """log(1 + exp(x))."""
    return _joined(at_least(x, 0.0), *_decay(-absolute(x)))


def _log_expit(x: Value) -> Value:
    """log(1 / (1 + exp(-x)))."""
    return -_softplus(-x)


def _logaddexp(x: Value, y: Value) -> Value:
    """log(exp(x) + exp(y)): the larger one and log(1 + exp(-difference)).

    Where these two differ in sign and nearly cancel, errors are relative to the larger number.
    """
    less = x < y
    larger, smaller = select(less, y, x), select(less, x, y)
    difference, rest = two_sum(smaller, -larger)
    # where nothing is left of exp, nor is of the rest; infinities have none, and may be equal
    rest = select(difference > _LOWEST[x.dtype], rest, 0.0)
    difference = select(x == y, 0.0, difference)
    return _joined(larger, *_decay(difference, rest))


EXP = Function("exp", _exp)
EXP2 = Function("exp2", _exp2)
EXPM1 = Function("expm1", _expm1)
EXPIT = Function("expit", _expit)
SOFTPLUS = Function("softplus", _softplus)
LOG_EXPIT = Function("log_expit", _log_expit)
LOGADDEXP = Function("logaddexp", _logaddexp)
