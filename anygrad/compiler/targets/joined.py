"""Joins of pieces: what makes a piece writes it into the memory of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from anygrad.compiler.program import Node, Program, Ref
from anygrad.compiler.segments.joins import Join
from anygrad.compiler.targets.spaces import is_flat

if TYPE_CHECKING:
    from anygrad.compiler.targets.buffered import Buffered

__all__ = ["Place", "places_of", "print_join", "room_of_piece"]


class Place(NamedTuple):
    """Where a piece lies: in which join, and in which of its rows."""

    join: int
    start: int
    stop: int


def places_of(program: Program, memory: dict[int, int], pinned: frozenset[int]) -> dict[int, Place]:
    """By number, the pieces that may be written into the memory of a join.

    Such a piece is no view, and neither it nor a view of it outlives the run by itself. Its memory
    becomes that of the join, in ``memory``.
    """
    found: dict[int, Place] = {}
    given = set(map(int, program.inputs))
    made = {int(node.number): node for node in program.nodes}
    for node in program.nodes:
        if type(node.function) is not Join:
            continue
        for piece, (start, stop) in zip(node.operands, node.function.bounds, strict=True):
            if type(piece) is not Ref or piece in given or piece in found:
                continue
            spec, whole = program.specs[piece], program.specs[node.number]
            alike = spec.kind == "array" and spec.dtype == whole.dtype
            fills = alike and spec.shape == (stop - start, *whole.shape[1:])
            flat = fills and is_flat(spec.shape, spec.dtype, spec.strides)
            own = memory[piece] == piece and piece not in pinned
            if flat and own and type(made[piece].function) is not Join:
                found[int(piece)] = Place(int(node.number), start, stop)
    for number, root in memory.items():
        if root in found:
            memory[number] = found[root].join
    return found


def room_of_piece(writing: Buffered, number: int) -> str:
    """The rows of a join that a piece is written into; the join is made if it is the first."""
    place = writing.places[number]
    whole = _open(writing, place.join)
    writing.placed.add(number)
    return writing.view(whole, f"v{number}", slice(place.start, place.stop))


def print_join(writing: Buffered, node: Node) -> None:
    """Write those pieces that are not where they belong."""
    join: Any = node.function
    printer, whole = writing.printer, _open(writing, int(node.number))
    for piece, (start, stop) in zip(node.operands, join.bounds, strict=True):
        place = writing.places.get(piece) if type(piece) is Ref else None
        if place == Place(int(node.number), start, stop) and piece in writing.placed:
            continue
        single = stop - start == 1 and len(join.shape) == 1
        spec = writing.specs[piece] if type(piece) is Ref else None
        text = printer.operand(piece)
        if single and (spec.shape if spec is not None else getattr(piece, "shape", ())):
            text += "[0]"
        printer.add(f"{whole}[{start if single else f'{start}:{stop}'}] = {text}")


def _open(writing: Buffered, number: int) -> str:
    """The array of a join."""
    name = writing.printer.called.get(number)
    if name is not None:
        return name
    made = writing.layout(number)
    assert made is not None
    name = writing.take_for(number, made)
    if name is None:
        name = writing.make(number)
    writing.name(number, name)
    return name
