"""What a kernel computes, and in which order it walks through its arrays.

All results of a kernel lie in memory in one order of their axes, without gaps; so the kernel runs
over them as if they had one axis. Operands that lie in the same way are read along with them.
Others (broadcast along some axes, or with steps in memory) are first spread out, a short piece at a
time, into memory that stays in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad.compiler.grouping import Group
from anygrad.compiler.program import Node, Ref, Spec
from anygrad.compiler.targets.spaces import is_flat, layout

__all__ = ["PIECE", "REDUCTIONS", "Operand", "Plan", "Reduction", "Spread", "plan"]

PIECE = 512
"""Elements that are spread out, or kept for a reduction, at a time."""

REDUCTIONS = frozenset(("sum", "mean", "max", "min", "any", "all"))
"""What a kernel reduces, along neighbours in memory."""


class Spread(NamedTuple):
    """How to find the elements of an operand in the order of the results.

    ``shape`` and ``strides`` (in bytes) run from the slowest axis to the quickest.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Operand(NamedTuple):
    """Something that a kernel reads.

    Attributes
    ----------
    what : Ref or array
        A value of the program, or a constant.
    dtype : str
        The type of its elements; "number" for one of the host, handed over as a double.
    how : str
        "flat", "spread", "single" for the same element everywhere, or "number".
    spread : Spread or None
        Where its elements are.
    """

    what: Any
    dtype: str
    how: str
    spread: Spread | None = None


class Reduction(NamedTuple):
    """A reduction of a result of the body.

    Attributes
    ----------
    node : Node
        As the program has it.
    name : str
        "sum", "max", "min", "any", "all"; a mean is a sum that is divided afterwards.
    length : int
        How many neighbours in memory make one result.
    """

    node: Node
    name: str
    length: int


class Plan(NamedTuple):
    """A group as a kernel carries it out.

    Attributes
    ----------
    group : Group
        Only with those reductions that the kernel computes.
    operands : tuple of Operand
        In the order in which they are handed over: those that are the same for all elements first.
    reductions : tuple of Reduction
        All of them with the same length.
    """

    group: Group
    operands: tuple[Operand, ...]
    reductions: tuple[Reduction, ...]

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
    def shared(self) -> tuple[Operand, ...]:
        """The operands that are the same for all elements."""
        return tuple([one for one in self.operands if one.how in ("single", "number")])

    @property
    def results(self) -> tuple[Ref, ...]:
        """What it writes, elements first, then what reductions give."""
        return (*self.group.results, *[one.node.number for one in self.reductions])


def plan(group: Group) -> Plan | None:
    """How a kernel carries a group out; None if it does not."""
    specs = group.program.specs
    order = _order(group)
    if order is None or not group.size:
        return None
    constants = [x for node in group.body for x in node.operands if _is_array(x)]
    wanted: dict[int, Any] = {id(x): x for x in constants}
    found = [_operand(ref, specs, group.shape, order) for ref in group.operands]
    found += [_operand(x, specs, group.shape, order) for x in wanted.values()]
    if None in found:
        return None
    reductions = tuple([_reduction(node, group, order) for node in group.reductions])
    lengths = {one.length for one in reductions if one is not None}
    if None in reductions or len(lengths) > 1:
        return None
    found.sort(key=lambda one: one.how in ("flat", "spread"))  # type: ignore[union-attr]
    return Plan(group, tuple(found), reductions)  # type: ignore[arg-type]


def _order(group: Group) -> tuple[int, ...] | None:
    """The axes of the results from the slowest to the quickest; None if they have no common one."""
    specs, order = group.program.specs, None
    for node in group.body:
        spec = specs[node.number]
        made = layout(spec.shape, spec.dtype, spec.strides)
        if made is None:
            return None
        own = tuple([axis for axis in made[2] if spec.shape[axis] != 1])
        if order is None:
            order = own
        elif own != order:
            return None
    return order


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.size > 1


def _operand(
    x: Any, specs: dict[int, Spec], shape: tuple[int, ...], order: tuple[int, ...]
) -> Operand | None:
    """How an operand is read; None if that is not possible."""
    if type(x) is Ref:
        spec = specs[x]
        if spec.kind in ("number", "scalar"):
            return Operand(x, "number", "number")
        own, strides, dtype = spec.shape, spec.strides, np.dtype(spec.dtype)
    else:
        own, strides, dtype = x.shape, x.strides, x.dtype
    if strides is None or len(own) > len(shape):
        return None
    missing = len(shape) - len(own)
    steps = [0] * missing + [0 if n == 1 else s for n, s in zip(own, strides, strict=True)]
    whole, last = coalesced([shape[a] for a in order], [steps[a] for a in order])
    if not any(last):
        return Operand(x, dtype.name, "flat" if own == shape and not order else "single")
    if last == [dtype.itemsize]:
        return Operand(x, dtype.name, "flat")
    return Operand(x, dtype.name, "spread", Spread(tuple(whole), tuple(last)))


def coalesced(shape: Sequence[int], strides: Sequence[int]) -> tuple[list[int], list[int]]:
    """The same elements in the same order, with as few axes as there can be."""
    lengths: list[int] = []
    steps: list[int] = []
    for n, step in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if lengths and steps[-1] == n * step:
            lengths[-1] *= n
            steps[-1] = step
        else:
            lengths.append(n)
            steps.append(step)
    return lengths or [1], steps or [0]


def _reduction(node: Node, group: Group, order: tuple[int, ...]) -> Reduction | None:
    """How a reduction is computed; None if it does not run along neighbours in memory."""
    specs = group.program.specs
    source, result, kw = specs[node.operands[0]], specs[node.number], node.keywords
    if not set(kw) <= {"axis", "keepdims"} or result.kind not in ("array", "scalar"):
        return None
    name = {"mean": "sum"}.get(node.name, node.name)
    allowed = {"sum": ("float32", "float64"), "any": ("bool",), "all": ("bool",)}
    dtype = np.dtype(source.dtype).name
    others = ("float32", "float64")
    if node.name not in REDUCTIONS or dtype not in allowed.get(name, others):
        return None
    if result.dtype != source.dtype:
        return None
    axis, ndim = kw.get("axis"), len(source.shape)
    axes = range(ndim) if axis is None else axis if type(axis) is tuple else (axis,)
    chosen = {a % ndim for a in axes if source.shape[a % ndim] != 1}
    if chosen == {a for a in range(ndim) if source.shape[a] != 1}:
        return Reduction(node, name, group.size)
    if len(chosen) != 1 or not is_flat(source.shape, source.dtype, source.strides):
        return None
    last = order[-1]
    if chosen != {last} or result.kind != "array":
        return None
    made = layout(result.shape, result.dtype, result.strides)
    if made is None or not is_flat(result.shape, result.dtype, result.strides):
        return None
    return Reduction(node, name, source.shape[last])
