"""Hyperbolic functions."""

from __future__ import annotations

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import absolute, copysign, fma, select
from anygrad.compiler.targets.native.mathematics.common import (
    at_most,
    chain,
    format_of,
    ordered_sum,
    polynomial,
    power_of_two,
)
from anygrad.compiler.targets.native.mathematics.exponentials import RISE, minus_one, reduced
from anygrad.compiler.targets.native.values import Value

__all__ = ["COSH", "SINH", "TANH"]

# (cosh(r) - 1) / r**2 and (sinh(r) / r - 1) / r**2 as polynomials in r**2, for r <= log(2)/2;
# errors relative to exp(-r) and to sinh(r) / r
EVEN = {
    "float64": (
        0.5000000000000014,
        0.041666666666502726,
        0.001388888895006911,
        2.480148700126956e-05,
        2.7632265998247636e-07,
    ),
    "float32": (0.5, 0.04166645556688309, 0.001393576618283987),
}
ODD = {
    "float64": (
        0.16666666666666677,
        0.008333333333321378,
        0.00019841269886860692,
        2.755724338494063e-06,
        2.5109351308067553e-08,
    ),
    "float32": (0.1666654348373413, 0.008366537280380726),
}

# (tanh(x) / x - 1) / x**2 in single precision, as a polynomial in x**2, for x <= 0.55; error
# relative to tanh(x) / x
BEND = (-0.3333294689655304, 0.1332072913646698, -0.05267202854156494, 0.016437940299510956)

# from these on tanh is 1 in all digits; and beyond these the others overflow
_FLAT = {"float64": 20.0, "float32": 10.0}
_HIGHEST = {"float64": 710.7, "float32": 89.6}


def _tanh(x: Value) -> Value:
    """tanh: with e = exp(2 x) - 1 it is e / (e + 2)."""
    size = at_most(absolute(x), _FLAT[x.dtype])
    y = _long_tanh(size) if x.dtype == "float64" else _short_tanh(size)
    return copysign(y, x)


def _long_tanh(x: Value) -> Value:
    """In double precision, where the polynomial of `_short_tanh` would be too long."""
    e, rest = ordered_sum(*minus_one(x + x))
    below = e + 2.0
    quotient = e / below
    # what remains of the division, and of what was rounded before it, times the reciprocal of
    # e + 2, which is half of 1 - e / (e + 2)
    remains = fma(-quotient, below, e) + rest
    remains = fma(-quotient, (e - (below - 2.0)) + rest, remains)
    # near 1 its last digits are too few for that, and remains too small to matter
    remains = select(x < 16.5, remains, 0.0)
    return fma(remains, fma(quotient, -0.5, 0.5), quotient)


def _short_tanh(x: Value) -> Value:
    """In single precision: from a half on it is 1 - 2 / (exp(2 x) + 1), which is exact enough."""
    main, small, stored = reduced(x + x, format_of(x).bias)
    r = main + small
    p = fma(r * r, polynomial(r, RISE[x.dtype]), r)
    s = power_of_two(stored)
    square = x * x
    near_zero = fma(x * square, polynomial(square, BEND), x)
    return select(x < 0.55, near_zero, 1.0 - 2.0 / fma(p, s, s + 1.0))


def _parts(x: Value) -> tuple[Value, Value, Value, Value, Value]:
    """A quarter of 2**n and of 2**-n, r, cosh(r) - 1 and sinh(r) - r for ``x = n log(2) + r >= 0``.

    Of these sinh and cosh are made: as ``c cosh(r) + s sinh(r)``, in which one of c and s is half
    of 2**n + 2**-n and the other one half of the difference. Their halves overflow later.
    """
    kind = format_of(x)
    main, small, stored = reduced(x, kind.bias - 2)
    r = main + small
    square = r * r
    even = square * chain(square, EVEN[x.dtype])
    odd = fma(r * square, chain(square, ODD[x.dtype]), small)
    growing = power_of_two(stored)
    # nothing is left of the other one long before it is too small for a number
    shrinking = power_of_two(2 * kind.bias - 4 - stored)
    shrinking = select(x < 2.0 * kind.fraction, shrinking, 0.0)
    return growing, shrinking, main, even, odd


def _sinh(x: Value) -> Value:
    """The hyperbolic sine."""
    growing, shrinking, r, even, odd = _parts(at_most(absolute(x), _HIGHEST[x.dtype]))
    (c, lost), s = ordered_sum(growing, -shrinking), growing + shrinking
    # c is zero, or larger than s * r: of their sum nothing is lost
    total = fma(s, r, c)
    y = total + (fma(s, r, c - total) + fma(c, even, fma(s, odd, lost)))
    y = copysign(y + y, x)
    # the quarters of small numbers are no numbers
    return select(absolute(x) < 2.0 ** -(format_of(x).fraction // 2 + 2), x, y)


def _cosh(x: Value) -> Value:
    """The hyperbolic cosine."""
    growing, shrinking, r, even, odd = _parts(at_most(absolute(x), _HIGHEST[x.dtype]))
    (c, lost), s = ordered_sum(growing, shrinking), growing - shrinking
    total = fma(s, r, c)
    y = total + (fma(s, r, c - total) + fma(c, even, fma(s, odd, lost)))
    return y + y


TANH = Function("tanh", _tanh)
SINH = Function("sinh", _sinh)
COSH = Function("cosh", _cosh)
