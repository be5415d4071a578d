"""Which values of a program are made of segments, and what is in each of those.

A ``setitem``, a ``concat`` and a ``scatter`` put pieces behind each other. What arithmetic makes of
such arrays is computed segment by segment, with what is there of each operand; so the zeros around
the parts of a derivative are never written, nor is an array copied in order to change its inside.
"""

from __future__ import annotations

from anygrad.compiler.program import Node, Program, Ref
from anygrad.compiler.segments.building import Building
from anygrad.compiler.segments.candidates import LONGEST, MAKERS, is_arithmetic, is_candidate
from anygrad.compiler.segments.joins import Form, Op, Part, Piece, Slice, cut
from anygrad.compiler.segments.keys import listed, rows_of_key
from anygrad.compiler.targets.spaces import is_flat
from anygrad.ops import ROWS

__all__ = ["Forms"]

COPIED = 4
"""A ``setitem`` is left to NumPy if more than one of so many rows keeps its old value."""
REPEATED = 8, 4
"""Operations that may be computed more than once, and by how many readers."""
REDUCED = frozenset(("sum", "mean", "max", "min", "prod", "any", "all"))


class Forms:
    """The parts of values, and which of them are written to memory.

    Attributes
    ----------
    made : dict
        By number, the node that makes a value.
    users : dict
        By number, the nodes that read it.
    parts : dict
        By number, what is in the segments of a value.
    joined : set
        The values that are put together in memory.
    inside : dict
        By number of a ``getitem``, the rows of another value that it reads.
    """

    def __init__(self, program: Program):
        self.program, self.specs = program, program.specs
        self.made = {int(node.number): node for node in program.nodes}
        self.users = program.users()
        self.building = Building(program.specs)
        self.parts, self.joined = self.building.parts, self.building.joined
        self.inside: dict[int, Slice] = {}
        self._kept = self._choose()
        for node in program.nodes:
            if node.number in self._kept:
                self._take(node)

    def _choose(self) -> set[int]:
        """The values whose parts are looked at."""
        found: set[int] = set()
        worth: set[int] = set()  # sums of what is zero for the most part
        for node in self.program.nodes:
            if node.name in MAKERS and is_candidate(node, self.specs):
                found.add(int(node.number))
                if node.name == "scatter":
                    worth.add(int(node.number))
            elif is_arithmetic(node, self.specs):
                read = set(node.uses())
                if not read.isdisjoint(found):
                    found.add(int(node.number))
                if not read.isdisjoint(worth):
                    worth.add(int(node.number))
        for node in reversed(self.program.nodes):
            number = int(node.number)
            readers = self.users.get(number, ()) if node.name not in MAKERS else ()
            if number not in worth and any([self._needs_all(u, found) for u in readers]):
                found.discard(number)
        return found

    def _needs_all(self, reader: Node, kept: set[int]) -> bool:
        """Whether a reader computes something with all elements, in one loop with others."""
        if reader.number in kept:
            return False
        row = ROWS.get(reader.name)
        return reader.name in REDUCED or (row is not None and row.pointwise)

    def _take(self, node: Node) -> None:
        """Find the parts of a value, and whether it must be in memory."""
        number = int(node.number)
        form = self.building.form(node)
        if form is None or max(p.stop - p.start for p in form) < LONGEST:
            return
        self.parts[number] = form
        whole = number in self.program.returned
        readers = self.users.get(number, ())
        for reader in readers:
            if reader.name == "getitem" and self._finds(reader, form):
                continue
            whole = whole or reader.number not in self._kept
        ops = sum(map(_count, form))
        most, times = REPEATED
        if not whole and ops and len(readers) > 1:
            whole = ops > most or len(readers) > times
        if whole and node.name == "setitem" and self._copies(form, node):
            del self.parts[number]
        elif whole:
            self.joined.add(number)

    def _copies(self, form: Form, node: Node) -> bool:
        """Whether much of an array would be copied that NumPy may leave where it is."""
        base = node.operands[0]
        if type(base) is not Ref:
            return False
        rows = [p.stop - p.start for p in form if _is_of(p.piece, base)]
        return sum(rows) * COPIED > self.specs[base].shape[0]

    def _finds(self, reader: Node, form: Form) -> bool:
        """Whether a ``getitem`` reads rows of a single part that lies in memory itself."""
        shape, spec = self.specs[reader.operands[0]].shape, self.specs[reader.number]
        rows, indices = rows_of_key(reader.keywords["key"], shape), None
        if rows is None:
            indices = listed(reader.keywords["key"], shape)
            if indices is None or len(indices) > 1:
                return False
            start, stop = indices[0], indices[0] + 1
        else:
            start, stop = rows.start, rows.stop
            if rows.single and len(shape) > 1:
                return False
        found = cut(form, start, stop)
        if len(found) != 1 or type(found[0].piece) is not Slice:
            return False
        piece = found[0].piece
        if type(piece.operand) is not Ref:
            return False
        source = self.specs[piece.operand]
        if source.dtype != spec.dtype or not is_flat(source.shape, source.dtype, source.strides):
            return False
        self.inside[int(reader.number)] = piece
        return True


def _count(part: Part) -> int:
    """The operations in a part."""
    waiting: list[Piece] = [part.piece]
    count = 0
    while waiting:
        piece = waiting.pop()
        if type(piece) is Op:
            count += 1
            waiting += piece.operands
    return count


def _is_of(piece: Piece, x: Ref) -> bool:
    return type(piece) is Slice and type(piece.operand) is Ref and piece.operand == x
