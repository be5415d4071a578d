"""Which values lie in the same memory, and how long each piece of it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anygrad.backends import is_mutable
from anygrad.compiler.program import Node, Program, Ref

__all__ = ["VIEWS", "kept_by_nodes", "last_uses", "memories", "pinned", "roots"]

VIEWS = frozenset(
    (
        *("broadcast_to", "flip", "getitem", "imag", "part", "permute_dims", "positive", "real"),
        "reshape",
    )
)
"""Rows whose result may lie in the memory of their operand."""


def memories(program: Program, is_view: Callable[[Node], bool]) -> dict[int, int]:
    """For each value the one whose memory it lies in: itself, but for views of others.

    The life of a value is that of everything that lies in its memory.
    """
    found = {int(ref): int(ref) for ref in program.inputs}
    for node in program.nodes:
        base = node.operands[0] if node.operands else None
        found[int(node.number)] = int(node.number)
        if type(base) is Ref and is_view(node):
            found[int(node.number)] = found[base]
    return found


def roots(program: Program) -> dict[int, int]:
    """For each value the one whose memory it lies in: itself, but for views; -1 for constants."""
    found: dict[int, int] = {int(ref): int(ref) for ref in program.inputs}
    for node in program.nodes:
        found[node.number] = int(node.number)
        if node.name in VIEWS and node.operands:
            base = node.operands[0]
            if type(base) is Ref:
                found[node.number] = found[base]
            elif is_mutable(base):
                found[node.number] = -1
    return found


def last_uses(
    program: Program, steps: Sequence[Sequence[Node]], memory: dict[int, int]
) -> dict[int, int]:
    """For each piece of memory the last step that reads or writes it.

    What is returned is needed after all of them, at the step number ``len(steps)``.
    """
    last: dict[int, int] = {}
    for position, nodes in enumerate(steps):
        for node in nodes:
            last[memory[node.number]] = position
            for ref in node.uses():
                last[memory[ref]] = position
    for x in program.outputs:
        if type(x) is Ref:
            last[memory[x]] = len(steps)
    return last


def pinned(
    program: Program, memory: dict[int, int], releases: Callable[[Node], bool]
) -> frozenset[int]:
    """The memory that must be new in every run: of results, and of what may be kept by a node.

    ``releases`` tells whether a node surely keeps none of its operands and gives back none.
    """
    results = {memory[x] for x in program.outputs if type(x) is Ref}
    return kept_by_nodes(program, memory, releases).union(results)


def kept_by_nodes(
    program: Program, memory: dict[int, int], releases: Callable[[Node], bool]
) -> frozenset[int]:
    """The memory that nodes may keep, or that their results may lie in; see `pinned`."""
    kept: set[int] = set()
    for node in program.nodes:
        if not releases(node):
            kept.update(memory[ref] for ref in node.uses())
            kept.add(memory[node.number])
    return frozenset(kept)
