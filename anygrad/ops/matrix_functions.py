"""Exponential, square root and logarithm of matrices, on any library.

The derivative of such a function is one block of its value at a larger matrix: f([[x, t], [0, x]])
has f(x) on its diagonal and the derivative along t above it (Najfeld and Havel 1995; Mathias 1996,
"A chain rule for matrix functions"; Higham 2008, "Functions of Matrices", eq. 3.16). As the rule
calls the same row, derivatives of every order follow. ``blocks`` tells how many equal blocks stand
on the diagonal: steps are chosen by the first of them, not by directions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.backends import device_of
from anygrad.errors import BackendError
from anygrad.ops.matrices import adjoint, matrix_function, precision
from anygrad.ops.row import Case


def _along(name: str) -> Callable[..., Any]:
    def push(xp: Any, t: Any, _y: Any, x: Any, *, blocks: int) -> Any:
        upper = xp.concat(x, t, axis=-1)
        lower = xp.concat(xp.zeros_like(x), x, axis=-1)
        whole = getattr(xp, name)(xp.concat(upper, lower, axis=-2), blocks=2 * blocks)
        n = x.shape[-1]
        return xp.getitem(whole, key=(..., slice(0, n), slice(n, None)))

    return push


def _analytic(name: str, compute: Any, cases: list[Case]) -> None:
    """A function with f(x^H) = f(x)^H, so that the adjoint of its derivative is that at x^H."""
    push = _along(name)

    def pull(xp: Any, g: Any, _y: Any, x: Any, *, blocks: int) -> Any:
        return push(xp, g, None, adjoint(xp, x), blocks=blocks)

    def run(xp: Any) -> Any:
        def call(x: Any, *, blocks: int) -> Any:
            return compute(xp, x, x[..., : x.shape[-1] // blocks, : x.shape[-1] // blocks])

        return call

    matrix_function(name, pull, push, run=run, cases=cases)


def _identity(xp: Any, x: Any) -> Any:
    return xp.eye(x.shape[-1], dtype=x.dtype, device=device_of(x))


def _norm(xp: Any, x: Any) -> Any:
    """The largest sum of moduli of a column."""
    return xp.max(xp.sum(xp.abs(x), axis=-2), axis=-1)


# Padé approximant of degree 13 of the exponential (Higham 2005, "The scaling and squaring method
# for the matrix exponential revisited"), its coefficients divided by the first. The limit of the
# norm is that for which the derivative is accurate, too (Al-Mohy and Higham 2009, table 6.1).
_PADE = [
    math.factorial(26 - k)
    * math.factorial(13)
    / (math.factorial(26) * math.factorial(13 - k) * math.factorial(k))
    for k in range(14)
]
_LIMIT = 4.74
_SQUARINGS = 16


def _expm(xp: Any, x: Any, block: Any) -> Any:
    size = _norm(xp, block)
    if isinstance(x, np.ndarray):
        largest = float(np.max(size, initial=0.0))
        count = math.ceil(math.log2(largest / _LIMIT)) if _LIMIT < largest < math.inf else 0
        y = _pade(xp, x * 2.0**-count)
        for _ in range(count):
            y = xp.matmul(y, y)
        return y
    # On a device nothing is read: all squarings are computed, of which each matrix takes its own.
    count = xp.ceil(xp.log2(xp.where(size > _LIMIT, size / _LIMIT, 1.0)))[..., None, None]
    y = _pade(xp, x * xp.astype(2.0**-count, x.dtype))
    for k in range(_SQUARINGS):
        y = xp.where(count > k, xp.matmul(y, y), y)
    return xp.where(count <= _SQUARINGS, y, math.nan)


def _pade(xp: Any, x: Any) -> Any:
    b, one = _PADE, _identity(xp, x)
    x2 = xp.matmul(x, x)
    x4 = xp.matmul(x2, x2)
    x6 = xp.matmul(x2, x4)
    odd = xp.matmul(x6, b[13] * x6 + b[11] * x4 + b[9] * x2)
    odd = xp.matmul(x, odd + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one)
    even = xp.matmul(x6, b[12] * x6 + b[10] * x4 + b[8] * x2)
    even = even + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    return xp.linalg.solve(even - odd, even + odd)


# Square root: the iteration of Denman and Beavers in product form with determinantal scaling
# (Higham 2008, eq. 6.29). Where it does not converge, for eigenvalues on the negative real axis,
# the result is NaN; there the principal root jumps and has no derivative.
_ITERATIONS = 40


def _sqrtm(xp: Any, x: Any, block: Any) -> Any:
    one = _identity(xp, x)
    n, fine = x.shape[-1], precision(x.dtype) ** 0.5
    y, m = x, x
    close = xp.astype(xp.zeros_like(_norm(xp, x)), xp.bool)
    for _ in range(_ITERATIONS):
        done, close = close, _norm(xp, m - one) < fine
        if isinstance(x, np.ndarray) and bool(np.all(done)):
            break
        _, logarithm = xp.linalg.slogdet(m)
        scale = xp.astype(xp.exp(logarithm * (-0.5 / n)), x.dtype)[..., None, None]
        inverse = xp.linalg.inv(m) / (scale * scale)
        y = 0.5 * scale * xp.matmul(y, one + inverse)
        m = 0.5 * (one + 0.5 * (scale * scale * m + inverse))
    return xp.where(close[..., None, None], y, math.nan)


# Logarithm: square roots until the matrix is near to 1, then the Padé approximant of log(1 + x) as
# partial fractions (Higham 2008, eq. 11.18), whose nodes are those of Gauss and Legendre.
_NEAR = 0.26  # where degree 8 is exact in double precision (table 11.1)
_NODES, _WEIGHTS = (list(map(float, part)) for part in np.polynomial.legendre.leggauss(8))
_ROOTS = 60


def _logm(xp: Any, x: Any, block: Any) -> Any:
    if not isinstance(x, np.ndarray):
        message = (
            "logm(A): got an array of another library than NumPy; expected NumPy's, as the number "
            "of square roots is found on the host. Compute this part with NumPy arrays."
        )
        raise BackendError(message)
    one, small, count, n = _identity(xp, x), block, 0, block.shape[-1]
    while np.any(_norm(xp, small - one[:n, :n]) > _NEAR) and count < _ROOTS:
        x = _sqrtm(xp, x, small)
        small, count = x[..., :n, :n], count + 1
    rest = x - one
    total = xp.zeros_like(x)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        total = total + 0.5 * weight * xp.linalg.solve(one + 0.5 * (1.0 + node) * rest, rest)
    return total * 2.0**count


_analytic(
    "expm",
    _expm,
    [Case(((3, 3),), {"blocks": 1}), Case(((2, 2, 2),), {"blocks": 1}, low=-9.0, high=2.0)],
)
_analytic(
    "sqrtm",
    _sqrtm,
    [
        Case(((3, 3),), {"blocks": 1}, definite=True),
        Case(((2, 2, 2),), {"blocks": 1}, definite=True),
    ],
)
_analytic("logm", _logm, [Case(((3, 3),), {"blocks": 1}, definite=True)])
