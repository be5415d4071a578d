"""Sums of products with named axes, as rows: diagonals, sums, and products of two at a time.

What is to be done depends on subscripts and shapes only; it is worked out once and remembered.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

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


def einsum(*operands, out=None, optimize=False, dtype=None, order="K", casting="safe"):
    """Sums of products over axes with labels, in every form that NumPy takes.

    Three and more operands are contracted in the order that ``np.einsum_path`` finds for their
    shapes ("greedy" where ``optimize`` does not ask for another), two at a time.
    """
    if order != "K":
        check_order("einsum", order)
    arrays, terms, output = subscripts.read(operands)
    arrays = as_own_arrays(arrays)
    common = common_dtype(arrays) if dtype is None else dtype
    for k, a in enumerate(arrays):
        if a.dtype != common:
            check_casting("einsum", a, common, casting)
            arrays[k] = astype(a, common)
    shapes = tuple([tuple(a.shape) for a in arrays])
    plan = plan_for(terms, output, shapes, _hashable(optimize))
    return deliver("einsum", out, plan.run(arrays))


def einsum_path(*operands, optimize="greedy", einsum_call=False):
    """The order of contraction that NumPy finds; it depends on shapes only."""
    stand_ins = [np.broadcast_to(0.0, a.shape) if type(a) in LIFTED else a for a in operands]
    return np.einsum_path(*stand_ins, optimize=optimize)


class Factor(NamedTuple):
    """An array to come: its number, and the label and length of each axis."""

    number: int
    labels: Labels
    shape: tuple[int, ...]


class Plan:
    """Operations on numbered arrays: first those given, then the results; each is used once."""

    def __init__(self, count: int, sizes: dict[int, int], output: Labels) -> None:
        self.next, self.sizes, self.output = count, sizes, output
        self.steps: list[tuple[Callable[..., Any], tuple[int, ...], dict[str, Any]]] = []
        self.copied = False

    def add(self, name: str, *factors: Factor, labels: Labels, shape: Any, **kw: Any) -> Factor:
        """Note a row, and the factor that it gives."""
        if name == "reshape":
            kw["shape"] = tuple(shape)
        self.steps.append((getattr(TRACED, name), tuple([f.number for f in factors]), kw))
        self.copied = self.copied or name in ("sum", "multiply", "matmul")
        self.next += 1
        return Factor(self.next - 1, labels, tuple(shape))

    def run(self, arrays: list[Any]) -> Any:
        """Carry it out; the result is a view where NumPy's is one."""
        values = dict(enumerate(arrays))
        y = arrays[0]
        for number, (operation, operands, kw) in enumerate(self.steps, len(arrays)):
            y = values[number] = operation(*[values.pop(k) for k in operands], **kw)
        ends_in_a_view = self.copied and self.steps[-1][0] in (_RESHAPE, _PERMUTE)
        return fresh(y) if ends_in_a_view else y


_RESHAPE, _PERMUTE = TRACED.reshape, TRACED.permute_dims


@functools.lru_cache(maxsize=512)
def plan_for(terms: tuple, output: Any, shapes: tuple, optimize: Any) -> Plan:
    """What is to be done for operands of these shapes."""
    terms, output = subscripts.resolve(terms, output, tuple([len(shape) for shape in shapes]))
    plan = Plan(len(shapes), subscripts.lengths(terms, shapes), output)
    factors = [
        _without_ones(plan, _diagonal(plan, Factor(k, term, shape)))
        for k, (term, shape) in enumerate(zip(terms, shapes, strict=True))
    ]
    if isinstance(optimize, bool) or optimize is None:
        optimize = "greedy"
    known, sizes = tuple([f.labels for f in factors]), tuple([f.shape for f in factors])
    for step in subscripts.steps(known, output, sizes, optimize):
        chosen = [factors[k] for k in sorted(step)]
        factors = [factor for k, factor in enumerate(factors) if k not in step]
        product = chosen[0]
        for k, other in enumerate(chosen[1:], 2):
            later = (*chosen[k:], *factors)
            wanted = {*output, *(label for factor in later for label in factor.labels)}
            product = _product(plan, product, other, wanted)
        factors.append(product)
    _permuted(plan, _summed(plan, factors[0], set(output)), output)
    return plan


def _hashable(part: Any) -> Any:
    return tuple(map(_hashable, part)) if isinstance(part, list | tuple) else part


def _reshaped(plan: Plan, x: Factor, labels: Labels, shape: Any) -> Factor:
    if x.shape == tuple(shape):
        return Factor(x.number, labels, x.shape)
    return plan.add("reshape", x, labels=labels, shape=shape)


def _permuted(plan: Plan, x: Factor, order: Labels) -> Factor:
    if x.labels == order:
        return x
    axes = tuple([x.labels.index(label) for label in order])
    shape = [x.shape[k] for k in axes]
    return plan.add("permute_dims", x, labels=order, shape=shape, axes=axes)


def _summed(plan: Plan, x: Factor, wanted: set[int]) -> Factor:
    """The labels that nobody asks for summed over."""
    gone = tuple([k for k, label in enumerate(x.labels) if label not in wanted])
    if not gone:
        return x
    kept = [k for k in range(len(x.labels)) if k not in gone]
    labels, shape = tuple([x.labels[k] for k in kept]), [x.shape[k] for k in kept]
    return plan.add("sum", x, labels=labels, shape=shape, axis=gone, keepdims=False)


def _diagonal(plan: Plan, x: Factor) -> Factor:
    """One axis for each label: that of the diagonal where a label stands more than once."""
    for label in x.labels:
        places = [k for k, other in enumerate(x.labels) if other == label]
        if len(places) == 1:
            continue
        rest = [k for k in range(len(x.labels)) if k not in places]
        n, shape = x.shape[places[0]], [x.shape[k] for k in rest]
        axes, labels = (*rest, *places), tuple([x.labels[k] for k in rest])
        x = plan.add("permute_dims", x, labels=(), shape=[x.shape[k] for k in axes], axes=axes)
        x = _reshaped(plan, x, (), (*shape, n ** len(places)))
        stride = sum(n**k for k in range(len(places)))
        key = (..., slice(None, None, stride))
        x = plan.add("getitem", x, labels=(*labels, label), shape=(*shape, n), key=key)
        return _diagonal(plan, x)
    return x


def _without_ones(plan: Plan, x: Factor) -> Factor:
    """Axes of length 1 that meet longer ones left out: the product broadcasts by itself."""
    pairs = zip(x.labels, x.shape, strict=True)
    kept = tuple([label for label, n in pairs if n == plan.sizes[label]])
    return _reshaped(plan, x, kept, [plan.sizes[label] for label in kept])


def _product(plan: Plan, a: Factor, b: Factor, wanted: set[int]) -> Factor:
    """The product of two factors, summed over what only they have.

    A product of matrices where there is a label to sum over and one that only one factor has, or
    two vectors; otherwise elementwise.
    """
    a = _summed(plan, a, wanted | set(b.labels))
    b = _summed(plan, b, wanted | set(a.labels))
    inner = tuple([x for x in a.labels if x in b.labels and x not in wanted])
    rows = tuple([x for x in a.labels if x not in b.labels])
    columns = tuple([x for x in b.labels if x not in a.labels])
    batch = tuple([x for x in a.labels if x in b.labels and x in wanted])
    if rows and columns and _place(plan, columns[0]) < _place(plan, rows[0]):
        a, b, rows, columns = b, a, columns, rows  # the order of the result, so that it is no view
    if inner and (rows or columns or not batch):
        return _matrix_product(plan, a, b, (batch, rows, columns, inner))
    together = (*batch, *rows, *columns, *inner)
    order = tuple(sorted(together, key=lambda x: (_place(plan, x), together.index(x))))
    left, right = _aligned(plan, a, order), _aligned(plan, b, order)
    shape = [plan.sizes[x] for x in order]
    return _summed(plan, plan.add("multiply", left, right, labels=order, shape=shape), wanted)


def _place(plan: Plan, label: int) -> int:
    return plan.output.index(label) if label in plan.output else len(plan.output)


def _aligned(plan: Plan, x: Factor, order: Labels) -> Factor:
    """The axes in this order, of length 1 where the factor has none."""
    own = tuple([label for label in order if label in x.labels])
    x = _permuted(plan, x, own)
    if own == order[len(order) - len(own) :]:
        return x  # broadcasts as it is
    return _reshaped(plan, x, order, [plan.sizes[k] if k in own else 1 for k in order])


def _matrix_product(plan: Plan, a: Factor, b: Factor, parts: tuple[Labels, ...]) -> Factor:
    """``a`` as rows by ``inner``, ``b`` as ``inner`` by columns, for each of the batch."""
    batch, rows, columns, inner = parts
    ends = [math.prod([plan.sizes[x] for x in part]) for part in (rows, inner, columns)]
    first = [] if not batch and not rows else ends[:1]  # vectors may stay vectors
    last = [] if not batch and not columns else ends[2:]
    lead = [plan.sizes[x] for x in batch]
    left, right = (*batch, *rows, *inner), (*batch, *inner, *columns)
    a = _reshaped(plan, _permuted(plan, a, left), left, (*lead, *first, ends[1]))
    b = _reshaped(plan, _permuted(plan, b, right), right, (*lead, ends[1], *last))
    labels = (*batch, *rows, *columns)
    y = plan.add("matmul", a, b, labels=labels, shape=(*lead, *first, *last))
    return _reshaped(plan, y, labels, [plan.sizes[x] for x in labels])
