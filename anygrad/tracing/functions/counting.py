"""Values counted in bins: counts and positions are constants, weights and edges differentiate."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError
from anygrad.ops import ROWS
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions.arguments import as_arrays
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import diff, ravel
from anygrad.tracing.functions.values import beside_values, on_host, positions
from anygrad.tracing.level import (
    LIFTED,
    answer,
    bind,
    is_mapped,
    plain_namespace,
    read_value,
    strip,
)
from anygrad.tracing.operations import TRACED


def histogram(a, bins=10, range=None, density=None, weights=None):
    """How many values, or what sum of weights, is in each bin; and the edges of the bins.

    Without ``range`` the edges follow the least and the greatest value, and differentiate. Which
    bin a value is in is a constant.
    """
    arrays = as_arrays([a, *([] if weights is None else [weights])])
    a = ravel(arrays[0])
    edges = _edges("histogram", a, bins, range, weights)
    index = _bins_of(strip(a), strip(edges))
    n = edges.shape[0] - 1
    if weights is None:
        sums = _sums(beside_values(np.ones(a.size, dtype=np.int64), a), index, n)
    else:
        if tuple(arrays[1].shape) != tuple(arrays[0].shape):
            message = (
                f"histogram(weights): got shape {arrays[1].shape}; expected {arrays[0].shape}."
            )
            raise ShapeError(message)
        sums = _sums(ravel(arrays[1]), index, n)
    if not density:
        return sums, edges
    widths, double = diff(edges), plain_namespace(a).float64  # double precision, as in NumPy
    widths = astype(widths, double, copy=False)
    sums = astype(sums, double) if kind_of(sums.dtype) == "other" else sums
    whole = TRACED.sum(sums, axis=None, keepdims=False)
    return TRACED.divide(TRACED.divide(sums, widths), whole), edges


def histogram_bin_edges(a, bins=10, range=None, weights=None):
    """The edges of the bins that `histogram` counts in."""
    return _edges("histogram_bin_edges", ravel(a), bins, range, weights)


def _edges(where: str, a: Any, bins: Any, range: Any, weights: Any) -> Any:
    if isinstance(bins, str):
        bins = _number_of_bins(where, a, bins, range, weights)
    if np.ndim(bins) == 1:
        edges = bins if hasattr(bins, "shape") else beside_values(bins, a)
        if on_host(edges) and not is_mapped(edges) and answer(edges, _decrease):
            message = (
                f"{where}(bins): got edges that decrease; expected increasing ones. Sort them."
            )
            raise ArgumentError(message)
        return edges
    if np.ndim(bins) or int(bins) != bins or bins < 1:
        message = f"{where}(bins): got {bins!r}; expected a number, from 1, or a list of edges."
        raise ArgumentError(message)
    first, last = _limits(where, a, range)
    numbers = beside_values(np.arange(int(bins) + 1.0), a)
    numbers = astype(numbers, first.dtype, copy=False)
    # as numpy.linspace, rounding included
    inner = TRACED.add(TRACED.multiply(numbers, (last - first) / int(bins)), first)
    return TRACED.where(numbers == int(bins), last, inner)


def _limits(where: str, a: Any, range: Any) -> tuple[Any, Any]:
    if kind_of(a.dtype) == "other":
        a = astype(a, plain_namespace(a).float64)
    if range is not None:
        first, last = as_arrays((*range, a))[:2]
        known = on_host(first) and not is_mapped(first)
        if known and bool(TRACED.greater(strip(first), strip(last))):
            message = f"{where}(range): got {range!r}; expected the lower limit first."
            raise ArgumentError(message)
    elif not a.size:
        first, last = as_arrays((0.0, 1.0, a))[:2]
    else:
        first, last = (getattr(TRACED, m)(a, axis=None, keepdims=False) for m in ("min", "max"))
    gap = astype(TRACED.equal(strip(first), strip(last)), first.dtype) * 0.5
    return first - gap, last + gap


def _number_of_bins(where: str, a: Any, bins: str, range: Any, weights: Any) -> int:
    """NumPy's rule of this name, which reads the values."""
    if not on_host(a) or is_mapped(a) or _is_traced(range):
        message = f"{where}(bins): got {bins!r} for {type(a).__name__}; expected a number of bins."
        raise MissingRuleError(message)
    plain_weights = None if weights is None else read_value(weights)

    def count(value: Any) -> int:
        return np.histogram_bin_edges(value, bins, range, plain_weights).size - 1

    return answer(a, count)


def _decrease(value: Any) -> bool:
    return bool((np.diff(value) < 0).any())


def _is_traced(range: Any) -> bool:
    return type(range) in LIFTED or (range is not None and any(type(x) in LIFTED for x in range))


def _bins_of(a: Any, edges: Any) -> Any:
    """The bin of each value; one more than the last for values outside."""
    n = edges.shape[0] - 1
    index = positions(edges, a, "right") - 1
    index = TRACED.where(TRACED.equal(a, edges[-1]), n - 1, index)
    return TRACED.where((index < 0) | (index >= n), n, index)


def _sums(values: Any, index: Any, n: int) -> Any:
    sums = bind(ROWS["untake"], (values,), {"indices": index, "axis": 0, "shape": (n + 1,)})
    return sums[:n]


def bincount(x, /, weights=None, minlength=0):
    """The sum of weights, or the count, for each integer: its length depends on values.

    As in NumPy, the sums have double precision.
    """
    x, weights = x, weights if weights is None else as_arrays((weights, x))[0]
    x = x if hasattr(x, "shape") else beside_values(np.asarray(x, dtype=np.int64), weights)
    if kind_of(x.dtype) != "other":
        message = f"bincount(x): got dtype {x.dtype}; expected integers."
        raise DTypeError(message)
    if type(x) in LIFTED:
        message = (
            "bincount(x): got integers that differ between the examples of vmap, and so do the "
            "lengths; expected the same ones. Use a loop."
        )
        raise MissingRuleError(message)
    if x.ndim != 1 or (weights is not None and tuple(weights.shape) != tuple(x.shape)):
        message = f"bincount(x): got shape {tuple(x.shape)}; expected one axis, and such weights."
        raise ShapeError(message)
    xp = plain_namespace(x)
    least, most = (int(xp.min(x)), int(xp.max(x))) if x.shape[0] else (0, -1)
    if least < 0:
        message = f"bincount(x): got {least}; expected integers from 0."
        raise ArgumentError(message)
    n = max(most + 1, int(minlength))
    if weights is None:
        return _sums(beside_values(np.ones(x.shape[0], dtype=np.int64), x), x, n)
    dtype = plain_namespace(weights).float64
    return _sums(astype(weights, dtype, copy=False), x, n)


def digitize(x, bins, right=False):
    """The number of the bin of each value, for edges that increase or decrease; a constant."""
    x, bins = (strip(part) for part in as_arrays((x, bins)))
    if bins.ndim != 1 or any(kind_of(part.dtype) == "complex" for part in (x, bins)):
        message = f"digitize(bins): got {bins.ndim} axes; expected one axis of real edges."
        raise ArgumentError(message)
    side = "left" if right else "right"
    up = positions(bins, x, side)
    if bins.shape[0] < 2:
        return up
    down = bins.shape[0] - positions(TRACED.flip(bins, axis=0), x, side)
    return TRACED.where(bins[0] > bins[-1], down, up)
