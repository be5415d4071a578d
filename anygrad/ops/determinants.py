"""Determinants, whose derivative exists for singular matrices too.

It is the adjugate, the transposed matrix of cofactors: det(x) x^-1 for regular matrices. Here it is
found from the singular values, as products without one of them, never by a division by zero.
"""

from __future__ import annotations

from typing import Any

from anygrad.ops.matrices import (
    adjoint,
    diagonal,
    in_names,
    matrix_function,
    real_part,
    turned,
)
from anygrad.ops.row import Case

REGULAR = 1e-3
"""From this ratio of the singular values on, formulas with the inverse lose few digits."""


def _parts(xp: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """Singular vectors and values, and the determinant of the vectors."""
    n = x.shape[-1]
    y = xp.svd_of_sums(x)  # finite: a part that is not taken must not be NaN
    u = xp.getitem(y, key=(..., slice(0, n), slice(None)))
    v = xp.getitem(y, key=(..., slice(n + 1, 2 * n + 1), slice(None)))
    sign = xp.det(xp.matmul(u, adjoint(xp, v)))
    return u, real_part(xp, y[..., n, :]), v, sign[..., None, None]


def _products_without(xp: Any, s: Any) -> tuple[Any, Any]:
    """Products of all singular values but one, and of all but two (0 for twice the same)."""
    zero = xp.equal(s, 0)
    factors = xp.where(zero, 1.0, s)
    zeros = xp.astype(zero, dtype=s.dtype)
    product = xp.prod(factors, axis=-1, keepdims=True)
    left = xp.sum(zeros, axis=-1, keepdims=True) - zeros
    one = xp.where(xp.equal(left, 0), product / factors, 0.0)
    left = left[..., :, None] - zeros[..., None, :]
    two = (product / factors)[..., :, None] / factors[..., None, :]
    two = xp.where(xp.equal(left, 0), two, 0.0)
    return one, xp.tril(two, k=-1) + xp.triu(two, k=1)


def _adjugate(xp: Any, x: Any) -> Any:
    u, s, v, sign = _parts(xp, x)
    one, _ = _products_without(xp, s)
    return sign * xp.matmul(v * one[..., None, :], adjoint(xp, u))


def _second(xp: Any, inner: Any, two: Any) -> tuple[Any, Any]:
    """The derivative of the adjugate of a diagonal matrix: its diagonal, and the rest."""
    along = xp.matmul(two, diagonal(xp, inner)[..., None])[..., 0]
    return along, -two * inner


def _is_regular(xp: Any, s: Any) -> Any:
    smallest, largest = s[..., -1], s[..., 0]
    return xp.greater(smallest, REGULAR * largest)[..., None, None]


def _push_adjugate(xp: Any, t: Any, y: Any, x: Any) -> Any:
    """With the inverse where that is accurate, which is then smooth in every order."""
    u, s, v, sign = _parts(xp, x)
    regular = _is_regular(xp, s)
    scale = xp.where(regular, xp.det(x)[..., None, None], 1.0)
    trace = xp.sum(turned(xp, y) * t, axis=(-2, -1), keepdims=True)
    by_inverse = (trace * y - xp.matmul(y, xp.matmul(t, y))) / scale
    _, two = _products_without(xp, s)
    uh = adjoint(xp, u)
    along, across = _second(xp, xp.matmul(uh, xp.matmul(t, v)), two)
    by_values = sign * xp.matmul(xp.matmul(v, across) + v * along[..., None, :], uh)
    return xp.where(regular, by_inverse, by_values)


def _pull_adjugate(xp: Any, g: Any, y: Any, x: Any) -> Any:
    u, s, v, sign = _parts(xp, x)
    regular = _is_regular(xp, s)
    yh = adjoint(xp, y)
    scale = adjoint(xp, xp.where(regular, xp.det(x)[..., None, None], 1.0))
    trace = xp.sum(turned(xp, yh) * g, axis=(-2, -1), keepdims=True)
    by_inverse = (trace * yh - xp.matmul(yh, xp.matmul(g, yh))) / scale
    _, two = _products_without(xp, s)
    vh = adjoint(xp, v)
    along, across = _second(xp, xp.matmul(vh, xp.matmul(g, u)), two)
    by_values = adjoint(xp, sign) * xp.matmul(xp.matmul(u, across) + u * along[..., None, :], vh)
    return xp.where(regular, by_inverse, by_values)


matrix_function(
    "adjugate",
    _pull_adjugate,
    _push_adjugate,
    run=in_names(_adjugate),
    cases=[Case(((3, 3),)), Case(((2, 2, 2),)), Case(((1, 1),))],
)
matrix_function(
    "det",
    lambda xp, g, _y, x: g[..., None, None] * adjoint(xp, xp.adjugate(x)),
    lambda xp, t, _y, x: xp.sum(turned(xp, xp.adjugate(x)) * t, axis=(-2, -1), keepdims=False),
    run=lambda xp: xp.linalg.det,
    cases=[Case(((3, 3),)), Case(((2, 2, 2),)), Case(((1, 1),))],
)
