"""Functions of each element that are made of others: NumPy's remaining ufuncs, and their like."""

from __future__ import annotations

import math

from anygrad.errors import DTypeError
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions.arguments import as_arrays, common_dtype, deliver
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.spectra import as_complex
from anygrad.tracing.functions.values import beside_values, doubled, limits_of
from anygrad.tracing.level import plain_namespace, strip
from anygrad.tracing.operations import TRACED

# Angles


def deg2rad(x, /):
    """Degrees as radians."""
    return x * (math.pi / 180.0)


def rad2deg(x, /):
    """Radians as degrees."""
    return x * (180.0 / math.pi)


radians, degrees = deg2rad, rad2deg


def angle(z, deg=False):
    """The angle of complex numbers; that of real ones, 0 or pi, has no derivative.

    At 0, where no derivative exists, it is taken as 0.
    """
    if kind_of(z.dtype) == "complex":
        z = TRACED.where(strip(z) == 0, 1.0, z)
        y = TRACED.atan2(TRACED.imag(z), TRACED.real(z))
    else:
        value = strip(z)
        y = TRACED.atan2(TRACED.zeros_like(value), value)
    return rad2deg(y) if deg else y


# Extremes that leave NaN out


def fmax(x1, x2, /):
    """The greater of two numbers, the other one where one is NaN; at a tie each gets half."""
    return TRACED.maximum(*_without_nan(x1, x2))


def fmin(x1, x2, /):
    """The smaller of two numbers, the other one where one is NaN; at a tie each gets half."""
    return TRACED.minimum(*_without_nan(x1, x2))


def _without_nan(a, b):
    a, b = as_arrays((a, b))
    return tuple(
        TRACED.where(TRACED.isnan(strip(one)), other, one) for one, other in ((a, b), (b, a))
    )


# Quotients and remainders


def fmod(x1, x2, /):
    """The remainder with the sign of the dividend, as in C."""
    x1, x2 = as_arrays((x1, x2))
    value = strip(x1)
    sign = TRACED.copysign(TRACED.zeros_like(value) + 1.0, value)
    return TRACED.remainder(x1 * sign, TRACED.abs(x2)) * sign


def divmod(x1, x2, /):
    """The quotient, a constant, and the remainder."""
    return TRACED.floor_divide(x1, x2), TRACED.remainder(x1, x2)


def modf(x, /):
    """The fractional part, which moves as ``x`` does, and the integral part, a constant."""
    whole = TRACED.trunc(strip(x))
    infinite = TRACED.isinf(whole)
    fraction = x - TRACED.where(infinite, 0.0, whole)
    return TRACED.where(infinite, 0.0, fraction), whole


def float_power(x1, x2, /):
    """Powers in double precision at least."""
    return TRACED.pow(*(doubled(x) for x in as_arrays((x1, x2))))


# Mantissa and exponent


def ldexp(x1, x2, /):
    """``x1 * 2**x2`` for integers ``x2``, which are constants."""
    x2 = x2 if hasattr(x2, "shape") else beside_values(x2, x1)
    x1 = as_arrays((x1, x2))[0]
    if kind_of(x2.dtype) != "other":
        message = f"ldexp(x2): got dtype {x2.dtype}; expected integers. Write x1 * 2.0**x2."
        raise DTypeError(message)
    return _scaled(x1, astype(x2, x1.dtype))


def _scaled(x, exponent):
    """``x * 2**exponent`` in three steps, whose powers do not overflow."""
    limit = 1000.0 if float(limits_of(x).max) > 1e300 else 120.0
    for _ in range(3):
        step = TRACED.minimum(TRACED.maximum(exponent, -limit), limit)
        x, exponent = x * TRACED.pow(2.0, step), exponent - step
    return x


def frexp(x, /):
    """Mantissa in [0.5, 1), and exponent to base 2, a constant."""
    value = strip(x)
    size = TRACED.abs(value)
    usual = TRACED.isfinite(value) & (size > 0)
    size = TRACED.where(usual, size, 0.5)
    exponent = TRACED.floor(TRACED.log2(size)) + 1.0
    mantissa = _scaled(size, -exponent)  # the logarithm may be rounded up or down to an integer
    exponent = TRACED.where(
        mantissa >= 1.0, exponent + 1.0, TRACED.where(mantissa < 0.5, exponent - 1.0, exponent)
    )
    whole = TRACED.astype(exponent, dtype=plain_namespace(x).int32)
    return TRACED.where(usual, _scaled(x, -exponent), x), whole


def spacing(x, /):
    """The distance to the next number away from 0, a constant."""
    value = strip(x)
    size = TRACED.abs(value)
    gap = TRACED.nextafter(size, TRACED.zeros_like(size) + math.inf) - size
    return TRACED.where(value < 0, -gap, gap)


# Logarithms and steps


def logaddexp2(x1, x2, /):
    """``log2(2**x1 + 2**x2)``, without overflow."""
    x1, x2 = as_arrays((x1, x2))
    dtype, log2 = common_dtype((x1, x2)), math.log(2.0)
    x1, x2 = (astype(x, dtype, copy=False) for x in (x1, x2))
    return TRACED.logaddexp(x1 * log2, x2 * log2) / log2


def heaviside(x1, x2, /):
    """0 below 0, ``x2`` at 0, 1 above; without derivative by ``x1``."""
    x1, x2 = as_arrays((x1, x2))
    value = strip(x1)
    step = TRACED.where(value > 0, 1.0, TRACED.where(value < 0, 0.0, value))  # NaN stays
    return TRACED.where(value == 0, x2, step)


# sin(y) / y = sum of (-1)^k y^2k / (2k + 1)!, DLMF 4.19.1
_SINE = [(-1) ** k / math.factorial(2 * k + 1) for k in range(11)]


def sinc(x):
    """``sin(pi x) / (pi x)``, smooth at 0, where a power series is used."""
    y = x * math.pi
    small = TRACED.abs(strip(y)) < 1.0
    square = TRACED.square(TRACED.where(small, y, 0.0))
    series = square * _SINE[-1] + _SINE[-2]
    for coefficient in _SINE[-3::-1]:
        series = series * square + coefficient
    far = TRACED.where(small, 1.0, y)
    return TRACED.where(small, series, TRACED.sin(far) / far)


# Constants


def fix(x, out=None):
    """Rounded towards 0; the derivative is zero."""
    return deliver("fix", out, TRACED.trunc(x))


def isposinf(x, out=None):
    """Whether numbers are +inf."""
    return deliver("isposinf", out, TRACED.equal(strip(_real("isposinf", x)), math.inf))


def isneginf(x, out=None):
    """Whether numbers are -inf."""
    return deliver("isneginf", out, TRACED.equal(strip(_real("isneginf", x)), -math.inf))


def _real(where, x):
    if kind_of(x.dtype) == "complex":
        message = f"{where}(x): got complex numbers, which have no sign. Take the real part."
        raise DTypeError(message)
    return x


def isreal(x):
    """Whether imaginary parts are 0."""
    return TRACED.equal(_imaginary(x), 0)


def iscomplex(x):
    """Whether imaginary parts are not 0."""
    return TRACED.not_equal(_imaginary(x), 0)


def _imaginary(x):
    value = strip(x)
    return TRACED.imag(value) if kind_of(value.dtype) == "complex" else TRACED.zeros_like(value)


def real_if_close(a, tol=100):
    """The real parts, if all imaginary parts are close to 0: a dtype that depends on values.

    ``tol`` is in units of the machine precision, if it is above 1.
    """
    if kind_of(a.dtype) != "complex":
        return a
    limit = tol * float(limits_of(a).eps) if tol > 1 else tol
    close = TRACED.all(TRACED.abs(TRACED.imag(strip(a))) < limit, axis=None)
    return TRACED.real(a) if bool(close) else a


def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """NaN and infinities replaced by numbers; the replaced elements get no derivative.

    ``copy=False`` writes into ``x`` itself.
    """
    if kind_of(x.dtype) == "complex":
        parts = (_finite(part, nan, posinf, neginf) for part in (TRACED.real(x), TRACED.imag(x)))
        real, imag = map(as_complex, parts)
        y = real + imag * 1j
    else:
        y = _finite(x, nan, posinf, neginf)
    if copy:
        return y
    x[...] = y
    return x


def _finite(x, nan, posinf, neginf):
    value, largest = strip(x), float(limits_of(x).max)
    y = TRACED.where(TRACED.isnan(value), nan, x)
    y = TRACED.where(value == math.inf, largest if posinf is None else posinf, y)
    return TRACED.where(value == -math.inf, -largest if neginf is None else neginf, y)
