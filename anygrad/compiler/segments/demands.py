"""Which rows of cheap intermediate results are needed, so that they need not be in memory."""

from __future__ import annotations

from typing import Any

from anygrad.compiler.program import Node, Ref
from anygrad.compiler.segments.candidates import is_arithmetic
from anygrad.compiler.segments.forms import Forms
from anygrad.compiler.segments.joins import Op, Piece, Slice, Whole, is_array
from anygrad.compiler.segments.keys import rows_of_key
from anygrad.ops import ROWS

__all__ = ["Demands"]

OPERATIONS = 8
"""Operations that may be computed for several slices, instead of once for all."""
SLICES, REPEATS = 8, 4
"""Slices for which they may be, and how often for each row on average."""


class Demands:
    """What is computed for slices of it.

    Attributes
    ----------
    repeated : set
        The values that are.
    moved : dict
        By number of a ``getitem``, what it reads instead.
    """

    def __init__(self, forms: Forms):
        self.forms, self.specs, self.program = forms, forms.specs, forms.program
        self.moved: dict[int, Piece] = {}
        self.repeated: set[int] = set()
        self._transparent: dict[int, int] = {}  # values -> the operations that they take
        self._wanted: dict[int, set[tuple[int, int]]] = {}
        self._live = {int(x) for x in self.program.outputs if type(x) is Ref}
        for node in self.program.nodes:
            if self._is_transparent(node):
                cost = 1 + sum(self._transparent.get(x, 0) for x in node.uses())
                if cost <= OPERATIONS:
                    self._transparent[int(node.number)] = cost
        self._position = {int(node.number): k for k, node in enumerate(self.program.nodes)}
        self._end = len(self.program.nodes)  # the position of the first join after a node
        for k in reversed(range(len(self.program.nodes))):
            node = self.program.nodes[k]
            self._look(node)
            if node.number in forms.joined:
                self._end = k

    def origin(self, piece: Slice) -> Slice:
        """The same rows of what a value shows rows of."""
        x, start, stop = piece
        while type(x) is Ref:
            inside = self.forms.inside.get(x)
            node = self.forms.made.get(x)
            if inside is not None and self.specs[x].shape:
                x, start, stop = inside.operand, inside.start + start, inside.start + stop
            elif node is not None and node.name == "getitem":
                rows = self._rows(node)
                if rows is None or not self.specs[x].shape:
                    break
                x, start, stop = node.operands[0], rows.start + start, rows.start + stop
            else:
                break
        return Slice(x, start, stop)

    def computed(self, number: int, start: int, stop: int) -> Piece:
        """An operation on rows of what it is applied to."""
        node = self.forms.made[number]
        spec, pieces = self.specs[number], list[Piece]()
        for x in node.operands:
            if (
                not is_array(x, self.specs)
                or (self.specs[x] if type(x) is Ref else x).shape != spec.shape
            ):
                pieces.append(Whole(x))
            else:
                pieces.append(Slice(x, start, stop))
        return Op(node.name, tuple(pieces))

    def _rows(self, node: Node) -> Any:
        """The rows that a ``getitem`` reads of an array, the axis kept; else None."""
        x = node.operands[0]
        if type(x) is not Ref or self.specs[x].kind != "array":
            return None
        rows = rows_of_key(node.keywords["key"], self.specs[x].shape)
        return None if rows is None or rows.single else rows

    def _is_transparent(self, node: Node) -> bool:
        """Whether a value is cheap, and nothing reads it but slices, or what is sliced itself."""
        number, forms = int(node.number), self.forms
        if number in self.program.returned or number in forms.parts:
            return False
        return is_arithmetic(node, self.specs)

    def _look(self, node: Node) -> None:
        """What a node needs, all that read it having been looked at."""
        number, forms = int(node.number), self.forms
        if number in forms.joined:
            if number in self._live or number in self._wanted:
                for part in forms.parts[number]:
                    self._want(part.piece)
            return
        if number in self._wanted:
            repeated = self._is_repeated(number)
            if repeated:
                self.repeated.add(number)
                for start, stop in sorted(self._wanted[number]):
                    self._want(self.computed(number, start, stop))
            else:
                self._live.add(number)
        if node.name != "guard" and number not in self._live:
            return
        if node.name == "getitem" and self._moves(node):
            return
        self._live.update(map(int, node.uses()))

    def _is_repeated(self, number: int) -> bool:
        """Whether a value is computed for the slices that are wanted of it.

        That is so if then it need not be in memory, the other readers being in one loop with it.
        """
        if number not in self._transparent:
            return False
        wanted, n = self._wanted[number], self.specs[number].shape[0]
        rows = sum(stop - start for start, stop in wanted)
        if (0, n) in wanted or len(wanted) > SLICES or rows > REPEATS * n:
            return False
        if number not in self._live:
            return True
        near = [u for u in self.forms.users[number] if self._reads_all(u)]
        if any(self._position[u.number] > self._end or not _is_pointwise(u) for u in near):
            return False
        bases = self._bases(number)
        return len(bases) <= 2 and len(bases.difference(self.program.inputs)) <= 1

    def _reads_all(self, reader: Node) -> bool:
        """Whether something reads a value as it is, and not slices of it."""
        number = int(reader.number)
        if number in self.forms.joined or number in self.moved:
            return False
        return number in self._live

    def _bases(self, number: int) -> set[int]:
        """The arrays from which a value can be computed."""
        found: set[int] = set()
        waiting = [number]
        while waiting:
            for x in self.forms.made[waiting.pop()].operands:
                if not is_array(x, self.specs) or type(x) is not Ref:
                    continue
                base = self.origin(Slice(x, 0, self.specs[x].shape[0])).operand
                if type(base) is Ref and base in self._transparent:
                    waiting.append(int(base))
                elif type(base) is Ref:
                    found.add(int(base))
        return found

    def _moves(self, node: Node) -> bool:
        """Whether a ``getitem`` reads, instead of what it names, something before that."""
        number, x = int(node.number), node.operands[0]
        piece = self.forms.inside.get(number)
        if piece is None:
            if type(x) is not Ref or self.specs[x].kind != "array":
                return False
            rows = rows_of_key(node.keywords["key"], self.specs[x].shape)
            if rows is None or (rows.single and len(self.specs[x].shape) > 1):
                return False
            piece = Slice(x, rows.start, rows.stop)
            source = self.origin(piece).operand
            if type(source) is not Ref or source not in self._transparent:
                return False
        self.moved[number] = piece
        self._want(piece)
        return True

    def _want(self, piece: Piece) -> None:
        """Note what a piece reads."""
        if type(piece) is Slice:
            x, start, stop = self.origin(piece)
            if type(x) is Ref:
                self._wanted.setdefault(int(x), set()).add((start, stop))
        elif type(piece) is Op:
            for x in piece.operands:
                self._want(x)
        elif type(piece) is Whole and type(piece.operand) is Ref:
            self._live.add(int(piece.operand))


def _is_pointwise(node: Node) -> bool:
    row = ROWS.get(node.name)
    return row is not None and row.pointwise
