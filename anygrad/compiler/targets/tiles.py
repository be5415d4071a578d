"""How a large group is cut, so that what is computed of it at a time stays in the cache.

No result depends on the cut. Elementwise it cannot; and NumPy's sum of an array without gaps is a
tree of halves, so that the sums of its branches, joined in the order of the tree, are the same sum.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from anygrad.compiler.grouping import Group
from anygrad.compiler.program import Node, Ref
from anygrad.compiler.targets.spaces import is_flat, layout
from anygrad.compiler.targets.writers import writer_of

__all__ = ["Tiles", "admits", "join", "plan", "sums_follow_halves"]

TILED_FROM = 1 << 15
"""Elements of a group from which it is cut."""
BUDGET = 1 << 20
"""Bytes that a tile touches, operands and results included."""
SMALLEST, LARGEST = 1 << 12, 1 << 16
"""Elements of a tile."""


class Tiles(NamedTuple):
    """A group as it is cut.

    Attributes
    ----------
    group : Group
        With those reductions only that are carried out tile by tile.
    flat : bool
        Whether all arrays are cut as if they had one axis; else along the first one.
    cut : frozenset of int
        The operands that are cut; others are read whole for each tile.
    bounds : tuple of (int, int)
        From where to where, tile by tile.
    largest : int
        The length of the longest tile.
    """

    group: Group
    flat: bool
    cut: frozenset[int]
    bounds: tuple[tuple[int, int], ...]
    largest: int


def admits(node: Node, specs: dict[int, Any]) -> str:
    """Why a node is not carried out tile by tile; empty if it can be."""
    if node.name in ("sum", "mean"):
        source = specs[node.operands[0]]
        if node.keywords.get("axis") is not None or node.keywords.get("keepdims"):
            return f"{node.name} along some axes: NumPy adds in another order"
        if source.dtype not in (np.float32, np.float64) or specs[node.number].kind != "scalar":
            return f"{node.name} of {source.dtype}: its parts would not give the same sum"
        return "" if sums_follow_halves() else "this NumPy does not add in a tree of halves"
    writer = writer_of(node, specs)
    if writer is None or writer.kind not in ("ufunc", "cast", "choose"):
        return f"NumPy has no {node.name} with out= for these operands"
    spec = specs[node.number]
    if np.dtype(spec.dtype).kind == "c" or any(_is_complex(specs[ref]) for ref in node.uses()):
        return "complex numbers: NumPy's loops round the last few elements in another way"
    return "" if layout(spec.shape, spec.dtype, spec.strides) else "an empty array"


def plan(group: Group) -> Tiles | None:
    """Cut a group; None if that is not worth it, or not possible."""
    specs = group.program.specs
    arrays = [ref for ref in group.operands if specs[ref].kind == "array" and specs[ref].shape]
    if group.size < TILED_FROM:
        return None
    flat = all(
        specs[ref].shape == group.shape
        and is_flat(group.shape, specs[ref].dtype, specs[ref].strides)
        for ref in (*arrays, *[node.number for node in group.body])
    ) and not any(_is_big(x) for node in group.body for x in node.operands)
    if not flat and group.reductions:
        group = group.with_reductions()
    if len(group.nodes) < 2:
        return None
    length, row = (group.size, 1) if flat else (group.shape[0], group.size // group.shape[0])
    most = min(max(BUDGET // bytes_of(group) // 64 * 64, SMALLEST), LARGEST)
    if row > 4 * most or (not flat and any(_is_big(x) for n in group.body for x in n.operands)):
        return None
    bounds = tuple(branches(length, max(most // row, 1)))
    if len(bounds) < 2:
        return None
    ndim = len(group.shape)
    cut = [r for r in arrays if len(specs[r].shape) == ndim and specs[r].shape[0] == group.shape[0]]
    largest = max(j - i for i, j in bounds)
    return Tiles(group, flat, frozenset(map(int, cut)), bounds, largest)


def bytes_of(group: Group) -> int:
    """How much a tile of one element touches: operands, results, and what lies between."""
    specs, total = group.program.specs, 0
    for ref in (*group.operands, *group.results):
        if specs[ref].shape == group.shape:
            total += np.dtype(specs[ref].dtype).itemsize
    last = {int(ref): node.number for node in group.nodes for ref in node.uses()}
    alive, most = 0, 0
    for node in group.body:
        if node.number not in group.results:
            alive += np.dtype(specs[node.number].dtype).itemsize
        most = max(most, alive)
        for ref in {int(ref) for ref in node.uses()}:
            own = any(ref == other.number for other in group.body)
            if own and ref not in group.results and last[ref] == node.number:
                alive -= np.dtype(specs[ref].dtype).itemsize
    return max(total + most, 1)


def branches(n: int, most: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """The longest branches of the tree of a sum of n numbers that are not longer than allowed."""
    if n <= most:
        yield start, start + n
        return
    half = _half(n) or n // 2
    yield from branches(half, most, start)
    yield from branches(n - half, most, start + half)


def join(sums: list[Any], bounds: tuple[tuple[int, int], ...]) -> Any:
    """The sum of all from the sums of the branches."""
    lengths = {start: end - start for start, end in bounds}
    found = dict(zip([start for start, _ in bounds], sums, strict=True))

    def add(start: int, n: int) -> Any:
        if lengths.get(start) == n:
            return found[start]
        half = _half(n) or n // 2
        return add(start, half) + add(start + half, n - half)

    return add(0, bounds[-1][1])


@functools.cache
def sums_follow_halves() -> bool:
    """Whether this NumPy adds in the order of `branches`; looked at once."""
    rng = np.random.default_rng(1)
    for dtype in (np.float32, np.float64):
        for n in (8192, 20_001, 33_333, 65_544):
            x = (rng.standard_normal(n) * np.exp(rng.standard_normal(n) * 8)).astype(dtype)
            bounds = tuple(branches(n, SMALLEST))
            parts = [np.add.reduce(x[i:j]) for i, j in bounds]
            if join(parts, bounds).tobytes() != np.add.reduce(x).tobytes():
                return False
    return True


def _half(n: int) -> int:
    """Where NumPy divides n numbers: in the middle, at a multiple of 8."""
    return n // 2 - n // 2 % 8


def _is_complex(spec: Any) -> bool:
    return spec.kind != "many" and np.dtype(spec.dtype).kind == "c"


def _is_big(x: Any) -> bool:
    return type(x) is not Ref and getattr(x, "size", 1) > 1
