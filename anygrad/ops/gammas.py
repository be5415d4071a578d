"""Gamma and beta functions, zeta functions, and the distributions made of them.

Names and operands are SciPy's; formulas are from the NIST Digital Library of Mathematical Functions
(DLMF), by section. By the parameters of incomplete functions there is no closed formula.
"""

from __future__ import annotations

import math
from typing import Any

from anygrad.ops.row import CONSTANT, Row, add_row
from anygrad.ops.shaping import is_complex
from anygrad.ops.special_row import either, operand, real_only, special

# Gamma functions: DLMF 5.2, 5.15
special("gamma", lambda xp, t, y, x: t * (y * xp.psi(x)))
special("gammaln", lambda xp, t, _y, x: t * xp.psi(x))
special("loggamma", lambda xp, t, _y, x: t * xp.psi(x))
add_row(Row("gammasgn", CONSTANT, (), special=True))


def _slope_of_rgamma(xp: Any, y: Any, x: Any) -> Any:
    """By reflection, DLMF 5.5.3, for x < 1/2: the function is smooth where psi has its poles."""

    def reflected(x, _y):
        other, angle = 1.0 - x, math.pi * x
        return xp.gamma(other) * (xp.cos(angle) - xp.psi(other) * xp.sin(angle) / math.pi)

    def closed(x, y):
        return -y * xp.psi(x)

    left = (xp.real(x) if is_complex(x) else x) < 0.5
    return either(xp, left, reflected, closed, x, y, for_yes=(0.0, 1.0), for_no=(1.0, 1.0))


special("rgamma", lambda xp, t, y, x: t * _slope_of_rgamma(xp, y, x), low=-2.5, high=2.5)
special(
    "psi",
    lambda xp, t, _y, x: t * xp.zeta(2.0, real_only("psi", x)),
    run=lambda functions: functions.digamma,
)
special(  # DLMF 25.11.17
    "zeta",
    "order",
    lambda xp, t, _y, s, q: -t * s * xp.zeta(s + 1.0, q),
    orders=(2, 5),
)
special(
    "poch",
    lambda xp, t, y, z, m: t * y * (xp.psi(z + m) - xp.psi(operand(xp, z, t))),
    lambda xp, t, y, z, m: t * y * xp.psi(z + m),
)
special(
    "binom",
    lambda xp, t, y, n, k: t * y * (xp.psi(operand(xp, n, t) + 1.0) - xp.psi(n - k + 1.0)),
    lambda xp, t, y, n, k: t * y * (xp.psi(n - k + 1.0) - xp.psi(operand(xp, k, t) + 1.0)),
    low=0.3,
    high=0.9,
)

# Beta functions: DLMF 5.12.1
special(
    "beta",
    lambda xp, t, y, a, b: t * y * (xp.psi(operand(xp, a, t)) - xp.psi(a + b)),
    lambda xp, t, y, a, b: t * y * (xp.psi(operand(xp, b, t)) - xp.psi(a + b)),
)
special(
    "betaln",
    lambda xp, t, _y, a, b: t * (xp.psi(operand(xp, a, t)) - xp.psi(a + b)),
    lambda xp, t, _y, a, b: t * (xp.psi(operand(xp, b, t)) - xp.psi(a + b)),
)


# Incomplete functions: the integrands, DLMF 8.2.1 and 8.17.1, by logarithms, which do not overflow.
def _log_gamma_density(xp: Any, t: Any, a: Any, x: Any) -> Any:
    """The logarithm of x^(a-1) e^-x / Gamma(a)."""
    a = operand(xp, a, t)
    return xp.xlogy(a - 1.0, x) - x - xp.gammaln(a)


def _log_beta_density(xp: Any, t: Any, a: Any, b: Any, x: Any) -> Any:
    """The logarithm of x^(a-1) (1-x)^(b-1) / B(a, b)."""
    a, b = operand(xp, a, t), operand(xp, b, t)
    return xp.xlogy(a - 1.0, x) + xp.xlog1py(b - 1.0, -x) - xp.betaln(a, b)


special(
    "gammainc",
    "parameter a",
    lambda xp, t, _y, a, x: t * xp.exp(_log_gamma_density(xp, t, a, x)),
)
special(
    "gammaincc",
    "parameter a",
    lambda xp, t, _y, a, x: -t * xp.exp(_log_gamma_density(xp, t, a, x)),
)
special(
    "gammaincinv",
    "parameter a",
    lambda xp, t, y, a, _p: t * xp.exp(-_log_gamma_density(xp, t, a, y)),
    low=0.35,
    high=0.65,
)
special(
    "gammainccinv",
    "parameter a",
    lambda xp, t, y, a, _p: -t * xp.exp(-_log_gamma_density(xp, t, a, y)),
    low=0.35,
    high=0.65,
)
special(
    "betainc",
    "parameter a",
    "parameter b",
    lambda xp, t, _y, a, b, x: t * xp.exp(_log_beta_density(xp, t, a, b, x)),
    low=0.2,
    high=0.8,
)
special(
    "betaincc",
    "parameter a",
    "parameter b",
    lambda xp, t, _y, a, b, x: -t * xp.exp(_log_beta_density(xp, t, a, b, x)),
    low=0.2,
    high=0.8,
)
special(
    "betaincinv",
    "parameter a",
    "parameter b",
    lambda xp, t, y, a, b, _p: t * xp.exp(-_log_beta_density(xp, t, a, b, y)),
    low=0.35,
    high=0.65,
)
special(
    "betainccinv",
    "parameter a",
    "parameter b",
    lambda xp, t, y, a, b, _p: -t * xp.exp(-_log_beta_density(xp, t, a, b, y)),
    low=0.35,
    high=0.65,
)


# Distributions: their densities. Degrees of freedom are parameters a and b above.
def _chi_square_density(xp: Any, t: Any, v: Any, x: Any) -> Any:
    return 0.5 * xp.exp(_log_gamma_density(xp, t, 0.5 * v, 0.5 * x))


def _log_student_density(xp: Any, t: Any, v: Any, x: Any) -> Any:
    v = operand(xp, v, t)
    normed = xp.betaln(xp.zeros_like(v) + 0.5, 0.5 * v) + 0.5 * xp.log(v)
    return -0.5 * (v + 1.0) * xp.log1p(x * x / v) - normed


def _f_density(xp: Any, t: Any, m: Any, n: Any, x: Any) -> Any:
    m, n = operand(xp, m, t), operand(xp, n, t)
    a, b = 0.5 * m, 0.5 * n
    return xp.exp(
        a * xp.log(m)
        + b * xp.log(n)
        + xp.xlogy(a - 1.0, x)
        - (a + b) * xp.log(n + m * x)
        - xp.betaln(a, b)
    )


special(
    "chdtr",
    "degrees of freedom",
    lambda xp, t, _y, v, x: t * _chi_square_density(xp, t, v, x),
)
special(
    "chdtrc",
    "degrees of freedom",
    lambda xp, t, _y, v, x: -t * _chi_square_density(xp, t, v, x),
)
special(
    "chdtri",
    "degrees of freedom",
    lambda xp, t, y, v, _p: -t / _chi_square_density(xp, t, v, y),
    low=0.35,
    high=0.65,
)
special(
    "stdtr",
    "degrees of freedom",
    lambda xp, t, _y, v, x: t * xp.exp(_log_student_density(xp, t, v, x)),
    low=-2.0,
    high=2.0,
)
special(
    "stdtrit",
    "degrees of freedom",
    lambda xp, t, y, v, _p: t * xp.exp(-_log_student_density(xp, t, v, y)),
    low=0.35,
    high=0.65,
)
special(
    "fdtr",
    "degrees of freedom",
    "degrees of freedom",
    lambda xp, t, _y, m, n, x: t * _f_density(xp, t, m, n, x),
)
special(
    "fdtrc",
    "degrees of freedom",
    "degrees of freedom",
    lambda xp, t, _y, m, n, x: -t * _f_density(xp, t, m, n, x),
)
special(
    "gdtr",
    lambda xp, t, _y, a, b, x: t * x * xp.exp(_log_gamma_density(xp, t, b, a * x)),
    "parameter b",
    lambda xp, t, _y, a, b, x: t * a * xp.exp(_log_gamma_density(xp, t, b, a * x)),
)
special(
    "gdtrc",
    lambda xp, t, _y, a, b, x: -t * x * xp.exp(_log_gamma_density(xp, t, b, a * x)),
    "parameter b",
    lambda xp, t, _y, a, b, x: -t * a * xp.exp(_log_gamma_density(xp, t, b, a * x)),
)
special(
    "pdtr",
    "count k",
    lambda xp, t, _y, k, m: (
        -t * xp.exp(_log_gamma_density(xp, t, xp.floor(operand(xp, k, t)) + 1.0, m))
    ),
)
special(
    "pdtrc",
    "count k",
    lambda xp, t, _y, k, m: (
        t * xp.exp(_log_gamma_density(xp, t, xp.floor(operand(xp, k, t)) + 1.0, m))
    ),
)
