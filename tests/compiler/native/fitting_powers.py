"""Fits the tables of ``mathematics/powers.py``; run as a script it prints them.

All of them are numbers of double precision, in which those of single precision are computed, too.
"""

import mpmath
from mpmath import mpf

from tests.compiler.native.fitting import fit, parts, precisely

REACH = (mpf(10) ** -12, mpf("0.029438"))
"""s**2 for s = f / (2 + f) and 1 + f from sqrt(1/2) to sqrt(2)."""


@precisely
def slope():
    return parts(2 / mpmath.log(2), 53, 53)


@precisely
def curve():
    return parts(2 / (3 * mpmath.log(2)), 53, 53)


@precisely
def bend():
    """What log2(1 + f) / s is by powers of s**2, without the first two, relative to it."""
    first, second = 2 / mpmath.log(2), 2 / (3 * mpmath.log(2))
    return fit(
        lambda z: (_quotient(z) - first - second * z) / z**2,
        REACH,
        7,
        weight=lambda z: z**2 / _quotient(z),
    )


@precisely
def short_log_2():
    """log2(1 + f) / s by powers of s**2, to 37 digits."""
    return fit(_quotient, REACH, 5, weight=lambda z: 1 / _quotient(z))


def short_rise_2():
    """(2**r - 1) / r for |r| <= 1/2, to 28 digits; relative to 2**r."""
    return fit(
        lambda r: (mpf(2) ** r - 1) / r,
        (-mpf(1) / 2, mpf(1) / 2),
        6,
        weight=lambda r: r / mpf(2) ** r,
    )


def _quotient(z):
    s = mpmath.sqrt(z)
    return 2 * mpmath.atanh(s) / s / mpmath.log(2)


TABLES = {
    "SLOPE": slope,
    "CURVE": curve,
    "BEND": bend,
    "SHORT_LOG_2": short_log_2,
    "SHORT_RISE_2": short_rise_2,
}

if __name__ == "__main__":
    for name, made in TABLES.items():
        print(name, made())
