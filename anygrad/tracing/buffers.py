"""Arrays made in rebound code, ``np.zeros(n)`` and the like, into which traced values are written.

A buffer is a plain array until that happens, and a traced array from then on; it is nothing of its
own to any transformation, which sees the value inside. Its slices are views, as NumPy's are: a
write through one reaches the buffer, and is seen in every other view, because a view asks its base.
Writes of single elements or rows are collected and carried out together when something else is
read, so that a loop that fills n elements costs n and not n squared.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from anygrad.backends import backend_of
from anygrad.ops import Row
from anygrad.ops.shaping import kind_of
from anygrad.tracing.assignment import in_dtype_of
from anygrad.tracing.level import (
    LIFTED,
    Level,
    Traced,
    duplicate,
    lifted,
    lowest,
    names_for,
)
from anygrad.tracing.lookup import OPERATORS
from anygrad.tracing.operations import TRACED
from anygrad.tracing.views import copies

new = object.__new__


class _Buffers(Level):
    """The level of all buffers: it adds nothing, so it stands above every other."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.number = math.inf  # type: ignore[assignment]

    def check_readable(self, x: Any) -> None:
        """Do nothing: a view asks its base, so it never shows old values."""

    def view_of(self, x: Any) -> None:
        """Give no view that could not be written through: these can."""

    def wrap(self, value: Any, info: Any = None) -> Any:
        """The value as a buffer."""
        return buffer_of(value)

    def constant(self, value: Any) -> Any:
        """A value that depends on nothing, to be written into."""
        return buffer_of(value)

    def fresh(self, x: Any) -> Any:
        """The value in memory of its own."""
        return buffer_of(copied(x.v))

    def process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Carry out an operation on what is inside."""
        if row.view and len(args) == 1:
            return view_by(row, args[0], kw)
        traced = any(type(a.v if type(a) is Buffer else a) in LIFTED for a in args)
        # an operation with traced operands may keep the memory for the backward pass
        values = [(a.used() if traced else a.v) if type(a) is Buffer else a for a in args]
        if not traced and row.name in OPERATORS:  # x**2 is no pow(x, 2), in its last bit
            return buffer_of(OPERATORS[row.name](*values))
        return buffer_of(getattr(TRACED, row.name)(*values, **kw))


BUFFERS = _Buffers()


@lifted
class Buffer(Traced):
    """An array that can be written into, or a view of one; the module says how.

    ``held`` is the value, of a view the value at this ``version`` of its ``root``. ``pending`` are
    writes that were not carried out yet, by position. ``lent`` tells that the memory must stay as
    it is: somebody else has it. A view is what ``row`` with ``kw`` makes of ``base``.
    """

    __slots__ = ("base", "held", "kw", "lent", "pending", "root", "row", "version")

    held: Any
    base: Any
    root: Any
    row: Any
    kw: dict[str, Any]
    pending: dict[tuple[int, ...], Any]
    lent: bool
    version: int

    @property
    def v(self) -> Any:  # type: ignore[override]
        """The value, plain or traced, with everything that was written."""
        root = self.root
        if root.pending:
            root._settle()
        if self.version != root.version:
            self.held = getattr(TRACED, self.row.name)(self.base.v, **self.kw)
            self.version = root.version
        return self.held

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.held.shape if self.root is self else self.v.shape

    @property
    def dtype(self) -> Any:
        """The dtype, the library's own."""
        return self.root.held.dtype if self.base is None else self.v.dtype

    def used(self) -> Any:
        """The value, for somebody who may keep it: its memory is not written any more."""
        value = self.v
        self.root.lent = True
        return value

    def _settle(self) -> None:
        """Carry out the writes that were collected, in one operation."""
        writes, self.pending = self.pending, {}
        self.store(_assembled(self.held, writes))

    def store(self, value: Any) -> None:
        """Replace the whole value; through a view, what it shows of its base."""
        if self.root is self:
            self.held, self.lent = value, True
            self.version += 1
            return
        self.base.store(_PUT[self.row.name](self.base.v, value, self.kw))

    def memory(self) -> Any:
        """The plain array inside, to be written, where nothing traced was written yet; or None."""
        root = self.root
        if root.pending or type(root.held) in LIFTED:
            return None
        if root.lent:
            root.held, root.lent = copied(root.held), False
            root.version += 1
        return self.v

    def is_writable(self) -> bool:
        """Whether a write reaches the root; NumPy too copies when it reshapes what is scattered."""
        x = self
        while x.base is not None:
            if x.row.name not in _PUT:
                return False
            if x.row.name == "reshape" and not _is_contiguous(x.base):
                return False
            x = x.base
        return True


def buffer_of(y: Any) -> Any:
    """A plain floating array that can be written, as a buffer; anything else as it is."""
    if type(y) in LIFTED or not hasattr(y, "dtype") or kind_of(y.dtype) == "other":
        return y
    backend = backend_of(y)
    if backend is None or not backend.writable or backend.is_scalar(type(y)):
        return y
    return _root(y)


def copy_of(y: Any) -> Any:
    """A traced array that nothing else refers to, as a buffer; where it has axes to write along."""
    return _root(y) if type(y) in LIFTED and y.shape else y


def _root(value: Any) -> Buffer:
    r = new(Buffer)
    r.held, r.root, r.base, r.pending, r.lent, r.version = value, r, None, {}, False, 0
    r.t = BUFFERS
    return r


def copied(value: Any) -> Any:
    """A value, plain or traced, in memory of its own."""
    return duplicate(value) if type(value) in LIFTED else names_for(value).asarray(value, copy=True)


def view_by(row: Row, base: Buffer, kw: dict[str, Any]) -> Any:
    """What a row that gives views makes of a buffer."""
    if row.name == "getitem":
        key = kw["key"]
        found = _pending_element(base, key)
        if found is not None:
            return found
        if copies(key, base.shape, isinstance(lowest(base.root.held), np.ndarray)):
            return buffer_of(TRACED.getitem(base.v, key=key))
    r = new(Buffer)
    r.base, r.root, r.row, r.kw = base, base.root, row, kw
    r.held, r.pending, r.lent, r.version = None, {}, False, -1
    r.t = BUFFERS
    return r


def _pending_element(base: Buffer, key: Any) -> Any:
    """One element of an array with writes that were collected, without carrying them out."""
    if not base.pending:
        return None
    place = position_of(key, base.shape)
    depth = len(next(iter(base.pending)))
    if place is None or len(place) != depth or depth != base.ndim:
        return None
    if place in base.pending:
        found = base.pending[place]
        return found if hasattr(found, "dtype") else base.held.dtype.type(found)
    return TRACED.getitem(base.held, key=place)


_PUT = {
    "getitem": lambda base, value, kw: TRACED.setitem(base, value, key=kw["key"]),
    "reshape": lambda base, value, kw: TRACED.reshape(value, shape=base.shape),
    "permute_dims": lambda base, value, kw: TRACED.permute_dims(
        value, axes=tuple(kw["axes"].index(k) for k in range(len(kw["axes"])))
    ),
    "flip": lambda base, value, kw: TRACED.flip(value, axis=kw["axis"]),
}
"""How what a view shows is put back into its base."""


def _is_contiguous(x: Buffer) -> bool:
    """Whether the elements of an array lie one behind the other, as far as that is known."""
    flags = getattr(lowest(x.v), "flags", None)
    return x.base is None and bool(getattr(flags, "c_contiguous", False))


def position_of(key: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The position that a key of integers names, counted from 0; None for any other key."""
    if type(key) is int:
        return (key % shape[0],) if shape and -shape[0] <= key < shape[0] else None
    parts = key if type(key) is tuple else (key,)
    if not parts or len(parts) > len(shape):
        return None
    place = []
    for part, n in zip(parts, shape, strict=False):
        if not isinstance(part, int | np.integer) or isinstance(part, bool) or not -n <= part < n:
            return None
        place.append(int(part) % n)
    return tuple(place)


def _assembled(base: Any, writes: dict[tuple[int, ...], Any]) -> Any:
    """The base with values at positions, all of them written at once."""
    places = sorted(writes)
    values = TRACED.stack(*[_stored(writes[place], base) for place in places], axis=0)
    depth = len(places[0])
    if len(places) == math.prod(base.shape[:depth]):
        return TRACED.reshape(values, shape=base.shape)
    key = tuple(_indices(numbers, base) for numbers in zip(*places, strict=True))
    return TRACED.setitem(base, values, key=key)


def _stored(value: Any, like: Any) -> Any:
    """A value as an array in the dtype of the buffer."""
    if type(value) in LIFTED:
        return in_dtype_of(like, value, "y[key] = x")
    bottom = lowest(like)
    backend = backend_of(bottom)
    assert backend is not None
    place = backend.device_of(bottom)
    return backend.load().asarray(value, dtype=bottom.dtype, device=place)


def _indices(numbers: tuple[int, ...], like: Any) -> Any:
    """Positions along one axis as an index array of the library."""
    bottom = lowest(like)
    backend = backend_of(bottom)
    assert backend is not None
    return backend.from_host(np.asarray(numbers), backend.device_of(bottom))


def unbuffered(x: Any) -> Any:
    """What is inside buffers, also in lists, tuples and dictionaries; anything else as it is."""
    kind = type(x)
    if kind is Buffer:
        return x.used()
    if kind is list or kind is tuple:
        return kind([unbuffered(part) for part in x])
    if kind is dict:
        return {name: unbuffered(part) for name, part in x.items()}
    return x


def holds_traced(x: Any) -> bool:
    """Whether a value is traced, or has traced ones in it; a plain buffer is not traced."""
    kind = type(x)
    if kind in LIFTED:
        return kind is not Buffer or bool(x.root.pending) or type(x.root.held) in LIFTED
    if kind is list or kind is tuple:
        return any(map(holds_traced, x))
    return kind is dict and any(map(holds_traced, x.values()))


def plain_ufunc(ufunc: Any, method: str, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """A ufunc on buffers without traced values: on the plain arrays inside, written where asked."""
    written = kw.get("out")
    if written is not None:
        kw = {**kw, "out": tuple(_written(part) for part in written)}
    first = (_written(args[0]),) if method == "at" else (unbuffered(args[0]),)
    y = getattr(ufunc, method)(*first, *unbuffered(args[1:]), **unbuffered(kw))
    if written is None:
        return buffer_of(y)
    return written[0] if len(written) == 1 else written


def _written(x: Any) -> Any:
    return x.memory() if type(x) is Buffer else x


def plain_function(function: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """A function without a rule, on what is inside buffers; NumPy asks again for traced values."""
    y = function(*unbuffered(args), **unbuffered(kw))
    for part in y if isinstance(y, list | tuple) else (y,):
        if isinstance(part, np.ndarray) and not part.flags.owndata:
            part.flags.writeable = False  # a view: what is written there would not reach the buffer
    return y


def array_of(parts: Any) -> Any:
    """A nested list with traced values in it, as one array."""
    return _first_traced(parts).__array_namespace__().asarray(unbuffered(parts))


def as_array(x: Any) -> Any:
    """A list with traced values in it as one array; anything else as it is."""
    return array_of(x) if (type(x) is list or type(x) is tuple) and holds_traced(x) else x


def _first_traced(parts: Any) -> Any:
    for part in parts:
        if type(part) in LIFTED and holds_traced(part):
            return unbuffered(part)
        if isinstance(part, list | tuple) and holds_traced(part):
            return _first_traced(part)
    raise AssertionError
