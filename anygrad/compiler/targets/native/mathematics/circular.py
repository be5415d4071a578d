"""sin, cos and tan.

The argument is a multiple of pi/2 and a remainder of at most about pi/4, known to more digits than
one number holds. Both the sine and the cosine of that are computed; which of them is wanted depends
on the multiple. So both of the same argument cost hardly more than one of them.
"""

from __future__ import annotations

from typing import NamedTuple

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import absolute, bits, fma, from_bits, select
from anygrad.compiler.targets.native.mathematics.common import (
    chain,
    nearest,
    ordered_sum,
    polynomial,
    two_product,
)
from anygrad.compiler.targets.native.values import Value

__all__ = ["COS", "SIN", "SINCOS", "TAN"]

LARGEST = {"float64": 1e13, "float32": 2e6}
"""Up to where three parts of pi/2 suffice; then multiples are not told apart well enough."""

TWO_OVER_PI = 0.6366197723675814

_SECOND = {"float64": 62, "float32": 30}
"""By how much the last bit but one is shifted to become the first, which is the sign."""

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


TANGENT = {
    "float64": (
        0.3333333333333338,
        0.13333333333325342,
        0.05396825397289853,
        0.02186948839956242,
        0.008863237921853494,
        0.003592100800713915,
        0.0014560469580070096,
        0.0005888527179516264,
        0.00024381158976515278,
        8.335732251372853e-05,
        6.767193096169776e-05,
        -2.6303306147477973e-05,
        4.9274126243618e-05,
        -2.4626981180989966e-05,
        9.885318437212853e-06,
    ),
    "float32": (
        0.3333342969417572,
        0.13330157101154327,
        0.0543186254799366,
        0.020064497366547585,
        0.013715962879359722,
        -0.0032468612771481276,
        0.0058827935717999935,
    ),
}
"""tan(x) is x + x**3 times this polynomial of x**2."""


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
    return r.high, fma(cube, chain(r.square, SINE[r.high.dtype]), correction)


def _cosine(r: _Reduced) -> tuple[Value, Value]:
    """The cosine of a remainder, as a sum of two numbers."""
    first = 1.0 + r.lowered
    error = fma(-r.low, r.high, (1.0 - first) + r.lowered)
    fourth = r.square * r.square
    return first, fma(fourth, chain(r.square, COSINE[r.high.dtype]), error)


def _is_odd(r: _Reduced) -> Value:
    """Whether the multiple is odd: then sine and cosine change places."""
    return (r.count & 1) != 0


def _turned(x: Value, signs: Value) -> Value:
    """With the other sign where the first bit is set."""
    return from_bits(bits(x) ^ (signs & bits(x.lift(-0.0))))


def _sine_of(x: Value, r: _Reduced) -> Value:
    """The sine, from what is left of the absolute value; so a zero keeps its sign."""
    sine, cosine = _sine(r), _cosine(r)
    size = select(_is_odd(r), cosine[0] + cosine[1], sine[0] + sine[1])
    return _turned(size, (r.count << _SECOND[x.dtype]) ^ bits(x))


def _cosine_of(r: _Reduced) -> Value:
    sine, cosine = _sine(r), _cosine(r)
    size = select(_is_odd(r), sine[0] + sine[1], cosine[0] + cosine[1])
    return _turned(size, (r.count + 1) << _SECOND[size.dtype])


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

    Of the remainder, or -1 by that. What rounding takes from the first is made good in the second.
    """
    r = _reduced(absolute(x))
    # the low part counts times 1 + tan(r)**2: roughly, 1 + r**2 at first and 2 at pi/4
    low = fma(r.low, r.square * 1.6, r.low)
    small = fma(r.square * r.high, polynomial(r.square, TANGENT[x.dtype]), low)
    tangent, error = ordered_sum(r.high, small)
    inverse = -1.0 / tangent
    rest = fma(inverse, error, fma(inverse, tangent, 1.0))
    size = select(_is_odd(r), fma(inverse, rest, inverse), tangent)
    return _turned(size, bits(x))


SIN = Function("sin", _sin, LARGEST)
COS = Function("cos", _cos, LARGEST)
SINCOS = Function("sincos", _sincos, LARGEST)
TAN = Function("tan", _tan, LARGEST)
