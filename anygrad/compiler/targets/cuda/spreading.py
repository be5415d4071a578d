"""Arrays that are spread out before an operation that would do it by itself: they are left small.

A kernel reads the small array; spread out by itself, it would cost a call of CuPy's.
"""

from __future__ import annotations

import operator
from typing import Any

from anygrad.backends.cupy import CUPY
from anygrad.compiler.program import Node, Program, Ref
from anygrad.compiler.simplifying import drop_dead
from anygrad.ops import ROWS
from anygrad.tracing.plain import names_of_backend

__all__ = ["left_small"]


def left_small(program: Program) -> Program:
    """The program in which elementwise operations read what was spread out for them.

    A constant is spread out here, once: that takes no memory.
    """
    specs, small, spread = program.specs, dict[int, Any](), dict[int, Any]()
    for node in program.nodes:
        if node.name == "broadcast_to":
            source = node.operands[0]
            small[int(node.number)] = source = _source(source, small)
            if type(source) is not Ref and specs[node.number].library is CUPY:
                shape = specs[node.number].shape
                spread[int(node.number)] = names_of_backend(CUPY).broadcast_to(source, shape=shape)
    nodes = [_reading(node, small, spread, program) for node in program.nodes]
    return drop_dead(program.with_nodes(nodes))


def _reading(node: Node, small: dict[int, Any], spread: dict[int, Any], program: Program) -> Node:
    row = ROWS.get(node.name)
    if row is None or not row.pointwise:
        return node
    operands = tuple([_source(x, small) for x in node.operands])
    shapes = [_shape_of(x, program) for x in operands]
    # where nothing else has the whole shape, something has to be spread out
    if program.specs[node.number].shape not in shapes:
        operands = tuple([spread.get(x, x) if type(x) is Ref else x for x in node.operands])
    if all(map(operator.is_, operands, node.operands)):
        return node
    return node._replace(operands=operands)


def _source(x: Any, small: dict[int, Any]) -> Any:
    return small.get(x, x) if type(x) is Ref else x


def _shape_of(x: Any, program: Program) -> tuple[int, ...]:
    shape = program.specs[x].shape if type(x) is Ref else getattr(x, "shape", ())
    return tuple(shape)
