"""Groups: elementwise operations of one shape that one loop over the elements can carry out.

A group is found by levels. What reads an elementwise result is one level above it, unless it is
elementwise and of the same shape itself; everything else is on the level of what it reads. Nodes of
one shape and level can then run together: no value leaves a group and comes back to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from anygrad.compiler.program import Node, Program, Ref, show
from anygrad.ops import ROWS

__all__ = ["Group", "Grouping", "group"]

REDUCTIONS = frozenset(("sum", "mean", "max", "min", "prod", "any", "all"))


@dataclass(frozen=True, eq=False)
class Group:
    """Elementwise nodes with the same shape, and reductions of what they give.

    Attributes
    ----------
    shape : tuple of int
        The shape of every result of ``body``.
    operands : tuple of Ref
        What is read from outside; of any shape that broadcasts to ``shape``.
    body : tuple of Node
        In an order in which they can be carried out.
    reductions : tuple of Node
        Each of a result of the body, which it reads last.
    results : tuple of Ref
        Results of the body that are read outside; those of reductions are always.
    program : Program
        Where the values are described.
    level : int
        Where it stands: nothing of it depends on another group of the same level.
    """

    shape: tuple[int, ...]
    operands: tuple[Ref, ...]
    body: tuple[Node, ...]
    reductions: tuple[Node, ...]
    results: tuple[Ref, ...]
    program: Program
    level: int = 0

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The body and the reductions."""
        return (*self.body, *self.reductions)

    @property
    def size(self) -> int:
        """The number of elements that the loop runs over."""
        return math.prod(self.shape)

    def with_reductions(self, kept: Sequence[Node] = ()) -> Group:
        """The same loop with some of its reductions; what the others read is a result."""
        left = [node for node in self.reductions if node not in kept]
        read = {int(ref) for node in left for ref in node.uses()}.union(map(int, self.results))
        results = tuple([node.number for node in self.body if node.number in read])
        return replace(self, reductions=tuple(kept), results=results)

    def __str__(self) -> str:
        specs = self.program.specs
        shape = ", ".join(map(str, self.shape))
        lines = [f"group [{shape}] of {', '.join(f'{x!r}: {specs[x]}' for x in self.operands)}"]
        lines += [f"  {show(node, specs)}" for node in self.nodes]
        given = (*self.results, *[node.number for node in self.reductions])
        lines.append(f"  gives {', '.join(map(repr, given))}")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Grouping:
    """The groups of a program, in a few words why a node is in none, and the levels of all values.

    What reads a group, directly or not, is on a higher level.
    """

    groups: tuple[Group, ...]
    reasons: dict[int, str]
    levels: dict[int, int]


def group(
    program: Program,
    admits: Callable[[Node], str] = lambda node: "",
    at_least: int = 2,
    scalars: bool = False,
) -> Grouping:
    """Find the groups with ``at_least`` so many nodes.

    ``admits`` gives the reason for which a target leaves a node out; empty if it takes it. With
    ``scalars`` arrays of shape () are taken, too: on a device they cost a launch like others.
    """
    reasons = {int(n.number): _why_not(n, program, scalars) or admits(n) for n in program.nodes}
    inside = {int(n.number): n for n in program.nodes if not reasons[n.number]}
    users = program.users()
    level = _levels(program, inside, users)
    found: list[Group] = []
    for (place, _), nodes in _together(program, inside, level).items():
        numbers = {int(n.number) for n in nodes}
        readers = {int(u.number): u for k in numbers for u in users.get(k, ())}
        tails = [readers[k] for k in sorted(readers) if _ends(readers[k], numbers, admits)]
        if len(nodes) + len(tails) < at_least:
            reasons.update((int(n.number), "alone: nothing of its shape beside it") for n in nodes)
            continue
        reasons.update((int(n.number), "") for n in tails)
        found.append(_make(program, place, nodes, tails, users))
    return Grouping(tuple(found), {k: why for k, why in reasons.items() if why}, level)


def _why_not(node: Node, program: Program, scalars: bool) -> str:
    spec = program.specs[node.number]
    if node.name in ("guard", "host", "call", "part"):
        return f"a {node.name} is no array operation"
    row = ROWS.get(node.name)
    if row is None or not row.pointwise:
        return f"{node.name} is not elementwise"
    if spec.kind != "array" or not (spec.shape or scalars):
        return "a scalar"
    return ""


def _levels(
    program: Program, inside: dict[int, Node], users: dict[int, list[Node]]
) -> dict[int, int]:
    """Levels from the inputs on; then nodes move up to the only level that reads them."""
    specs, level = program.specs, dict.fromkeys(map(int, program.inputs), 0)
    for node in program.nodes:
        highest = 0
        for ref in node.uses():
            same = node.number in inside and specs[ref].shape == specs[node.number].shape
            highest = max(highest, level[ref] + (ref in inside and not same))
        level[int(node.number)] = highest
    returned = program.returned
    for node in reversed(program.nodes):
        n = int(node.number)
        read = users.get(n, ())
        if n not in inside or n in returned or not read:
            continue
        if all(u.number in inside and specs[u.number].shape == specs[n].shape for u in read):
            level[n] = min(level[u.number] for u in read)
    return level


def _together(
    program: Program, inside: dict[int, Node], level: dict[int, int]
) -> dict[tuple[int, int], list[Node]]:
    """The nodes of one shape and level that share an array, by level and first node."""
    specs, leader = program.specs, {}

    def find(k: object) -> object:
        while leader.setdefault(k, k) != k:
            leader[k] = leader[leader[k]]
            k = leader[k]
        return k

    for node in inside.values():
        place = (specs[node.number].shape, level[node.number])
        own = (place, int(node.number))
        for ref in node.uses():
            if specs[ref].shape == place[0]:
                leader[find(own)] = find((place, int(ref)))
    found: dict[object, list[Node]] = {}
    for node in program.nodes:
        if node.number in inside:
            place = (specs[node.number].shape, level[node.number])
            found.setdefault(find((place, int(node.number))), []).append(node)
    return {(level[nodes[0].number], nodes[0].number): nodes for nodes in found.values()}


def _ends(node: Node, numbers: set[int], admits: Callable[[Node], str]) -> bool:
    """Whether a node is a reduction of a value of the group, which the group can carry out."""
    if node.name not in REDUCTIONS or type(node.operands[0]) is not Ref:
        return False
    return node.operands[0] in numbers and not admits(node)


def _make(
    program: Program,
    level: int,
    nodes: list[Node],
    tails: list[Node],
    users: dict[int, list[Node]],
) -> Group:
    own = {int(n.number) for n in nodes}
    parts = own.union(int(n.number) for n in tails)
    operands = dict.fromkeys(ref for n in nodes for ref in n.uses() if ref not in own)
    returned, shape = program.returned, program.specs[nodes[0].number].shape
    results = [
        n.number
        for n in nodes
        if n.number in returned or any(u.number not in parts for u in users.get(n.number, ()))
    ]
    return Group(shape, tuple(operands), tuple(nodes), tuple(tails), tuple(results), program, level)
