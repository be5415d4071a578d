"""What a kernel computes, and how it finds the elements of its arrays.

The axes of a group are put in the order of memory of its first result, and neighbouring axes that
lie one after the other in all arrays become one. Where a single axis is left, and every array lies
along it without gaps, the kernel reads and writes 16 bytes at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad.compiler.grouping import Group
from anygrad.compiler.program import Node, Ref, Spec
from anygrad.compiler.targets.cuda.types import TYPES, is_complex
from anygrad.compiler.targets.dtypes import name_of
from anygrad.compiler.targets.spaces import is_flat, layout

__all__ = ["REDUCTIONS", "Extent", "Plan", "Reduction", "Stream", "plan"]

REDUCTIONS = frozenset(("sum", "mean", "max", "min", "prod", "any", "all"))
"""What a kernel reduces."""
SMALL = 2**31 - 2**20
"""Bytes of an array up to which its elements are counted by 32-bit numbers."""


class Stream(NamedTuple):
    """An array that a kernel reads or writes, or a number that it is given.

    Attributes
    ----------
    what : Ref or array
        A value of the program, or a constant.
    dtype : str
        The type of its elements, or of the number.
    strides : tuple of int
        Along the axes of the plan, counted in elements; all 0 for the same element everywhere.
    is_number : bool
        Whether it is a number of the host, which is handed over by value.
    """

    what: Any
    dtype: str
    strides: tuple[int, ...] = ()
    is_number: bool = False

    @property
    def is_single(self) -> bool:
        """Whether it is the same for all elements."""
        return self.is_number or not any(self.strides)


class Extent(NamedTuple):
    """The axes of a group in three parts: those kept, those reduced, and those kept again."""

    outer: int
    reduced: int
    inner: int


class Reduction(NamedTuple):
    """A reduction of a result of the body.

    Attributes
    ----------
    node : Node
        As the program has it.
    name : str
        "sum", "prod", "max", "min", "any", "all"; a mean is a sum that is divided in the end.
    source, result : str
        The types of what is reduced, and of what comes out.
    """

    node: Node
    name: str
    source: str
    result: str


class Plan(NamedTuple):
    """A group as a kernel carries it out.

    Attributes
    ----------
    group : Group
        Only with those reductions that the kernel computes.
    shape : tuple of int
        The axes that the kernel knows, from the slowest to the quickest.
    reads, writes : tuple of Stream
        What is the same for all elements comes first among what is read.
    reductions : tuple of Reduction
        All of them over the same axes.
    extent : Extent or None
        What is reduced; None without reductions.
    """

    group: Group
    shape: tuple[int, ...]
    reads: tuple[Stream, ...]
    writes: tuple[Stream, ...]
    reductions: tuple[Reduction, ...] = ()
    extent: Extent | None = None

    def __str__(self) -> str:
        return str(self.group)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """What it computes."""
        return self.group.nodes

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.group.size

    @property
    def is_flat(self) -> bool:
        """Whether every array lies along one axis without gaps, or is a single element."""
        return all(x.is_single or x.strides == (1,) for x in (*self.reads, *self.writes))

    @property
    def is_small(self) -> bool:
        """Whether 32 bits are enough for every place in every array."""
        reach = self.size
        for x in (*self.reads, *self.writes):
            far = sum(abs(s) * (n - 1) for s, n in zip(x.strides, self.shape, strict=False))
            reach = max(reach, (far + 1) * TYPES[x.dtype].size)
        return reach <= SMALL

    @property
    def results(self) -> tuple[Ref, ...]:
        """What it gives: elements first, then what reductions give."""
        return (*self.group.results, *[one.node.number for one in self.reductions])


def plan(group: Group) -> Plan | None:
    """How a kernel carries a group out; None if it does not."""
    specs = group.program.specs
    if not group.size:
        return None
    order = _order(group)
    constants = {id(x): x for n in group.body for x in n.operands if _lies_there(x)}
    given = [*group.operands, *constants.values()]
    reads = [_stream(x, specs, group.shape) for x in given]
    writes = [_stream(ref, specs, group.shape) for ref in group.results]
    if order is None or None in reads or None in writes:
        return None
    arrays: list[Stream] = [*reads, *writes]  # type: ignore[list-item]
    reduced = _reduced_axes(group)
    if group.reductions and reduced is None:
        return None
    parts = [order]
    if reduced is not None:
        parts = _parts(group.shape, order, reduced)
        if not parts:
            return None
    if group.size == 1:
        return _single_element(group, arrays, len(reads))
    shapes, strides = [], [list[int]() for _ in arrays]
    for part in parts:
        lengths, steps = _coalesced(part, group.shape, [x.strides for x in arrays])
        shapes.append(lengths)
        for own, more in zip(strides, steps, strict=True):
            own += more
    shape = tuple([n for part in shapes for n in part])
    found = [
        x if x.is_number else x._replace(strides=tuple(own))
        for x, own in zip(arrays, strides, strict=True)
    ]
    taken = sorted(found[: len(reads)], key=lambda x: not x.is_single)
    wanted = tuple(found[len(reads) :])
    if reduced is None:
        return Plan(group, shape, tuple(taken), wanted)
    found_reductions = [_reduction(node, specs) for node in group.reductions]
    kept = [*parts[0], *parts[2]]
    if None in found_reductions or kept != sorted(kept):
        return None
    extent = Extent(*[math.prod(part) for part in shapes])
    return Plan(group, shape, tuple(taken), wanted, tuple(found_reductions), extent)  # type: ignore[arg-type]


def _order(group: Group) -> list[int] | None:
    """The axes from the slowest to the quickest of the first result that tells."""
    specs = group.program.specs
    wanted = [*group.results, *[n.number for n in group.body]]
    for ref in wanted:
        spec = specs[ref]
        made = layout(spec.shape, spec.dtype, spec.strides)
        if made is not None:
            return list(made[2])
    return None


def _lies_there(x: Any) -> bool:
    """Whether a constant is an array of the device; those of the host are written out."""
    return hasattr(x, "strides") and not isinstance(x, np.ndarray | np.generic)


def _single_element(group: Group, arrays: Sequence[Stream], reads: int) -> Plan | None:
    """A plan for one element, for which no axis counts."""
    specs, found = group.program.specs, []
    reductions = [_reduction(node, specs) for node in group.reductions]
    if None in reductions:
        return None
    for x in arrays:
        own = specs[x.what].shape if type(x.what) is Ref else tuple(x.what.shape)
        whole = not x.is_number and own == group.shape
        found.append(x if x.is_number else x._replace(strides=(int(whole),)))
    taken = sorted(found[:reads], key=lambda x: not x.is_single)
    extent = Extent(1, 1, 1) if reductions else None
    wanted = tuple(found[reads:])
    return Plan(group, (1,), tuple(taken), wanted, tuple(reductions), extent)  # type: ignore[arg-type]


def _stream(x: Any, specs: dict[int, Spec], shape: tuple[int, ...]) -> Stream | None:
    """How an array is read or written, along the axes of the group; None if it cannot be."""
    if type(x) is Ref:
        spec = specs[x]
        if spec.kind in ("number", "scalar"):
            dtype = {"int": "int64", "float": "float64", "complex": "complex128"}
            name = name_of(spec.dtype)
            return Stream(x, dtype.get(name, name), (), True)
        own, strides, dtype = spec.shape, spec.strides, name_of(spec.dtype)
    else:
        own, strides, dtype = tuple(x.shape), x.strides, name_of(x.dtype)
    if strides is None or len(own) > len(shape) or dtype not in TYPES:
        return None
    size = TYPES[dtype].size
    if any(s % size for n, s in zip(own, strides, strict=True) if n != 1):
        return None
    steps = [0 if n == 1 else s // size for n, s in zip(own, strides, strict=True)]
    return Stream(x, dtype, (*[0] * (len(shape) - len(own)), *steps))


def _coalesced(
    axes: Sequence[int], shape: Sequence[int], strides: Sequence[tuple[int, ...]]
) -> tuple[list[int], list[list[int]]]:
    """As few axes as there can be: neighbours become one where they are one in all arrays."""
    lengths: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for axis in axes:
        n = shape[axis]
        if n == 1:
            continue
        own = [s[axis] if s else 0 for s in strides]
        if lengths and all(k[-1] == n * s for k, s in zip(steps, own, strict=True)):
            lengths[-1] *= n
            for k, s in zip(steps, own, strict=True):
                k[-1] = s
        else:
            lengths.append(n)
            for k, s in zip(steps, own, strict=True):
                k.append(s)
    return lengths, steps


def _reduced_axes(group: Group) -> frozenset[int] | None:
    """The axes that all reductions reduce, those of length 1 left out; None if they differ."""
    shape, found = group.shape, set()
    for node in group.reductions:
        axis = node.keywords.get("axis")
        axes = range(len(shape)) if axis is None else axis if type(axis) is tuple else (axis,)
        found.add(frozenset([a % len(shape) for a in axes if shape[a % len(shape)] != 1]))
    return found.pop() if len(found) == 1 else None


def _parts(shape: tuple[int, ...], order: list[int], reduced: frozenset[int]) -> list[list[int]]:
    """The axes kept, reduced, and kept again; none where those reduced are not neighbours."""
    axes = [a for a in order if shape[a] != 1]
    places = [k for k, a in enumerate(axes) if a in reduced]
    if not places:
        return [axes, [], []]
    first, last = places[0], places[-1] + 1
    if len(places) != last - first:
        return []
    return [axes[:first], axes[first:last], axes[last:]]


def _reduction(node: Node, specs: dict[int, Spec]) -> Reduction | None:
    """How a reduction is computed; None if no kernel does."""
    source, result, kw = specs[node.operands[0]], specs[node.number], node.keywords
    if not set(kw) <= {"axis", "keepdims"} or result.kind != "array":
        return None
    name = {"mean": "sum"}.get(node.name, node.name)
    taken, given = name_of(source.dtype), name_of(result.dtype)
    if node.name not in REDUCTIONS or given not in TYPES or taken not in TYPES:
        return None
    if node.name == "mean" and taken != given:
        return None
    if name in ("max", "min") and (taken != given or is_complex(taken)):
        return None
    if name in ("any", "all") and given != "bool":
        return None
    if is_complex(taken) and not is_complex(given) and name not in ("any", "all"):
        return None
    flat = is_flat(result.shape, result.dtype, result.strides)
    return Reduction(node, name, taken, given) if flat else None
