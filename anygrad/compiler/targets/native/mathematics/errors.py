"""erf and erfc: of small arguments by a polynomial, beyond by an exponential."""

from __future__ import annotations

from anygrad.compiler.targets.native.functions import Function
from anygrad.compiler.targets.native.instructions import (
    absolute,
    bits,
    copysign,
    fma,
    from_bits,
    select,
)
from anygrad.compiler.targets.native.mathematics.common import (
    at_most,
    format_of,
    nearest,
    polynomial,
    power_of_two,
    two_product,
)
from anygrad.compiler.targets.native.mathematics.exponentials import LOG_2, PER_LOG_2, RISE
from anygrad.compiler.targets.native.values import Value

__all__ = ["ERF", "ERFC"]

FAR = {"float64": 5.95, "float32": 3.95}
"""From here on erf is 1."""

VANISHED = {"float64": 27.5, "float32": 10.5}
"""From here on erfc is 0."""

SWITCH = 0.8
"""From here on erfc is computed by `DECAY`: it is below 1/4 soon, and the difference too coarse."""

SHIFT, CENTRE = 2.0, 0.125
"""`DECAY` goes by powers of ``1 / (x + SHIFT) - CENTRE``."""

# Fitted by tests/compiler/native/fitting_errors.py.

NEAR = {
    "float64": (
        0.12837916709551256,
        -0.3761263890318334,
        0.1128379167093654,
        -0.026866170641869684,
        0.005223977595842069,
        -0.0008548325435815736,
        0.00012055278912539196,
        -1.4924434939770946e-05,
        1.6443792370260476e-06,
        -1.6181568631508927e-07,
        1.3608181928173876e-08,
        -7.596388164289608e-10,
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
        -1.8496055099332482,
        -2.638967514234783,
        -0.843107256359164,
        -0.041561098029049434,
        0.010033825214287405,
        -0.0019779014103318447,
        0.00023731715690226247,
        2.6294450272433003e-05,
        -2.719547759544579e-05,
        9.666654994636825e-06,
        -2.1272884565440573e-06,
        2.0147424098876466e-07,
        5.97430071402154e-08,
        -3.40296632931386e-08,
        8.680926160970503e-09,
        -1.3459056263246683e-09,
        1.2190274077711671e-10,
        -4.9734084153845955e-12,
    ),
    "float32": (
        -1.8496055603027344,
        -2.638962745666504,
        -0.8431723713874817,
        -0.041262172162532806,
        0.009452412836253643,
        -0.0014806097606197,
        8.989200432552025e-05,
    ),
}
"""log(1 - erf(x)) as a polynomial of x - 1, from 1 on."""

DECAY = {
    "float64": (
        0.7422125424043068,
        1.7732006471603334,
        3.2437818440015107,
        3.7338857083964685,
        0.0890922426713129,
        -8.358991303814829,
        -9.117908971276837,
        19.39554517508061,
        45.85861163054521,
        -60.09001046527611,
        -222.39098935172925,
        282.3611620395966,
        1149.4492951387156,
        -1905.681372735695,
        -6171.235394149636,
        15455.731044434584,
        33686.15717560291,
        -153114.89753868966,
        -49260.66584505099,
        1251652.7741554861,
        -2728928.640537987,
        2043479.3394537696,
    ),
    "float32": (
        0.7422125339508057,
        1.7732006311416626,
        3.2438058853149414,
        3.733733654022217,
        0.08029945939779282,
        -8.23161506652832,
        -9.554466247558594,
        18.03028678894043,
        58.21535873413086,
        -112.73770141601562,
    ),
}
"""(x + SHIFT) * erfc(x) * exp(x**2) as a polynomial, from SWITCH on."""

SLOPE = (0.9609375, 2.82421875)
"""The change of erfc(x) * exp(x**2) with ``u = 1 / (x + SHIFT)``, both relative: a polynomial of u.

It is needed roughly only.
"""


def _erf(x: Value) -> Value:
    """The error function."""
    dtype = x.dtype
    a = at_most(absolute(x), FAR[dtype])
    near = fma(a, polynomial(a * a, NEAR[dtype]), a)
    logarithm = polynomial(a - 1.0, TAIL[dtype])
    n, stored = nearest(logarithm, PER_LOG_2, format_of(x).bias)
    first, second = LOG_2[dtype]
    r = fma(n, -second, fma(n, -first, logarithm))
    power = power_of_two(stored)
    rest = fma(fma(r * r, polynomial(r, RISE[dtype]), r), power, power)
    return copysign(select(a < 1.0, near, 1.0 - rest), x)


def _erfc(x: Value) -> Value:
    """1 - erf(x), and as exact where it is small."""
    dtype = x.dtype
    a = absolute(x)
    base = 1.0 - x
    near = base + fma(-x, polynomial(x * x, NEAR[dtype]), (1.0 - base) - x)
    bounded = at_most(a, VANISHED[dtype])
    far = _times_gaussian(*_factor(bounded), bounded)
    return select(a < SWITCH, near, select(x < 0.0, 2.0 - far, far))


def _factor(a: Value) -> tuple[Value, Value]:
    """erfc(a) * exp(a**2) as a sum of two numbers, from `SWITCH` on.

    Each rounding on the way is made good in the second one: that of the divisor, of the quotient,
    whose error shows in the polynomial, too, of the last step of this, and of the product.
    """
    divisor = a + SHIFT
    u = 1.0 / divisor
    error = fma(-u, a - (divisor - SHIFT), fma(-u, divisor, 1.0))
    first, *others = DECAY[a.dtype]
    distance = u - CENTRE
    rest = polynomial(distance, others)
    value = fma(distance, rest, first)
    factor, low = two_product(u, value)
    low = fma(u, fma(distance, rest, first - value), low)
    return factor, fma(factor, error * fma(u, SLOPE[1], SLOPE[0]), low)


def _times_gaussian(factor: Value, low: Value, a: Value) -> Value:
    """``(factor + low) * exp(-a**2)``, where the square is known to twice the precision.

    The power of two is multiplied in halves, as it may be smaller than all numbers.
    """
    kind = format_of(a)
    square, square_low = two_product(a, a)
    n, stored = nearest(square, -PER_LOG_2, 2 * kind.bias)
    first, second = LOG_2[a.dtype]
    high = fma(n, -first, -square)
    taken = fma(n, second, square_low)
    r = high - taken
    # exp(r) is 1 + r + rise
    rise = fma(r * r, polynomial(r, RISE[a.dtype]), (high - r) - taken)
    result = factor + fma(factor, r, fma(factor, rise, fma(low, r, low)))
    power = power_of_two(stored >> 1)
    other = from_bits((stored << kind.fraction) - bits(power))
    return result * power * other


ERF = Function("erf", _erf)
ERFC = Function("erfc", _erfc)
