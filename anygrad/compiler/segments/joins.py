"""Pieces of arrays along the first axis, and the operation that puts them behind each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad.compiler.program import Ref, Spec
from anygrad.compiler.simplifying import EXACT
from anygrad.tracing.plain import names_of_array

__all__ = ["Form", "Join", "Number", "Op", "Part", "Piece", "Slice", "Whole", "computed", "cut"]


class Number(NamedTuple):
    """The same number everywhere in a segment."""

    value: float


class Whole(NamedTuple):
    """A value that is the same for all rows, or broadcasts to them: a scalar, or a single row."""

    operand: Any


class Slice(NamedTuple):
    """The rows ``start`` to ``stop`` of a value of the program, or of a constant array."""

    operand: Any
    start: int
    stop: int


class Op(NamedTuple):
    """A row of the table applied to what is in a segment."""

    name: str
    operands: tuple[Piece, ...]


Piece = Number | Whole | Slice | Op


class Part(NamedTuple):
    """What an array has in its rows ``start`` to ``stop``."""

    start: int
    stop: int
    piece: Piece


Form = tuple[Part, ...]
"""An array as parts, which follow each other and cover it."""


class Join:
    """What a ``call`` node calls to put pieces behind each other along the first axis.

    Attributes
    ----------
    bounds : tuple of (int, int)
        The rows that each of the pieces fills; a number, or one row, fills them all.
    shape : tuple of int
        The shape of the whole.
    dtype : dtype
        Its dtype, which is that of the pieces.
    """

    __name__ = __qualname__ = "join"

    def __init__(self, bounds: Sequence[tuple[int, int]], shape: tuple[int, ...], dtype: Any):
        self.bounds, self.shape, self.dtype = tuple(bounds), shape, dtype

    def __call__(self, pieces: Any) -> Any:
        """The whole, as a new array."""
        like = next((x for x in pieces if hasattr(x, "shape")), np.empty(0))
        xp, rest = names_of_array(like), self.shape[1:]
        filled = []
        for (start, stop), piece in zip(self.bounds, pieces, strict=True):
            piece = xp.asarray(piece, dtype=self.dtype)
            filled.append(xp.broadcast_to(piece, shape=(stop - start, *rest)))
        return xp.concat(*filled, axis=0)


def part_of(piece: Piece, start: int, stop: int) -> Piece:
    """Some rows of a piece, counted from where it starts."""
    if type(piece) is Slice:
        return Slice(piece.operand, piece.start + start, piece.start + stop)
    if type(piece) is Op:
        return Op(piece.name, tuple([part_of(x, start, stop) for x in piece.operands]))
    return piece


def cut(form: Form, start: int, stop: int) -> list[Part]:
    """The parts of an array between two rows; the bounds are those of the whole array."""
    found = []
    for one in form:
        a, b = max(one.start, start), min(one.stop, stop)
        if a < b:
            found.append(Part(a, b, part_of(one.piece, a - one.start, b - one.start)))
    return found


def computed(name: str, operands: Sequence[Piece], dtype: Any) -> Piece:
    """An operation on pieces: numbers are computed now, and zeros not added that change no bit."""
    if all([type(x) is Number for x in operands]):
        kind = np.dtype(dtype).type
        with np.errstate(all="ignore"):
            value = EXACT[name](*[kind(x.value) for x in operands])  # type: ignore[union-attr]
        if np.isfinite(value):
            return Number(float(value))
    return _sum(*operands) if name == "add" else Op(name, tuple(operands))


def _sum(a: Piece, b: Piece) -> Piece:
    """A sum, without zeros that are added to what is no -0.0."""
    if type(a) is Op and _is_no_negative_zero(a):
        return a if _is_zero(b) else Op("add", (a, _bare(b)))
    if type(b) is Op and _is_no_negative_zero(b):
        return b if _is_zero(a) else Op("add", (_bare(a), b))
    return Op("add", (a, b))


def _bare(piece: Piece) -> Piece:
    """A piece without a zero that is added to it."""
    if type(piece) is Op and piece.name == "add":
        a, b = piece.operands
        if _is_zero(a):
            return b
        if _is_zero(b):
            return a
    return piece


def _is_zero(piece: Piece) -> bool:
    """Whether a piece is 0.0 or -0.0."""
    return type(piece) is Number and piece.value == 0


def _is_no_negative_zero(piece: Piece) -> bool:
    """Whether a piece surely has no -0.0, the only number that adding 0.0 would change."""
    if type(piece) is Number:
        return not (piece.value == 0 and np.signbit(piece.value))
    if type(piece) is Op and piece.name == "add":
        return any(map(_is_no_negative_zero, piece.operands))
    return False


def constant(x: Any, start: int, stop: int) -> Piece:
    """Rows of a constant array; a number where all of them are the same to the bit."""
    rows = np.ascontiguousarray(x[start:stop])
    first = rows.reshape(-1)[:1]
    width = rows.itemsize
    words = rows.reshape(-1).view(np.uint64 if width == 8 else np.uint32)
    if (words == words[0]).all() and np.isfinite(first[0]):
        return Number(float(first[0]))
    return Slice(x, start, stop)


def is_array(x: Any, specs: dict[int, Spec]) -> bool:
    """Whether an operand is an array of one axis or more."""
    if type(x) is Ref:
        return specs[x].kind == "array" and bool(specs[x].shape)
    return isinstance(x, np.ndarray) and x.ndim > 0
