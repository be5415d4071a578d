"""The traced array, and the dispatch that picks the transformation an operation belongs to.

Every transformation opens a *level*. Levels are numbered globally and only upwards, so whatever was
opened later is nested deeper, in any thread and however values are captured; there is no current-
tape variable to get wrong.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

from anygrad.backends import namespace_of
from anygrad.errors import TraceError
from anygrad.ops import Row
from anygrad.ops.shaping import kind_of
from anygrad.tracing.plain import names_of_array, run_plain

next_level = itertools.count(1).__next__


class Traced:
    """A value of one level: ``v`` the value below, ``t`` the level.

    ``i`` what the level knows of it.

    A plain class, deliberately no subclass of any array: NumPy and CuPy would drop the subclass,
    and the gradient with it, in silence. Operators, methods and protocols are attached by the
    modules beside this one.
    """

    __slots__ = ("i", "t", "v")
    __hash__ = None  # type: ignore[assignment]
    __anygrad_traced__ = True

    v: Any
    t: Any
    i: Any

    def __anygrad_value__(self) -> Any:
        return lowest(self)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.v.shape

    @property
    def dtype(self) -> Any:
        return self.v.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def device(self) -> Any:
        return lowest(self).device


LIFTED: set[type] = set()
"""The classes of traced values: exact types, so that a look-up suffices where speed counts."""


def lifted(kind: type) -> type:
    """Class decorator: values of this class belong to a level."""
    LIFTED.add(kind)
    return kind


class Level:
    """What the levels of all transformations share."""

    __slots__ = ("closed", "namespace", "number", "pending")

    def __init__(self) -> None:
        self.number = next_level()
        self.closed = False
        self.namespace: Any = None
        self.pending: list[tuple[Any, View, str]] = []

    def process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Carry out one operation with an operand of this level."""
        raise NotImplementedError

    def constant(self, value: Any) -> Any:
        """Lift a value that depends on nothing, so that traced values can be written into it."""
        raise NotImplementedError

    def view_of(self, x: Any) -> View | None:
        """The base and key if ``x`` shares its memory with another traced array.

        As NumPy's views do.
        """
        raise NotImplementedError

    def note_write(self, x: Any) -> None:
        """Remember that ``x`` is about to mean another value.

        So that views of it are not read any more.
        """
        raise NotImplementedError

    def identity(self, x: Any) -> Any:
        """What tells a value of this level from all others."""
        raise NotImplementedError

    def lower(self, x: Any) -> Any:
        """The value below, if ``x`` is of this level."""
        return x.v if type(x) in LIFTED and x.t is self else x

    def write_through(self, result: Any, view: View, what: str) -> None:
        """``view op= x`` gave ``result``: it has to be assigned to ``base[key]`` next.

        As ``base[key] op= x`` does.
        """
        self.pending.append((self.identity(result), view, what))

    def settle(self, base: Any, key: Any, value: Any) -> None:
        """``base[key] = value``: if this is the write that a view owed, it owes it no more."""
        if self.pending and type(value) in LIFTED and value.t is self:
            paid = (self.identity(value), self.identity(base))
            self.pending = [
                (result, view, what)
                for result, view, what in self.pending
                if (result, view.base) != paid or not _same_key(view.key, key)
            ]

    def close(self) -> None:
        """The function has returned: nothing may be added, and no write may be owed."""
        self.closed = True
        if self.pending:
            raise written_through_view(self.pending[0][2])

    def refuse_if_closed(self) -> None:
        """An operation on a value that left its transformation would be lost: say so."""
        if self.closed:
            message = (
                "a traced value was used after its transformation had ended (it was stored outside the "
                "differentiated function); expected values that are returned. Return it, through "
                "has_aux=True if it is not the result, or take its value with ag.value(x)."
            )
            raise TraceError(message)


class View(NamedTuple):
    """An array that shares memory with ``base``; ``key`` selects it there.

    And is absent for a reshape or transpose.
    """

    base: Any
    key: Any


NO_KEY: Any = object()


def _same_key(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a is not NO_KEY and bool(a == b)


def lowest(x: Any) -> Any:
    """The plain value below every level."""
    while type(x) in LIFTED:
        x = x.v
    return x


def bind(row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """The general path of every operation: the level created last takes it; without one.

    The library does.
    """
    top = None
    for a in args:
        if type(a) in LIFTED and (top is None or a.t.number > top.number):
            top = a.t
    if top is None:
        return run_plain(row.name, args, kw)
    return top.process(row, args, kw)


class TracedNames:
    """The rows under their names, for rules whose operands may be traced.

    Filled by `anygrad.tracing.operations`.
    """


TRACED: Any = TracedNames()


def names_for(*values: Any) -> Any:
    """The namespace that rules on these values compute with: the library's own if all are plain."""
    plain = None
    for value in values:
        if type(value) in LIFTED:
            return TRACED
        if plain is None and hasattr(value, "shape"):
            plain = value
    return TRACED if plain is None else names_of_array(plain)


def differentiable(x: Any) -> bool:
    """Whether an array has a dtype with derivatives: real or complex floating."""
    return kind_of(x.dtype) != "other"


def plain_namespace(x: Any) -> Any:
    """The Array API namespace of the library below."""
    return namespace_of(lowest(x))


def written_through_view(what: str) -> TraceError:
    """The error for a write into a view: the array it was taken from would have to change too.

    And would not.
    """
    return TraceError(
        f"{what}: got a view of another traced array (a slice, reshape or transpose); the write would be lost there. "
        "Write into the array itself, y[i, j] = x, or take a copy first, y[i] + 0."
    )
