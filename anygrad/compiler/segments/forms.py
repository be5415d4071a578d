"""Which values of a program are made of segments, and what is in each of those.

A ``setitem``, a ``concat`` and a ``scatter`` put pieces behind each other. What arithmetic makes of
such arrays is computed segment by segment, with what is there of each operand; so the zeros around
the parts of a derivative are never written, nor is an array copied in order to change its inside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends.numpy import NUMPY
from anygrad.compiler.program import Node, Program, Ref, Spec
from anygrad.compiler.segments.joins import (
    Form,
    Number,
    Op,
    Part,
    Piece,
    Slice,
    Whole,
    computed,
    constant,
    cut,
    is_array,
)
from anygrad.compiler.segments.keys import listed, rows_of_key
from anygrad.compiler.targets.spaces import is_flat
from anygrad.ops import ROWS

__all__ = ["ARITHMETIC", "LONGEST", "Forms"]

MOST = 13
"""Segments of an array."""
LONGEST = 16
"""Rows that the longest segment has at least."""
COPIED = 4
"""A ``setitem`` is left to NumPy if more than one of so many rows keeps its old value."""
REPEATED = 8, 4
"""Operations that may be computed more than once, and by how many readers."""

EXACT_TO = 1 << 53
"""Integers up to which a double holds each."""

ARITHMETIC = frozenset(("add", "subtract", "multiply", "divide", "negative"))
"""Rows that cost less than to write what they give and to read it again."""
MAKERS = frozenset(("setitem", "concat", "scatter"))
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
        self.parts: dict[int, Form] = {}
        self.joined: set[int] = set()
        self.inside: dict[int, Slice] = {}
        self._kept = self._choose()
        for node in program.nodes:
            if node.number in self._kept:
                self._take(node)

    def is_candidate(self, node: Node) -> bool:
        """Whether an array is one whose rows a segment can be cut from."""
        spec = self.specs[node.number]
        if spec.kind != "array" or spec.library is not NUMPY or not spec.shape:
            return False
        if spec.dtype not in (np.float32, np.float64) or spec.shape[0] <= LONGEST:
            return False
        return is_flat(spec.shape, spec.dtype, spec.strides)

    def is_arithmetic(self, node: Node) -> bool:
        """Whether a node is cheap, and each of its rows depends on the same rows of operands."""
        if node.name not in ARITHMETIC or node.keywords or not self.is_candidate(node):
            return False
        return all([self._fits(x, self.specs[node.number]) for x in node.operands])

    def _fits(self, x: Any, spec: Spec) -> bool:
        """Whether the rows of an operand are known: as many as there are, or one for all."""
        if not is_array(x, self.specs):
            if type(x) is Ref:
                own = self.specs[x]
                return own.kind == "number" or own.dtype == spec.dtype
            if type(x) is int:
                return abs(x) <= EXACT_TO
            return type(x) is float or getattr(x, "dtype", None) == spec.dtype
        own = self.specs[x] if type(x) is Ref else x
        if own.dtype != spec.dtype:
            return False
        return own.shape == spec.shape or len(own.shape) < len(spec.shape) or own.shape[0] == 1

    def _choose(self) -> set[int]:
        """The values whose parts are looked at."""
        found: set[int] = set()
        worth: set[int] = set()  # sums of what is zero for the most part
        for node in self.program.nodes:
            if node.name in MAKERS and self.is_candidate(node):
                found.add(int(node.number))
                if node.name == "scatter":
                    worth.add(int(node.number))
            elif self.is_arithmetic(node):
                read = set(node.uses())
                if not read.isdisjoint(found):
                    found.add(int(node.number))
                if not read.isdisjoint(worth):
                    worth.add(int(node.number))
        for node in reversed(self.program.nodes):
            number = int(node.number)
            if number in found and node.name not in MAKERS and number not in worth:
                if any(self._needs_all(u, found) for u in self.users.get(number, ())):
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
        form = self._form(node)
        if form is None or len(form) > MOST or max(p.stop - p.start for p in form) < LONGEST:
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

    def _form(self, node: Node) -> Form | None:
        spec = self.specs[node.number]
        if node.name == "setitem":
            return self._of_setitem(node, spec)
        if node.name == "concat":
            return self._of_concat(node, spec)
        if node.name == "scatter":
            return self._of_scatter(node, spec)
        return self._of_arithmetic(node, spec)

    def _of_setitem(self, node: Node, spec: Spec) -> Form | None:
        base, value = node.operands
        form = self._whole(base, spec)
        return None if form is None else self._put(form, value, node.keywords["key"], spec)

    def _of_scatter(self, node: Node, spec: Spec) -> Form | None:
        """Zeros, to some of which something is added."""
        zero = Number(0.0)
        form = self._put((), node.operands[0], node.keywords["key"], spec)
        if form is None:
            return None
        found, end = [], 0
        for one in form:
            found.append(Part(end, one.start, zero))
            found.append(one._replace(piece=computed("add", (zero, one.piece), spec.dtype)))
            end = one.stop
        found.append(Part(end, spec.shape[0], zero))
        return tuple([one for one in found if one.start < one.stop])

    def _whole(self, x: Any, spec: Spec) -> Form | None:
        """The parts of an operand with the shape of the result: one, if they are not looked at."""
        return self._parts(x) if is_array(x, self.specs) and self._fits(x, spec) else None

    def _parts(self, x: Any) -> Form:
        """The parts of an array: one, if it is in memory."""
        n = (self.specs[x] if type(x) is Ref else x).shape[0]
        if type(x) is not Ref:
            return (Part(0, n, constant(x, 0, n)),)
        if x in self.parts and x not in self.joined:
            return self.parts[x]
        return (Part(0, n, Slice(x, 0, n)),)

    def _put(self, form: Form, value: Any, key: Any, spec: Spec) -> Form | None:
        """The parts of an array after some of its rows were overwritten."""
        n, places = spec.shape[0], listed(key, spec.shape)
        if places is None:
            rows = rows_of_key(key, spec.shape)
            if rows is None:
                return None
            new = self._value(value, rows.start, rows.stop, rows.single, spec)
        else:
            new = self._listed(value, places, spec)
        if new is None:
            return None
        for part in new:
            form = (*cut(form, 0, part.start), part, *cut(form, part.stop, n))
        return form

    def _listed(self, value: Any, places: list[int], spec: Spec) -> list[Part] | None:
        if not is_array(value, self.specs):
            found = [self._value(value, k, k + 1, False, spec) for k in places]
            return None if None in found else [one[0] for one in found if one is not None]
        own = self.specs[value] if type(value) is Ref else value
        if own.dtype != spec.dtype or own.shape != (len(places),):
            return None
        pieces = [Slice(value, k, k + 1) for k in range(len(places))]
        return [Part(k, k + 1, piece) for k, piece in zip(places, pieces, strict=True)]

    def _value(
        self, value: Any, start: int, stop: int, single: bool, spec: Spec
    ) -> list[Part] | None:
        """What rows are overwritten with."""
        if not is_array(value, self.specs):
            fits = self._fits(value, spec)
            return [Part(start, stop, self._number(value, spec))] if fits else None
        own = self.specs[value] if type(value) is Ref else value
        shape = own.shape
        if own.dtype != spec.dtype:
            return None
        if single or shape[0] != stop - start or len(shape) != len(spec.shape):
            alone = len(shape) < len(spec.shape)  # one row for all
            return [Part(start, stop, Whole(value))] if alone else None
        if shape[1:] != spec.shape[1:]:
            return None
        inner = self._parts(value)
        return [Part(one.start + start, one.stop + start, one.piece) for one in inner]

    def _number(self, x: Any, spec: Spec) -> Piece:
        if type(x) is Ref:
            return Whole(x)
        with np.errstate(all="ignore"):
            rounded = np.dtype(spec.dtype).type(x)
        return Number(float(rounded)) if np.isfinite(rounded) else Whole(x)

    def _of_concat(self, node: Node, spec: Spec) -> Form | None:
        if node.keywords != {"axis": 0} and node.keywords != {"axis": -len(spec.shape)}:
            return None
        start, found = 0, []
        for x in node.operands:
            if not is_array(x, self.specs):
                return None
            own = self.specs[x] if type(x) is Ref else x
            if own.dtype != spec.dtype or own.shape[1:] != spec.shape[1:]:
                return None
            if not own.shape[0]:
                continue
            part = self._value(x, start, start + own.shape[0], False, spec)
            if part is None:
                return None
            found += part
            start += own.shape[0]
        return tuple(found) if start == spec.shape[0] else None

    def _of_arithmetic(self, node: Node, spec: Spec) -> Form | None:
        n = spec.shape[0]
        operands: list[Form] = []
        for x in node.operands:
            if not is_array(x, self.specs):
                operands.append((Part(0, n, self._number(x, spec)),))
                continue
            own = self.specs[x] if type(x) is Ref else x
            if own.shape != spec.shape:
                operands.append((Part(0, n, Whole(x)),))
                continue
            form = self._whole(x, spec)
            if form is None:
                return None
            operands.append(form)
        bounds = sorted({0, n, *[p.stop for form in operands for p in form]})
        if len(bounds) == 2:
            return None
        if len(bounds) > MOST + 1:
            self.joined.update(int(x) for x in node.uses() if x in self.parts)
            return None
        found = []
        for a, b in zip(bounds, bounds[1:], strict=False):
            pieces = [cut(form, a, b)[0].piece for form in operands]
            found.append(Part(a, b, computed(node.name, pieces, spec.dtype)))
        return tuple(found)


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
