"""cbrt and hypot."""

from __future__ import annotations

import math

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import (
    absolute,
    bits,
    convert,
    copysign,
    fma,
    from_bits,
    select,
    sqrt,
)
from anygrad.compiler.targets.native.mathematics.common import format_of, polynomial, two_product
from anygrad.compiler.targets.native.values import Value

__all__ = ["CBRT", "HYPOT"]

# Fitted by tests/compiler/native/fitting_roots.py.

REFINEMENT = {
    "float64": (
        0.33332891982572116,
        0.22221376685266583,
        0.1745146531163281,
        0.14602233205684917,
    ),
    "float32": (
        0.3333273231983185,
        0.2235129177570343,
        0.1747509241104126,
    ),
}
"""(1 - h)**(-1/3) is 1 + h times this polynomial of h, as far as the first guess may be off."""

GUESS = 0.068882
"""What makes the first guess least wrong: its cube times x is 1 up to 0.1034."""


def _inverse_root(x: Value) -> Value:
    """A guess of ``x**(-1/3)``: the bits of a number are roughly its logarithm.

    So those of the root are a constant less a third of them. Whole numbers of 64 bits are not
    divided nor converted quickly: the upper half is made a float by writing it into the fraction of
    2**52, and comes out of the fraction of such a float. The lower half hardly matters.
    """
    kind = format_of(x)
    constant = 4.0 / 3.0 * kind.bias - GUESS
    if x.dtype == "float32":
        third = fma(convert(bits(x), "float32"), -1.0 / 3.0, constant * 2.0**kind.fraction)
        return from_bits(convert(third, "int32"))
    upper = from_bits((bits(x) >> 32) | bits(x.lift(2.0**52)))
    third = fma(upper, -1.0 / 3.0, constant * 2.0**20 + 2.0**52 * (4.0 / 3.0))
    return from_bits(bits(third) << 32)


def _cbrt(x: Value) -> Value:
    """The cube root.

    From a guess y of ``x**(-1/3)`` comes a better one, and ``x * y**2``. What the cube of that is
    off is computed to twice the precision, and corrects it.
    """
    # smaller numbers are taken times a power of two, as the errors of products have to be numbers
    tiny, third_of_power = {"float64": (2.0**-700, 200), "float32": (2.0**-60, 20)}[x.dtype]
    a = absolute(x)
    small = a < tiny
    a = select(small, a * 8.0**third_of_power, a)
    guess = _inverse_root(a)
    off = fma(a * guess * -guess, guess, 1.0)
    y = fma(guess * off, polynomial(off, REFINEMENT[x.dtype]), guess)
    square = y * y
    root = a * square
    high, low = two_product(root, root)
    # a is root**3 / (1 - e); e is known up to the error of y, which is a sixth of it
    e = fma(-low, root, fma(-high, root, a)) * square * y
    root = fma(root, e * fma(e, 7.0 / 18.0, 1.0 / 3.0), root)
    root = select(small, root * 2.0**-third_of_power, root)
    return select(absolute(x) < math.inf, copysign(root, x), x)


def _hypot(x: Value, y: Value) -> Value:
    """sqrt(x**2 + y**2), of numbers of all sizes; inf beside anything is inf."""
    # powers of two that bring squares of large and small numbers into the range
    high, low, down, up = {
        "float64": (2.0**500, 2.0**-400, 2.0**-600, 2.0**600),
        "float32": (2.0**60, 2.0**-40, 2.0**-70, 2.0**100),
    }[x.dtype]
    a, b = absolute(x), absolute(y)
    larger, smaller = select(a > b, a, b), select(a > b, b, a)
    large, small = larger > high, larger < low
    scale = select(large, down, select(small, x.lift(up), 1.0))
    back = select(large, 1.0 / down, select(small, x.lift(1.0 / up), 1.0))
    p, q = larger * scale, smaller * scale
    result = sqrt(fma(p, p, q * q)) * back
    return select((a == math.inf) | (b == math.inf), math.inf, result)


CBRT = Function("cbrt", _cbrt)
HYPOT = Function("hypot", _hypot)
