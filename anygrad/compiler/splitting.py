"""A program cut in two: what does not depend on the last inputs, and the rest.

Of a function and its pullback, recorded as one program of the arguments and the cotangents, the
first half is the forward pass with what it keeps, the second the backward pass.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from anygrad.compiler.program import Node, Program, Ref, Spec, map_refs, refs_of
from anygrad.compiler.simplifying import ELEMENTWISE, drop_dead

__all__ = ["Halves", "split"]

VIEWS = frozenset(("broadcast_to", "permute_dims", "reshape"))
"""Rows that are made anew in the second half, instead of being kept: they take no memory."""
MOVED = ELEMENTWISE | {"astype", "broadcast_to", "permute_dims", "reshape"}
"""Rows that the second half may carry out in place of the first."""


class Halves(NamedTuple):
    """Two programs in place of one.

    Attributes
    ----------
    first : Program
        From the early inputs to the early outputs, followed by what the second half needs besides.
    second : Program
        From what is kept and the late inputs to the late outputs.
    kept : callable
        Takes the early inputs and the outputs of the first half, in one tuple; gives what the
        second half begins with.
    """

    first: Program
    second: Program
    kept: Callable[[tuple[Any, ...]], tuple[Any, ...]]


def split(program: Program, late_inputs: int, early_outputs: int) -> Halves:
    """Cut a program; its first outputs depend on no late input."""
    count = len(program.inputs) - late_inputs
    inputs, given = program.inputs[:count], program.inputs[count:]
    early, late = program.outputs[:early_outputs], program.outputs[early_outputs:]
    makers = {int(node.number): node for node in program.nodes}
    depends = _dependent(program, given)
    known = {int(ref): k for k, ref in enumerate((*inputs, *early)) if type(ref) is Ref}
    _move_later(program, depends, known, early, late)
    second = [node for node in program.nodes if int(node.number) in depends]
    needed = [ref for node in second for ref in node.uses()]
    needed += _refs(late)
    kept: dict[int, None] = {}
    again: dict[int, Node] = {}

    def keep(ref: Ref) -> None:
        node = makers.get(ref)
        if int(ref) in depends or int(ref) in kept or int(ref) in again:
            return
        if node is not None and node.name in VIEWS and type(node.operands[0]) is Ref:
            keep(node.operands[0])
            again[int(ref)] = node
        else:
            kept[int(ref)] = None

    for ref in needed:
        keep(ref)
    extra = [Ref(n) for n in kept if n not in known]
    known.update({int(ref): count + early_outputs + k for k, ref in enumerate(extra)})
    forward = [node for node in program.nodes if int(node.number) not in depends]
    backward = [*again.values(), *second]
    places = [known[n] for n in kept]
    return Halves(
        _renumbered(program, inputs, forward, (*early, *extra)),
        _renumbered(program, (*map(Ref, kept), *given), backward, late),
        _picker(places),
    )


def _dependent(program: Program, given: tuple[Ref, ...]) -> set[int]:
    found = {int(ref) for ref in given}
    for node in program.nodes:
        if any(int(ref) in found for ref in node.uses()):
            found.add(int(node.number))
    return found


def _move_later(
    program: Program, later: set[int], known: dict[int, int], early: Any, late: Any
) -> None:
    """Add to the second half what only it needs, where that takes no more memory in between."""
    specs, users = program.specs, program.users()
    first = set(map(int, _refs(early)))
    kept = {int(ref) for n in program.nodes if int(n.number) in later for ref in n.uses()}
    kept.update(map(int, _refs(late)))
    for node in reversed(program.nodes):
        n = int(node.number)
        if n in later or n in first or node.name not in MOVED:
            continue
        if n not in kept or not later.issuperset(user.number for user in users.get(n, ())):
            continue
        reads = set(map(int, node.uses()))
        if sum(_size(specs[ref]) for ref in reads - kept - set(known)) <= _size(specs[n]):
            later.add(n)
            kept.discard(n)
            kept |= reads


def _refs(operands: Any) -> list[Ref]:
    return [ref for x in operands for ref in refs_of(x)]


def _size(spec: Spec) -> int:
    return spec.size if spec.kind == "array" else 0


def _picker(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if len(places) > 1:
        return operator.itemgetter(*places)
    return lambda values: tuple([values[k] for k in places])


def _renumbered(
    program: Program, inputs: tuple[Ref, ...], nodes: list[Node], outputs: tuple[Any, ...]
) -> Program:
    """A program of its own, whose inputs are the values from 0 on."""
    whole = Program(inputs, tuple(nodes), outputs, program.specs)
    nodes = list(drop_dead(whole).nodes)
    numbers: dict[int, Ref] = {}
    for ref in (*inputs, *(node.number for node in nodes)):
        numbers[int(ref)] = Ref(len(numbers))

    def rename(ref: Ref) -> Ref:
        return numbers[int(ref)]

    specs = {int(new): program.specs[old] for old, new in numbers.items()}
    moved = [node.map(rename)._replace(number=numbers[int(node.number)]) for node in nodes]
    return Program(
        tuple(map(rename, inputs)),
        tuple(moved),
        tuple([map_refs(x, rename) for x in outputs]),
        specs,
        tuple([f"kept[{k}]" for k in range(len(inputs))]),
    )
