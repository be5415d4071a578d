"""``scipy.linalg`` of traced arrays: systems of equations and decompositions.

The switches that only concern speed or checks (``overwrite_a``, ``check_finite``, ``driver``) are
accepted and change nothing.
"""

from __future__ import annotations

from typing import Any

from anygrad.errors import ArgumentError, MissingRuleError
from anygrad.ops import matrices
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions import decomposing, linalg, norms, ranks, scipy_matrices
from anygrad.tracing.functions.arguments import as_own_arrays, fresh
from anygrad.tracing.functions.assembling import kron
from anygrad.tracing.functions.decomposing import adjoint, identity_beside
from anygrad.tracing.functions.spectra import as_complex
from anygrad.tracing.operations import TRACED

SHARED: dict = {"kron": kron, **scipy_matrices.FUNCTIONS}
"""Functions of matrices, and matrices of a pattern."""


def _refuse(where: str, got: str, instead: str) -> None:
    message = f"{where}: got {got}; no rule gives that. {instead}"
    raise MissingRuleError(message)


def _with_columns(compute: Any, b: Any) -> Any:
    """Apply to a vector as to a matrix of one column."""
    if b.ndim != 1:
        return compute(b)
    y = compute(TRACED.reshape(b, shape=(b.shape[0], 1)))
    return fresh(TRACED.reshape(y, shape=y.shape[:-1]))


def _mirrored(a: Any, lower: bool, conjugate: bool) -> Any:
    """The symmetric or Hermitian matrix with this triangle."""
    turned = adjoint if conjugate else (lambda x: matrices.turned(TRACED, x))
    half = matrices.lower_half(TRACED, a if lower else turned(a))
    return half + turned(half)


_DEFINITE = ("pos", "positive definite")
# What of the matrix is read; the keys are SciPy's words for its structure.
_READ = {
    None: lambda a, lower: a,
    "general": lambda a, lower: a,
    "gen": lambda a, lower: a,
    "banded": lambda a, lower: a,
    "diagonal": lambda a, lower: TRACED.tril(TRACED.triu(a, k=0), k=0),
    "tridiagonal": lambda a, lower: TRACED.tril(TRACED.triu(a, k=-1), k=1),
    "upper triangular": lambda a, lower: TRACED.triu(a, k=0),
    "lower triangular": lambda a, lower: TRACED.tril(a, k=0),
    "symmetric": lambda a, lower: _mirrored(a, lower, False),
    "sym": lambda a, lower: _mirrored(a, lower, False),
    "hermitian": lambda a, lower: _mirrored(a, lower, True),
    "her": lambda a, lower: _mirrored(a, lower, True),
    "positive definite": lambda a, lower: _mirrored(a, lower, True),
    "pos": lambda a, lower: _mirrored(a, lower, True),
}


def _what_is_read(where: str, a: Any, assume_a: Any, lower: bool) -> Any:
    read = _READ.get(assume_a)
    if read is None:
        known = ", ".join(repr(word) for word in _READ if word)
        message = f"{where}(assume_a): got {assume_a!r}; expected one of {known}."
        raise ArgumentError(message)
    return read(a, bool(lower))


def solve(
    a,
    b,
    lower=False,
    overwrite_a=False,
    overwrite_b=False,
    check_finite=True,
    assume_a=None,
    transposed=False,
):
    """The solution of a x = b, or of the transposed system."""
    a, b = as_own_arrays((a, b))
    if transposed and kind_of(a.dtype) == "complex":
        _refuse("solve(transposed)", "True for a complex matrix", "Turn the matrix before.")
    if assume_a in _DEFINITE:
        return cho_solve(cho_factor(a, lower), b)
    if assume_a in ("upper triangular", "lower triangular"):
        return solve_triangular(a, b, int(transposed), assume_a.startswith("lower"))
    a = _what_is_read("solve", a, assume_a, lower)
    return linalg.solve(matrices.turned(TRACED, a) if transposed else a, b)


def solve_triangular(
    a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True
):
    """The solution of a x = b, a^T x = b or a^H x = b, with one triangle of ``a``."""
    a, b = as_own_arrays((a, b))
    a, b = ranks.of_one_dtype(a, b)
    lower = bool(lower)
    if unit_diagonal:
        triangle = TRACED.tril(a, k=-1) if lower else TRACED.triu(a, k=1)
        a = triangle + identity_beside(a)
    if trans not in (0, 1, 2, "N", "T", "C"):
        message = f"solve_triangular(trans): got {trans!r}; expected 0, 1, 2, 'N', 'T' or 'C'."
        raise ArgumentError(message)
    if trans in (1, "T"):
        a, lower = matrices.turned(TRACED, a), not lower
    elif trans in (2, "C"):
        a, lower = adjoint(a), not lower
    return _with_columns(lambda columns: TRACED.solve_triangular(a, columns, lower=lower), b)


def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """The Cholesky factor for `cho_solve`; its other triangle is 0, which SciPy leaves open."""
    return cholesky(a, lower), bool(lower)


def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    """The solution of a x = b by the factor of ``a``."""
    c, lower = c_and_lower
    first, second = (0, 2) if lower else (2, 0)
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


def cholesky(a, lower=False, overwrite_a=False, check_finite=True):
    """The factor of a definite matrix, whose upper triangle is read unless ``lower``."""
    return decomposing.cholesky(a, upper=not lower)


def inv(a, overwrite_a=False, check_finite=True, *, assume_a=None, lower=False):
    """The inverse of a matrix, or of the part of it that its structure names."""
    return TRACED.inv(_what_is_read("inv", a, assume_a, lower))


def det(a, overwrite_a=False, check_finite=True):
    """The determinant."""
    return TRACED.det(a)


def eigh(
    a,
    b=None,
    *,
    lower=True,
    eigvals_only=False,
    overwrite_a=False,
    overwrite_b=False,
    type=1,
    check_finite=True,
    subset_by_index=None,
    subset_by_value=None,
    driver=None,
):
    """Eigenvalues and eigenvectors of a Hermitian matrix, or of a pair: a v = w b v."""
    if subset_by_value is not None:
        _refuse("eigh(subset_by_value)", "a range", "Choose from all eigenvalues.")
    if b is not None and type != 1:
        _refuse("eigh(type)", f"{type!r}", "Write the product of the matrices.")
    a = a if lower else adjoint(a)
    factor = None
    if b is not None:
        a, b = as_own_arrays((a, b))
        factor = TRACED.cholesky(b if lower else adjoint(b))
        left = TRACED.solve_triangular(factor, matrices.hermitian(TRACED, a), lower=True)
        a = TRACED.solve_triangular(factor, adjoint(left), lower=True)
    w, v = decomposing.eigh(a)
    if factor is not None:
        v = TRACED.solve_triangular(adjoint(factor), v, lower=False)
    if subset_by_index is not None:
        first, last = (int(k) for k in subset_by_index)
        chosen = slice(first, last + 1)
        w, v = (TRACED.getitem(x, key=(..., chosen)) for x in (w, v))
    return w if eigvals_only else (w, v)


def eigvalsh(
    a,
    b=None,
    *,
    lower=True,
    overwrite_a=False,
    overwrite_b=False,
    type=1,
    check_finite=True,
    subset_by_index=None,
    subset_by_value=None,
    driver=None,
):
    """Eigenvalues of a Hermitian matrix, or of a pair."""
    return eigh(
        a,
        b,
        lower=lower,
        eigvals_only=True,
        type=type,
        subset_by_index=subset_by_index,
        subset_by_value=subset_by_value,
    )


def eig(
    a,
    b=None,
    left=False,
    right=True,
    overwrite_a=False,
    overwrite_b=False,
    check_finite=True,
    homogeneous_eigvals=False,
):
    """Eigenvalues, which are complex, and right eigenvectors."""
    if b is not None:
        _refuse("eig(b)", "a second matrix", "Use eig(solve(b, a)).")
    if left:
        _refuse("eig(left)", "True", "They are the eigenvectors of the adjoint matrix.")
    if homogeneous_eigvals:
        _refuse("eig(homogeneous_eigvals)", "True", "Use the quotients.")
    w, v = decomposing.eig(a)
    return (as_complex(w), v) if right else as_complex(w)


def eigvals(
    a,
    b=None,
    overwrite_a=False,
    check_finite=True,
    homogeneous_eigvals=False,
    overwrite_b=False,
):
    """Eigenvalues, which are complex, of a matrix or of a pair: a v = w b v."""
    if homogeneous_eigvals:
        _refuse("eigvals(homogeneous_eigvals)", "True", "Use the quotients.")
    return as_complex(decomposing.eig(a if b is None else linalg.solve(b, a)).eigenvalues)


def svd(
    a,
    full_matrices=True,
    compute_uv=True,
    overwrite_a=False,
    check_finite=True,
    lapack_driver="gesdd",
):
    """Singular values and vectors."""
    result = decomposing.svd(a, full_matrices, compute_uv)
    return tuple(result) if compute_uv else result


def svdvals(a, overwrite_a=False, check_finite=True):
    """Singular values, the largest first."""
    return decomposing.svdvals(a)


def qr(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    """Orthonormal columns times an upper triangle."""
    if pivoting:
        _refuse("qr(pivoting)", "True", "Put the columns in order before.")
    if mode == "raw":
        _refuse("qr(mode)", "'raw'", "Use mode='economic'.")
    if mode not in ("full", "r", "economic"):
        message = f"qr(mode): got {mode!r}; expected 'full', 'r' or 'economic'."
        raise ArgumentError(message)
    rows, columns = a.shape[-2:]
    if mode == "full" and rows > columns:
        _refuse(
            "qr(mode)",
            f"'full' for shape {tuple(a.shape)}, whose additional columns of Q are arbitrary",
            "Use mode='economic'.",
        )
    q, r = decomposing.qr(a)
    if mode != "r":
        return q, r
    if rows > columns:  # with rows of zeros, as SciPy gives it
        shape = (*a.shape[:-2], rows, columns)
        r = TRACED.scatter(r, key=(..., slice(0, columns), slice(None)), shape=shape)
    return (r,)


def pinv(a, *, atol=None, rtol=None, return_rank=False, check_finite=True):
    """The pseudo-inverse; singular values up to ``rtol`` times the largest count as 0."""
    return _pinv("pinv", a, atol, rtol, return_rank)


def pinvh(a, atol=None, rtol=None, lower=True, return_rank=False, check_finite=True):
    """The pseudo-inverse of a Hermitian matrix, of which one triangle is read."""
    return _pinv("pinvh", _mirrored(a, bool(lower), True), atol, rtol, return_rank)


def _pinv(where: str, a: Any, atol: Any, rtol: Any, return_rank: bool) -> Any:
    if atol:
        _refuse(f"{where}(atol)", f"{atol!r}", "Use rtol.")
    y = ranks.pinv(a, rtol=rtol)
    return (y, ranks.matrix_rank(a, rtol=rtol)) if return_rank else y


def norm(a, ord=None, axis=None, keepdims=False, check_finite=True):
    """The norm of a vector or matrix."""
    return norms.norm(a, ord, axis, keepdims)


def lstsq(
    a,
    b,
    cond=None,
    overwrite_a=False,
    overwrite_b=False,
    check_finite=True,
    lapack_driver=None,
):
    """The shortest least-squares solution: solution, sums of squared residuals, rank, values."""
    a, b = as_own_arrays((a, b))
    x, squares, rank, s = ranks.lstsq(a, b, -1 if cond is None else cond)
    if lapack_driver == "gelsy":
        return x, TRACED.getitem(squares, key=slice(0, 0)), rank, None
    if b.ndim == 1 and squares.shape[0]:
        squares = TRACED.getitem(squares, key=0)
    return x, squares, rank, s


def polar(a, side="right"):
    """The nearest matrix with orthonormal columns or rows, and a definite one: a = u p or p u."""
    if side not in ("right", "left"):
        message = f"polar(side): got {side!r}; expected 'right' or 'left'."
        raise ArgumentError(message)
    u, _, vh = decomposing.svd_of_sums(a)
    u = TRACED.matmul(u, vh)
    # u has a derivative where singular values are equal, so p is made with it
    p = TRACED.matmul(adjoint(u), a) if side == "right" else TRACED.matmul(a, adjoint(u))
    return u, 0.5 * (p + adjoint(p))


def orthogonal_procrustes(A, B, check_finite=True):
    """The orthogonal matrix that brings A nearest to B, and the sum of singular values."""
    A, B = as_own_arrays((A, B))
    product = TRACED.matmul(adjoint(A), B)
    u, s, vh = decomposing.svd_of_sums(product)
    return TRACED.matmul(u, vh), TRACED.sum(s, axis=None, keepdims=False)
