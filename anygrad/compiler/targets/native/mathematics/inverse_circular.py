"""asin, acos, atan and atan2: arguments are brought to at most 1/2, where polynomials are short."""

from __future__ import annotations

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import absolute, bits, copysign, fma, select, sqrt
from anygrad.compiler.targets.native.mathematics.common import polynomial
from anygrad.compiler.targets.native.values import Value

__all__ = ["ACOS", "ASIN", "ATAN", "ATAN2"]

# Fitted by tests/compiler/native/fitting_inverse_circular.py.

QUARTER_PI = {
    "float64": (
        0.7853981633974483,
        3.061616997868383e-17,
    ),
    "float32": (
        0.7853981852531433,
        -2.1855694143368964e-08,
    ),
}
"""A sum of two numbers."""

ARCTANGENT = {
    "float64": (
        -0.33333333333332993,
        0.19999999999905663,
        -0.14285714276590977,
        0.11111110667862847,
        -0.09090896436552567,
        0.07692076725885591,
        -0.06663837655254247,
        0.0585847175840659,
        -0.051227341280113345,
        0.04188447894111693,
        -0.027464713055844397,
        0.010136773018495231,
    ),
    "float32": (
        -0.333332359790802,
        0.19994285702705383,
        -0.14175710082054138,
        0.10163354873657227,
        -0.05138121545314789,
    ),
}
"""atan(x) is x + x**3 times this polynomial of x**2, up to 1/2."""

ARCSINE = {
    "float64": (
        0.16666666666665383,
        0.0750000000034297,
        0.04464285682351648,
        0.030381959330536716,
        0.02237175352918168,
        0.01735977114926988,
        0.013884596965091315,
        0.012173295482926547,
        0.0065107592504659,
        0.01957422191125505,
        -0.016294649031577055,
        0.03195940760667742,
    ),
    "float32": (
        0.16666753590106964,
        0.07495251297950745,
        0.04547615721821785,
        0.024151518940925598,
        0.04221272096037865,
    ),
}
"""asin(x) is x + x**3 times this polynomial of x**2, up to 1/2."""


def _beside(quarters: Value, x: Value, small: Value) -> Value:
    """So many quarters of pi and a number below them and a small one.

    What rounding takes from the first sum is added with the small terms; it is exact, as `quarters`
    has two digits.
    """
    high, low = QUARTER_PI[x.dtype]
    total = fma(quarters, high, x)
    return total + ((fma(quarters, high, -total) + x) + fma(quarters, low, small))


def _arctangent(ratio: Value, quarters: Value) -> Value:
    """The arctangent of a number of at most 1/2, and so many quarters of pi."""
    square = ratio * ratio
    small = square * ratio * polynomial(square, ARCTANGENT[ratio.dtype])
    return _beside(quarters, ratio, small)


def _atan(x: Value) -> Value:
    """The arctangent.

    Between 1/2 and 2 it is pi/4 and the arctangent of ``(x - 1) / (x + 1)``, above pi/2 and that of
    ``-1 / x``. The difference is exact.
    """
    a = absolute(x)
    low, high = a < 0.5, a > 2.0
    above = select(low, a, select(high, -1.0, a - 1.0))
    below = select(low, 1.0, select(high, a, a + 1.0))
    quarters = select(low, 0.0, select(high, a.lift(2.0), 1.0))
    return copysign(_arctangent(above / below, quarters), x)


def _atan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), as C99 has it also for zeros and infinite numbers.

    As the arctangent of ``y / x`` with the quotients of `_atan` written out. On the left it is what
    is missing to pi.
    """
    p, q = absolute(y), absolute(x)
    # sums of the largest numbers would be infinite
    scale = select(p > 2.0**120, p.lift(0.25), 1.0)
    ps, qs = p * scale, q * scale
    low, high = (p < 0.5 * q) | (p == 0.0), ps > 2.0 * qs
    above = select(low, p, select(high, -q, ps - qs))
    below = select(low, q, select(high, p, ps + qs))
    ratio = select(p == q, 0.0, above / below)
    quarters = select(low, 0.0, select(high, p.lift(2.0), 1.0))
    left = bits(x) < 0
    ratio = select(left, -ratio, ratio)
    quarters = select(left, 4.0 - quarters, quarters)
    return copysign(_arctangent(ratio, quarters), y)


def _arcsine(x: Value) -> tuple[Value, Value, Value]:
    """Whether an argument is above 1/2, and a number of at most 1/2 whose arcsine tells its own.

    Above 1/2 that is ``sqrt((1 - x) / 2)``, whose arcsine is half of the arccosine of the argument;
    below the argument itself. Last comes what its arcsine has beside it. All without signs.
    """
    a = absolute(x)
    large = a > 0.5
    square = select(large, fma(a, -0.5, 0.5), a * a)
    root = select(large, sqrt(square), a)
    return large, root, root * square * polynomial(square, ARCSINE[x.dtype])


def _asin(x: Value) -> Value:
    """The arcsine; nan beyond 1."""
    large, root, small = _arcsine(x)
    factor = select(large, x.lift(-2.0), 1.0)
    quarters = select(large, x.lift(2.0), 0.0)
    return copysign(_beside(quarters, factor * root, factor * small), x)


def _acos(x: Value) -> Value:
    """The arccosine; nan beyond 1."""
    large, root, small = _arcsine(x)
    factor = copysign(select(large, x.lift(2.0), 1.0), x)
    factor = select(large, factor, -factor)
    quarters = select(large, 2.0 - factor, 2.0)
    return _beside(quarters, factor * root, factor * small)


ATAN = Function("atan", _atan)
ATAN2 = Function("atan2", _atan2)
ASIN = Function("asin", _asin)
ACOS = Function("acos", _acos)
