"""Which rows of cheap intermediate results are needed, so that they need not be in memory."""

from __future__ import annotations

from typing import Any

from anygrad.compiler.program import Node, Ref
from anygrad.compiler.segments.forms import Forms
from anygrad.compiler.segments.joins import Op, Piece, Slice, Whole, is_array
from anygrad.compiler.segments.keys import rows_of_key

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
        for node in reversed(self.program.nodes):
            self._look(node)

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
        return forms.is_arithmetic(node)

    def _look(self, node: Node) -> None:
        """What a node needs, all that read it having been looked at."""
        number, forms = int(node.number), self.forms
        if number in forms.joined:
            if number in self._live or number in self._wanted:
                for part in forms.parts[number]:
                    self._want(part.piece)
            return
        if number in self._wanted and number not in self._live:
            wanted, n = self._wanted[number], self.specs[number].shape[0]
            rows = sum(stop - start for start, stop in wanted)
            few = len(wanted) <= SLICES and rows <= REPEATS * n and (0, n) not in wanted
            if number in self._transparent and few:
                self.repeated.add(number)
                for start, stop in sorted(wanted):
                    self._want(self.computed(number, start, stop))
                return
            self._live.add(number)
        if node.name != "guard" and number not in self._live:
            return
        if node.name == "getitem" and self._moves(node):
            return
        self._live.update(map(int, node.uses()))

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
