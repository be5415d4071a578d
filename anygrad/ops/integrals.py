"""Exponential, Fresnel and elliptic integrals, and Jacobi's elliptic functions.

Names and operands are SciPy's; formulas are from the NIST Digital Library of Mathematical Functions
(DLMF), by section.
"""

from __future__ import annotations

import math
from typing import Any

from anygrad.ops.bessel import output
from anygrad.ops.special import log1p_ratio
from anygrad.ops.special_row import operand, polynomial, previous, smooth_at_zero, special

# Exponential integrals: DLMF 6.2, 8.19.13. E_0(x) = e^-x / x has no order below it.
special("expi", lambda xp, t, _y, x: t * xp.exp(x) / x)
special("exp1", lambda xp, t, _y, x: -t * xp.exp(-x) / x)
special(
    "expn",
    "order",
    lambda xp, t, y, n, x: (
        -t * ((n == 0) * (y * (1.0 + 1.0 / x)) + (n != 0) * xp.expn(previous(n), x))
    ),
)
special("spence", lambda xp, t, _y, z: -t * log1p_ratio(xp, z - 1.0))  # DLMF 25.12.2
special(
    "lambertw",
    lambda xp, t, y, _z, _k: t * xp.exp(-y) / (1.0 + y),
    "branch",
    complex_only=True,
)  # DLMF 4.13.4
special("wrightomega", lambda xp, t, y, _z: t * y / (1.0 + y), low=-1.0, high=3.0)

# Sine, cosine, Fresnel integrals: DLMF 6.2, 7.2. SciPy's functions give both values.
_SINH_RATIO = tuple(1.0 / math.factorial(2 * k + 1) for k in range(9))
_SIN_RATIO = tuple((-1.0) ** k * c for k, c in enumerate(_SINH_RATIO))


def _sin_over(xp: Any, x: Any) -> Any:
    return smooth_at_zero(
        xp, x, 1.0, lambda x: polynomial(x * x, _SIN_RATIO), lambda x: xp.sin(x) / x
    )


def _sinh_over(xp: Any, x: Any) -> Any:
    return smooth_at_zero(
        xp, x, 1.0, lambda x: polynomial(x * x, _SINH_RATIO), lambda x: xp.sinh(x) / x
    )


def _pair(names: tuple[str, str], function: str, first: Any, second: Any) -> None:
    for k, (name, rule) in enumerate(zip(names, (first, second), strict=True)):
        special(name, rule, run=lambda f, k=k: output(getattr(f, function), k), high=1.5)


_pair(
    ("sine_integral", "cosine_integral"),
    "sici",
    lambda xp, t, _y, x: t * _sin_over(xp, x),
    lambda xp, t, _y, x: t * xp.cos(x) / x,
)
_pair(
    ("sinh_integral", "cosh_integral"),
    "shichi",
    lambda xp, t, _y, x: t * _sinh_over(xp, x),
    lambda xp, t, _y, x: t * xp.cosh(x) / x,
)
_pair(
    ("fresnel_s", "fresnel_c"),
    "fresnel",
    lambda xp, t, _y, x: t * xp.sin((0.5 * math.pi) * (x * x)),
    lambda xp, t, _y, x: t * xp.cos((0.5 * math.pi) * (x * x)),
)

# Elliptic integrals of the parameter m: DLMF 19.4.1, 19.4.3. At m = 0, where the formulas are
# 0 / 0, by the series 19.5.1 and 19.5.2.
_SQUARES = [math.prod((2 * i - 1) / (2 * i) for i in range(1, n + 1)) ** 2 for n in range(17)]
_SLOPE_OF_K = tuple(0.5 * math.pi * n * _SQUARES[n] for n in range(1, 17))
_SLOPE_OF_E = tuple(-c / (2 * n - 1) for n, c in enumerate(_SLOPE_OF_K, 1))


def _slope_of_ellipk(xp: Any, m: Any, p: Any, y: Any) -> Any:
    """The derivative of K(m) by m, with p = 1 - m known exactly, and y = K(m)."""

    def closed(m, p, y):
        return (xp.ellipe(m) - p * y) / (2.0 * m * p)

    return smooth_at_zero(xp, m, 0.1, lambda m, _p, _y: polynomial(m, _SLOPE_OF_K), closed, p, y)


def _slope_of_ellipe(xp: Any, m: Any, y: Any) -> Any:
    def closed(m, y):
        return (y - xp.ellipk(m)) / (2.0 * m)

    return smooth_at_zero(xp, m, 0.1, lambda m, _y: polynomial(m, _SLOPE_OF_E), closed, y)


special(
    "ellipk",
    lambda xp, t, y, m: t * _slope_of_ellipk(xp, m, 1.0 - m, y),
    low=-0.8,
    high=0.5,
)
special(
    "ellipkm1",
    lambda xp, t, y, p: -t * _slope_of_ellipk(xp, 1.0 - p, p, y),
    low=0.2,
    high=1.5,
)
special("ellipe", lambda xp, t, y, m: t * _slope_of_ellipe(xp, m, y), low=-0.8, high=0.8)

# Incomplete, DLMF 19.4.4 and 19.4.6 by k^2; at m = 0 term by term: sin^2n integrated n times.
_ROOTS = [math.prod((2 * i - 1) / (2 * i) for i in range(1, n + 1)) for n in range(14)]
_TERMS_OF_F = tuple(n * c for n, c in enumerate(_ROOTS))
_TERMS_OF_E = tuple(-n * c / (2 * n - 1) for n, c in enumerate(_ROOTS))


def _delta(xp: Any, phi: Any, m: Any) -> Any:
    return xp.sqrt(1.0 - m * xp.square(xp.sin(phi)))


def _series_by_m(xp: Any, phi: Any, m: Any, terms: tuple[float, ...]) -> Any:
    """The sum of ``terms[n]`` m^(n-1) times the integral of sin^2n from 0 to phi."""
    sine, cosine = xp.sin(phi), xp.cos(phi)
    integral, odd, power, total = phi, sine * cosine, 1.0, 0.0
    for n in range(1, len(terms)):
        integral = ((2 * n - 1) * integral - odd) / (2 * n)
        total = total + terms[n] * power * integral
        odd, power = odd * sine * sine, power * m
    return total


def _slope_of_ellipkinc(xp: Any, t: Any, y: Any, phi: Any, m: Any) -> Any:
    phi = operand(xp, phi, t)

    def closed(m, phi, y):
        p = 1.0 - m
        bend = xp.sin(phi) * xp.cos(phi) / _delta(xp, phi, m)
        return ((xp.ellipeinc(phi, m) - p * y) / m - bend) / (2.0 * p)

    def series(m, phi, _y):
        return _series_by_m(xp, phi, m, _TERMS_OF_F)

    return smooth_at_zero(xp, m, 0.05, series, closed, phi, y)


def _slope_of_ellipeinc(xp: Any, t: Any, y: Any, phi: Any, m: Any) -> Any:
    phi = operand(xp, phi, t)

    def closed(m, phi, y):
        return (y - xp.ellipkinc(phi, m)) / (2.0 * m)

    def series(m, phi, _y):
        return _series_by_m(xp, phi, m, _TERMS_OF_E)

    return smooth_at_zero(xp, m, 0.05, series, closed, phi, y)


special(
    "ellipkinc",
    lambda xp, t, _y, phi, m: t / _delta(xp, phi, m),
    lambda xp, t, y, phi, m: t * _slope_of_ellipkinc(xp, t, y, phi, m),
    low=0.02,
    high=0.9,
)
special(
    "ellipeinc",
    lambda xp, t, _y, phi, m: t * _delta(xp, phi, m),
    lambda xp, t, y, phi, m: t * _slope_of_ellipeinc(xp, t, y, phi, m),
    low=0.02,
    high=0.9,
)


# Jacobi's elliptic functions: DLMF 22.13.1. SciPy's one function gives four values.
def _jacobi(name: str, k: int, rule: Any) -> None:
    special(name, rule, "parameter m", run=lambda f: output(f.ellipj, k), orders=(0, 2))


_jacobi("ellipj_sn", 0, lambda xp, t, _y, u, m: t * xp.ellipj_cn(u, m) * xp.ellipj_dn(u, m))
_jacobi("ellipj_cn", 1, lambda xp, t, _y, u, m: -t * xp.ellipj_sn(u, m) * xp.ellipj_dn(u, m))
_jacobi("ellipj_dn", 2, lambda xp, t, _y, u, m: -t * m * xp.ellipj_sn(u, m) * xp.ellipj_cn(u, m))
_jacobi("ellipj_ph", 3, lambda xp, t, _y, u, m: t * xp.ellipj_dn(u, m))
