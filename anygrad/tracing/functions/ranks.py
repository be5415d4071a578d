"""Pseudo-inverses, ranks and least squares: small singular values count as 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends.dtypes import float_limits
from anygrad.errors import ArgumentError, MissingRuleError, ShapeError
from anygrad.ops import matrices
from anygrad.tracing.functions.arguments import ABSENT, as_own_arrays, fresh, given
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.decomposing import svd, svdvals
from anygrad.tracing.level import LIFTED, is_mapped, lowest, plain_namespace, strip
from anygrad.tracing.operations import TRACED


def pinv(a, rcond=None, hermitian=False, *, rtol=ABSENT):
    """The pseudo-inverse (Moore and Penrose); its derivative is that of matrices of equal rank.

    Singular values up to ``rcond`` (or ``rtol``) times the largest count as 0.
    """
    absent = given(rtol) is ABSENT
    if rcond is not None and not absent:
        message = "pinv(rtol): got rcond as well; expected one of them."
        raise ArgumentError(message)
    if rcond is None and not absent:
        rcond = _precision(a) if rtol is None else rtol
    rcond = strip(rcond)
    if type(rcond) in LIFTED:
        message = "pinv(rtol): got one for each example of vmap; expected one number for all."
        raise MissingRuleError(message)
    if hermitian:
        a = matrices.hermitian(TRACED, a)
    return TRACED.pinv(a, rtol=rcond)


def _precision(a: Any) -> float:
    """The relative size of singular values that rounding makes of 0."""
    bottom = lowest(a)
    return max(a.shape[-2:]) * float(float_limits(plain_namespace(bottom), bottom.dtype).eps)


def matrix_rank(A, tol=None, hermitian=False, *, rtol=None):
    """The number of singular values above a limit: a constant."""
    if tol is not None and rtol is not None:
        message = "matrix_rank(rtol): got tol as well; expected one of them."
        raise ArgumentError(message)
    x = strip(A)
    if x.ndim < 2:
        found = TRACED.any(TRACED.not_equal(x, 0), axis=None)
        return int(found) if is_known(x) else TRACED.astype(found, dtype=plain_namespace(x).int64)
    s = svd(x, compute_uv=False, hermitian=hermitian)
    limit = strip(tol if tol is not None else _precision(x) if rtol is None else rtol)
    if getattr(limit, "ndim", 0):
        limit = limit[..., None]
    if tol is None:
        limit = TRACED.max(s, axis=-1, keepdims=True) * limit
    return TRACED.count_nonzero(TRACED.greater(s, limit), axis=-1)


def is_known(*arrays: Any) -> bool:
    """Whether numbers are NumPy's and the same for all examples: the host may look at them."""
    return not any(is_mapped(x) for x in arrays) and isinstance(lowest(arrays[0]), np.ndarray)


def lstsq(a, b, rcond=None):
    """The shortest least-squares solution: solution, sums of squared residuals, rank, values.

    As in NumPy, there are no residuals unless the rank is the number of columns and there are more
    rows; arrays of a device are not asked for their rank, only for their shape.
    """
    a, b = as_own_arrays((a, b))
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        message = (
            f"lstsq(b): got shapes {tuple(a.shape)} and {tuple(b.shape)}; expected a matrix, and a "
            "vector or matrix of as many rows."
        )
        raise ShapeError(message)
    a, b = of_one_dtype(a, b)
    columns = b if b.ndim == 2 else TRACED.reshape(b, shape=(*b.shape, 1))
    limit = _precision(a) if rcond is None else _precision(a) / max(a.shape) if rcond < 0 else rcond
    x = TRACED.matmul(TRACED.pinv(a, rtol=limit), columns)
    s = svdvals(a)
    values = strip(s)
    largest = TRACED.max(values, axis=-1, keepdims=True)
    rank = TRACED.count_nonzero(TRACED.greater(values, largest * limit), axis=-1)
    error = TRACED.abs(columns - TRACED.matmul(a, x))
    squares = TRACED.sum(error * error, axis=0, keepdims=False)
    if is_known(a, b):
        rank = int(rank)
    if a.shape[0] <= a.shape[1] or (type(rank) is int and rank < a.shape[1]):
        squares = TRACED.getitem(squares, key=slice(0, 0))
    return x if b.ndim == 2 else fresh(TRACED.reshape(x, shape=(-1,))), squares, rank, s


def of_one_dtype(a: Any, b: Any) -> tuple[Any, Any]:
    """Two arrays in the dtype that holds both."""
    if a.dtype == b.dtype:
        return a, b
    common = plain_namespace(a).result_type(a.dtype, b.dtype)
    a, b = (astype(x, common, copy=False) for x in (a, b))
    return a, b
