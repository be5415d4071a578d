"""Fits the tables of ``mathematics/errors.py``; run as a script it prints them."""

import mpmath
from mpmath import mpf

from anygrad.compiler.targets.native.mathematics.errors import CENTRE, FAR, MIDDLE, SHIFT
from tests.compiler.native.fitting import fit

BITS = {"float64": 53, "float32": 24}


NEAREST = mpf(4) / 5

def near(dtype):
    """erf(x) / x - 1 by powers of x**2, up to x = 1; errors count absolutely."""

    def function(z):
        x = mpmath.sqrt(z)
        return mpmath.erf(x) / x - 1

    return fit(function, (0, 1), {"float64": 12, "float32": 7}[dtype], bits=BITS[dtype])


def tail(dtype):
    """log(erfc(x)) from 1 on, by powers of x less a whole number; errors as they change erf."""
    return fit(
        lambda v: mpmath.log(mpmath.erfc(v + MIDDLE)),
        (1 - MIDDLE, FAR[dtype] - MIDDLE),
        {"float64": 18, "float32": 7}[dtype],
        weight=lambda v: mpmath.erfc(v + MIDDLE),
        bits=BITS[dtype],
    )


def decay(dtype):
    """erfc(x) * exp(x**2) / u from 1 on, by powers of ``u = 1 / (x + SHIFT)`` less a number."""

    def function(v):
        u = v + mpf(CENTRE)
        x = 1 / u - SHIFT
        return mpmath.erfc(x) * mpmath.exp(x * x) / u

    end = {"float64": mpf(55) / 2, "float32": mpf(21) / 2}[dtype]
    return fit(
        function,
        (1 / (end + SHIFT) - mpf(CENTRE), 1 / (NEAREST + SHIFT) - mpf(CENTRE)),
        {"float64": 22, "float32": 10}[dtype],
        weight=lambda v: 1 / function(v),
        bits=BITS[dtype],
    )


def slope(dtype):
    """How much erfc(x) * exp(x**2) changes relative to ``u = 1 / (x + SHIFT)``, roughly."""

    def function(u):
        x = 1 / u - SHIFT
        scaled = mpmath.erfc(x) * mpmath.exp(x * x)
        return -(2 * x - 2 / mpmath.sqrt(mpmath.pi) / scaled) / u

    return fit(function, (mpf(1) / 30, 1 / mpf(1 + SHIFT)), 2, bits=10)


TABLES = {"NEAR": near, "TAIL": tail, "DECAY": decay, "SLOPE": slope}

if __name__ == "__main__":
    for name, made in TABLES.items():
        for dtype in BITS:
            print(name, dtype, made(dtype))
