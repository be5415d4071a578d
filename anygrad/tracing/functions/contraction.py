"""Sums of products with named axes, as rows: diagonals, sums, and products of two at a time."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from anygrad.errors import ArgumentError
from anygrad.tracing.functions import subscripts
from anygrad.tracing.functions.arguments import (
    as_own_arrays,
    check_casting,
    check_order,
    common_dtype,
    deliver,
    fresh,
)
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.subscripts import Labels
from anygrad.tracing.level import LIFTED
from anygrad.tracing.operations import TRACED


class Factor(NamedTuple):
    """An array and the labels of its axes, each once."""

    array: Any
    labels: Labels


def einsum(*operands, out=None, optimize=False, dtype=None, order="K", casting="safe"):
    """Sums of products over axes with labels, in every form that NumPy takes.

    Three and more operands are contracted in the order that ``np.einsum_path`` finds for their
    shapes ("greedy" where ``optimize`` does not ask for another), two at a time.
    """
    check_order("einsum", order)
    arrays, terms, output = subscripts.read(operands)
    arrays = as_own_arrays(arrays)
    terms, output = subscripts.resolve(terms, output, tuple(len(a.shape) for a in arrays))
    common = common_dtype(arrays) if dtype is None else dtype
    for a in arrays:
        check_casting("einsum", a, common, casting)
    arrays = [a if a.dtype == common else astype(a, common) for a in arrays]
    sizes = subscripts.lengths(terms, [tuple(a.shape) for a in arrays])
    factors = [
        _without_ones(_diagonal(a, term), sizes) for a, term in zip(arrays, terms, strict=True)
    ]
    y, copied = _contracted(factors, output, sizes, optimize)
    return deliver("einsum", out, fresh(y) if copied else y)


def einsum_path(*operands, optimize="greedy", einsum_call=False):
    """The order of contraction that NumPy finds; it depends on shapes only."""
    stand_ins = [np.broadcast_to(0.0, a.shape) if type(a) in LIFTED else a for a in operands]
    return np.einsum_path(*stand_ins, optimize=optimize)


def _diagonal(a: Any, labels: Labels) -> Factor:
    """One axis for each label: that of the diagonal where a label stands more than once."""
    for label in labels:
        places = [k for k, other in enumerate(labels) if other == label]
        if len(places) == 1:
            continue
        rest = [k for k in range(len(labels)) if k not in places]
        n, shape = a.shape[places[0]], tuple(a.shape[k] for k in rest)
        moved = TRACED.permute_dims(a, axes=(*rest, *places))
        flat = TRACED.reshape(moved, shape=(*shape, n ** len(places)))
        stride = sum(n**k for k in range(len(places)))
        along = TRACED.getitem(flat, key=(..., slice(None, None, stride)))
        return _diagonal(along, (*(labels[k] for k in rest), label))
    return Factor(a, labels)


def _without_ones(factor: Factor, sizes: dict[int, int]) -> Factor:
    """Axes of length 1 that meet longer ones left out: the product broadcasts by itself."""
    array, labels = factor
    pairs = zip(labels, array.shape, strict=True)
    kept = tuple(label for label, n in pairs if n == sizes[label])
    return factor if kept == labels else Factor(_shaped(array, kept, sizes), kept)


def _shaped(array: Any, labels: Labels, sizes: dict[int, int]) -> Any:
    return TRACED.reshape(array, shape=tuple(sizes[label] for label in labels))


def _contracted(
    factors: list[Factor], output: Labels, sizes: dict[int, int], optimize: Any
) -> tuple[Any, bool]:
    """The result, and whether it has memory of its own."""
    if optimize is True or optimize is False or optimize is None:
        optimize = "greedy"
    optimize = tuple(map(_hashable, optimize)) if isinstance(optimize, list | tuple) else optimize
    terms = tuple(factor.labels for factor in factors)
    shapes = tuple(tuple(factor.array.shape) for factor in factors)
    copied = len(factors) > 1
    for step in subscripts.steps(terms, output, shapes, optimize):
        chosen = [factors[k] for k in sorted(step)]
        factors = [factor for k, factor in enumerate(factors) if k not in step]
        product = chosen[0]
        for k, other in enumerate(chosen[1:], 2):
            later = (*chosen[k:], *factors)
            wanted = {*output, *(label for factor in later for label in factor.labels)}
            product = _product(product, other, wanted, output, sizes)
        factors.append(product)
    if len(factors) != 1:
        message = f"einsum(optimize): got {optimize!r}; expected a path that leaves one factor."
        raise ArgumentError(message)
    (left,) = factors
    summed = _summed(left, set(output))
    copied = copied or summed is not left
    return _permuted(summed.array, summed.labels, output), copied


def _hashable(part: Any) -> Any:
    return tuple(part) if isinstance(part, list | tuple) else part


def _summed(factor: Factor, wanted: set[int]) -> Factor:
    """The labels that nobody asks for summed over."""
    array, labels = factor
    gone = tuple(k for k, label in enumerate(labels) if label not in wanted)
    if not gone:
        return factor
    kept = tuple(label for label in labels if label in wanted)
    return Factor(TRACED.sum(array, axis=gone, keepdims=False), kept)


def _permuted(array: Any, labels: Labels, order: Labels) -> Any:
    if labels == order:
        return array
    return TRACED.permute_dims(array, axes=tuple(labels.index(label) for label in order))


def _product(a: Factor, b: Factor, wanted: set[int], output: Labels, sizes: dict) -> Factor:
    """The product of two factors, summed over what only they have.

    A product of matrices where both have labels of their own or there is one to sum over,
    otherwise elementwise.
    """
    a = _summed(a, wanted | set(b.labels))
    b = _summed(b, wanted | set(a.labels))
    inner = tuple(x for x in a.labels if x in b.labels and x not in wanted)
    rows = tuple(x for x in a.labels if x not in b.labels)
    columns = tuple(x for x in b.labels if x not in a.labels)
    batch = tuple(x for x in a.labels if x in b.labels and x in wanted)
    if rows and columns and _place(columns[0], output) < _place(rows[0], output):
        a, b, rows, columns = b, a, columns, rows  # the order of the result, so that it is no view
    if inner and (rows or columns or not batch):
        return _matrix_product(a, b, (batch, rows, columns, inner), sizes)
    together = (*batch, *rows, *columns, *inner)
    order = tuple(sorted(together, key=lambda x: (_place(x, output), together.index(x))))
    y = Factor(_aligned(a, order, sizes) * _aligned(b, order, sizes), order)
    return _summed(y, wanted)


def _place(label: int, output: Labels) -> int:
    return output.index(label) if label in output else len(output)


def _aligned(factor: Factor, order: Labels, sizes: dict[int, int]) -> Any:
    """The axes in this order, of length 1 where the factor has none."""
    own = tuple(x for x in order if x in factor.labels)
    array = _permuted(factor.array, factor.labels, own)
    if own == order[len(order) - len(own) :]:
        return array  # broadcasts as it is
    return TRACED.reshape(array, shape=tuple(sizes[x] if x in own else 1 for x in order))


def _matrix_product(
    a: Factor, b: Factor, parts: tuple[Labels, ...], sizes: dict[int, int]
) -> Factor:
    """``a`` as rows by ``inner``, ``b`` as ``inner`` by columns, for each of the batch."""
    batch, rows, columns, inner = parts
    plain = not batch  # vectors may stay vectors
    left = _as_matrix(a, batch, (rows, inner), sizes, drop_first=plain and not rows)
    right = _as_matrix(b, batch, (inner, columns), sizes, drop_last=plain and not columns)
    labels = (*batch, *rows, *columns)
    y = TRACED.matmul(left, right)
    shape = tuple(sizes[x] for x in labels)
    return Factor(y if tuple(y.shape) == shape else TRACED.reshape(y, shape=shape), labels)


def _as_matrix(
    factor: Factor,
    batch: Labels,
    sides: tuple[Labels, Labels],
    sizes: dict[int, int],
    drop_first: bool = False,
    drop_last: bool = False,
) -> Any:
    first, last = sides
    array = _permuted(factor.array, factor.labels, (*batch, *first, *last))
    lengths = [math.prod(sizes[x] for x in side) for side in sides]
    ends = lengths[1:] if drop_first else lengths[:1] if drop_last else lengths
    shape = (*(sizes[x] for x in batch), *ends)
    return array if tuple(array.shape) == shape else TRACED.reshape(array, shape=shape)
