"""exp and its relatives."""

from __future__ import annotations

from anygrad.compiler.targets.native.mathematics.common import (
    at_least,
    at_most,
    format_of,
    nearest,
    polynomial,
    power_of_two,
)
from anygrad.compiler.targets.native.values import (
    Function,
    Value,
    absolute,
    bits,
    copysign,
    from_bits,
    fma,
    select,
)

__all__ = ["EXP", "EXP2", "reduced", "scaled"]

import os
from anygrad.compiler.targets.native.mathematics.common import even_and_odd,chain
POLY={'e':polynomial,'o':lambda r,c: even_and_odd(r,r*r,c),'h':chain}[os.environ.get('POLY','e')]
# (exp(r) - 1 - r) / r**2 for |r| <= log(2)/2, relative to exp(r): fitting_exponentials.py
_RISE = {
    "float64": (
        0.5000000000000011,
        0.16666666666666466,
        0.04166666666652616,
        0.008333333333453895,
        0.0013888888944439879,
        0.00019841269598069736,
        2.4801492523755567e-05,
        2.7557505803452805e-06,
        2.7630372457912655e-07,
        2.502455602341911e-08,
    ),
    "float32": (
        0.4999999403953552,
        0.1666652262210846,
        0.04166829213500023,
        0.008368533104658127,
        0.001381831942126155,
    ),
}
# (2**r - 1) / r for |r| <= 1/2, relative to 2**r
_RISE_2 = {
    "float64": (
        0.6931471805599457,
        0.2402265069591009,
        0.05550410866478744,
        0.009618129107610549,
        0.001333355815413392,
        0.0001540353043731673,
        1.5252726733150794e-05,
        1.3215444689519415e-06,
        1.0180913226267357e-07,
        7.072241429633201e-09,
        4.038945225449935e-10,
    ),
    "float32": (
        0.6931472420692444,
        0.24022692441940308,
        0.055502891540527344,
        0.00961417704820633,
        0.0013408880913630128,
        0.00016259342373814434,
    ),
}
# log(2) in two parts: multiples of the first one by whole numbers up to 2**11 (2**8) are exact
LOG_2 = {
    "float64": (0.6931471806019545, -4.2009150726810846e-11),
    "float32": (0.693359375, -0.00021219444170128554),
}
_PER_LOG_2 = 1.4426950408889634

# beyond these everything overflows, or vanishes
_HIGHEST = {"float64": 710.0, "float32": 89.0}
_LOWEST = {"float64": -746.0, "float32": -104.0}


def reduced(x: Value, offset: int = 0) -> tuple[Value, Value, Value]:
    """``n, stored, r, q`` with ``exp(x) = 2**n * (1 + r + q)``, r at most log(2)/2.

    The bits ``stored`` end in n plus the offset. r is x itself where n is zero.
    """
    n, stored = nearest(x, _PER_LOG_2, offset)
    high, low = LOG_2[x.dtype]
    r = fma(n, -low, fma(n, -high, x))
    return n, stored, r


def scaled(p: Value, stored: Value) -> Value:
    """``2**n * (1 + p)``, rounded once where it is too small for full precision.

    The bits end in n plus twice the bias of the format: their halves are two exponents that are
    stored, as n itself may be outside of the exponents that there are.
    """
    first = power_of_two(stored >> 1)
    second = from_bits((stored << format_of(p).fraction) - bits(first))
    return fma(p, first, first) * second


def _exp(x: Value) -> Value:
    """The exponential function."""
    kind = format_of(x)
    x = at_least(at_most(x, _HIGHEST[x.dtype]), _LOWEST[x.dtype])
    _, stored, r = reduced(x, 2 * kind.bias)
    return scaled(fma(r * r, POLY(r, _RISE[x.dtype]), r), stored)


def _exp2(x: Value) -> Value:
    """Two to a power."""
    kind = format_of(x)
    x = at_least(at_most(x, kind.bias + 2.0), -kind.bias - kind.fraction - 2.0)
    n, stored = nearest(x, 1.0, 2 * kind.bias)
    r = x - n
    return scaled(r * POLY(r, _RISE_2[x.dtype]), stored)


EXP = Function("exp", _exp)
EXP2 = Function("exp2", _exp2)
