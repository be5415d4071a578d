"""Functions on flat lists of arrays, of which some are floating, and have derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.autodiff.batching import Batch, land
from anygrad.autodiff.calls import Call, Leaves, zeros
from anygrad.autodiff.forward import jvp
from anygrad.autodiff.reverse import vjp
from anygrad.ops.shaping import kind_of
from anygrad.tracing import lowest

__all__ = ["chosen", "filled", "floating_vjp", "is_floating", "looked_into", "row_of"]


def is_floating(x: Any) -> bool:
    """Whether an array has derivatives."""
    return kind_of(x.dtype) != "other"


def row_of(x: Any, k: int) -> Any:
    """One row, as the loop over an array of its library gives it."""
    return x[k] if isinstance(lowest(x), np.ndarray) else x[k, ...]


def looked_into(name: str, f: Callable[[Leaves], Leaves]) -> Call:
    """The call of ordinary code, which every level looks into."""

    def reverse(leaves: Leaves) -> tuple[Leaves, Callable[[Leaves], Leaves]]:
        return floating_vjp(f, leaves, list(map(is_floating, leaves)))

    def forward(leaves: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
        moves = [t is not None for t in tangents]

        def part(*xs: Any) -> Leaves:
            return f(filled(leaves, moves, xs))

        return jvp(part, tuple(chosen(leaves, moves)), tuple(chosen(tangents, moves)))

    def batched(mapped: tuple[bool, ...], size: int) -> Call:
        def of_batch(leaves: Leaves) -> Leaves:
            level = Batch(size)
            level.origin = name
            given = [level.wrap(x) if m else x for x, m in zip(leaves, mapped, strict=True)]
            found = f(given)
            level.close()
            return [land(level, y, 0) for y in found]

        return looked_into(name, of_batch)

    return Call(name, f, reverse, forward, batched)


def floating_vjp(
    f: Callable[[Leaves], Leaves], leaves: Leaves, wants: list[bool]
) -> tuple[Leaves, Callable[[Leaves], Leaves]]:
    """`vjp` of a function on lists, some of whose results are integers."""
    if not any(wants):
        return f(leaves), lambda gs: [None] * len(leaves)
    others: list[Any] = []
    gives: list[bool] = []

    def part(*xs: Any) -> Leaves:
        found = f(filled(leaves, wants, xs))
        gives[:] = map(is_floating, found)
        others[:] = found
        return chosen(found, gives)

    values, pullback = vjp(part, *chosen(leaves, wants))
    results = filled(others, gives, values)
    others.clear()

    def pull(gs: Leaves) -> Leaves:
        whole = [
            zeros(y) if g is None else g
            for g, y in zip(chosen(gs, gives), chosen(results, gives), strict=True)
        ]
        return filled([None] * len(leaves), wants, pullback(whole))

    return results, pull


def chosen(xs: Any, flags: list[bool]) -> Leaves:
    """The elements that are flagged."""
    return [x for x, flag in zip(xs, flags, strict=True) if flag]


def filled(xs: Any, flags: list[bool], chosen: Any) -> Leaves:
    """A list with other elements in the places that are flagged."""
    rest = iter(chosen)
    return [next(rest) if flag else x for x, flag in zip(xs, flags, strict=True)]
