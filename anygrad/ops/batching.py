"""How a row is carried out for a whole batch at once: the examples lie along axis 0.

A rule is ``rule(row, xp, values, mapped, size, kw)``: the operands, which of them hold a batch, and
how many examples there are. Keyword arguments speak of one example. Every family has one rule; a
row whose keywords need more care has its own, in the field ``batch``.
"""

from __future__ import annotations

import math
from typing import Any

from anygrad.errors import MissingRuleError
from anygrad.ops.shaping import normal_axes


def rank_of(x: Any, mapped: bool) -> int:
    """The number of axes that one example has."""
    return len(getattr(x, "shape", ())) - mapped


def lift(xp: Any, x: Any, rank: int) -> Any:
    """A batch of examples with axes of length 1 in front, so that each broadcasts as it would."""
    missing = rank - (len(x.shape) - 1)
    if missing <= 0:
        return x
    return xp.reshape(x, shape=(x.shape[0], *(1,) * missing, *x.shape[1:]))


def repeat(xp: Any, x: Any, size: int) -> Any:
    """The same example ``size`` times, without a copy where the library can."""
    return xp.broadcast_to(x, shape=(size, *x.shape))


def move(xp: Any, x: Any, source: int, target: int) -> Any:
    """One axis moved to another position."""
    if source == target:
        return x
    order = [k for k in range(len(x.shape)) if k != source]
    order.insert(target, source)
    return xp.permute_dims(x, axes=tuple(order))


def batch_elementwise(row, xp, values, mapped, size, kw):
    """Each element by itself: operands of fewer axes get the missing ones behind the batch."""
    rank = max(rank_of(x, m) for x, m in zip(values, mapped, strict=True))
    lifted = [lift(xp, x, rank) if m else x for x, m in zip(values, mapped, strict=True)]
    return getattr(xp, row.name)(*lifted, **kw)


def batch_by_axes(row, xp, values, mapped, size, kw):
    """One operand whose keywords name axes and shapes: the batch comes in front of them."""
    (x,) = values
    return getattr(xp, row.name)(x, **behind_batch(kw, rank_of(x, True), size))


def behind_batch(kw: dict[str, Any], rank: int, size: int) -> dict[str, Any]:
    """The keywords of one example in those of a batch."""
    shifted = dict(kw)
    if "axis" in kw:
        axes = tuple(a + 1 for a in normal_axes(kw["axis"], rank))
        shifted["axis"] = axes[0] if isinstance(kw["axis"], int) else axes
    if "axes" in kw:
        shifted["axes"] = (0, *(a + 1 for a in kw["axes"]))
    if "shape" in kw:
        shifted["shape"] = (size, *kw["shape"])
    return shifted


def batch_broadcast(row, xp, values, mapped, size, kw):
    """``broadcast_to``, whose new axes come in front of those of the example."""
    (x,) = values
    return xp.broadcast_to(lift(xp, x, len(kw["shape"])), shape=(size, *kw["shape"]))


def batch_constant(row, xp, values, mapped, size, kw):
    """Comparisons and the like are elementwise; what takes an axis reduces or orders along it."""
    if "axis" not in kw:
        return batch_elementwise(row, xp, values, mapped, size, kw)
    (x,) = values
    if kw["axis"] is not None:
        return batch_by_axes(row, xp, values, mapped, size, kw)
    flat = xp.reshape(x, shape=(size, -1))
    y = getattr(xp, row.name)(flat, **{**kw, "axis": 1})
    if kw.get("keepdims"):
        return xp.reshape(y, shape=(size, *(1,) * rank_of(x, True)))
    return y


def batch_product(row, xp, values, mapped, size, kw):
    """``matmul``: one product for the whole batch, of two matrices where that is possible."""
    (a, b), (left, right) = values, mapped
    rank_a, rank_b = rank_of(a, left), rank_of(b, right)
    if not right and rank_b <= 2:  # rows of examples by one matrix, or one vector
        if rank_b == 2 and rank_a >= 2:
            rows = xp.reshape(a, shape=(math.prod(a.shape[:-1]), a.shape[-1]))
            return xp.reshape(xp.matmul(rows, b), shape=(*a.shape[:-1], b.shape[-1]))
        return xp.matmul(a, b)
    if not left and rank_b == 1 and rank_a <= 2:  # one matrix by vectors: rows by its transpose
        return xp.matmul(b, a if rank_a == 1 else xp.permute_dims(a, axes=(1, 0)))
    if not left and rank_a == 2 and rank_b == 2 and b.shape[-1] == 1:  # columns: one product
        columns = xp.reshape(b, shape=b.shape[:-1])
        y = xp.matmul(columns, xp.permute_dims(a, axes=(1, 0)))
        return xp.reshape(y, shape=(*y.shape, 1))
    if not left and rank_a <= 2 and rank_b >= 2:
        return xp.matmul(a, b)
    if rank_a == 1:
        a = xp.reshape(a, shape=(*a.shape[:-1], 1, a.shape[-1]))
    if rank_b == 1:
        b = xp.reshape(b, shape=(*b.shape, 1))
    rank = max(rank_a, rank_b, 2)
    y = xp.matmul(lift(xp, a, rank) if left else a, lift(xp, b, rank) if right else b)
    if rank_a == 1:
        y = xp.reshape(y, shape=(*y.shape[:-2], y.shape[-1]))
    return xp.reshape(y, shape=y.shape[:-1]) if rank_b == 1 else y


def batch_join(row, xp, values, mapped, size, kw):
    """Several operands along one axis: those that are no batch are repeated."""
    rank = rank_of(values[0], mapped[0]) + (row.name == "stack")
    whole = [x if m else repeat(xp, x, size) for x, m in zip(values, mapped, strict=True)]
    return getattr(xp, row.name)(*whole, **behind_batch(kw, rank, size))


def batch_searchsorted(row, xp, values, mapped, size, kw):
    """Positions in one sorted array; each example's own would need a search for each."""
    return refuse(row) if mapped[0] else xp.searchsorted(*values, **kw)


def refuse(row, *_: Any) -> Any:
    """No rule: the result of one example has another shape than that of the next."""
    message = (
        f"vmap: {row.name} has no batched form, its result may differ in shape between examples; "
        "expected operations with shapes that are known. Use a mask with xp.where, or a loop."
    )
    raise MissingRuleError(message)


RULES = {
    "elementwise": batch_elementwise,
    "linear": batch_by_axes,
    "reduction": batch_by_axes,
    "bilinear": batch_product,
    "join": batch_join,
    "constant": batch_constant,
}
"""The rule of every family."""
