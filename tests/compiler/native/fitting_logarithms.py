"""Fits the tables of ``mathematics/logarithms.py``; run as a script it prints them."""

import mpmath
from mpmath import mpf

from tests.compiler.native.fitting import fit, parts, precisely
from tests.compiler.native.fitting_exponentials import BITS, fit_bend

DIGITS_OF_EXPONENTS = {"float64": 11, "float32": 8}


@precisely
def bend():
    """Of double precision, for s = f / (2 + f) with 1 + f from sqrt(1/2) to sqrt(2)."""
    root = mpmath.sqrt(2)
    return fit_bend(((root - 1) / (root + 1)) ** 2 * (1 + mpf(2) ** -20), 7, 53)


@precisely
def less():
    """(f - log(1 + f)) / f**2 of single precision, relative to log(1 + f)."""
    beyond = 1 + mpf(2) ** -20
    return fit(
        lambda f: (f - mpmath.log(1 + f)) / f**2,
        ((mpmath.sqrt(0.5) - 1) * beyond, (mpmath.sqrt(2) - 1) * beyond),
        9,
        weight=lambda f: f**2 / mpmath.log(1 + f),
        bits=24,
    )


@precisely
def bases(dtype):
    """1 / log(base) and log(2) / log(base), this with digits left for products with exponents."""
    bits = BITS[dtype]
    few = bits - DIGITS_OF_EXPONENTS[dtype]
    return {
        "2": (parts(1 / mpmath.log(2), bits, bits), [1.0, 0.0]),
        "10": (parts(1 / mpmath.log(10), bits, bits), parts(mpmath.log10(2), few, bits)),
    }


if __name__ == "__main__":
    print("BEND", bend())
    print("LESS", less())
    for dtype in BITS:
        print("BASES", dtype, bases(dtype))
