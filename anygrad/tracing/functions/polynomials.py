"""NumPy's functions of polynomials, whose coefficients stand from the highest power down."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, ShapeError
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions.arguments import as_arrays
from anygrad.tracing.functions.assembling import vander
from anygrad.tracing.functions.convolving import convolve
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.decomposing import eigvals, inv
from anygrad.tracing.functions.joining import atleast_1d, concat
from anygrad.tracing.functions.ranks import lstsq
from anygrad.tracing.functions.values import beside_values, limits_of, on_host
from anygrad.tracing.level import answer, is_mapped, plain_namespace, strip
from anygrad.tracing.operations import TRACED


def _coefficients(*parts: Any) -> list[Any]:
    """Vectors; also those of a numpy.poly1d."""
    vectors = [part.coeffs if isinstance(part, np.poly1d) else part for part in parts]
    arrays = [a for a in vectors if hasattr(a, "shape")]
    vectors = [a if hasattr(a, "shape") else beside_values(a, arrays[0]) for a in vectors]
    return [atleast_1d(a) for a in as_arrays(vectors)]


def polyval(p, x):
    """The value of a polynomial at points, by Horner's scheme."""
    if isinstance(x, np.poly1d):
        message = "polyval(x): got a polynomial; expected points. Compute its values first."
        raise ArgumentError(message)
    (p,) = _coefficients(p) if hasattr(p, "shape") else _coefficients(p, x)[:1]
    x = as_arrays((x, p))[0]
    y = TRACED.zeros_like(strip(x))
    for k in range(p.shape[0]):
        y = TRACED.add(TRACED.multiply(y, x), p[k])
    return y


def polyadd(a1, a2):
    """The coefficients of a sum."""
    a1, a2 = _of_one_length(*_coefficients(a1, a2))
    return TRACED.add(a1, a2)


def polysub(a1, a2):
    """The coefficients of a difference."""
    a1, a2 = _of_one_length(*_coefficients(a1, a2))
    return TRACED.subtract(a1, a2)


def _of_one_length(*parts: Any) -> list[Any]:
    n = max(part.shape[0] for part in parts)
    return [part if part.shape[0] == n else _filled_up(part, n) for part in parts]


def _filled_up(p: Any, n: int) -> Any:
    zeros = beside_values(np.zeros(n - p.shape[0]), p)
    return concat((astype(zeros, p.dtype, copy=False), p))


def polymul(a1, a2):
    """The coefficients of a product; leading zeros of the factors are left out, as in NumPy.

    So values are read on the host, but not within `vmap`, where such zeros stay.
    """
    return convolve(*(_without_leading_zeros(a) for a in _coefficients(a1, a2)))


def _without_leading_zeros(p: Any) -> Any:
    if is_mapped(p) or not p.shape[0]:
        return p
    (places,) = TRACED.nonzero(strip(p))
    return p[int(places[0]) :] if places.shape[0] else p[:1] * 0.0


def polydiv(u, v):
    """Quotient and remainder, which begins with a coefficient that is not close to 0, as in NumPy.

    For that values are read on the host, but not within `vmap`, where all coefficients stay.
    """
    u, v = _coefficients(u, v)
    m, n = u.shape[0] - 1, v.shape[0] - 1
    scale, rest, quotient = 1.0 / v[0], TRACED.add(u, 0.0 * v[0]), []
    for k in range(m - n + 1):
        digit = TRACED.multiply(scale, rest[k])
        quotient.append(digit)
        middle = TRACED.subtract(rest[k : k + n + 1], TRACED.multiply(digit, v))
        rest = concat((rest[:k], middle, rest[k + n + 1 :]))
    whole = TRACED.stack(*quotient, axis=0) if quotient else rest[:1] * 0.0
    while not is_mapped(rest) and rest.shape[0] > 1 and bool(TRACED.abs(strip(rest[0])) <= 1e-8):
        rest = rest[1:]
    return whole, rest


def polyder(p, m=1):
    """The coefficients of the m-th derivative."""
    m = _order("polyder", m)
    (p,) = _coefficients(p)
    for _ in range(m):
        p = p[:-1] * _powers(p.shape[0] - 1, p)
    return p


def _powers(n: int, p: Any) -> Any:
    """The numbers n, ..., 1: integers for NumPy, which so comes to double precision."""
    numbers = beside_values(np.arange(n, 0, -1), p)
    return numbers if on_host(p) else astype(numbers, p.dtype)


def _order(where: str, m: Any) -> int:
    m = operator.index(m)
    if m < 0:
        message = f"{where}(m): got {m}; expected 0 or more."
        raise ArgumentError(message)
    return m


def polyint(p, m=1, k=None):
    """The coefficients of the m-th antiderivative, with constants of integration."""
    m = _order("polyint", m)
    p, k = _coefficients(p, [0.0] * m if k is None or not m else k)
    if k.shape[0] not in (1, m) and k.shape[0] < m:
        message = f"polyint(k): got {k.shape[0]} constants; expected {m}, or one for all."
        raise ArgumentError(message)
    for j in range(m):
        constant = k[j : j + 1] if k.shape[0] > 1 or m == 1 else k
        p = concat((p / _powers(p.shape[0], p), constant))
    return p


def poly(seq_of_zeros):
    """The coefficients of the polynomial with these zeros, or the characteristic one of a matrix.

    Of conjugate pairs they are real, as in NumPy; so complex zeros are read on the host, but not
    within `vmap`, where the coefficients stay complex.
    """
    zeros = seq_of_zeros
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1]:
        zeros = eigvals(zeros)
    if zeros.ndim != 1:
        message = (
            f"poly(seq_of_zeros): got shape {tuple(zeros.shape)}; expected a vector, or a square "
            "matrix."
        )
        raise ShapeError(message)
    y = TRACED.zeros_like(strip(zeros)[:1]) + 1.0
    one = y
    for k in range(zeros.shape[0]):
        y = convolve(y, concat((one, -zeros[k : k + 1])))
    paired = kind_of(zeros.dtype) == "complex" and not is_mapped(zeros) and _in_pairs(strip(zeros))
    return TRACED.real(y) if paired else y


def _in_pairs(zeros: Any) -> bool:
    """Whether each complex number has its conjugate among the others."""
    n = zeros.shape[0]
    equal = TRACED.reshape(zeros, shape=(n, 1)) == TRACED.reshape(zeros, shape=(1, n))
    conjugate = TRACED.reshape(zeros, shape=(n, 1)) == TRACED.conj(
        TRACED.reshape(zeros, shape=(1, n))
    )
    counts = (TRACED.count_nonzero(part, axis=1) for part in (equal, conjugate))
    return bool(TRACED.all(TRACED.equal(*counts), axis=None))


def _has_imaginary_part(value: Any) -> bool:
    return bool(np.any(np.imag(value)))


def _real_if_exactly(x: Any) -> Any:
    """What NumPy's ``roots`` gives: real values where no imaginary part is left."""
    known = kind_of(x.dtype) == "complex" and on_host(x) and not is_mapped(x)
    return TRACED.real(x) if known and not answer(x, _has_imaginary_part) else x


def roots(p):
    """The zeros of a polynomial: eigenvalues of its companion matrix, if they are simple.

    Leading and trailing zeros are left out, for which values are read on the host, but not within
    `vmap`, where the first coefficient must not be 0.
    """
    (p,) = _coefficients(p)
    if p.ndim != 1:
        message = f"roots(p): got shape {tuple(p.shape)}; expected a vector."
        raise ShapeError(message)
    trailing = 0
    if not is_mapped(p):
        (places,) = TRACED.nonzero(strip(p))
        if not places.shape[0]:
            return p[:0]
        first, last = int(places[0]), int(places[-1])
        trailing, p = p.shape[0] - 1 - last, p[first : last + 1]
    n = p.shape[0] - 1
    if n < 1:
        return TRACED.zeros_like(strip(beside_values(np.zeros(trailing), p)))
    below = beside_values(np.eye(n, k=-1)[1:], p)
    below = astype(below, p.dtype, copy=False)
    top = TRACED.reshape(-p[1:] / p[0], shape=(1, n))
    found = _real_if_exactly(eigvals(concat((top, below))))
    if not trailing:
        return found
    return concat(
        (found, TRACED.zeros_like(strip(found)[:1]) * beside_values(np.ones(trailing), found))
    )


def polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    """The polynomial nearest to points in the sense of least squares, with NumPy's scaling.

    With ``full`` the residuals, the rank, the singular values and ``rcond`` follow, with ``cov``
    the covariances of the coefficients.
    """
    x, y = as_arrays((x, y))[:2]
    deg = operator.index(deg)
    if deg < 0 or x.ndim != 1 or y.ndim not in (1, 2) or y.shape[0] != x.shape[0] or not x.shape[0]:
        message = (
            f"polyfit(y): got shapes {tuple(x.shape)} and {tuple(y.shape)} for degree {deg}; "
            "expected two vectors of one length, and a degree from 0."
        )
        raise ShapeError(message)
    x, y = (
        a if kind_of(a.dtype) != "other" else astype(a, plain_namespace(a).float64) for a in (x, y)
    )
    columns, values = vander(x, deg + 1), y
    if w is not None:
        w = as_arrays((w, x))[0]
        if tuple(w.shape) != (y.shape[0],):
            message = f"polyfit(w): got shape {tuple(w.shape)}; expected ({y.shape[0]},)."
            raise ShapeError(message)
        columns = TRACED.multiply(columns, TRACED.reshape(w, shape=(-1, 1)))
        values = TRACED.multiply(values, w if y.ndim == 1 else TRACED.reshape(w, shape=(-1, 1)))
    if rcond is None:
        rcond = x.shape[0] * float(limits_of(x).eps)
    # the solution does not depend on the scale: a constant
    size = TRACED.abs(strip(columns))
    scale = TRACED.sqrt(TRACED.sum(size * size, axis=0, keepdims=False))
    columns = columns / scale
    c, residuals, rank, singular = lstsq(columns, values, rcond)
    c = c / (scale if y.ndim == 1 else TRACED.reshape(scale, shape=(-1, 1)))
    if type(rank) is int and rank != deg + 1 and not full:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    if full:
        return c, residuals, rank, singular, rcond
    if not cov:
        return c
    base = inv(TRACED.matmul(TRACED.permute_dims(columns, axes=(1, 0)), columns))
    base = base / (TRACED.reshape(scale, shape=(-1, 1)) * scale)
    if cov == "unscaled":
        factor = 1.0
    else:
        if x.shape[0] <= deg + 1:
            message = (
                f"polyfit(cov): got {x.shape[0]} points for {deg + 1} coefficients; expected more "
                "points, or cov='unscaled'."
            )
            raise ArgumentError(message)
        factor = residuals / (x.shape[0] - deg - 1)
    if y.ndim == 1:
        return c, TRACED.multiply(base, factor)
    base = TRACED.reshape(base, shape=(*base.shape, 1))
    return c, base if cov == "unscaled" else TRACED.multiply(base, factor)
