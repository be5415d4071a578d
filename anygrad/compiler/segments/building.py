"""What is in the segments of a value, from what is in those of its operands."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from anygrad.compiler.program import Node, Ref, Spec
from anygrad.compiler.segments.candidates import fits
from anygrad.compiler.segments.joins import (
    Form,
    Number,
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

__all__ = ["Building"]

MOST = 13
"""Segments of an array."""


class Building:
    """The parts of values, found one after the other.

    Attributes
    ----------
    parts : dict
        By number, what is in the segments of a value.
    joined : set
        The values that are put together in memory, and read from there.
    """

    def __init__(self, specs: dict[int, Spec]):
        self.specs = specs
        self.parts: dict[int, Form] = {}
        self.joined: set[int] = set()

    def form(self, node: Node) -> Form | None:
        """The parts of a value; None if they are not known, or too many."""
        found = self._form(node)
        return None if found is None or len(found) > MOST else found

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
        return self._parts(x) if is_array(x, self.specs) and fits(x, spec, self.specs) else None

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
            if not fits(value, spec, self.specs):
                return None
            return [Part(start, stop, self._number(value, spec))]
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
        for a, b in pairwise(bounds):
            pieces = [cut(form, a, b)[0].piece for form in operands]
            found.append(Part(a, b, computed(node.name, pieces, spec.dtype)))
        return tuple(found)
