"""Averages with weights, covariances, and statistics that leave NaN out."""

from __future__ import annotations

import builtins
import math
from typing import Any

from anygrad.errors import ArgumentError, ShapeError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import (
    ABSENT,
    as_arrays,
    common_dtype,
    deliver,
    fresh,
    plain_axis,
    plain_keepdims,
)
from anygrad.tracing.functions.assembling import diagonal
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.joining import concat
from anygrad.tracing.functions.reductions import (
    max,
    mean,
    min,
)
from anygrad.tracing.functions.shapes import broadcast_to, permute_dims, reshape, squeeze
from anygrad.tracing.functions.spectra import as_complex
from anygrad.tracing.functions.values import along, on_host
from anygrad.tracing.level import answer, is_mapped, plain_namespace, strip
from anygrad.tracing.operations import TRACED


def average(a, axis=None, weights=None, returned=False, *, keepdims=ABSENT):
    """The mean with weights, which may be traced, too.

    Weights that add up to zero are an error for NumPy's arrays, and give NaN or infinity elsewhere.
    """
    axis, keepdims = plain_axis(axis), plain_keepdims(keepdims)
    if weights is None:
        y = mean(a, axis, keepdims=keepdims)
        total = TRACED.zeros_like(strip(y)) + a.size / math.prod(y.shape) if returned else None
        return (y, total) if returned else y
    a, weights = as_arrays((a, weights))
    weights = along("average", weights, a, axis)
    dtype = common_dtype((a, weights))
    a, weights = (astype(x, dtype, copy=False) for x in (a, weights))
    total = TRACED.sum(weights, axis=_axes_of(weights, axis), keepdims=keepdims)
    if on_host(total) and not is_mapped(total) and answer(total, _has_zero):
        message = "average(weights): got weights that add up to zero; expected another sum."
        raise _NothingToWeigh(message)
    y = TRACED.sum(TRACED.multiply(a, weights), axis=_axes_of(a, axis), keepdims=keepdims) / total
    if not returned:
        return y
    return y, total if total.shape == y.shape else fresh(broadcast_to(total, y.shape))


class _NothingToWeigh(ArgumentError, ZeroDivisionError):
    """NumPy raises a ZeroDivisionError."""


def _axes_of(x, axis):
    return axis if axis is None else normal_axes(axis, x.ndim)


def ptp(a, axis=None, out=None, keepdims=ABSENT):
    """The greatest minus the smallest element; equal extremes share the derivative."""
    keepdims = plain_keepdims(keepdims)
    return deliver("ptp", out, max(a, axis, None, keepdims) - min(a, axis, None, keepdims))


# Covariances


def cov(
    m,
    y=None,
    rowvar=True,
    bias=False,
    ddof=None,
    fweights=None,
    aweights=None,
    *,
    dtype=None,
):
    """The covariances of variables, which are rows, with weights of the observations."""
    if ddof is not None and ddof != int(ddof):
        message = f"cov(ddof): got {ddof!r}; expected an integer."
        raise ArgumentError(message)
    x = _variables(m, y, rowvar, dtype)
    ddof = (0 if bias else 1) if ddof is None else int(ddof)
    n = x.shape[1]
    weights = _weights_of_observations(fweights, aweights, x)
    if weights is None:
        centred, count = x - TRACED.mean(x, axis=1, keepdims=True), builtins.max(n - ddof, 0)
        weighted = centred
    else:
        total = TRACED.sum(weights, axis=None, keepdims=False)
        middle = TRACED.sum(TRACED.multiply(x, weights), axis=1, keepdims=True) / total
        centred = TRACED.subtract(x, middle)
        weighted, count = TRACED.multiply(centred, weights), total - ddof
        if ddof and aweights is not None:
            spent = TRACED.multiply(weights, as_arrays((aweights, x))[0])
            count = total - ddof * TRACED.sum(spent, axis=None, keepdims=False) / total
    adjoint = permute_dims(weighted)
    if kind_of(x.dtype) == "complex":
        adjoint = TRACED.conj(adjoint)
    return squeeze(TRACED.matmul(centred, adjoint) / count)


def _variables(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """One variable in each row."""
    parts = as_arrays((m,) if y is None else (m, y))
    rows = []
    for part in parts:
        if part.ndim > 2:
            message = f"cov(m): got {part.ndim} axes; expected at most 2."
            raise ShapeError(message)
        row = part if part.ndim == 2 else reshape(part, (1, -1))
        rows.append(row if rowvar or part.ndim < 2 else permute_dims(row))
    x = rows[0] if len(rows) == 1 else concat(rows, 0)
    xp = plain_namespace(x)
    dtype = xp.result_type(x.dtype, xp.float64) if dtype is None else dtype  # as NumPy's
    return astype(x, dtype, copy=False)


def _weights_of_observations(fweights: Any, aweights: Any, x: Any) -> Any:
    weights = None
    for name, given_weights in (("fweights", fweights), ("aweights", aweights)):
        if given_weights is None:
            continue
        (part,) = as_arrays((given_weights, x))[:1]
        if tuple(part.shape) != (x.shape[1],):
            message = (
                f"cov({name}): got shape {tuple(part.shape)}; expected ({x.shape[1]},), one weight "
                "for each observation."
            )
            raise ShapeError(message)
        if name == "fweights" and kind_of(part.dtype) != "other":
            message = "cov(fweights): got floating numbers; expected integers. Use aweights."
            raise ArgumentError(message)
        real = TRACED.real(strip(x)).dtype
        part = astype(part, real, copy=False)
        weights = part if weights is None else TRACED.multiply(weights, part)
    return weights


def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    """The correlation coefficients of variables, which are rows.

    Values beyond 1, by rounding, are cut; that is no limit that the derivative knows of.
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviations = TRACED.sqrt(TRACED.real(diagonal(c)))
    c = c / reshape(deviations, (-1, 1)) / reshape(deviations, (1, -1))
    value = strip(c)
    if kind_of(c.dtype) != "complex":
        return c + (_cut(value) - value)
    parts = (_cut(TRACED.real(value)), _cut(TRACED.imag(value)))
    real, imag = map(as_complex, parts)
    return c + (real + imag * 1j - value)


def _cut(value):
    return TRACED.minimum(TRACED.maximum(value, -1.0), 1.0)


def _has_zero(value):
    return bool((value == 0).any())
