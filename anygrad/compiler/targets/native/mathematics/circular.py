"""sin, cos and tan.

The argument is a multiple of pi/2 and a remainder of at most about pi/4, known to more digits than
one number holds. Of the remainder both the sine and the cosine are computed, which of them is
wanted depends on the multiple. So the sine and the cosine of the same argument cost hardly more
than one of them.
"""

from __future__ import annotations

from typing import NamedTuple

from anygrad.compiler.targets.native.mathematics.common import (
    nearest,
    ordered_sum,
    polynomial,
    two_product,
)
from anygrad.compiler.targets.native.values import (
    Function,
    Value,
    absolute,
    bits,
    fma,
    from_bits,
    select,
)

__all__ = ["COS", "SIN", "SINCOS", "TAN"]

LARGEST = {"float64": 1e13, "float32": 2e6}
"""Up to where three parts of pi/2 suffice; then multiples are not told apart well enough."""

TWO_OVER_PI = 0.6366197723675814

_SIGN = {"float64": 63, "float32": 31}
"""The bit that holds the sign."""

# Fitted by tests/compiler/native/fitting_circular.py.

HALF_PI = {
    "float64": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    "float32": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
}
"""A sum of three numbers."""

SINE = {
    "float64": (
        -0.16666666666666632,
        0.008333333333322437,
        -0.00019841269829791333,
        2.7557313677918434e-06,
        -2.505075496134488e-08,
        1.5896568764327217e-10,
    ),
    "float32": (
        -0.1666666716337204,
        0.00833336915820837,
        -0.00019847966905217618,
        2.7746973501052707e-06,
    ),
}
"""sin(x) is x + x**3 times this polynomial of x**2."""

COSINE = {
    "float64": (
        0.041666666666666595,
        -0.0013888888888873305,
        2.4801587288949556e-05,
        -2.755731419288754e-07,
        2.0875700910082255e-09,
        -1.1358457321959527e-11,
    ),
    "float32": (
        0.0416666679084301,
        -0.001388896256685257,
        2.4814493372105062e-05,
        -2.810863009017339e-07,
    ),
}
"""cos(x) is 1 - x**2 / 2 + x**4 times this polynomial of x**2."""


class _Reduced(NamedTuple):
    """An argument as a multiple of pi/2 and a remainder, and what both functions need of it.

    Attributes
    ----------
    count : Value
        Bits that end in the multiple.
    high, low : Value
        The remainder as a sum.
    square, lowered : Value
        Its square, and the square times -1/2.
    """

    count: Value
    high: Value
    low: Value
    square: Value
    lowered: Value


def _reduced(x: Value) -> _Reduced:
    """Take off the nearest multiple of pi/2.

    The first subtraction is exact: what is left is small, and a multiple of the last place of both.
    Of the others the error is kept, since little of the argument may be left (Cody and Waite).
    """
    first, second, third = HALF_PI[x.dtype]
    n, count = nearest(x, TWO_OVER_PI)
    rest = fma(n, -first, x)
    product, error = two_product(n, second)
    high = rest - product
    low = ((rest - high) - product) - fma(n, third, error)
    square = high * high
    return _Reduced(count, high, low, square, square * -0.5)


def _sine(r: _Reduced) -> tuple[Value, Value]:
    """The sine of a remainder, as a sum of the remainder and this correction."""
    cube = r.square * r.high
    correction = fma(r.low, r.lowered, r.low)
    return r.high, fma(cube, polynomial(r.square, SINE[r.high.dtype]), correction)


def _cosine(r: _Reduced) -> tuple[Value, Value]:
    """The cosine of a remainder, as a sum of two numbers."""
    first = 1.0 + r.lowered
    error = fma(-r.low, r.high, (1.0 - first) + r.lowered)
    fourth = r.square * r.square
    return first, fma(fourth, polynomial(r.square, COSINE[r.high.dtype]), error)


def _is_odd(r: _Reduced) -> Value:
    """Whether the multiple is odd: then sine and cosine change places."""
    return (r.count & 1) != 0


def _turned(x: Value, bit: int, count: Value) -> Value:
    """With the other sign where this bit is set."""
    return from_bits(bits(x) ^ ((count << (_SIGN[x.dtype] - bit)) & bits(x.lift(-0.0))))


def _sine_of(x: Value, r: _Reduced) -> Value:
    """The sine, from what is left of the absolute value; so a zero keeps its sign."""
    sine, cosine = _sine(r), _cosine(r)
    size = select(_is_odd(r), cosine[0] + cosine[1], sine[0] + sine[1])
    return _turned(size, 1, r.count ^ (bits(x) >> (_SIGN[x.dtype] - 1)))


def _cosine_of(r: _Reduced) -> Value:
    sine, cosine = _sine(r), _cosine(r)
    size = select(_is_odd(r), sine[0] + sine[1], cosine[0] + cosine[1])
    return _turned(size, 1, r.count + 1)


def _sin(x: Value) -> Value:
    """The sine; nan for inf."""
    return _sine_of(x, _reduced(absolute(x)))


def _cos(x: Value) -> Value:
    """The cosine; nan for inf."""
    return _cosine_of(_reduced(x))


def _sincos(x: Value) -> tuple[Value, Value]:
    """The sine and the cosine: the same bits as each alone."""
    r = _reduced(absolute(x))
    return _sine_of(x, r), _cosine_of(r)


def _tan(x: Value) -> Value:
    """The tangent; nan for inf.

    The errors of the sine, of the cosine and of the quotient are made good after the division.
    """
    r = _reduced(absolute(x))
    sine, cosine = ordered_sum(*_sine(r)), ordered_sum(*_cosine(r))
    odd = _is_odd(r)
    above, above_low = [select(odd, c, s) for c, s in zip(cosine, sine, strict=True)]
    below, below_low = [select(odd, s, c) for c, s in zip(cosine, sine, strict=True)]
    inverse = 1.0 / below
    quotient = above * inverse
    rest = fma(-quotient, below, above) + fma(-quotient, below_low, above_low)
    size = fma(rest, inverse, quotient)
    return _turned(size, 0, r.count ^ (bits(x) >> _SIGN[x.dtype]))


SIN = Function("sin", _sin, LARGEST)
COS = Function("cos", _cos, LARGEST)
SINCOS = Function("sincos", _sincos, LARGEST)
TAN = Function("tan", _tan, LARGEST)
