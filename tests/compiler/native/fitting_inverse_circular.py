"""Fits the tables of ``mathematics/inverse_circular.py``; run as a script it prints them."""

import mpmath
from mpmath import mpf

from tests.compiler.native.fitting import fit, parts

COUNTS = {"float64": 12, "float32": 5}
BITS = {"float64": 53, "float32": 24}


def quarter_pi(dtype):
    """Pi/4 as a sum of two numbers of the type."""
    with mpmath.workdps(80):
        return parts(mpmath.pi / 4, *[BITS[dtype]] * 2)


def arctangent(dtype):
    """(atan(x) / x - 1) / x**2 by powers of x**2, up to x = 1/2; errors relative to atan(x) / x."""
    return _fitted(dtype, mpmath.atan)


def arcsine(dtype):
    """(asin(x) / x - 1) / x**2 by powers of x**2, up to x = 1/2; errors relative to asin(x) / x."""
    return _fitted(dtype, mpmath.asin)


def _fitted(dtype, function):
    def remainder(z):
        x = mpmath.sqrt(z)
        return (function(x) / x - 1) / z

    return fit(remainder, (0, mpf(1) / 4), COUNTS[dtype], weight=lambda z: z, bits=BITS[dtype])


TABLES = {"QUARTER_PI": quarter_pi, "ARCTANGENT": arctangent, "ARCSINE": arcsine}

if __name__ == "__main__":
    for name, made in TABLES.items():
        for dtype in BITS:
            print(name, dtype, made(dtype))
