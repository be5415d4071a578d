"""What the functions share: formats, polynomials, sums and products with what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from anygrad.compiler.targets.native.instructions import bits, fma, from_bits, select
from anygrad.compiler.targets.native.values import Value

__all__ = [
    "Format",
    "at_least",
    "at_most",
    "chain",
    "format_of",
    "nearest",
    "ordered_sum",
    "polynomial",
    "power_of_two",
    "two_product",
    "two_sum",
]


class Format(NamedTuple):
    """How a type of floating numbers is stored.

    Attributes
    ----------
    fraction : int
        The bits of the fraction.
    bias : int
        What is added to the exponent before it is stored.
    shifter : float
        A number whose units in the last place are ones: adding it rounds to a whole number, whose
        bits are the last ones of the sum. Whole numbers of either sign leave its exponent.
    smallest : float
        The smallest positive number of full precision.
    """

    fraction: int
    bias: int
    shifter: float
    smallest: float


_FORMATS = {
    "float64": Format(52, 1023, 1.5 * 2.0**52, 2.0**-1022),
    "float32": Format(23, 127, 1.5 * 2.0**23, 2.0**-126),
}


def format_of(x: Value) -> Format:
    """The format of a value."""
    return _FORMATS[x.dtype]


def at_most(x: Value, limit: float) -> Value:
    """The smaller one of a value and a number; nan stays."""
    return select(x > limit, limit, x)


def at_least(x: Value, limit: float) -> Value:
    """The larger one of a value and a number; nan stays."""
    return select(x < limit, limit, x)


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """A polynomial, its constant coefficient first.

    In two chains, one of the even powers and one of the odd ones. That is one product more than
    a single chain has, and enough to do at the same time, as several vectors are computed at once.
    """
    if len(coefficients) < 4:
        return chain(x, coefficients)
    square = x * x
    return fma(x, chain(square, coefficients[1::2]), chain(square, coefficients[::2]))


def chain(x: Value, coefficients: Sequence[float]) -> Any:
    """As `polynomial`, one coefficient after the other (Horner's scheme)."""
    result: Any = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        result = fma(x, result, c)
    return result


def nearest(x: Value, factor: float = 1.0, offset: int = 0) -> tuple[Value, Value]:
    """The whole number nearest to ``factor * x``, as a float, and bits that end in it.

    The bits end in the sum of the number and ``offset``, with the sign in all the bits that a
    stored exponent has.
    """
    shifter = format_of(x).shifter + offset
    shifted = x + shifter if factor == 1.0 else fma(x, factor, shifter)
    return shifted - shifter, bits(shifted)


def power_of_two(stored: Value) -> Value:
    """Two to a power, given by bits that end in the power plus the bias of the format."""
    dtype = {"int64": "float64", "int32": "float32"}[stored.dtype]
    return from_bits(stored << _FORMATS[dtype].fraction)


def two_sum(a: Value, b: Any) -> tuple[Value, Value]:
    """A sum and what rounding took from it (Knuth)."""
    total = a + b
    taken = total - a
    return total, (a - (total - taken)) + (a.lift(b) - taken)


def ordered_sum(a: Value, b: Any) -> tuple[Value, Value]:
    """As `two_sum`, for a first number that is zero or at least as large as the second (Dekker)."""
    total = a + b
    return total, (a - total) + b


def two_product(a: Value, b: Any) -> tuple[Value, Value]:
    """A product and what rounding took from it."""
    product = a * b
    return product, fma(a, b, -product)
