"""The order in which a program is written: by nodes, kernels, groups in tiles, tables in chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from anygrad.compiler.grouping import group
from anygrad.compiler.program import Node, Program
from anygrad.compiler.targets.chunks import Chunks, chunks_of
from anygrad.compiler.targets.native.choosing import Kernel
from anygrad.compiler.targets.tiles import Tiles, admits, plan

__all__ = ["Step", "in_order", "steps_of"]


class Step(NamedTuple):
    """What is carried out at once: a node, a group in tiles, a table in chunks, or a kernel.

    ``entry`` is what calls the kernel.
    """

    nodes: tuple[Node, ...]
    tiles: Tiles | None = None
    chunks: Chunks | None = None
    kernel: Any = None
    entry: Callable[..., bool | None] | None = None


def steps_of(program: Program, kernels: Sequence[tuple[Kernel, Any]] = ()) -> list[Step]:
    """The steps; each node comes where it stands, but for those of a group and what they need.

    ``kernels`` are those that there are, each with its entry.
    """
    made_at_once = [Step(one.nodes, None, None, one, entry) for one, entry in kernels]
    taken = {int(node.number) for step in made_at_once for node in step.nodes}

    def admitted(node: Node) -> str:
        return "in a kernel" if node.number in taken else admits(node, program.specs)

    found = group(program, admitted, at_least=1).groups
    plans = [plan(one) for one in found]
    made_at_once += [Step(one.group.nodes, one) for one in plans if one is not None]
    rest = [one for one, tiles in zip(found, plans, strict=True) if tiles is None]
    made_at_once += [Step(one.table.nodes, None, one) for one in chunks_of(rest)]
    return in_order(program, made_at_once)


def in_order(program: Program, made_at_once: Sequence[Step]) -> list[Step]:
    """All steps, with one for every node that is in none of those given, in the order of need."""
    step_of = {int(n.number): step for step in made_at_once for n in step.nodes}
    made = {int(node.number): node for node in program.nodes}
    steps: list[Step] = []
    done: set[int] = set()

    # without recursion: programs are thousands of nodes deep
    for first in program.nodes:
        waiting = [first]
        while waiting:
            node = waiting[-1]
            if node.number in done:
                waiting.pop()
                continue
            step = step_of.get(node.number) or Step((node,))
            own = {int(n.number) for n in step.nodes}
            needed = [
                made[ref]
                for n in step.nodes
                for ref in n.uses()
                if ref in made and ref not in done and ref not in own
            ]
            if needed:
                waiting += reversed(needed)
                continue
            waiting.pop()
            done |= own
            steps.append(step)
    return steps
