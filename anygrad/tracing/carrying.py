"""Levels whose values carry all they need along: tangents, batches. There is no record of them."""

from __future__ import annotations

from typing import Any

from anygrad.backends import is_mutable
from anygrad.tracing.checks import new_watch
from anygrad.tracing.level import Level, Traced, lowest
from anygrad.tracing.views import NO_KEY, View, copies, read_after_write

new = object.__new__


class Carried(Traced):
    """A value that knows the base it is a view of, if it is one; not read once that was written."""

    __slots__ = ("base", "key", "seen")

    base: Any
    key: Any
    seen: Any


class Carrying(Level):
    """What such levels share: how views are told."""

    __slots__ = ()
    kind: type[Carried]

    def __init__(self) -> None:
        Level.__init__(self)
        self.watch = new_watch()

    def wrap(self, value: Any, info: Any = None) -> Any:
        """A value of this level, with what it carries."""
        r = new(self.kind)
        r.v, r.t, r.i, r.base = value, self, info, None
        return r

    def constant(self, value: Any) -> Any:
        """A value that depends on nothing."""
        return self.wrap(value)

    def identity(self, x: Any) -> Any:
        """The identity of the value below: a write replaces it."""
        return id(x.v)

    def fresh(self, x: Any) -> Any:
        """The same value, as one that is no view."""
        return self.wrap(x.v, x.i)

    def as_now(self, x: Any) -> Any:
        """The value, as one that is no view: what it shows now is in it."""
        self.check_readable(x)
        return self.fresh(x)

    def view_of(self, x: Any) -> View | None:
        """The base and key of a value that is a view."""
        return None if x.base is None else View(id(x.base.v), x.key)

    def note_write(self, x: Any) -> None:
        """Do nothing: views compare the value they saw with the one their base has now."""

    def check_readable(self, x: Any) -> None:
        """Raise if a base, however far below, is not what the view saw."""
        while x.base is not None:
            if x.base.v is not x.seen:
                raise read_after_write()
            x = x.base

    def check_operands(self, args: tuple[Any, ...]) -> None:
        """Raise if an operand of this level must not be read."""
        self.refuse_if_closed()
        for a in args:
            if type(a) is self.kind and a.t is self and a.base is not None:
                self.check_readable(a)

    def as_view(self, r: Any, base: Any, kw: dict[str, Any]) -> Any:
        """The result of an operation that NumPy gives as a view, as a view of its operand."""
        if not is_mutable(lowest(r)) or ("key" in kw and copies(kw["key"], base.shape, False)):
            return r
        r.base, r.key, r.seen = base, kw.get("key", NO_KEY), base.v
        return r
