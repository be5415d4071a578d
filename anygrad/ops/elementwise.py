"""The table of elementwise derivatives, each rule written once for both modes.

``lambda xp, t, y, x: ...`` is t times dy/dx.
"""

from __future__ import annotations

import math
from typing import Any

from anygrad.ops.row import constant, elementwise
from anygrad.ops.shaping import is_complex

# Trigonometric and hyperbolic
elementwise("sin", lambda xp, t, _y, x: t * xp.cos(x))
elementwise("cos", lambda xp, t, _y, x: -t * xp.sin(x))
elementwise("tan", lambda xp, t, y, _x: t * (1.0 + y * y), low=-1.0, high=1.0)
elementwise("asin", lambda xp, t, _y, x: t / xp.sqrt((1.0 - x) * (1.0 + x)), low=-0.7, high=0.7)
elementwise("acos", lambda xp, t, _y, x: -t / xp.sqrt((1.0 - x) * (1.0 + x)), low=-0.7, high=0.7)
elementwise("atan", lambda xp, t, _y, x: t / (1.0 + x * x))
elementwise("sinh", lambda xp, t, _y, x: t * xp.cosh(x))
elementwise("cosh", lambda xp, t, _y, x: t * xp.sinh(x))
elementwise("tanh", lambda xp, t, y, _x: t * (1.0 - y * y))
elementwise("asinh", lambda xp, t, _y, x: t / xp.sqrt(1.0 + x * x))
elementwise(
    "acosh", lambda xp, t, _y, x: t / (xp.sqrt(x - 1.0) * xp.sqrt(x + 1.0)), low=1.2, high=3.0
)
elementwise("atanh", lambda xp, t, _y, x: t / ((1.0 - x) * (1.0 + x)), low=-0.7, high=0.7)

# Exponential and logarithmic
elementwise("exp", lambda xp, t, y, _x: t * y)
elementwise("expm1", lambda xp, t, _y, x: t * xp.exp(x))
elementwise(
    "exp2",
    lambda xp, t, y, _x: t * (0.6931471805599453 * y),
    run=lambda xp: getattr(xp, "exp2", None) or (lambda x: 2.0**x),  # not of the standard
)
elementwise("log", lambda xp, t, _y, x: t / x, low=0.3, high=3.0)
elementwise("log1p", lambda xp, t, _y, x: t / (1.0 + x), low=-0.8, high=3.0)
elementwise("log2", lambda xp, t, _y, x: t / (x * 0.6931471805599453), low=0.3, high=3.0)
elementwise("log10", lambda xp, t, _y, x: t / (x * 2.302585092994046), low=0.3, high=3.0)
elementwise(
    "logaddexp",
    lambda xp, t, y, a, b: t * _weight(xp, a, b, y),
    lambda xp, t, y, a, b: t * _weight(xp, b, a, y),
)


def _weight(xp: Any, a: Any, b: Any, y: Any) -> Any:
    """The share e^a / (e^a + e^b), a half where both are infinite."""
    return xp.exp(xp.where(a == b, -0.6931471805599453, xp.subtract(a, y)))


# Powers and arithmetic


def _by_root(xp: Any, t: Any, y: Any, _x: Any) -> Any:
    """Give t / 2 y, and 0 where both are 0: what is not used of a root at 0 has no part in it."""
    return t * 0.5 / xp.where(xp.logical_and(y == 0, t == 0), 1.0, y)


elementwise("sqrt", _by_root, low=0.3, high=3.0)
elementwise(
    "cbrt",
    lambda xp, t, y, _x: t / (3.0 * y * y),
    run=lambda xp: getattr(xp, "cbrt", None) or (lambda x: xp.sign(x) * xp.abs(x) ** (1.0 / 3.0)),
    low=0.3,
    high=3.0,
)
elementwise("square", lambda xp, t, _y, x: t * (2.0 * x))
elementwise("reciprocal", lambda xp, t, y, _x: -t * (y * y), low=0.3, high=3.0)
elementwise("negative", lambda xp, t, _y, _x: -t)
elementwise("positive", lambda xp, t, _y, _x: t)
elementwise("add", lambda xp, t, _y, _a, _b: t, lambda xp, t, _y, _a, _b: t)
elementwise("subtract", lambda xp, t, _y, _a, _b: t, lambda xp, t, _y, _a, _b: -t)
elementwise("multiply", lambda xp, t, _y, _a, b: t * b, lambda xp, t, _y, a, _b: t * a)
elementwise(
    "divide", lambda xp, t, _y, _a, b: t / b, lambda xp, t, y, _a, b: -t * y / b, low=0.3, high=3.0
)


def _power_of_base(xp: Any, t: Any, _y: Any, a: Any, b: Any) -> Any:
    """Give b a^(b-1), exact at a = 0 for b = 0, 1, 2 (where 0 * inf would be NaN)."""
    if isinstance(b, int | float | complex):
        if b == 2:
            return t * (2.0 * a)
        if isinstance(b, float) and 0.0 < b < 1.0:  # a root, as in `_by_root`
            a = xp.where(xp.logical_and(a == 0, t == 0), 1.0, a)
        return t * 0.0 if b == 0 else t if b == 1 else t * (b * a ** (b - 1))
    b = _floating(xp, b, t)
    zero = b == 0
    return t * xp.multiply(b, xp.pow(a, xp.where(zero, b, b - 1.0)))


def _power_of_exponent(xp: Any, t: Any, y: Any, a: Any, _b: Any) -> Any:
    """Give a^b log a, and 0 at a = 0: the limit for every b > 0."""
    if isinstance(a, int | float | complex):
        return t * y * xp.log(xp.zeros_like(y) + (a if a != 0 else 1.0))
    a = _floating(xp, a, t)
    return t * y * xp.log(xp.where(a == 0, a + 1.0, a))


def _floating(xp: Any, a: Any, t: Any) -> Any:
    """Give a real operand of integers, or of less precision, the dtype of the tangent."""
    if a.dtype == t.dtype or is_complex(a):
        return a
    return xp.astype(a, dtype=t.dtype)


elementwise("pow", _power_of_base, _power_of_exponent, low=0.3, high=3.0)
elementwise(
    "hypot",
    lambda xp, t, y, a, _b: t * xp.divide(a, y),
    lambda xp, t, y, _a, b: t * xp.divide(b, y),
    low=0.3,
    high=3.0,
)
elementwise(
    "atan2",
    lambda xp, t, _y, a, b: t * _over_square(xp, b, xp.hypot(a, b)),
    lambda xp, t, _y, a, b: -t * _over_square(xp, a, xp.hypot(a, b)),
    low=0.3,
    high=3.0,
)
# 7.3 mod 2.1 moves one to one with the first operand and by minus the quotient with the second.
elementwise(
    "remainder",
    lambda xp, t, _y, _a, _b: t,
    lambda xp, t, _y, a, b: -t * xp.floor_divide(a, b),
    low=2.0,
    high=2.9,
)

# Choosing and comparing. At a tie each operand gets half, so that the derivative is the mean of the
# one-sided ones.
elementwise(
    "maximum",
    lambda xp, t, _y, a, b: t * _share(xp, t, a > b, a == b),
    lambda xp, t, _y, a, b: t * _share(xp, t, b > a, a == b),
)
elementwise(
    "minimum",
    lambda xp, t, _y, a, b: t * _share(xp, t, a < b, a == b),
    lambda xp, t, _y, a, b: t * _share(xp, t, b < a, a == b),
)
elementwise(
    "where",
    None,
    lambda xp, t, _y, c, _a, _b: xp.where(c, t, 0.0),
    lambda xp, t, _y, c, _a, _b: xp.where(c, 0.0, t),
)
elementwise(
    "copysign",
    lambda xp, t, _y, a, b: xp.where(_negative(xp, a) == _negative(xp, b), t, -t),
    lambda xp, t, _y, _a, _b: t * 0.0,
)
elementwise(
    "abs",
    lambda xp, t, _y, x: t * xp.sign(x),
    complex_rules=(
        lambda xp, g, y, x: g * _direction(xp, x, y),
        lambda xp, t, y, x: xp.real(xp.conj(_direction(xp, x, y)) * t),
    ),
)

# The neighbour moves as the number does; the second operand tells the direction only.
elementwise("nextafter", lambda xp, t, _y, _a, _b: t, lambda xp, t, _y, _a, _b: t * 0.0)

# Complex parts: linear over the reals only, so the adjoint is written out.
elementwise(
    "real",
    lambda xp, t, _y, _x: t,
    complex_rules=(lambda xp, g, _y, _x: g, lambda xp, t, _y, _x: xp.real(t)),
    view=True,
)
elementwise(
    "imag",
    lambda xp, t, _y, _x: t * 0.0,
    complex_rules=(lambda xp, g, _y, _x: g * 1j, lambda xp, t, _y, _x: xp.imag(t)),
    view=True,
)
elementwise(
    "conj",
    lambda xp, t, _y, _x: t,
    complex_rules=(lambda xp, g, _y, _x: xp.conj(g), lambda xp, t, _y, _x: xp.conj(t)),
)


def _share(xp: Any, t: Any, wins: Any, ties: Any) -> Any:
    return xp.astype(wins, dtype=t.dtype) + 0.5 * xp.astype(ties, dtype=t.dtype)


def _over_square(xp: Any, a: Any, r: Any) -> Any:
    """The quotient a / r^2, in two steps: r^2 would overflow, in small integers at once."""
    return xp.divide(xp.divide(a, r), r)


def _negative(xp: Any, x: Any) -> Any:
    """The sign bit of an array or a number."""
    return math.copysign(1.0, x) < 0 if isinstance(x, int | float) else xp.signbit(x)


def _direction(xp: Any, x: Any, y: Any) -> Any:
    """The direction x / |x|, and 0 at 0."""
    return x / xp.where(y == 0, 1.0, y)


constant(
    *("floor", "ceil", "trunc", "round", "sign", "signbit", "floor_divide"),
    *(
        "isnan",
        "isinf",
        "isfinite",
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
    ),
    *("logical_and", "logical_or", "logical_xor", "logical_not"),
    *(
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "bitwise_invert",
        "bitwise_left_shift",
        "bitwise_right_shift",
    ),
    pointwise=True,
)
constant("isin")
