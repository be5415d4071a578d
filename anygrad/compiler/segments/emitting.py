"""Programs in which segments are computed where they belong, and slices before what they are of."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends.numpy import NUMPY
from anygrad.compiler.program import Node, Program, Ref, Spec, map_refs
from anygrad.compiler.segments.demands import Demands
from anygrad.compiler.segments.forms import Forms
from anygrad.compiler.segments.joins import Join, Number, Op, Part, Piece, Slice, Whole, part_of
from anygrad.compiler.segments.keys import rows_of_key
from anygrad.compiler.simplifying import drop_dead, merge_common

__all__ = ["join_segments"]

UNROLLED = 4
"""Elements of a segment that are computed one by one: NumPy takes long to begin with an array."""


def join_segments(program: Program) -> Program:
    """Compute what is in the segments of arrays, and put it together once.

    No bit of any result changes.
    """
    forms = Forms(program)
    demands = Demands(forms)
    if not forms.joined and not demands.repeated:
        return program
    return drop_dead(merge_common(Emission(forms, demands).program()))


class Emission:
    """The new program while it is written."""

    def __init__(self, forms: Forms, demands: Demands):
        self.forms, self.demands = forms, demands
        self.old = forms.program
        self.specs: dict[int, Spec] = dict(forms.specs)
        self.nodes: list[Node] = []
        self.renamed: dict[int, Any] = {}
        self._next = max(self.specs, default=0) + 1
        self._line: Any = None
        self._made: dict[Any, Any] = {}

    def program(self) -> Program:
        """The program with joins."""
        for node in self.old.nodes:
            self._line = node.line
            if node.number in self.forms.joined:
                self._join(node)
            elif node.number in self.demands.moved:
                self._move(node)
            else:
                self.nodes.append(node.renamed(self.renamed))
        outputs = [map_refs(x, lambda ref: self.renamed.get(ref, ref)) for x in self.old.outputs]
        program = self.old.with_nodes(self.nodes, outputs)
        return Program(program.inputs, program.nodes, program.outputs, self.specs, program.names)

    def _join(self, node: Node) -> None:
        """Compute the pieces of a value, and put them together."""
        spec, pieces, bounds = self.specs[node.number], [], []
        for part in self._spread(self.forms.parts[node.number], spec):
            single = part.stop - part.start == 1 and len(spec.shape) == 1
            bounds.append((part.start, part.stop))
            pieces.append(self._emit(part.piece, spec, single))
        call: Any = Join(bounds, spec.shape, spec.dtype)
        self.nodes.append(Node(node.number, "call", tuple(pieces), {}, call, node.line))

    def _spread(self, form: tuple[Part, ...], spec: Spec) -> list[Part]:
        """The parts, short ones element by element where something is computed."""
        found = []
        for part in form:
            n = part.stop - part.start
            if n > UNROLLED or len(spec.shape) > 1 or type(part.piece) is not Op:
                found.append(part)
                continue
            for k in range(n):
                a = part.start + k
                found.append(Part(a, a + 1, part_of(part.piece, k, k + 1)))
        return found

    def _move(self, node: Node) -> None:
        """A ``getitem`` of something that is computed for these rows, or that lies elsewhere."""
        piece = self.demands.moved[node.number]
        rows = rows_of_key(node.keywords["key"], self.specs[node.operands[0]].shape)
        single = rows is not None and rows.single
        operand = self._emit(piece, self.specs[node.number], single)
        if type(operand) is Ref:
            self.renamed[int(node.number)] = operand
        else:
            self.nodes.append(node.renamed(self.renamed))

    def _emit(self, piece: Piece, spec: Spec, single: bool) -> Any:
        """The operand that a piece becomes; ``single`` for an element without its axis."""
        if type(piece) is Number:
            return piece.value
        if type(piece) is Whole:
            return map_refs(piece.operand, lambda ref: self.renamed.get(ref, ref))
        if type(piece) is Slice:
            return self._slice(piece, spec, single)
        assert type(piece) is Op
        operands = [self._emit(x, spec, single) for x in piece.operands]
        return self._add(piece.name, operands, spec)

    def _slice(self, piece: Slice, spec: Spec, single: bool) -> Any:
        x, start, stop = self.demands.origin(piece)
        if type(x) is not Ref:
            return x[start] if single else x[start:stop]
        if x in self.demands.repeated:
            return self._emit(self.demands.computed(x, start, stop), spec, single)
        own = self.specs[x]
        if start == 0 and stop == own.shape[0] and not single:
            return self.renamed.get(x, x)
        key = (int(x), start, stop, single)
        if key not in self._made:
            new = Spec("scalar", (), own.dtype, None, NUMPY) if single else _rows(own, stop - start)
            kw: dict[str, Any] = {"key": start if single else slice(start, stop)}
            self._made[key] = self._new("getitem", (self.renamed.get(x, x),), kw, new)
        return self._made[key]

    def _add(self, name: str, operands: list[Any], spec: Spec) -> Ref:
        """One more operation."""
        if not any([type(x) is Ref or hasattr(x, "shape") for x in operands]):
            operands[0] = np.dtype(spec.dtype).type(operands[0])  # so that it rounds as arrays do
        shapes = [self.specs[x].shape if type(x) is Ref else np.shape(x) for x in operands]
        shape = np.broadcast_shapes(*shapes)
        if not shape:
            kinds = {self.specs[x].kind for x in operands if type(x) is Ref}
            only = kinds == {"number"} and not any(hasattr(x, "shape") for x in operands)
            own = Spec("number", (), float) if only else Spec("scalar", (), spec.dtype, None, NUMPY)
        else:
            own = Spec("array", shape, spec.dtype, _strides(shape, spec.dtype), NUMPY)
        return self._new(name, tuple(operands), {}, own)

    def _new(self, name: str, operands: tuple[Any, ...], kw: dict[str, Any], spec: Spec) -> Ref:
        number = Ref(self._next)
        self._next += 1
        self.specs[number] = spec
        self.nodes.append(Node(number, name, operands, kw, None, self._line))
        return number


def _rows(spec: Spec, n: int) -> Spec:
    """What is known of ``n`` rows of a value."""
    return spec._replace(shape=(n, *spec.shape[1:]))


def _strides(shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    """Those of an array without gaps."""
    strides, step = [], np.dtype(dtype).itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))
