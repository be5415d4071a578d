"""Reverse mode records here: a flat list of lean entries, and the walk back over it.

An entry is ``(pull, row, i, operands, values, result, extra)``. ``pull(xp, cot, g, operands,
values, result, extra)`` adds to the list of cotangents ``cot``, by node number; it was chosen while
recording, so that the walk tests nothing. ``operands`` is a node number, or a tuple of them with -1
for a constant; values and result are None unless needed.
"""

from __future__ import annotations

import copy
import functools
import itertools
from typing import Any

import numpy as np

from anygrad.backends import backend_of, is_mutable, namespace_of
from anygrad.errors import DTypeError
from anygrad.ops import Like, Row
from anygrad.ops.indexing import is_basic
from anygrad.ops.shaping import fit, is_complex, kind_of
from anygrad.tracing.checks import new_watch
from anygrad.tracing.level import (
    LIFTED,
    TRACED,
    Level,
    Traced,
    bind,
    held,
    lifted,
    lowest,
    names_for,
    used_after_end,
)
from anygrad.tracing.plain import NUMBERS, same_library
from anygrad.tracing.snapshots import WATCHED, Snapshots
from anygrad.tracing.views import View, Views, read_after_write

new = object.__new__


@lifted
class Recorded(Traced):
    """A real value on a tape; ``i`` is its node number. The operators have a quick way for it."""

    __slots__ = ()


@lifted
class RecordedComplex(Traced):
    """A value that always takes the general way.

    Of a complex one the adjoint needs conjugates; of a watched tape nothing may go by.
    """

    __slots__ = ()


class Tape(Level):
    """The record of one reverse-mode differentiation."""

    __slots__ = ("add", "entries", "kin", "next", "plain", "shared", "snapshots", "views")

    def __init__(self) -> None:
        Level.__init__(self)
        self.watch = new_watch()
        self.entries: list[Any] = [None]  # the mark at which a walk ends
        self.add = self.entries.append
        self.next = itertools.count().__next__  # atomic, so that threads may share a tape
        # no value of another level was recorded: rules may run in the library itself
        self.plain = True
        self.kin: frozenset[type] = frozenset()  # constants of these types need no check
        self.shared = False  # whether arrays of a kind that can be written are among the values
        self.views: Views | None = None  # made by the first in-place write
        self.snapshots = Snapshots()

    def variable(self, value: Any) -> Any:
        """A new independent variable with this value."""
        bottom = lowest(value)
        kind = type(bottom)
        if kind not in self.kin:
            self.kin |= _KIN.get(kind) or _find_kin(bottom)
            self.shared |= _is_writable(kind, bottom)
        if type(value) in LIFTED:
            self.plain = False
            value = held(value)
        return self.wrap(value, self.next())

    def wrap(self, value: Any, i: int) -> Any:
        """A value of this level with a given node number."""
        quick = self.watch is None and kind_of(value.dtype) == "real"
        r = new(Recorded if quick else RecordedComplex)
        r.v = value
        r.t = self
        r.i = i
        return r

    def constant(self, value: Any) -> Any:
        """A value on the tape that nothing was recorded for."""
        if type(value) in LIFTED:
            self.plain = False
        return self.wrap(value, self.next())

    def identity(self, x: Any) -> int:
        """The node number."""
        return x.i

    def fresh(self, x: Any) -> Any:
        """The value itself; its node counts as no view from here on."""
        self._views().fresh.add(x.i)
        return x

    def as_now(self, x: Any) -> Any:
        """The same node in another object, which a write to ``x`` does not reach."""
        if (x.shape or np.ndarray not in self.kin) and self.view_of(x) is not None:
            return None
        return self.wrap(x.v, x.i)

    def view_of(self, x: Any) -> View | None:
        """The base and key of a node that is a view, as the entries tell."""
        return self._views().find(self.entries, x.i)

    def note_write(self, x: Any) -> None:
        """Mark the views of this node as stale."""
        self._views().write(self.entries, x.i)

    def check_readable(self, x: Any) -> None:
        """Raise if the node is a view marked as stale."""
        if self.views is not None and x.i in self.views.stale:
            raise read_after_write()

    def _views(self) -> Views:
        if self.views is None:
            self.views = Views(self.shared, np.ndarray in self.kin)
        return self.views

    def close(self) -> None:
        """End the recording; the entries stay for the walk."""
        Level.close(self)
        if self.views is not None and self.views.stale:
            self.views.check(self.entries)
        self.add = functools.partial(
            _refuse_entry, self.origin
        )  # the quick ways ask nothing: adding is what they cannot do

    def _below(self, a: Any) -> Any:
        if type(a) not in LIFTED:
            return a
        return a.v if a.t is self else held(a)

    def process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Record one operation in the general form, whatever the operands."""
        self.refuse_if_closed()
        if self.views is not None and self.views.stale:
            for a in args:
                if type(a) in LIFTED and a.t is self:
                    self.check_readable(a)
        values = same_library(tuple([self._below(a) for a in args]))
        y = bind(row, values, kw)
        if row.constant:
            return y
        if kind_of(y.dtype) == "other":
            return refuse_other(row, y)
        if type(y) in LIFTED:
            self.plain = False
        operands = tuple([a.i if type(a) in LIFTED and a.t is self else -1 for a in args])
        for a, i in zip(values, operands, strict=True):
            if i < 0 and type(a) in LIFTED:
                self.plain = False
        likes = tuple([_like(self.lower(a), y) for a in args])
        kept, result = keep(row, operands, values, likes, y)
        for a, i in zip(kept, operands, strict=True):
            if i < 0 and (type(a) in WATCHED or isinstance(a, np.ndarray)):
                self.snapshots.take(a)
        i = self.next()
        self.add((pull_general, row, i, operands, kept, result, (row, own_keys(kw), likes)))
        return self.wrap(y, i)


def refuse_other(row: Row, y: Any) -> Any:
    """A result that is no floating array: wanted from a cast, else the derivative would be lost."""
    if row.name == "astype":
        return y
    message = (
        f"{row.name}(operands): got a result of dtype {y.dtype} from a traced array; expected a "
        "floating dtype. Convert the other operand to a floating array first."
    )
    raise DTypeError(message)


def _refuse_entry(origin: str, _: Any) -> None:
    raise used_after_end(origin)


def own_keys(kw: dict[str, Any]) -> dict[str, Any]:
    """Keywords whose index arrays cannot be changed behind the tape's back."""
    if "key" in kw and not is_basic(kw["key"]):
        key = kw["key"]
        return {**kw, "key": tuple(map(_own, key)) if type(key) is tuple else _own(key)}
    return {**kw, "indices": _own(kw["indices"])} if "indices" in kw else kw


def _own(part: Any) -> Any:
    if type(part) in LIFTED:
        return held(part)
    if is_mutable(part):
        return namespace_of(part).asarray(part, copy=True)
    return copy.deepcopy(part) if isinstance(part, list) else part


_KIN: dict[type, frozenset[type]] = {}


def _find_kin(value: Any) -> frozenset[type]:
    """The types that may meet this one unchecked: itself; NumPy's scalars and arrays mix."""
    kind = type(value)
    numpy_kin = frozenset((np.ndarray, np.float64, np.float32, np.int64, np.bool_))
    _KIN[kind] = numpy_kin if kind in numpy_kin else frozenset((kind,))
    return _KIN[kind]


def _is_writable(kind: type, value: Any) -> bool:
    if kind is np.ndarray:
        return True
    backend = backend_of(value)
    if backend is not None and backend.writes is not None:
        WATCHED.add(kind)
    return backend is None or backend.writable


def _like(a: Any, y: Any) -> Like:
    """Shape and dtype of an operand; None where its cotangent is another library's."""
    if type(a) in NUMBERS:
        return Like((), None)
    foreign = isinstance(a, np.generic) and not isinstance(lowest(y), np.ndarray | np.generic)
    return Like(a.shape, None if foreign else a.dtype)


def keep(
    row: Row, operands: tuple[int, ...], values: tuple, likes: tuple, y: Any
) -> tuple[tuple, Any]:
    """What the pullback of these operands will read; for the rest, only shape and dtype."""
    if row.family.keeps == "shapes":
        return likes, None
    if row.family.keeps == "all":
        return values, y
    if row.keeps_complex and is_complex(values[0]):
        reads = row.keeps_complex
    else:
        reads = zip(row.keeps_result, row.keeps_args, strict=True)
    needed = [False] * len(values)
    result = False
    for (reads_result, reads_args), i in zip(reads, operands, strict=True):
        if i >= 0 and reads_args:
            result = result or reads_result
            needed = [n or r for n, r in zip(needed, reads_args, strict=True)]
    kept = tuple([v if n else like for v, n, like in zip(values, needed, likes, strict=True)])
    return kept, y if result else None


def pull_general(
    xp: Any, cot: list, g: Any, operands: Any, values: Any, y: Any, extra: Any
) -> None:
    """The pull of entries without a quick way: the family's, each part fitted to its operand."""
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

    ``cot[-1]`` holds buffers that may be written. Entries are freed as they are pulled, unless the
    tape is to be walked ``again``.
    """
    tape.snapshots.compare(keep=again)
    entries = tape.entries.copy() if again else tape.entries
    xp = names_for(*cotangents) if tape.plain else TRACED
    watch = tape.watch or new_watch()
    if watch is not None:
        watch.check_seeds(cotangents)
        for entry in iter(entries.pop, None):
            watch.pull(xp, cot, entry)
        return
    for pull, _, i, operands, values, y, extra in iter(entries.pop, None):
        g = cot[i]
        if g is not None:
            cot[i] = None
            pull(xp, cot, g, operands, values, y, extra)
