"""Bessel functions and their relatives: derivatives by recurrences in the order.

Names and operands are SciPy's; formulas are from the NIST Digital Library of Mathematical Functions
(DLMF), by section. By the order there is no closed formula.
"""

from __future__ import annotations

import math
from typing import Any

from anygrad.ops.special_row import polynomial, previous, real_only, smooth_at_zero, special

ORDER = "order"

# J1(x) / x and I1(x) / x in powers of x^2: DLMF 10.2.2, 10.25.2
_I1 = tuple(0.5 / (4.0**k * math.factorial(k) * math.factorial(k + 1)) for k in range(10))
_J1 = tuple((-1.0) ** k * c for k, c in enumerate(_I1))


def _j1_over_x(xp: Any, y: Any, x: Any) -> Any:
    return smooth_at_zero(xp, x, 1.0, lambda x, _y: polynomial(x * x, _J1), lambda x, y: y / x, y)


def _i1_over_x(xp: Any, y: Any, x: Any) -> Any:
    return smooth_at_zero(xp, x, 1.0, lambda x, _y: polynomial(x * x, _I1), lambda x, y: y / x, y)


def _i1e_over_x(xp: Any, y: Any, x: Any) -> Any:
    def series(x, _y):
        return xp.exp(-xp.abs(x)) * polynomial(x * x, _I1)

    return smooth_at_zero(xp, x, 1.0, series, lambda x, y: y / x, y)


# Orders 0 and 1: DLMF 10.6.3, 10.6.2, 10.29.3, 10.29.2; those with e are scaled by exp(-|x|), and
# K by exp(x). At 0, where |x| has a kink, the derivative of i0e and i1e is the mean of both sides.
special("j0", lambda xp, t, _y, x: -t * xp.j1(x), low=-2.0, high=3.0)
special("j1", lambda xp, t, y, x: t * (xp.j0(x) - _j1_over_x(xp, y, x)), low=-2.0, high=3.0)
special("y0", lambda xp, t, _y, x: -t * xp.y1(x))
special("y1", lambda xp, t, y, x: t * (xp.y0(x) - y / x))
special("i0", lambda xp, t, _y, x: t * xp.i1(x), low=-2.0, high=3.0)
special("i1", lambda xp, t, y, x: t * (xp.i0(x) - _i1_over_x(xp, y, x)), low=-2.0, high=3.0)
special("i0e", lambda xp, t, y, x: t * (xp.i1e(x) - xp.sign(x) * y))
special(
    "i1e",
    lambda xp, t, y, x: t * (xp.i0e(x) - _i1e_over_x(xp, y, x) - xp.sign(x) * y),
)
special("k0", lambda xp, t, _y, x: -t * xp.k1(x))
special("k1", lambda xp, t, y, x: -t * (xp.k0(x) + y / x))
special("k0e", lambda xp, t, y, x: t * (y - xp.k1e(x)))
special("k1e", lambda xp, t, y, x: t * (y - xp.k0e(x) - y / x))

# Every order: DLMF 10.6.1, 10.29.1, for the Hankel functions too
special("jv", ORDER, lambda xp, t, _y, v, x: t * 0.5 * (xp.jv(v - 1, x) - xp.jv(v + 1, x)))
special("yv", ORDER, lambda xp, t, _y, v, x: t * 0.5 * (xp.yv(v - 1, x) - xp.yv(v + 1, x)))
special("yn", ORDER, lambda xp, t, _y, n, x: t * 0.5 * (xp.yn(n - 1, x) - xp.yn(n + 1, x)))
special("iv", ORDER, lambda xp, t, _y, v, x: t * 0.5 * (xp.iv(v - 1, x) + xp.iv(v + 1, x)))
special("kv", ORDER, lambda xp, t, _y, v, x: t * -0.5 * (xp.kv(v - 1, x) + xp.kv(v + 1, x)))
special("kn", ORDER, lambda xp, t, _y, n, x: t * -0.5 * (xp.kn(n - 1, x) + xp.kn(n + 1, x)))
special(
    "hankel1",
    ORDER,
    lambda xp, t, _y, v, z: t * 0.5 * (xp.hankel1(v - 1, z) - xp.hankel1(v + 1, z)),
    complex_only=True,
)
special(
    "hankel2",
    ORDER,
    lambda xp, t, _y, v, z: t * 0.5 * (xp.hankel2(v - 1, z) - xp.hankel2(v + 1, z)),
    complex_only=True,
)
special(
    "hankel1e",
    ORDER,
    lambda xp, t, y, v, z: t * (0.5 * (xp.hankel1e(v - 1, z) - xp.hankel1e(v + 1, z)) - 1j * y),
    complex_only=True,
)
special(
    "hankel2e",
    ORDER,
    lambda xp, t, y, v, z: t * (0.5 * (xp.hankel2e(v - 1, z) - xp.hankel2e(v + 1, z)) + 1j * y),
    complex_only=True,
)

# Scaled by exp(-|Im z|), exp(-|Re z|), which are not analytic, and exp(z), which is.
special(
    "jve",
    ORDER,
    lambda xp, t, _y, v, x: t * 0.5 * (xp.jve(v - 1, real_only("jve", x)) - xp.jve(v + 1, x)),
)
special(
    "yve",
    ORDER,
    lambda xp, t, _y, v, x: t * 0.5 * (xp.yve(v - 1, real_only("yve", x)) - xp.yve(v + 1, x)),
)
special(
    "ive",
    ORDER,
    lambda xp, t, y, v, x: (
        t * (0.5 * (xp.ive(v - 1, real_only("ive", x)) + xp.ive(v + 1, x)) - xp.sign(x) * y)
    ),
)
special(
    "kve",
    ORDER,
    lambda xp, t, y, v, x: t * (y - 0.5 * (xp.kve(v - 1, x) + xp.kve(v + 1, x))),
)

# Spherical: DLMF 10.51.1 and .2 together, without a division by z; order 0 has the first term 0.
SPHERICAL = {
    "spherical_jn": (1.0, -1.0),
    "spherical_yn": (1.0, -1.0),
    "spherical_in": (1.0, 1.0),
    "spherical_kn": (-1.0, -1.0),
}


def slope_of_spherical(xp: Any, name: str, n: Any, z: Any) -> Any:
    """The derivative by z of a function of this name."""
    (below, above), function = SPHERICAL[name], getattr(xp, name)
    first = (below * n) * function(previous(n), z)
    return (first + (above * (n + 1)) * function(n + 1, z)) / (2 * n + 1)


def _spherical(name: str) -> None:
    special(name, ORDER, lambda xp, t, _y, n, z: t * slope_of_spherical(xp, name, n, z))


for _name in SPHERICAL:
    _spherical(_name)

# Struve: DLMF 11.4.27, 11.4.31 (the mean of two recurrences, without a division by x)
special(
    "struve",
    ORDER,
    lambda xp, t, _y, v, x: (
        t * 0.5 * (xp.struve(v - 1, x) - xp.struve(v + 1, x) + _struve_term(xp, t, v, x))
    ),
)
special(
    "modstruve",
    ORDER,
    lambda xp, t, _y, v, x: (
        t * 0.5 * (xp.modstruve(v - 1, x) + xp.modstruve(v + 1, x) + _struve_term(xp, t, v, x))
    ),
)


def _struve_term(xp: Any, t: Any, v: Any, x: Any) -> Any:
    return xp.pow(0.5 * x, v) * xp.rgamma(v + 1.5 + 0.0 * t) / math.sqrt(math.pi)


# Airy: DLMF 9.2.1, w'' = x w. SciPy's one function gives four values.
def _airy(name: str, k: int, rule: Any) -> None:
    special(name, rule, run=lambda functions: output(functions.airy, k), low=-2.0, high=2.0)


def output(function: Any, k: int) -> Any:
    """The k-th of several results."""
    return lambda *operands: function(*operands)[k]


_airy("airy_ai", 0, lambda xp, t, _y, x: t * xp.airy_aip(x))
_airy("airy_aip", 1, lambda xp, t, _y, x: t * x * xp.airy_ai(x))
_airy("airy_bi", 2, lambda xp, t, _y, x: t * xp.airy_bip(x))
_airy("airy_bip", 3, lambda xp, t, _y, x: t * x * xp.airy_bi(x))
