"""The traced array, and the dispatch that picks the transformation an operation belongs to.

Every transformation opens a *level*. Levels are numbered globally and only upwards, so whatever was
opened later is nested deeper, in any thread and however values are captured; there is no current-
tape variable to get wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from anygrad.backends import namespace_of
from anygrad.errors import TraceError
from anygrad.ops import Row
from anygrad.tracing.plain import names_of_array, run_plain
from anygrad.tracing.views import View, written_through_view

next_level = itertools.count(1).__next__


class Traced:
    """A value of one level: ``v`` the value below, ``t`` the level, ``i`` what that knows of it.

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
        """The lengths of the axes."""
        return self.v.shape

    @property
    def dtype(self) -> Any:
        """The dtype, the library's own."""
        return self.v.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def device(self) -> Any:
        """The device, as the library names it."""
        return lowest(self).device


LIFTED: set[type] = set()
"""The classes of traced values: exact types, so that a look-up suffices where speed counts."""


def lifted(kind: type) -> type:
    """Class decorator: values of this class belong to a level."""
    LIFTED.add(kind)
    return kind


class Level:
    """What the levels of all transformations share."""

    __slots__ = ("__weakref__", "closed", "namespace", "number", "origin", "pending", "watch")
    maps = False  # whether values hold a batch, and no derivative
    records = False  # whether operations are written down to be carried out again
    divides = False  # whether that may happen at a level that differentiates

    def __init__(self) -> None:
        self.number = next_level()
        self.closed = False
        self.origin = "a transformation"  # in words, for errors
        self.namespace: Any = None
        self.pending: dict[Any, tuple[View, str]] = {}
        self.watch: Any = None  # what looks at every operation, while debugging

    def wrap(self, value: Any, info: Any = None) -> Any:
        """A value of this level."""
        raise NotImplementedError

    def process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Carry out one operation with an operand of this level."""
        raise NotImplementedError

    def constant(self, value: Any) -> Any:
        """Lift a value that depends on nothing, so that traced values can be written into it."""
        raise NotImplementedError

    def fresh(self, x: Any) -> Any:
        """Mark a value as having memory of its own, however it was made."""
        raise NotImplementedError

    def as_now(self, x: Any) -> Any:
        """The value as it is, in an object of its own; None for a view, which shows later ones."""
        raise NotImplementedError

    def view_of(self, x: Any) -> View | None:
        """The base and key if ``x`` shares its memory with another traced array."""
        raise NotImplementedError

    def note_write(self, x: Any) -> None:
        """Remember that ``x`` is about to mean another value: views of it are not read any more."""
        raise NotImplementedError

    def check_readable(self, x: Any) -> None:
        """Raise if ``x`` is a view of an array that was written since."""
        raise NotImplementedError

    def identity(self, x: Any) -> Any:
        """What tells a value of this level from all others."""
        raise NotImplementedError

    def keep(self, x: Any, below: Any) -> Any:
        """What is left of a value without derivatives; ``below`` is what lies there."""
        return below

    def lower(self, x: Any) -> Any:
        """The value below, if ``x`` is of this level."""
        return x.v if type(x) in LIFTED and x.t is self else x

    def read(self, x: Any) -> Any:
        """The value below, on its way out of the transformation."""
        if type(x) in LIFTED:
            x.t.check_readable(x)
        below = self.lower(x)
        if type(below) in LIFTED:
            below.t.refuse_if_closed()
        return below

    def write_through(self, result: Any, view: View, what: str) -> None:
        """Note that ``view op= x`` gave ``result``, which has to be assigned to ``base[key]`` next.

        Python does so by itself where ``base[key] op= x`` was written.
        """
        self.pending[self.identity(result)] = (view, what)

    def settle(self, base: Any, key: Any, value: Any) -> None:
        """If ``base[key] = value`` is the write that a view owed, it owes it no more."""
        if self.pending and type(value) in LIFTED and value.t is self:
            owed = self.pending.get(self.identity(value))
            if owed and owed[0].base == self.identity(base) and owed[0].selected_by(key):
                self.pending.pop(self.identity(value), None)

    def close(self) -> None:
        """Note that the function has returned: nothing may be added, and no write may be owed."""
        self.closed = True
        for _, what in self.pending.values():
            raise written_through_view(what)

    def refuse_if_closed(self) -> None:
        """Raise for an operation on a value that left its transformation: it would be lost."""
        if self.closed:
            raise used_after_end(self.origin)


def used_after_end(origin: str) -> TraceError:
    """The error for a traced value whose transformation has ended."""
    return TraceError(
        f"a traced value of {origin} was used after its transformation had ended (it was stored "
        "outside the function); expected values that are returned. Return it, through "
        "has_aux=True if it is not the result, or take its value with ag.value(x)."
    )


def lowest(x: Any) -> Any:
    """The plain value below every level."""
    while type(x) in LIFTED:
        x = x.v
    return x


def strip(x: Any) -> Any:
    """A value without its derivatives: plain, or of a level that has none, such as a batch."""
    if type(x) not in LIFTED:
        return x
    x.t.check_readable(x)
    return x.t.keep(x, strip(x.v))


def is_mapped(x: Any) -> bool:
    """Whether some level below a value holds a batch."""
    while type(x) in LIFTED:
        if x.t.maps:
            return True
        x = x.v
    return False


def shown(x: Any) -> Any:
    """The plain value, to be shown: nothing may be computed from it."""
    if type(x) in LIFTED:
        x.t.check_readable(x)
    return lowest(x)


def read_value(x: Any) -> Any:
    """The plain value of what may be traced, if it is not a view that has gone stale.

    Where operations are recorded, the record holds for this value only.
    """
    return decided(x, _itself) if type(x) in LIFTED else x


def decided(x: Any, question: Callable[[Any], Any]) -> Any:
    """The answer to a question about the plain value, on which Python's way depends from here."""
    x.t.check_readable(x)
    inner = recorded(x)
    return question(lowest(x)) if inner is None else inner.t.decide(inner, question)


def answer(x: Any, question: Callable[[Any], Any]) -> Any:
    """The answer of a value that may be traced or not."""
    return decided(x, question) if type(x) in LIFTED else question(x)


def recorded(x: Any) -> Any:
    """The value below that is written down in a program; None if none is."""
    while type(x) in LIFTED:
        if x.t.records:
            return x
        x = x.v
    return None


def hosted(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of host values, such as a schedule of a step count.

    Where operations are recorded, the call itself is: it is made anew in every run.
    """
    for a in args:
        inner = recorded(a)
        if inner is not None:
            return inner.t.host(function, args)
    return function(*args)


def _itself(value: Any) -> Any:
    return value


def held(x: Any) -> Any:
    """A value of another level in an object that later writes do not reach."""
    now = x.t.as_now(x)
    return x if now is None else now


def duplicate(x: Any, order: str = "K") -> Any:
    """A traced value in memory of its own."""
    recorded_here = type(x) in LIFTED and x.t.records
    return x.t.duplicate(x, order) if recorded_here else TRACED.positive(x)


def bind(row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """Dispatch one operation in general: to the level created last, without one to the library."""
    top = None
    for a in args:
        if type(a) in LIFTED and (top is None or a.t.number > top.number):
            top = a.t
    if "key" in kw or "indices" in kw:  # vmap may have index arrays there
        for a in index_parts(kw):
            if type(a) in LIFTED and (top is None or a.t.number > top.number):
                top = a.t
    if top is None:
        return run_plain(row.name, args, kw)
    if not _USUAL.issuperset(map(type, args)):
        if any(sparse_home(a) for a in args):
            return SPARSE_RULES[0](row, args, kw)
        args = tuple(_as_array(a, args) for a in args)
    if top.watch is not None:
        return top.watch.step(top, row, args, kw, lambda: top.process(row, args, kw))
    return top.process(row, args, kw)


def index_parts(kw: dict[str, Any]) -> tuple[Any, ...]:
    """The parts of a key, or the array of indices, among keywords."""
    key = kw["key"] if "key" in kw else kw["indices"]
    return key if type(key) is tuple else (key,)


_SEQUENCES = frozenset((list, tuple))
_USUAL: set[type] = {float, int, bool, complex}  # operands to be taken as they are; others join
SPARSE_RULES: list[Any] = []
"""What carries out a row with a sparse operand; put here by `anygrad.tracing.sparse`."""


def sparse_home(x: Any) -> str:
    """The package whose sparse matrix or array this is, scipy or cupyx; empty for all else."""
    for kind in type(x).__mro__:
        home = kind.__module__
        if home.startswith(("scipy.sparse", "cupyx.scipy.sparse")) and hasattr(x, "nnz"):
            return home.partition(".")[0]
    return ""


def _as_array(a: Any, args: tuple[Any, ...]) -> Any:
    """A list beside a traced array, which NumPy's functions and operators take."""
    if type(a) not in _SEQUENCES:
        _USUAL.add(type(a))
        return a
    return next(x for x in args if type(x) in LIFTED).__array_namespace__().asarray(a)


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


def plain_namespace(x: Any) -> Any:
    """The Array API namespace of the library below."""
    return namespace_of(lowest(x))
