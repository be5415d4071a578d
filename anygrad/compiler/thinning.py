"""Loops without what nobody reads: rows that no step looks at, and results that are not asked for.

The derivative of a loop takes the carries of all steps. Where a step is linear it reads none of
them, so they need not be kept, nor computed a second time in order to be there.
"""

from __future__ import annotations

from typing import Any

from anygrad.compiler.program import Node, Program, Ref

__all__ = ["thin"]


def thin(program: Program) -> Program:
    """Leave out the operands and the results of ``call`` nodes that are not needed.

    What such a node calls tells of them by ``thinner(wanted)``, if it has that: something that
    gives the wanted ones of the results, and the places of the operands that it takes None for.
    """
    live = {int(x) for x in program.outputs if type(x) is Ref}
    parts: dict[int, set[int] | None] = {n: None for n in live}  # None for all
    kept: list[Node] = []
    for node in reversed(program.nodes):
        if node.name != "guard" and node.number not in live:
            continue
        thinner = getattr(node.function, "thinner", None) if node.name == "call" else None
        if thinner is not None:
            function, unread = thinner(parts.get(node.number))
            operands = [None if k in unread else x for k, x in enumerate(node.operands)]
            node = node._replace(function=function, operands=tuple(operands))
        for ref in node.uses():
            live.add(int(ref))
            of_part = node.name == "part"
            known: Any = parts.setdefault(int(ref), set())
            if known is not None:
                parts[int(ref)] = known | {node.operands[1]} if of_part else None
        kept.append(node)
    return program.with_nodes(reversed(kept))
