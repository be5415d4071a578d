"""Reverse mode records here: a flat list of lean entries, and the walk back over it.

An entry is ``(pull, row, i, operands, values, result, extra)``. ``pull(xp, cot, g, operands,
values, result, extra)`` adds to the list of cotangents ``cot``, by node number; it was chosen while
recording, so that the walk tests nothing. ``operands`` is a node number, or a tuple of them with -1
for a constant; values and result are None unless needed.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from anygrad.errors import TraceError
from anygrad.ops import Like, Row
from anygrad.ops.indexing import is_basic
from anygrad.ops.shaping import fit, kind_of
from anygrad.tracing.level import (
    LIFTED,
    NO_KEY,
    TRACED,
    Level,
    Traced,
    View,
    bind,
    lifted,
    lowest,
    names_for,
)
from anygrad.tracing.plain import NUMBERS

new = object.__new__


@lifted
class Recorded(Traced):
    """A real value on a tape; ``i`` is its node number. The operators have a quick way for it."""

    __slots__ = ()


@lifted
class RecordedComplex(Traced):
    """A complex value on a tape. Its adjoints need conjugates.

    So it always takes the general way.
    """

    __slots__ = ()


class Tape(Level):
    """The record of one reverse-mode differentiation."""

    __slots__ = ("add", "entries", "kin", "next", "plain", "written")

    def __init__(self) -> None:
        Level.__init__(self)
        self.entries: list[Any] = [None]  # the mark at which a walk ends
        self.add = self.entries.append
        self.next = itertools.count().__next__  # atomic, so that threads may share a tape
        self.plain = (
            True  # no value of another level was recorded: rules may run in the library itself
        )
        self.kin: frozenset[type] = frozenset()  # constants of these types need no check
        self.written: list[
            tuple[int, int]
        ] = []  # (entries before an in-place write, node that was written)

    def variable(self, value: Any) -> Any:
        """A new independent variable with this value."""
        bottom = lowest(value)
        kind = type(bottom)
        if kind not in self.kin:
            self.kin |= _KIN.get(kind) or _find_kin(bottom)
        if type(value) in LIFTED:
            self.plain = False
        return self.wrap(value, self.next())

    def wrap(self, value: Any, i: int) -> Any:
        """A value of this level with a given node number."""
        r = new(Recorded if kind_of(value.dtype) == "real" else RecordedComplex)
        r.v = value
        r.t = self
        r.i = i
        return r

    def constant(self, value: Any) -> Any:
        if type(value) in LIFTED:
            self.plain = False
        return self.wrap(value, self.next())

    def identity(self, x: Any) -> int:
        return x.i

    def view_of(self, x: Any) -> View | None:
        return _view(self, _entry_of(self, x.i))

    def note_write(self, x: Any) -> None:
        self.written.append((len(self.entries), x.i))

    def process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Record one operation in the general form, whatever the operands."""
        self.refuse_if_closed()
        values = tuple([self.lower(a) for a in args])
        y = bind(row, values, kw)
        if row.constant or kind_of(y.dtype) == "other":
            return y
        operands = tuple([a.i if type(a) in LIFTED and a.t is self else -1 for a in args])
        for a, i in zip(values, operands, strict=True):
            if i < 0 and type(a) in LIFTED:
                self.plain = False
        likes = tuple([_like(a) for a in values])
        kept, result = keep(row, operands, values, likes, y)
        i = self.next()
        self.add((pull_general, row, i, operands, kept, result, (row, kw, likes)))
        return self.wrap(y, i)


_KIN: dict[type, frozenset[type]] = {}


def _find_kin(value: Any) -> frozenset[type]:
    """The types that may meet this one without a check: itself.

    And NumPy's scalars among NumPy's arrays.
    """
    kind = type(value)
    numpy_kin = frozenset((np.ndarray, np.float64, np.float32, np.int64, np.bool_))
    _KIN[kind] = numpy_kin if kind in numpy_kin else frozenset((kind,))
    return _KIN[kind]


def _like(a: Any) -> Like:
    return Like((), type(a)) if type(a) in NUMBERS else Like(a.shape, a.dtype)


def keep(
    row: Row, operands: tuple[int, ...], values: tuple, likes: tuple, y: Any
) -> tuple[tuple, Any]:
    """What the pullback of these operands will read; for the rest, only shape and dtype."""
    if row.family.name in ("linear", "join"):
        return likes, None
    if row.complex_rules is not None:
        return values, y
    if row.family.name == "reduction":
        return values, y
    needed = [False] * len(values)
    result = False
    for rule, i, args, res in zip(
        row.rules, operands, row.keeps_args, row.keeps_result, strict=True
    ):
        if i >= 0 and rule is not None:
            result = result or res
            needed = [n or a for n, a in zip(needed, args, strict=True)]
    kept = tuple([v if n else like for v, n, like in zip(values, needed, likes, strict=True)])
    return kept, y if result else None


def pull_general(
    xp: Any, cot: list, g: Any, operands: Any, values: Any, y: Any, extra: Any
) -> None:
    row, kw, likes = extra
    wanted = [i >= 0 for i in operands]
    for i, part, like in zip(
        operands, row.family.pullback(row, xp, g, y, values, kw, wanted), likes, strict=True
    ):
        if i >= 0 and part is not None:
            part = fit(xp, part, *like)
            c = cot[i]
            cot[i] = part if c is None else c + part


def walk(tape: Tape, cot: list, *cotangents: Any, again: bool = False) -> None:
    """Pull the cotangents back, from the last entry to the first.

    ``cot[-1]`` holds buffers that may be written.

    Entries are freed as they are pulled, unless the tape is to be walked ``again``.
    """
    if tape.written:
        _refuse_stale_views(tape)
    entries = tape.entries.copy() if again else tape.entries
    xp = names_for(*cotangents) if tape.plain else TRACED
    for pull, _, i, operands, values, y, extra in iter(entries.pop, None):
        g = cot[i]
        if g is not None:
            cot[i] = None
            pull(xp, cot, g, operands, values, y, extra)


def _entry_of(tape: Tape, i: int) -> tuple | None:
    low, high = 1, len(tape.entries)
    while low < high:  # node numbers grow along the tape
        middle = (low + high) // 2
        if tape.entries[middle][2] < i:
            low = middle + 1
        else:
            high = middle
    return tape.entries[low] if low < len(tape.entries) and tape.entries[low][2] == i else None


def _view(tape: Tape, entry: tuple | None) -> View | None:
    """The base of a view. Advanced indexing copies.

    So does NumPy where all axes are indexed by integers.
    """
    if entry is None or not entry[1].view:
        return None
    operands, extra = entry[3], entry[6]
    base = operands[0] if type(operands) is tuple else operands
    kw = extra[1] if type(extra) is tuple else extra
    if "key" not in kw:
        return View(base, NO_KEY)
    key = kw["key"]
    shape = entry[4][0].shape if type(extra) is tuple else entry[4]
    if not is_basic(key) or (np.ndarray in tape.kin and _picks_one(key, shape)):
        return None
    return View(base, key)


def _picks_one(key: Any, shape: tuple[int, ...]) -> bool:
    parts = key if type(key) is tuple else (key,)
    return len(parts) == len(shape) and all(isinstance(part, int | np.integer) for part in parts)


def _refuse_stale_views(tape: Tape) -> None:
    """A view taken before a write and read after it would show the old values.

    NumPy would show the new ones.
    """
    for position, node in tape.written:
        stale = {node}
        for entry in tape.entries[1:position]:
            view = _view(tape, entry)
            if view is not None and view.base in stale:
                stale.add(entry[2])
        stale.discard(node)
        for entry in tape.entries[position:]:
            operands = entry[3] if type(entry[3]) is tuple else (entry[3],)
            if stale.intersection(operands):
                message = (
                    "y[key] = value: a view of y taken before the assignment is used after it, where it would hold "
                    "the old values. Take the view again after the assignment."
                )
                raise TraceError(message)
