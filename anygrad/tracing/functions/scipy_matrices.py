"""``scipy.linalg`` of traced arrays: functions of matrices, and matrices that follow a pattern."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, MissingRuleError, ShapeError
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions import linalg
from anygrad.tracing.functions.arguments import as_own_arrays, fresh, on_device_of
from anygrad.tracing.functions.decomposing import check_square
from anygrad.tracing.functions.ranks import is_known
from anygrad.tracing.functions.shapes import flip, take
from anygrad.tracing.functions.spectra import as_complex
from anygrad.tracing.level import lowest, plain_namespace, strip
from anygrad.tracing.operations import TRACED


def expm(A):
    """The exponential of matrices.

    Arrays of a device are squared 16 times at most, for norms up to 3e5; NaN beyond.
    """
    check_square("expm(A)", A)
    return TRACED.expm(A, blocks=1)


def expm_frechet(A, E, method=None, compute_expm=True, check_finite=True):
    """The exponential of a matrix, and its derivative along another."""
    A, E = as_own_arrays((A, E))
    check_square("expm_frechet(A)", A)
    n = A.shape[-1]
    upper = TRACED.concat(A, E, axis=-1)
    lower = TRACED.concat(A * 0.0, A, axis=-1)
    whole = TRACED.expm(TRACED.concat(upper, lower, axis=-2), blocks=2)
    first, second = (
        TRACED.getitem(whole, key=(..., slice(0, n), columns))
        for columns in (slice(0, n), slice(n, None))
    )
    return (first, second) if compute_expm else second


def sqrtm(A, disp=True, blocksize=64):
    """The principal square root of matrices without eigenvalues on the negative real axis."""
    return _root_or_logarithm("sqrtm", A, disp)


def logm(A, disp=True):
    """The principal logarithm of matrices without eigenvalues on the negative real axis."""
    return _root_or_logarithm("logm", A, disp)


def _root_or_logarithm(name: str, A: Any, disp: Any) -> Any:
    check_square(f"{name}(A)", A)
    if disp is False:
        message = f"{name}(disp): got False; no rule gives an estimate of the error. Leave it out."
        raise MissingRuleError(message)
    try:
        y = getattr(TRACED, name)(A, blocks=1)
    except np.linalg.LinAlgError as error:  # an iterate is singular
        raise _on_the_cut(name) from error
    if is_known(A) and np.isnan(strip(y)).any() and not np.isnan(strip(A)).any():
        raise _on_the_cut(name)
    return y


def _on_the_cut(name: str) -> ArgumentError:
    return ArgumentError(
        f"{name}(A): got a matrix with eigenvalues at 0 or on the negative real axis, where the "
        "principal value has no derivative. Use eig, or shift the matrix."
    )


def _circular(A: Any) -> tuple[Any, Any]:
    """Exponentials of iA and -iA."""
    check_square("sinm(A)", A)
    if kind_of(A.dtype) == "complex":
        return TRACED.expm(A * 1j, blocks=1), TRACED.expm(A * -1j, blocks=1)
    turned = TRACED.expm(as_complex(A) * 1j, blocks=1)
    return turned, TRACED.conj(turned)


def _of_kind(y: Any, A: Any) -> Any:
    return y if kind_of(A.dtype) == "complex" else TRACED.real(y)


def cosm(A):
    """The cosine of matrices."""
    plus, minus = _circular(A)
    return _of_kind(0.5 * (plus + minus), A)


def sinm(A):
    """The sine of matrices."""
    plus, minus = _circular(A)
    return _of_kind((plus - minus) * -0.5j, A)


def tanm(A):
    """The tangent of matrices."""
    return TRACED.solve(cosm(A), sinm(A))


def coshm(A):
    """The hyperbolic cosine of matrices."""
    return 0.5 * (expm(A) + expm(-A))


def sinhm(A):
    """The hyperbolic sine of matrices."""
    return 0.5 * (expm(A) - expm(-A))


def tanhm(A):
    """The hyperbolic tangent of matrices."""
    return TRACED.solve(coshm(A), sinhm(A))


def block_diag(*arrs):
    """The matrix with these on its diagonal, one behind the other; vectors are rows."""
    blocks = [_as_matrix(x) for x in as_own_arrays(arrs)]
    width = sum(x.shape[1] for x in blocks)
    rows, start = [], 0
    for x in blocks:
        key = (slice(None), slice(start, start + x.shape[1]))
        rows.append(TRACED.scatter(x, key=key, shape=(x.shape[0], width)))
        start += x.shape[1]
    return TRACED.concat(*rows, axis=0)


def _as_matrix(x: Any) -> Any:
    if x.ndim > 2:
        message = f"block_diag(arrs): got shape {tuple(x.shape)}; expected matrices."
        raise ShapeError(message)
    return x if x.ndim == 2 else TRACED.reshape(x, shape=(1, x.shape[0] if x.ndim else 1))


def _pattern(where: str, values: Any, positions: np.ndarray) -> Any:
    """A matrix whose elements are those of a vector at positions known on the host."""
    if values.ndim != 1:
        message = f"{where}: got shape {tuple(values.shape)}; expected vectors. Use ag.vmap."
        raise ShapeError(message)
    picked = take(values, positions.ravel().tolist(), 0)
    return fresh(TRACED.reshape(picked, shape=positions.shape))


def toeplitz(c, r=None):
    """The matrix with constant diagonals, of its first column and row (else the conjugate)."""
    if r is None:
        r = TRACED.conj(c) if kind_of(c.dtype) == "complex" else c
    c, r = as_own_arrays((c, r))
    m, n = c.shape[-1], r.shape[-1]
    values = TRACED.concat(flip(c, -1), TRACED.getitem(r, key=(..., slice(1, None))), axis=-1)
    return _pattern("toeplitz(c)", values, m - 1 + np.arange(n) - np.arange(m)[:, None])


def circulant(c):
    """The matrix whose columns are the first one, turned."""
    n = c.shape[-1]
    return _pattern("circulant(c)", c, (np.arange(n)[:, None] - np.arange(n)) % n)


def hankel(c, r=None):
    """The matrix with constant antidiagonals, of its first column and last row (else zeros)."""
    c, r = as_own_arrays((c, c * 0.0 if r is None else r))
    values = TRACED.concat(c, TRACED.getitem(r, key=(..., slice(1, None))), axis=-1)
    return _pattern("hankel(c)", values, np.arange(c.shape[-1])[:, None] + np.arange(r.shape[-1]))


def companion(a):
    """The matrix whose eigenvalues are the roots of a polynomial."""
    first = -TRACED.getitem(a, key=slice(1, None)) / TRACED.getitem(a, key=slice(0, 1))
    n = first.shape[0]
    bottom = lowest(a)
    below = plain_namespace(bottom).eye(n, k=-1, dtype=bottom.dtype, **on_device_of(bottom))
    return TRACED.scatter(first, key=(0, slice(None)), shape=(n, n)) + below


def khatri_rao(a, b):
    """The Kronecker products of columns."""
    a, b = as_own_arrays((a, b))
    products = a[..., :, None, :] * b[..., None, :, :]
    return fresh(TRACED.reshape(products, shape=(a.shape[0] * b.shape[0], a.shape[1])))


def solve_toeplitz(c_or_cr, b, check_finite=True):
    """The solution of a system with constant diagonals, by the whole matrix."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return linalg.solve(toeplitz(c, r), b)


def matmul_toeplitz(c_or_cr, x, check_finite=False, workers=None):
    """The product of a matrix with constant diagonals, by the whole matrix."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return TRACED.matmul(toeplitz(c, r), x)


FUNCTIONS = {
    function.__name__: function
    for function in (
        *(expm, expm_frechet, sqrtm, logm, cosm, sinm, tanm, coshm, sinhm, tanhm),
        *(block_diag, toeplitz, circulant, hankel, companion, khatri_rao),
        *(solve_toeplitz, matmul_toeplitz),
    )
}
"""Under SciPy's names."""
