"""Powers: two to the exponent times the logarithm of the base to the base two."""

from __future__ import annotations

import math

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import (
    absolute,
    convert,
    copysign,
    fma,
    round_even,
    select,
)
from anygrad.compiler.targets.native.mathematics.common import (
    at_least,
    at_most,
    format_of,
    nearest,
    ordered_sum,
    polynomial,
    power_of_two,
    two_product,
)
from anygrad.compiler.targets.native.mathematics.exponentials import RISE_2, scaled
from anygrad.compiler.targets.native.mathematics.logarithms import split, split_any
from anygrad.compiler.targets.native.values import Value

__all__ = ["POW"]

# log2(1 + f) = s (2/log(2) + z (2/(3 log(2)) + z bend(z))) with s = f / (2 + f) and z = s**2: the
# first two in two parts, and bend for 1 + f from sqrt(1/2) to sqrt(2), error relative to log2
SLOPE = (2.8853900817779268, 4.0710547481862066e-17)
CURVE = (0.9617966939259756, 5.0577616648125907e-17)
BEND = (
    0.5770780163556178,
    0.4121985830919915,
    0.3205989022647176,
    0.26230770186828584,
    0.22198396489254213,
    0.1912558980696555,
    0.19037881587797043,
)
# log2(1 + f) / s and (2**r - 1) / r with the digits that single precision needs
SHORT_LOG_2 = (
    2.8853900817900815,
    0.961796673348071,
    0.5770835836959617,
    0.41167279912679366,
    0.3407285555701101,
)
SHORT_RISE_2 = (
    0.6931472149345153,
    0.2402265276645005,
    0.055503106012612866,
    0.009617695526421728,
    0.0013406627853889195,
    0.00015593870440778018,
)

_ENOUGH = 2.0**65
"""An even exponent at which all powers are zero, one or infinite."""


def _log2(x: Value) -> tuple[Value, Value]:
    """log2 of a number that is not negative, and what it lacks: together they have 65 digits."""
    k, m = split_any(x)
    k = _with_limits(k, x)
    f = m - 1.0
    g = m + 1.0
    s = f / g
    # s is too small by this remainder divided by g, which is 2 / (1 - s)
    remains = fma(-s, m - (g - 1.0), fma(-s, g, f))
    s_low = remains * fma(s, -0.5, 0.5)
    z = s * s
    z_low = fma(s + s, s_low, fma(s, s, -z))
    # s (slope + z (curve + z bend)): all sums and products in two parts, but for those with bend
    bent = fma(z, polynomial(z, BEND), CURVE[1])
    curve, curve_low = ordered_sum(z.lift(CURVE[0]), bent)
    term = z * curve
    term_low = fma(z, curve, -term)
    term_low = term_low + fma(z_low, curve, fma(z, curve_low, SLOPE[1]))
    slope, slope_low = ordered_sum(z.lift(SLOPE[0]), term)
    product, lost = two_product(s, slope)
    lost = lost + fma(s_low, slope, s * (slope_low + term_low))
    total, left = ordered_sum(k, product)
    return total, left + lost


def _with_limits(k: Value, x: Value) -> Value:
    """The logarithm's whole part: infinite for zero and infinity, nan for nan."""
    return select(x < math.inf, select(x == 0.0, -math.inf, k), x)


def _power(x: Value, y: Value) -> Value:
    """``x**y`` for ``x >= 0`` and finite y, but for the exponent zero."""
    log, log_low = _log2(x)
    exponent = y * log
    low = fma(y, log_low, fma(y, log, -exponent))
    # where it is larger, or nan from infinite products, nothing depends on it
    low = select(low < 1.0, low, 1.0)
    low = select(low > -1.0, low, -1.0)
    exponent = at_least(at_most(exponent, 1100.0), -1100.0)
    whole, stored = nearest(exponent, 1.0, 2 * format_of(x).bias)
    main = exponent - whole
    r = main + low
    first, *others = RISE_2[x.dtype]
    risen = fma(main, first, fma(low, first, r * r * polynomial(r, others)))
    return scaled(risen, stored)


def _short_power(x: Value, y: Value) -> Value:
    """As `_power`, for single precision; in double precision, in which nothing is small."""
    x, y = convert(x, "float64"), convert(y, "float64")
    k, m, _ = split(x)
    k = _with_limits(k, x)
    s = (m - 1.0) / (m + 1.0)
    exponent = y * fma(s, polynomial(s * s, SHORT_LOG_2), k)
    exponent = at_least(at_most(exponent, 200.0), -200.0)
    whole, stored = nearest(exponent, 1.0, format_of(x).bias)
    r = exponent - whole
    unit = power_of_two(stored)
    return convert(fma(r * polynomial(r, SHORT_RISE_2), unit, unit), "float32")


def _pow(x: Value, y: Value) -> Value:
    """``x**y``, of negative numbers, too, where y is whole; 1 if x is 1 or y 0, whatever the other.

    Special values as in annex F of the C standard.
    """
    y = at_least(at_most(y, _ENOUGH), -_ENOUGH)
    power = (_power if x.dtype == "float64" else _short_power)(absolute(x), y)
    # zero if y is even, of absolute value one if it is odd, between for what is no whole number
    beside = absolute(fma(round_even(y * 0.5), -2.0, y))
    odd, even = beside == 1.0, beside == 0.0
    power = select(odd, copysign(power, x), power)
    undefined = (x < 0.0) & (x > -math.inf) & ~(odd | even)
    power = select(undefined, math.nan, power)
    return select((x == 1.0) | (y == 0.0), 1.0, power)


POW = Function("pow", _pow)
