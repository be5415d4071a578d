"""Fits the tables of ``mathematics/errors.py``; run as a script it prints them."""

import mpmath
from mpmath import mpf

from anygrad.compiler.targets.native.mathematics.errors import CENTRE, FAR, SHIFT, SWITCH
from tests.compiler.native.fitting import fit

BITS = {"float64": 53, "float32": 24}


def near(dtype):
    """erf(x) / x - 1 by powers of x**2, up to x = 1; errors count absolutely."""

    def function(z):
        x = mpmath.sqrt(z)
        return mpmath.erf(x) / x - 1

    return fit(function, (0, 1), {"float64": 12, "float32": 7}[dtype], bits=BITS[dtype])


def tail(dtype):
    """log(erfc(x)) from 1 on, by powers of x - 1; errors as they change erf."""
    return fit(
        lambda v: mpmath.log(mpmath.erfc(v + 1)),
        (0, FAR[dtype] - 1),
        {"float64": 18, "float32": 7}[dtype],
        weight=lambda v: mpmath.erfc(v + 1),
        bits=BITS[dtype],
    )


def decay(dtype):
    """erfc(x) * exp(x**2) / u from `SWITCH` on, u = 1 / (x + SHIFT), by powers of u - CENTRE."""

    def function(v):
        u = v + mpf(CENTRE)
        x = 1 / u - SHIFT
        return mpmath.erfc(x) * mpmath.exp(x * x) / u

    end = {"float64": mpf(55) / 2, "float32": mpf(21) / 2}[dtype]
    return fit(
        function,
        (1 / (end + SHIFT) - mpf(CENTRE), 1 / (mpf(SWITCH) + mpf(SHIFT)) - mpf(CENTRE)),
        {"float64": 22, "float32": 10}[dtype],
        weight=lambda v: 1 / function(v),
        bits=BITS[dtype],
    )


def slope():
    """The relative change of erfc(x) * exp(x**2) with u = 1 / (x + SHIFT), by powers of u."""

    def function(u):
        x = 1 / u - SHIFT
        scaled = mpmath.erfc(x) * mpmath.exp(x * x)
        return -(2 * x - 2 / mpmath.sqrt(mpmath.pi) / scaled) / u

    return fit(function, (mpf(1) / 30, 1 / (mpf(SWITCH) + SHIFT)), 2, bits=10)


TABLES = {"NEAR": near, "TAIL": tail, "DECAY": decay}

if __name__ == "__main__":
    for name, made in TABLES.items():
        for dtype in BITS:
            print(name, dtype, made(dtype))
    print("SLOPE", slope())
