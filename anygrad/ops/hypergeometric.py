"""Hypergeometric functions and orthogonal polynomials: each derivative is one of the same family.

Names and operands are SciPy's; formulas are from the NIST Digital Library of Mathematical Functions
(DLMF), by section. By the parameters and the degree there is no closed formula.
"""

from __future__ import annotations

from anygrad.ops.special_row import previous, special

A, B, C, DEGREE = "parameter a", "parameter b", "parameter c", "degree"

# DLMF 16.3.1, 13.3.15, 15.5.1, 13.3.22
special("hyp0f1", "parameter v", lambda xp, t, _y, v, z: t / v * xp.hyp0f1(v + 1, z))
special(
    "hyp1f1",
    A,
    B,
    lambda xp, t, _y, a, b, z: t * (a / b) * xp.hyp1f1(a + 1, b + 1, z),
    low=-2.0,
    high=2.0,
)
special(
    "hyp2f1",
    A,
    B,
    C,
    lambda xp, t, _y, a, b, c, z: t * (a * b / c) * xp.hyp2f1(a + 1, b + 1, c + 1, z),
    low=-0.7,
    high=0.7,
)
special("hyperu", A, B, lambda xp, t, _y, a, b, x: -t * a * xp.hyperu(a + 1, b + 1, x), low=1.0)

# Orthogonal polynomials: DLMF 18.9.15 to 18.9.28, without a division by 1 - x^2. For the degree 0
# the factor is 0.
special(
    "eval_legendre",
    DEGREE,
    lambda xp, t, _y, n, x: t * (n != 0) * xp.eval_gegenbauer(previous(n), 1.5, x),
    low=-0.9,
    high=0.9,
)
special(
    "eval_chebyt",
    DEGREE,
    lambda xp, t, _y, n, x: t * n * xp.eval_chebyu(previous(n), x),
    low=-0.9,
    high=0.9,
)
special(
    "eval_chebyu",
    DEGREE,
    lambda xp, t, _y, n, x: t * 2.0 * (n != 0) * xp.eval_gegenbauer(previous(n), 2.0, x),
    low=-0.9,
    high=0.9,
)
special(
    "eval_gegenbauer",
    DEGREE,
    "parameter alpha",
    lambda xp, t, _y, n, a, x: t * 2.0 * a * (n != 0) * xp.eval_gegenbauer(previous(n), a + 1, x),
    low=-0.9,
    high=0.9,
)
special(
    "eval_jacobi",
    DEGREE,
    "parameter alpha",
    "parameter beta",
    lambda xp, t, _y, n, a, b, x: (
        t * 0.5 * (n != 0) * (n + a + b + 1) * xp.eval_jacobi(previous(n), a + 1, b + 1, x)
    ),
    low=-0.9,
    high=0.9,
)
special(
    "eval_hermite",
    DEGREE,
    lambda xp, t, _y, n, x: t * 2.0 * n * xp.eval_hermite(previous(n), x),
    low=-2.0,
    high=2.0,
)
special(
    "eval_hermitenorm",
    DEGREE,
    lambda xp, t, _y, n, x: t * n * xp.eval_hermitenorm(previous(n), x),
    low=-2.0,
    high=2.0,
)
special(
    "eval_laguerre",
    DEGREE,
    lambda xp, t, _y, n, x: -t * (n != 0) * xp.eval_genlaguerre(previous(n), 1.0, x),
)
special(
    "eval_genlaguerre",
    DEGREE,
    "parameter alpha",
    lambda xp, t, _y, n, a, x: -t * (n != 0) * xp.eval_genlaguerre(previous(n), a + 1, x),
)
