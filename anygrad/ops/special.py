"""Error functions, logistic functions, entropies, powers: special functions, with SciPy's names.

Formulas are from the NIST Digital Library of Mathematical Functions (DLMF), by section.
"""

from __future__ import annotations

import math
from typing import Any

from anygrad.ops.elementwise import _power_of_base, _power_of_exponent
from anygrad.ops.shaping import is_complex
from anygrad.ops.special_row import either, operand, polynomial, smooth_at_zero, special

TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
ROOT_PI_HALF = math.sqrt(math.pi) / 2.0
ROOT_HALF = math.sqrt(0.5)
DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
DEGREE = math.pi / 180.0

# Error functions: DLMF 7.2, 7.10; the tails by the asymptotic series 7.12.1, (2k + 1)!! each.
_TAIL = (1.0, 3.0, 15.0, 105.0, 945.0, 10395.0)
_TAIL_ALTERNATING = tuple((-1.0) ** k * c for k, c in enumerate(_TAIL))
_FAR = 50.0  # from here the series is exact, and 2 x y cancels with what is subtracted


def _slope_of_erfcx(xp: Any, y: Any, x: Any) -> Any:
    """The difference 2 x y - 2 / sqrt(pi)."""

    def closed(x, y):
        return 2.0 * x * y - TWO_OVER_ROOT_PI

    def series(x, _y):
        s = 0.5 / x / x
        return -TWO_OVER_ROOT_PI * s * polynomial(s, _TAIL_ALTERNATING)

    if is_complex(x):
        return closed(x, y)
    return either(xp, x > _FAR, series, closed, x, y, for_yes=(_FAR, 1.0), for_no=(0.0, 1.0))


def _slope_of_dawsn(xp: Any, y: Any, x: Any) -> Any:
    """The difference 1 - 2 x y."""

    def closed(x, y):
        return 1.0 - 2.0 * x * y

    def series(x, _y):
        s = 0.5 / x / x
        return -s * polynomial(s, _TAIL)

    if is_complex(x):
        return closed(x, y)
    far = xp.abs(x) > _FAR
    return either(xp, far, series, closed, x, y, for_yes=(_FAR, 1.0), for_no=(0.0, 0.0))


def _hazard(xp: Any, y: Any, x: Any) -> Any:
    """The normal density over its distribution function: by erfcx in the tail, no 0 / 0 there."""

    def tail(x, _y):
        return math.sqrt(2.0 / math.pi) / xp.erfcx(-ROOT_HALF * x)

    def closed(x, y):
        return DENSITY * xp.exp(-0.5 * x * x - y)

    if is_complex(x):
        return closed(x, y)
    return either(xp, x < -1.0, tail, closed, x, y, for_yes=(-1.0, 0.0), for_no=(0.0, 0.0))


special("erf", lambda xp, t, _y, x: t * (TWO_OVER_ROOT_PI * xp.exp(-x * x)), low=-2.0, high=2.0)
special("erfc", lambda xp, t, _y, x: t * (-TWO_OVER_ROOT_PI * xp.exp(-x * x)), low=-2.0, high=2.0)
special("erfcx", lambda xp, t, y, x: t * _slope_of_erfcx(xp, y, x), low=-1.0, high=3.0)
special("erfi", lambda xp, t, _y, x: t * (TWO_OVER_ROOT_PI * xp.exp(x * x)), low=-1.0, high=1.0)
special("dawsn", lambda xp, t, y, x: t * _slope_of_dawsn(xp, y, x), low=-2.0, high=2.0)
special(
    "wofz",
    lambda xp, t, y, x: t * (1j * TWO_OVER_ROOT_PI - 2.0 * x * y),
    complex_only=True,
)
special("erfinv", lambda xp, t, y, _x: t * (ROOT_PI_HALF * xp.exp(y * y)), low=-0.7, high=0.7)
special("erfcinv", lambda xp, t, y, _x: t * (-ROOT_PI_HALF * xp.exp(y * y)), low=0.3, high=1.7)
special("ndtr", lambda xp, t, _y, x: t * (DENSITY * xp.exp(-0.5 * x * x)), low=-2.0, high=2.0)
special("log_ndtr", lambda xp, t, y, x: t * _hazard(xp, y, x), low=-3.0, high=2.0)
special("ndtri", lambda xp, t, y, _x: t * (xp.exp(0.5 * y * y) / DENSITY), low=0.35, high=0.65)
special(
    "ndtri_exp",
    lambda xp, t, y, _x: t * (math.sqrt(0.5 * math.pi) * xp.erfcx(-ROOT_HALF * y)),
    low=-3.0,
    high=-0.5,
)
special(
    "owens_t",
    lambda xp, t, _y, h, a: t * (-0.5 * DENSITY) * xp.exp(-0.5 * h * h) * xp.erf(ROOT_HALF * a * h),
    lambda xp, t, _y, h, a: (
        t * xp.exp(-0.5 * h * h * (1.0 + a * a)) / (2.0 * math.pi * (1.0 + a * a))
    ),
)


# The profile of Voigt is Re w(z) / (s sqrt(2 pi)) with z = (x + i g) / (s sqrt 2): DLMF 7.19.
def _voigt(xp: Any, s: Any, x: Any, g: Any) -> tuple[Any, Any]:
    """The argument z, and w'(z)."""
    z = (x + 1j * g) * (ROOT_HALF / s)
    return z, 1j * TWO_OVER_ROOT_PI - 2.0 * z * xp.wofz(z)


def _voigt_by_width(xp: Any, y: Any, x: Any, s: Any, g: Any) -> Any:
    z, slope = _voigt(xp, s, x, g)
    return -(y + xp.real(z * slope) * (DENSITY / s)) / s


special(
    "voigt_profile",
    lambda xp, t, _y, x, s, g: (
        t * xp.real(_voigt(xp, s, x, g)[1]) * (ROOT_HALF * DENSITY / (s * s))
    ),
    lambda xp, t, y, x, s, g: t * _voigt_by_width(xp, y, x, s, g),
    lambda xp, t, _y, x, s, g: (
        -t * xp.imag(_voigt(xp, s, x, g)[1]) * (ROOT_HALF * DENSITY / (s * s))
    ),
)

# Logistic functions. y (1 - y) would be 0 where y rounds to 1.
special("expit", lambda xp, t, y, x: t * (y * xp.expit(-x)), low=-2.0, high=2.0)
special("logit", lambda xp, t, _y, x: t / (x * (1.0 - x)), low=0.35, high=0.65)
special("log_expit", lambda xp, t, _y, x: t * xp.expit(-x), low=-2.0, high=2.0)


# Entropies. By its second operand, xlogy(0, y) is constant, at y = 0 too; by the first its slope
# is log y, -inf at y = 0. entr has the slope +inf at 0.
def _quotient(xp: Any, a: Any, b: Any) -> Any:
    """The quotient a / b, and 0 for 0 / 0."""
    nothing = (a == 0) & (b == 0)
    return a / xp.where(nothing, 1.0, b)


special(
    "xlogy",
    lambda xp, t, _y, _a, b: t * xp.log(operand(xp, b, t)),
    lambda xp, t, _y, a, b: t * _quotient(xp, a, operand(xp, b, t)),
)
special(
    "xlog1py",
    lambda xp, t, _y, _a, b: t * xp.log1p(operand(xp, b, t)),
    lambda xp, t, _y, a, b: t * _quotient(xp, a, 1.0 + operand(xp, b, t)),
)
special("entr", lambda xp, t, _y, x: t * (-1.0 - xp.log(x)))
special(
    "rel_entr",
    lambda xp, t, _y, a, b: t * (_log_ratio(xp, t, a, b) + 1.0),
    lambda xp, t, _y, a, b: -t * _quotient(xp, a, operand(xp, b, t)),
)
special(
    "kl_div",
    lambda xp, t, _y, a, b: t * _log_ratio(xp, t, a, b),
    lambda xp, t, _y, a, b: t * (1.0 - _quotient(xp, a, operand(xp, b, t))),
)


def _log_ratio(xp: Any, t: Any, a: Any, b: Any) -> Any:
    """In two logarithms: the ratio may overflow."""
    return xp.log(operand(xp, a, t)) - xp.log(operand(xp, b, t))


# Losses; operands are the bend and the residual.
special(
    "huber",
    lambda xp, t, _y, d, r: t * _beyond(xp, xp.abs(operand(xp, r, t)) - d),
    lambda xp, t, _y, d, r: t * xp.where(xp.abs(r) <= d, r, d * xp.sign(r)),
)
special(
    "pseudo_huber",
    lambda xp, t, _y, d, r: t * _pseudo_huber_by_bend(xp, d, r / d),
    lambda xp, t, _y, d, r: t * (r / xp.hypot(r / d, 1.0)),
)


def _beyond(xp: Any, excess: Any) -> Any:
    return xp.where(excess <= 0, 0.0, excess)


def _pseudo_huber_by_bend(xp: Any, d: Any, u: Any) -> Any:
    """With s = sqrt(1 + u^2), d (s - 1)^2 / s, where s - 1 = u^2 / (s + 1) does not cancel."""
    s = xp.hypot(u, 1.0)
    w = u * (u / (s + 1.0))
    return d * w * (w / s)


# Powers: Box and Cox (1964). exprel(u) = (e^u - 1) / u is behind them, boxcox = L exprel(lambda L).
_EXPREL = tuple(1.0 / (math.factorial(k) * (k + 2)) for k in range(15))
_LOG1P_RATIO = tuple((-1.0) ** k / (k + 1) for k in range(14))
_SLOPE_OF_LOG1P_RATIO = tuple((-1.0) ** k * k / (k + 1) for k in range(1, 14))


def _slope_of_exprel(xp: Any, x: Any) -> Any:
    """The derivative of (e^x - 1) / x: the sum of x^k / (k! (k + 2))."""

    def closed(x):
        return (xp.exp(x) - xp.expm1(x) / x) / x

    return smooth_at_zero(xp, x, 0.5, lambda x: polynomial(x, _EXPREL), closed)


def log1p_ratio(xp: Any, u: Any) -> Any:
    """The ratio log(1 + u) / u, smooth at 0."""
    return smooth_at_zero(
        xp, u, 0.05, lambda u: polynomial(u, _LOG1P_RATIO), lambda u: xp.log1p(u) / u
    )


def _slope_of_log1p_ratio(xp: Any, u: Any) -> Any:
    def closed(u):
        return (u / (1.0 + u) - xp.log1p(u)) / u / u

    return smooth_at_zero(xp, u, 0.05, lambda u: polynomial(u, _SLOPE_OF_LOG1P_RATIO), closed)


def _boxcox_by_power(xp: Any, log: Any, p: Any) -> Any:
    return log * log * _slope_of_exprel(xp, p * log)


special("exprel", lambda xp, t, _y, x: t * _slope_of_exprel(xp, x), low=-2.0, high=2.0)
special(
    "boxcox",
    lambda xp, t, _y, x, p: t * xp.pow(x, p - 1.0),
    lambda xp, t, _y, x, p: t * _boxcox_by_power(xp, xp.log(operand(xp, x, t)), p),
)
special(
    "boxcox1p",
    lambda xp, t, _y, x, p: t * xp.pow(1.0 + x, p - 1.0),
    lambda xp, t, _y, x, p: t * _boxcox_by_power(xp, xp.log1p(operand(xp, x, t)), p),
)
special(
    "inv_boxcox",
    lambda xp, t, y, x, p: t * y / (1.0 + p * x),
    lambda xp, t, y, x, p: t * y * x * x * _slope_of_log1p_ratio(xp, p * x),
)
special(
    "inv_boxcox1p",
    lambda xp, t, y, x, p: t * (1.0 + y) / (1.0 + p * x),
    lambda xp, t, y, x, p: t * (1.0 + y) * x * x * _slope_of_log1p_ratio(xp, p * x),
)
special(
    "powm1",
    lambda xp, t, _y, a, b: _power_of_base(xp, t, None, a, b),
    lambda xp, t, y, a, b: _power_of_exponent(xp, t, 1.0 + y, a, b),
)


special("exp10", lambda xp, t, y, _x: t * (math.log(10.0) * y), low=-1.0, high=1.0)

# Trigonometric functions of degrees, and cos x - 1
special("sindg", lambda xp, t, _y, x: t * (DEGREE * xp.cosdg(x)))
special("cosdg", lambda xp, t, _y, x: t * (-DEGREE * xp.sindg(x)))
special("tandg", lambda xp, t, y, _x: t * (DEGREE * (1.0 + y * y)))
special("cotdg", lambda xp, t, y, _x: t * (-DEGREE * (1.0 + y * y)), low=20.0, high=60.0)
special("cosm1", lambda xp, t, _y, x: -t * xp.sin(x))
