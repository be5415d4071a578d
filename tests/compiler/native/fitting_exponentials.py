"""Fits the tables of ``mathematics/exponentials.py``; run as a script it prints them."""

import mpmath
from mpmath import mpf

from tests.compiler.native.fitting import fit, parts, precisely

BITS = {"float64": 53, "float32": 24}
BEYOND = 1 + mpf(2) ** -16
"""The rests reach that much further than the half, since numbers are rounded before they are."""


@precisely
def rise(dtype):
    """(exp(r) - 1 - r) / r**2 for |r| <= log(2)/2; the error counts relative to exp(r)."""
    end = mpmath.log(2) / 2 * BEYOND
    return fit(
        lambda r: (mpmath.exp(r) - 1 - r) / r**2,
        (-end, end),
        {"float64": 10, "float32": 5}[dtype],
        weight=lambda r: r**2 / mpmath.exp(r),
        bits=BITS[dtype],
    )


@precisely
def rise_2(dtype):
    """(2**r - 1) / r for |r| <= 1/2; the error counts relative to 2**r."""
    end = BEYOND / 2
    return fit(
        lambda r: (mpf(2) ** r - 1) / r,
        (-end, end),
        {"float64": 11, "float32": 6}[dtype],
        weight=lambda r: r / mpf(2) ** r,
        bits=BITS[dtype],
    )


@precisely
def bend(dtype):
    """(2 atanh(s) / s - 2) / s**2 by powers of s**2, s <= 1/3; relative to 2 atanh(s) / s."""
    return fit_bend(mpf(1) / 9, {"float64": 10, "float32": 5}[dtype], BITS[dtype])


def fit_bend(end, count, bits):
    """The bend of the logarithm for s**2 up to a number."""
    return fit(
        lambda z: (_double(z) - 2) / z,
        (mpf(10) ** -12, end),
        count,
        weight=lambda z: z / _double(z),
        bits=bits,
    )


def _double(z):
    s = mpmath.sqrt(z)
    return 2 * mpmath.atanh(s) / s


@precisely
def log_2(dtype):
    """The first part with so few digits that its product with an exponent is exact."""
    bits = BITS[dtype]
    return parts(mpmath.log(2), {"float64": 32, "float32": 12}[dtype], bits)


TABLES = {"RISE": rise, "RISE_2": rise_2, "BEND": bend, "LOG_2": log_2}

if __name__ == "__main__":
    for name, made in TABLES.items():
        for dtype in BITS:
            print(name, dtype, made(dtype))
