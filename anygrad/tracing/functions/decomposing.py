"""Factors of matrices: Cholesky, QR, eigenvalues, singular values; inverses and determinants.

A row gives all factors in one array (`anygrad.ops.decompositions`); here they are taken apart.
"""

from __future__ import annotations

from typing import Any

from anygrad.errors import ArgumentError, MissingRuleError, ShapeError
from anygrad.ops import matrices
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions.arguments import on_device_of
from anygrad.tracing.functions.results import (
    EighResult,
    EigResult,
    QRResult,
    SlogdetResult,
    SVDResult,
)
from anygrad.tracing.functions.shapes import flip, take_along_axis
from anygrad.tracing.level import lowest, plain_namespace, strip
from anygrad.tracing.operations import TRACED


def _real(x: Any) -> Any:
    return TRACED.real(x) if kind_of(x.dtype) == "complex" else x


def _rows(y: Any, start: int, stop: int | None) -> Any:
    return TRACED.getitem(y, key=(..., slice(start, stop), slice(None)))


def _vectors(y: Any, start: int, stop: int) -> Any:
    return TRACED.vectors(y, start=start, stop=stop)


def _row(y: Any, k: int) -> Any:
    return TRACED.getitem(y, key=(..., k, slice(None)))


def adjoint(x: Any) -> Any:
    """The transposed matrices, conjugated."""
    return matrices.adjoint(TRACED, x)


def inv(a):
    """The inverse matrices."""
    return TRACED.inv(a)


def det(a):
    """The determinants; differentiable for singular matrices too."""
    return TRACED.det(a)


def slogdet(a):
    """Sign and logarithm of the determinants; of singular matrices they have no derivative."""
    y = TRACED.slogdet(a)
    sign, logarithm = (TRACED.getitem(y, key=(..., k)) for k in (0, 1))
    return SlogdetResult(sign, _real(logarithm))


def cholesky(a, /, *, upper=False):
    """The factor L of a = L L^H, or its adjoint; only that triangle of ``a`` is read."""
    return adjoint(TRACED.cholesky(adjoint(a))) if upper else TRACED.cholesky(a)


def qr(a, mode="reduced"):
    """Orthonormal columns times an upper triangle.

    The first columns of a wide matrix, or all of a tall one, must be linearly independent.
    """
    rows, columns = a.shape[-2:]
    if mode == "complete" and rows > columns:
        message = (
            f"qr(mode): got 'complete' for shape {tuple(a.shape)}; the additional columns of Q are "
            "arbitrary, they have no derivative. Use mode='reduced'."
        )
        raise MissingRuleError(message)
    if mode == "raw":
        message = "qr(mode): got 'raw'; no rule gives reflectors. Use mode='reduced'."
        raise MissingRuleError(message)
    if mode not in ("reduced", "complete", "r"):
        message = f"qr(mode): got {mode!r}; expected 'reduced', 'complete' or 'r'."
        raise ArgumentError(message)
    square = a if rows >= columns else TRACED.getitem(a, key=(..., slice(0, rows)))
    y = TRACED.qr(square)
    q, r = _rows(y, 0, rows), matrices.turned(TRACED, _rows(y, rows, None))
    if rows < columns:
        rest = TRACED.getitem(a, key=(..., slice(rows, None)))
        r = TRACED.concat(r, TRACED.matmul(adjoint(q), rest), axis=-1)
    return r if mode == "r" else QRResult(q, r)


def _one_triangle(where: str, a: Any, uplo: Any) -> Any:
    """A matrix whose lower triangle is the one that is to be read."""
    if str(uplo).upper() not in ("L", "U"):
        message = f"{where}(UPLO): got {uplo!r}; expected 'L' or 'U'."
        raise ArgumentError(message)
    return a if str(uplo).upper() == "L" else adjoint(a)


def eigh(a, UPLO="L"):
    """Eigenvalues and eigenvectors of Hermitian matrices, of which one triangle is read.

    Where eigenvalues coincide, their vectors have no derivative: what is computed from them has the
    derivative NaN, what is computed from eigenvalues alone, or from the vectors of others, has its
    own. v f(w) v^H is smooth there, but its derivative needs f': use a function of matrices instead
    (matrix_power, solve, scipy.linalg.expm, sqrtm). Complex vectors do not turn.
    """
    y = TRACED.eigh(_one_triangle("eigh", a, UPLO))
    n = a.shape[-1]
    return EighResult(_real(_row(y, n)), _vectors(y, 0, n))


def eigvalsh(a, UPLO="L"):
    """Eigenvalues of Hermitian matrices, in ascending order."""
    return eigh(a, UPLO).eigenvalues


def eig(a):
    """Eigenvalues and eigenvectors; each column has length 1 and its largest element is real.

    As NumPy does, the result is real where all eigenvalues are. Where eigenvalues coincide, what is
    computed from their vectors has the derivative NaN.
    """
    y = TRACED.eig(a)
    n = a.shape[-1]
    return EigResult(_row(y, n), _vectors(y, 0, n))


def eigvals(a):
    """Eigenvalues of square matrices."""
    return eig(a).eigenvalues


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """Singular values and vectors.

    Where singular values coincide, or are 0 beside a rectangular matrix, their vectors have no
    derivative: what is computed from them has the derivative NaN. Complex vectors turn as little as
    they can.
    """
    if not compute_uv:
        return _values_of_hermitian(a) if hermitian else svdvals(a)
    rows, columns = a.shape[-2:]
    if full_matrices and rows != columns:
        message = (
            f"svd(full_matrices): got True for shape {tuple(a.shape)}; the additional vectors are "
            "arbitrary, they have no derivative. Use full_matrices=False."
        )
        raise MissingRuleError(message)
    if hermitian:
        return _svd_of_hermitian(a)
    y = TRACED.svd(a)
    return _parts_of_svd(y, rows, columns)


def _parts_of_svd(y: Any, rows: int, columns: int) -> SVDResult:
    vh = adjoint(_vectors(y, rows + 1, rows + 1 + columns))
    return SVDResult(_vectors(y, 0, rows), _real(_row(y, rows)), vh)


def svd_of_sums(a: Any) -> SVDResult:
    """Singular values and vectors for what is smooth where they coincide: u v^H, the sum of s."""
    return _parts_of_svd(TRACED.svd_of_sums(a), *a.shape[-2:])


def svdvals(x, /):
    """Singular values, the largest first."""
    return _real(_row(TRACED.svd(x), x.shape[-2]))


def _svd_of_hermitian(a: Any) -> SVDResult:
    """By eigenvalues, of which the singular values are the moduli."""
    w, v = eigh(a)
    order = _descending(w)
    one = TRACED.zeros_like(strip(w)) + 1.0
    sign = take_along_axis(TRACED.where(TRACED.less(strip(w), 0), -one, one), order, -1)
    s = take_along_axis(TRACED.abs(w), order, -1)
    u = take_along_axis(v, order[..., None, :], -1)
    return SVDResult(u, s, adjoint(u * sign[..., None, :]))


def _values_of_hermitian(a: Any) -> Any:
    w = eigvalsh(a)
    return take_along_axis(TRACED.abs(w), _descending(w), -1)


def _descending(w: Any) -> Any:
    """The order of moduli, the largest first."""
    return flip(TRACED.argsort(TRACED.abs(strip(w)), axis=-1), -1)


def check_square(where: str, a: Any) -> None:
    """Raise for what is no matrix, or not square."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        message = f"{where}: got shape {tuple(a.shape)}; expected square matrices."
        raise ShapeError(message)


def identity_beside(a: Any) -> Any:
    """The plain identity matrix of size, dtype, library and device of a matrix."""
    bottom = lowest(a)
    n = a.shape[-1]
    return plain_namespace(bottom).eye(n, dtype=bottom.dtype, **on_device_of(bottom))
