"""Newton-Schulz iterations: the nearest matrix with orthonormal rows or columns, by products only.

The odd polynomial ``a x + b x^3 + c x^5`` acts on the singular values of a matrix and leaves its
singular vectors; a few times, it takes all of (0, 1] to the neighbourhood of 1. All functions take
stacks of matrices, the last two axes of an array.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.rules.leaves import is_complex
from anygrad.optimizers.rules.pieces import abs2
from anygrad.ranges import FINITE, check_number
from anygrad.trees.looking import look

__all__ = [
    "PRECONDITIONINGS",
    "check_coefficients",
    "matrix_shape",
    "orthogonalize",
    "polynomials",
    "shape_factor",
]

PRECONDITIONINGS = ("frobenius", "spectral", "aol", "schatten")
"""What brings the singular values into (0, 1] before the first polynomial."""

NAMED = {
    "dion": (
        (4.0848, -6.8946, 2.9270),
        (3.9505, -6.3029, 2.6377),
        (3.7418, -5.5913, 2.3037),
        (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012),
    )
}
"""Coefficients by name, one polynomial for each iteration."""

LEAST = 1e-8
"""Least divisor of the preconditionings that take it from the products."""


def check_coefficients(place: str, value: Any) -> Any:
    """Return a name, three numbers, or a tuple of such triples."""
    if isinstance(value, str) and value in NAMED:
        return value
    sequence = list(value) if isinstance(value, (tuple, list)) else []
    if sequence and all(isinstance(row, (tuple, list)) and len(row) == 3 for row in sequence):
        return tuple(check_coefficients(place, row) for row in sequence)
    if len(sequence) == 3:
        return tuple(check_number(place, number, FINITE) for number in sequence)
    names = ", ".join(map(repr, NAMED))
    message = (
        f"{place}: got {describe(value)}; expected three numbers, a list of such triples (one for "
        f"each iteration), or {names}."
    )
    raise ArgumentError(message)


def polynomials(coefficients: Any) -> tuple[tuple[float, float, float], ...] | None:
    """List the polynomials of all iterations; None if one serves for any number of them."""
    if isinstance(coefficients, str):
        return NAMED[coefficients]
    return coefficients if isinstance(coefficients[0], tuple) else None


def orthogonalize(
    xp: Namespace,
    x: Array,
    coefficients: Any,
    steps: int,
    preconditioning: str,
    eps: Any,
    eps_place: str,
) -> Array:
    """Bring all singular values of ``x`` near 1; what is exactly zero stays so."""
    tall = x.shape[-2] > x.shape[-1]
    x = adjoint(xp, x) if tall else x
    gram = None
    if preconditioning in ("frobenius", "spectral"):
        x = normalize(xp, x, preconditioning, eps, eps_place)
    else:
        x, gram = precondition(xp, x, preconditioning)
    for a, b, c in polynomials(coefficients) or (coefficients,) * steps:
        gram = x @ adjoint(xp, x) if gram is None else gram
        x = a * x + (b * gram + c * (gram @ gram)) @ x
        gram = None
    return adjoint(xp, x) if tall else x


def adjoint(xp: Namespace, x: Array) -> Array:
    """Transpose, and take the complex conjugate."""
    x = xp.matrix_transpose(x)
    return xp.conj(x) if is_complex(x) else x


def normalize(xp: Namespace, x: Array, which: str, eps: Any, eps_place: str) -> Array:
    """Divide by a norm of each matrix, and ``eps``."""
    norm = frobenius(xp, x) if which == "frobenius" else spectral(xp, x)
    return x / (norm + eps if eps_place == "added" else xp.maximum(norm, eps))


def precondition(xp: Namespace, x: Array, which: str) -> tuple[Array, Array]:
    """Scale rows by the row sums of ``x x'``, or all by its norm; return that product, too."""
    gram = x @ adjoint(xp, x)
    if which == "aol":
        size = xp.sum(xp.abs(gram), axis=-1, keepdims=True)
        s = 1 / xp.sqrt(xp.maximum(size, LEAST))
        return s * x, s * gram * xp.matrix_transpose(s)
    s = 1 / xp.sqrt(xp.maximum(frobenius(xp, gram), LEAST))
    return s * x, s * s * gram


def frobenius(xp: Namespace, x: Array) -> Array:
    """Take the 2-norm of each matrix, keeping its axes; no square overflows or vanishes."""
    peak = xp.max(xp.abs(x), axis=(-2, -1), keepdims=True)
    peak = xp.where(peak == 0.0, xp.ones_like(peak), peak)
    return peak * xp.sqrt(xp.sum(abs2(xp, x / peak), axis=(-2, -1), keepdims=True))


def spectral(xp: Namespace, x: Array) -> Array:
    """Take the largest singular value of each matrix, keeping its axes."""
    return look(_spectral, x)  # in a program, too, the function of the library itself


def _spectral(x: Array) -> Array:
    return namespace_of(x).linalg.matrix_norm(x, ord=2, keepdims=True)


def shape_factor(rows: int, columns: int, adjust: str, consistent_rms: float | None) -> float:
    """Tell how much longer the step of a matrix of this shape is than an orthogonal matrix."""
    if adjust == "match_rms_adamw" and consistent_rms is None:
        consistent_rms = 0.2
    if consistent_rms is not None:
        return consistent_rms * math.sqrt(max(rows, columns))
    return math.sqrt(max(1.0, rows / columns if adjust == "original" else columns / rows))


def matrix_shape(shape: Sequence[int], orthogonal: bool, higher_rank: str) -> tuple[int, ...]:
    """Choose the shape as a matrix, or as a stack of them; () for what is none."""
    if not orthogonal or len(shape) < 2 or 0 in shape:
        return ()
    if len(shape) == 2 or higher_rank == "stack":
        return tuple(shape)
    if higher_rank == "keep_first":
        return shape[0], math.prod(shape[1:])
    return (math.prod(shape[:-1]), shape[-1]) if higher_rank == "keep_last" else ()
