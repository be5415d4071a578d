"""Fits the tables of ``mathematics/circular.py``; run as a script it prints them."""

import mpmath
from mpmath import mpf

from tests.compiler.native.fitting import fit, parts

REACH = {"float64": 1.0015, "float32": 1.11}
"""How far beyond pi/4 the reduced argument lies, since 2/pi is rounded, at the largest argument."""

COUNTS = {"float64": 6, "float32": 4}
BITS = {"float64": 53, "float32": 24}


def half_pi(dtype):
    """Pi/2 as a sum of three numbers of the type."""
    with mpmath.workdps(80):
        return parts(mpmath.pi / 2, *[BITS[dtype]] * 3)


def sine(dtype):
    """(sin(x) / x - 1) / x**2 by powers of x**2; the error counts relative to sin(x) / x."""
    return _fitted(dtype, lambda z: (mpmath.sin(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z, 1)


def cosine(dtype):
    """(cos(x) - 1 + x**2 / 2) / x**4 by powers of x**2; the error counts relative to cos(x)."""
    return _fitted(dtype, lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2, 2)


def _end(dtype):
    return (mpf(REACH[dtype]) * mpmath.pi / 4) ** 2


def _fitted(dtype, function, power):
    return fit(
        function,
        (0, _end(dtype)),
        COUNTS[dtype],
        weight=lambda z: z**power,
        bits=BITS[dtype],
    )


def tangent(dtype):
    """(tan(x) / x - 1) / x**2 by powers of x**2; errors relative to tan(x)."""

    def function(z):
        x = mpmath.sqrt(z)
        return (mpmath.tan(x) / x - 1) / z

    return fit(
        function,
        (0, _end(dtype)),
        {"float64": 15, "float32": 7}[dtype],
        weight=lambda z: z / (1 + z * function(z)),
        bits=BITS[dtype],
    )


TABLES = {"HALF_PI": half_pi, "SINE": sine, "COSINE": cosine, "TANGENT": tangent}

if __name__ == "__main__":
    for name, made in TABLES.items():
        for dtype in BITS:
            print(name, dtype, made(dtype))
