"""``numpy.linalg`` and ``xp.linalg`` of traced arrays: every function has its name there."""

from __future__ import annotations

import math
import operator
from typing import Any

from anygrad.errors import ArgumentError, ShapeError
from anygrad.ops.shaping import normal_axes
from anygrad.tracing.functions import products
from anygrad.tracing.functions.arguments import (
    as_own_arrays,
    deliver,
    fresh,
    plain_axis,
)
from anygrad.tracing.functions.assembling import diagonal as diagonal_of_axes
from anygrad.tracing.functions.creation import zeros_like
from anygrad.tracing.functions.decomposing import (
    check_square,
    cholesky,
    det,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    identity_beside,
    inv,
    qr,
    slogdet,
    svd,
    svdvals,
)
from anygrad.tracing.functions.norms import cond, matrix_norm, norm
from anygrad.tracing.functions.products import matrix_trace as trace
from anygrad.tracing.functions.products import outer, tensordot, vecdot, vector_norm
from anygrad.tracing.functions.ranks import lstsq, matrix_rank, pinv
from anygrad.tracing.functions.shapes import matrix_transpose
from anygrad.tracing.operations import TRACED

matmul = TRACED.matmul

SHARED = {
    "cholesky": cholesky,
    "cond": cond,
    "det": det,
    "eig": eig,
    "eigh": eigh,
    "eigvals": eigvals,
    "eigvalsh": eigvalsh,
    "inv": inv,
    "lstsq": lstsq,
    "matmul": matmul,
    "matrix_norm": matrix_norm,
    "matrix_rank": matrix_rank,
    "matrix_transpose": matrix_transpose,
    "norm": norm,
    "outer": outer,
    "pinv": pinv,
    "qr": qr,
    "slogdet": slogdet,
    "svd": svd,
    "svdvals": svdvals,
    "tensordot": tensordot,
    "trace": trace,
    "vecdot": vecdot,
    "vector_norm": vector_norm,
}
"""Functions that the main namespace, or another module beside this one, has too."""


def solve(a, b):
    """The solution of a x = b; ``b`` is a vector if it has one axis, else matrices of columns."""
    a, b = as_own_arrays((a, b))
    if b.ndim != 1:
        return TRACED.solve(a, b)
    y = TRACED.solve(a, TRACED.reshape(b, shape=(b.shape[0], 1)))
    return fresh(TRACED.reshape(y, shape=y.shape[:-1]))


def tensorsolve(a, b, axes=None):
    """The solution of an equation whose matrix has its rows and columns in several axes."""
    a, b = as_own_arrays((a, b))
    if axes is not None:
        axes = normal_axes(plain_axis(axes), a.ndim)
        kept = [k for k in range(a.ndim) if k not in axes]
        a = TRACED.permute_dims(a, axes=(*kept, *axes))
    shape = tuple(a.shape[b.ndim :])
    n = math.prod(shape)
    if math.prod(a.shape) != n * n or math.prod(b.shape) != n:
        message = (
            f"tensorsolve(a): got shapes {tuple(a.shape)} and {tuple(b.shape)}; expected as many "
            "elements in the first axes, those of b, as in the rest."
        )
        raise ShapeError(message)
    y = solve(TRACED.reshape(a, shape=(n, n)), TRACED.reshape(b, shape=(n,)))
    return fresh(TRACED.reshape(y, shape=shape))


def tensorinv(a, ind=2):
    """The inverse of a matrix that has its rows in the first ``ind`` axes."""
    if not 0 < ind < a.ndim:
        message = f"tensorinv(ind): got {ind} for {a.ndim} axes; expected at least 1, not all."
        raise ArgumentError(message)
    rows, columns = tuple(a.shape[:ind]), tuple(a.shape[ind:])
    flat = TRACED.reshape(a, shape=(math.prod(rows), math.prod(columns)))
    return fresh(TRACED.reshape(TRACED.inv(flat), shape=columns + rows))


def matrix_power(a, n):
    """Products of a matrix with itself; of its inverse for negative ``n``."""
    check_square("matrix_power(a)", a)
    n = operator.index(n)
    if n == 0:
        return zeros_like(a) + identity_beside(a)
    if n < 0:
        a, n = TRACED.inv(a), -n
    if n == 3:
        return TRACED.matmul(TRACED.matmul(a, a), a)
    power = result = None
    while n:
        power = a if power is None else TRACED.matmul(power, power)
        n, bit = divmod(n, 2)
        if bit:
            result = power if result is None else TRACED.matmul(result, power)
    return TRACED.positive(result) if result is a else result


def multi_dot(arrays, *, out=None):
    """The product of several matrices, in the order that takes the fewest multiplications."""
    arrays = as_own_arrays(arrays)
    if len(arrays) < 2:
        message = f"multi_dot(arrays): got {len(arrays)}; expected two arrays at least."
        raise ArgumentError(message)
    ends = arrays[0].ndim, arrays[-1].ndim
    if ends[0] == 1:
        arrays[0] = TRACED.reshape(arrays[0], shape=(1, *arrays[0].shape))
    if ends[1] == 1:
        arrays[-1] = TRACED.reshape(arrays[-1], shape=(*arrays[-1].shape, 1))
    if any(a.ndim != 2 for a in arrays):
        message = "multi_dot(arrays): expected matrices; the first and last may be vectors."
        raise ShapeError(message)
    sizes = [arrays[0].shape[0], *(a.shape[1] for a in arrays)]
    y = _product(arrays, _best_splits(sizes), 0, len(arrays) - 1)
    shape = (*(y.shape[:1] if ends[0] == 2 else ()), *(y.shape[1:] if ends[1] == 2 else ()))
    return deliver("multi_dot", out, fresh(TRACED.reshape(y, shape=shape)))


def _best_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each run of matrices (Cormen et al., Introduction to Algorithms, ch. 15.2)."""
    count = len(sizes) - 1
    cost = {(k, k): 0 for k in range(count)}
    split = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return split


def _product(arrays: list[Any], split: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return arrays[i]
    k = split[i, j]
    return TRACED.matmul(_product(arrays, split, i, k), _product(arrays, split, k + 1, j))


def cross(x1, x2, /, *, axis=-1):
    """Cross products of vectors with 3 components."""
    x1, x2 = as_own_arrays((x1, x2))
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        message = (
            f"cross(axis): got shapes {tuple(x1.shape)} and {tuple(x2.shape)}; expected 3 "
            f"components along axis {axis}."
        )
        raise ShapeError(message)
    return products.cross(x1, x2, axis=axis)


def diagonal(x, /, *, offset=0):
    """The diagonals of the matrices in the last two axes."""
    return diagonal_of_axes(x, offset, -2, -1)
