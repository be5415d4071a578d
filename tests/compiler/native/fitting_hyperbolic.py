"""Fits the tables of ``mathematics/hyperbolic.py``; run as a script it prints them."""

import mpmath
from mpmath import mpf

from tests.compiler.native.fitting import fit, precisely
from tests.compiler.native.fitting_exponentials import BEYOND, BITS


@precisely
def even(dtype):
    """(cosh(r) - 1) / r**2 by powers of r**2, r <= log(2)/2; relative to exp(-r)."""
    return _fitted(
        dtype,
        {"float64": 5, "float32": 3},
        lambda z: (mpmath.cosh(mpmath.sqrt(z)) - 1) / z,
        lambda z: z * mpmath.exp(mpmath.sqrt(z)),
    )


@precisely
def odd(dtype):
    """(sinh(r) / r - 1) / r**2 by powers of r**2, r <= log(2)/2; relative to sinh(r) / r."""
    return _fitted(
        dtype,
        {"float64": 5, "float32": 2},
        lambda z: (_quotient(z) - 1) / z,
        lambda z: z / _quotient(z),
    )


@precisely
def bend():
    """(tanh(x) / x - 1) / x**2 of single precision by powers of x**2, relative to tanh(x) / x."""

    def quotient(z):
        return mpmath.tanh(mpmath.sqrt(z)) / mpmath.sqrt(z)

    return fit(
        lambda z: (quotient(z) - 1) / z,
        (mpf(10) ** -12, mpf("0.55") ** 2),
        4,
        weight=lambda z: z / quotient(z),
        bits=24,
    )


def _quotient(z):
    return mpmath.sinh(mpmath.sqrt(z)) / mpmath.sqrt(z)


def _fitted(dtype, counts, function, weight):
    end = (mpmath.log(2) / 2 * BEYOND) ** 2
    return fit(function, (mpf(10) ** -12, end), counts[dtype], weight=weight, bits=BITS[dtype])


TABLES = {"EVEN": even, "ODD": odd}

if __name__ == "__main__":
    for name, made in TABLES.items():
        for dtype in BITS:
            print(name, dtype, made(dtype))
    print("BEND", bend())
