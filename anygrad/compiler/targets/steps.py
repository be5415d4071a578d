"""The order in which a program is written: node by node, and group by group where it is tiled."""

from __future__ import annotations

from typing import NamedTuple

from anygrad.compiler.grouping import group
from anygrad.compiler.program import Node, Program
from anygrad.compiler.targets.tiles import Tiles, admits, plan

__all__ = ["Step", "steps_of"]


class Step(NamedTuple):
    """What is carried out at once: a node, or a group in tiles."""

    nodes: tuple[Node, ...]
    tiles: Tiles | None = None


def steps_of(program: Program) -> list[Step]:
    """The steps; each node comes where it stands, but for those of a group and what they need."""
    found = group(program, lambda node: admits(node, program.specs)).groups
    plans = [one for one in map(plan, found) if one is not None]
    step_of = {int(n.number): Step(one.group.nodes, one) for one in plans for n in one.group.nodes}
    made = {int(node.number): node for node in program.nodes}
    steps: list[Step] = []
    done: set[int] = set()

    # in the order of need, without recursion: programs are thousands of nodes deep
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
