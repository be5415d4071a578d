"""Division by a number that is the same for all elements, without dividing.

A division of doubles takes as long as ten multiplications. With the reciprocal r of y, correctly
rounded, the quotient x r is corrected twice by its exact remainder; the second time it becomes the
correctly rounded quotient, the same bits as x / y: P. Markstein (1990), Computation of elementary
functions on the IBM RISC System/6000 processor, IBM J. Res. Dev. 34, theorem 7 (a quotient within
one unit in the last place, a correctly rounded reciprocal). No remainder may underflow; where the
numbers are not of ordinary size, the vector is divided after all.
"""

from __future__ import annotations

import math
from typing import Any

from anygrad.compiler.targets.native.instructions import absolute, bits, copysign, either, fma
from anygrad.compiler.targets.native.values import Value

__all__ = ["divide_by"]

DIVISORS = 2.0**-100, 2.0**100
"""Absolute values of y for which this is done."""
DIVIDENDS = 2.0**-900, 2.0**900
"""Absolute values of x; quotients and remainders are normal numbers then. Zero is another one."""


def divide_by(x: Value, y: Value, constant: Any = None) -> Value:
    """The quotient x / y of doubles, y being the same in all lanes; a ``constant`` if it is known.

    Instructions that only need y are written where y is computed.
    """
    low, high = DIVISORS
    size = absolute(x)
    ordinary = _between(size, *DIVIDENDS) | (x == 0.0)
    if constant is not None:
        constant = float(constant)
        if not low <= abs(constant) <= high:
            return x / y
        if math.frexp(constant)[0] in (0.5, -0.5):
            return x * (1.0 / constant)  # a power of two, whose reciprocal is exact
        r: Any = 1.0 / constant
    else:
        r = 1.0 / y
        ordinary = ordinary & _between(absolute(y), low, high)
    first = x * r
    once = fma(fma(-first, y, x), r, first)
    twice = fma(fma(-once, y, x), r, once)
    return either(ordinary, copysign(twice, first), lambda: x / y)


def _between(size: Value, low: float, high: float) -> Value:
    """Whether positive numbers lie between two others, by one comparison of bits."""
    emitter = size.emitter
    first, last = bits_of(low), bits_of(high)
    shifted = bits(size) - first
    unsigned = Value(emitter, "uint64", shifted.text)
    return unsigned <= last - first


def bits_of(x: float) -> int:
    """The bits of a double as an integer."""
    mantissa, exponent = math.frexp(x)
    assert mantissa == 0.5, "powers of two only"
    return (exponent - 1 + 1023) << 52
