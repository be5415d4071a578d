"""erf and erfc: of small arguments by a polynomial, beyond by an exponential."""

from __future__ import annotations

from anygrad.compiler.targets.native.mathematics.common import (
    at_most,
    format_of,
    nearest,
    ordered_sum,
    polynomial,
    power_of_two,
    two_product,
)
from anygrad.compiler.targets.native.mathematics.exponentials import LOG_2, PER_LOG_2, RISE
from anygrad.compiler.targets.native.values import (
    Function,
    Value,
    absolute,
    bits,
    copysign,
    fma,
    from_bits,
    select,
)

__all__ = ["ERF", "ERFC"]

FAR = {"float64": 5.95, "float32": 3.95}
"""From here on erf is 1."""

VANISHED = {"float64": 27.5, "float32": 10.5}
"""From here on erfc is 0."""

MIDDLE = 3
"""Where the powers of `TAIL` are centred: arguments from 1 to 6 less this are exact."""

SHIFT, CENTRE = 2, 0.1875
"""`DECAY` goes by powers of ``1 / (x + SHIFT) - CENTRE``."""

# Fitted by tests/compiler/native/fitting_errors.py.

NEAR = {
    "float64": (
        0.1283791670955126,
        -0.3761263890318411,
        0.11283791670972065,
        -0.026866170648281413,
        0.005223977655689107,
        -0.0008548328735488145,
        0.00012055394334226125,
        -1.4927094824952577e-05,
        1.6484727446176011e-06,
        -1.6598284418462875e-07,
        1.6303287885357683e-08,
        -1.7630594235434645e-09,
        1.6381764991239716e-10,
    ),
    "float32": (
        0.12837916612625122,
        -0.3761262893676758,
        0.11283618211746216,
        -0.02685512602329254,
        0.005190733820199966,
        -0.000803076196461916,
        7.920374628156424e-05,
    ),
}
"""erf(x) is x + x times this polynomial of x**2, up to 1."""

TAIL = {
    "float64": (
        -10.72036304198085,
        -6.3037536890030745,
        -0.9573942188206785,
        -0.007411891877282291,
        0.001353310425799245,
        -0.00024569162328137646,
        4.3082779720905164e-05,
        -7.115358439454904e-06,
        1.067638704224814e-06,
        -1.382608363557722e-07,
        1.1215587444607015e-08,
        1.989565544555569e-09,
        5.545794652491241e-10,
        4.1916746180009635e-10,
        -2.5230694995336417e-10,
        -1.5040165920417387e-10,
        -4.6688164855798033e-11,
        -4.913569282886186e-12,
    ),
    "float32": (
        -10.720324516296387,
        -6.303403854370117,
        -0.9562981128692627,
        -0.0057297502644360065,
        0.002762931864708662,
        0.00040050578536465764,
        0.00018554712005425245,
    ),
}
"""log(1 - erf(x)) as a polynomial of x - MIDDLE, from 1 on."""

DECAY = {
    "float64": (
        0.8666131249594583,
        2.2218362458011436,
        3.923933765087657,
        3.3975357412311427,
        -2.8521780889942208,
        -9.718705681206316,
        2.610977891115043,
        29.4016608897355,
        -10.001944433788536,
        -104.03131558603806,
        90.77281051291236,
        374.98535804809063,
        -735.4823763697339,
        -1000.8227136324908,
        4901.6133001424705,
        -1235.5988031421277,
        -26386.09492230731,
        39521.8198244331,
        116705.31395429635,
        -217813.3213530796,
        -420342.17533318116,
    ),
    "float32": (
        0.8666131496429443,
        2.2218363285064697,
        3.923896312713623,
        3.397434949874878,
        -2.8435730934143066,
        -9.695259094238281,
        2.0377819538116455,
        27.070953369140625,
        -0.6660330295562744,
    ),
}
"""(x + SHIFT) * erfc(x) * exp(x**2) as a polynomial, from 1 on."""

SLOPE = (0.9609375, 2.82421875)
"""The relative change of erfc(x) * exp(x**2) with 1 / (x + SHIFT), roughly, as a polynomial of that."""


def _erf(x: Value) -> Value:
    """The error function."""
    dtype = x.dtype
    a = at_most(absolute(x), FAR[dtype])
    near = fma(a, polynomial(a * a, NEAR[dtype]), a)
    logarithm = polynomial(a - MIDDLE, TAIL[dtype])
    n, stored = nearest(logarithm, PER_LOG_2, format_of(x).bias)
    first, second = LOG_2[dtype]
    r = fma(n, -second, fma(n, -first, logarithm))
    power = power_of_two(stored)
    rest = fma(fma(r * r, polynomial(r, RISE[dtype]), r), power, power)
    return copysign(select(a < 1.0, near, 1.0 - rest), x)


def _erfc(x: Value) -> Value:
    """1 - erf(x), as exact where it is small."""
    dtype = x.dtype
    a = at_most(absolute(x), VANISHED[dtype])
    near = fma(-x, polynomial(x * x, NEAR[dtype]), 1.0 - x)
    far = _decay(a)
    return select(absolute(x) < 1.0, near, select(x < 0.0, 2.0 - far, far))


def _decay(a: Value) -> Value:
    """Erfc from 1 on.

    The errors of the square, of the division and of the product are made good: the exponential
    would show the first one, and all of them together were too many.
    """
    dtype = a.dtype
    below, below_low = ordered_sum(a, float(SHIFT))
    inverse = 1.0 / below
    error = fma(-inverse, below_low, fma(-inverse, below, 1.0))
    factor, low = two_product(inverse, polynomial(inverse - CENTRE, DECAY[dtype]))
    low = fma(factor, error * fma(inverse, SLOPE[1], SLOPE[0]), low)
    square, square_low = two_product(a, a)
    kind = format_of(a)
    n, stored = nearest(square, -PER_LOG_2, 2 * kind.bias)
    first, second = LOG_2[dtype]
    high = fma(n, -first, -square)
    r = fma(n, -second, high)
    rest = fma(n, -second, high - r) - square_low
    rise = r + fma(r * r, polynomial(r, RISE[dtype]), rest)
    power = power_of_two(stored >> 1)
    other = from_bits((stored << kind.fraction) - bits(power))
    return (factor + fma(factor, rise, low)) * power * other


ERF = Function("erf", _erf)
ERFC = Function("erfc", _erfc)
