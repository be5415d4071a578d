"""Capture: a level that carries every operation out and writes it down.

It is opened before all other levels of the function that is compiled, so that it lies below them:
what reaches it are the operations that are left when derivatives, tangents and batches have been
dealt with. Values are concrete while recording, so Python's control flow works; where it depends on
a value, the answer becomes a guard.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.autodiff.calls import Call, Leaves
from anygrad.backends import is_mutable
from anygrad.compiler.constants import Constants
from anygrad.compiler.indices import has_mask, plain_slice
from anygrad.compiler.numbers import OF_NUMBERS, of_number, rounds_otherwise
from anygrad.compiler.program import Node, Ref, Spec, refs_of, spec_of
from anygrad.errors import TraceError
from anygrad.ops import Row
from anygrad.tracing import LIFTED, TRACED, bind, lifted, lowest
from anygrad.tracing.carrying import Carried, Carrying
from anygrad.tracing.frames import users_line
from anygrad.tracing.level import read_value
from anygrad.tracing.lookup import OPERATORS
from anygrad.tracing.pieces import ATTRIBUTES, form_of
from anygrad.tracing.plain import MISFITS, NUMBERS, names_of_array, same_library
from anygrad.tracing.recorded_namespace import namespace_of_recorded

__all__ = ["Capture", "Captured"]

# Rows whose result has a shape that depends on values, or a dtype: eigenvalues may all be real.
_FORMED_BY_VALUES = frozenset(("eig", "nonzero"))


@lifted
class Captured(Carried):
    """A concrete value and the number under which the program knows it."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes; a Python number has none."""
        return () if type(self.v) in NUMBERS else self.v.shape

    @property
    def dtype(self) -> Any:
        """The dtype; of a Python number the one that NumPy gives it."""
        return np.dtype(type(self.v)) if type(self.v) in NUMBERS else self.v.dtype

    @property
    def device(self) -> Any:
        """The device, as the library names it."""
        return getattr(lowest(self), "device", "cpu")

    def __getattr__(self, name: str) -> Any:
        if name[:2] != "__" and hasattr(type(self.v), name) and self.shape == ():
            return getattr(read_value(self), name)  # is_integer, hex: asked of this very number
        message = f"{type(self.v).__name__!r} object has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=self)

    def __hash__(self) -> int:  # type: ignore[override]
        raise self.t.refuse(self, "hash(x), or x as a key of a dict or set")

    def __repr__(self) -> str:
        return f"traced({lowest(self)!r})" if self.t.closed else repr(read_value(self))

    def __str__(self) -> str:
        return repr(self) if self.t.closed else str(read_value(self))

    def __format__(self, form: str) -> str:
        return format(lowest(self) if self.t.closed else read_value(self), form)

    @property
    def __anygrad_look__(self) -> Callable[..., Any] | None:
        """What writes down that a function reads plain values; None if this one is not plain."""
        return self.t.host if type(self.v) not in LIFTED else None


for _name, _function in {**ATTRIBUTES, "__array_namespace__": namespace_of_recorded}.items():
    setattr(Captured, _name, _function)


class Capture(Carrying):
    """One recording.

    Attributes
    ----------
    nodes : list of Node
        What was carried out.
    specs : dict
        By number, what is known of each value.
    poisoned : str
        Why the recording must not be replayed; empty if it may.
    """

    __slots__ = (
        "constants",
        "errors",
        "inputs",
        "namespaces",
        "nodes",
        "objects",
        "poisoned",
        "refusals",
        "specs",
    )
    kind = Captured
    records = True

    def __init__(self) -> None:
        Carrying.__init__(self)
        self.watch = None  # levels above are watched; a replay is not
        self.nodes: list[Node] = []
        self.specs: dict[int, Spec] = {}
        self.inputs: list[Captured] = []
        self.objects: set[int] = set()
        self.poisoned = ""
        self.errors = np.geterr()  # as it is around the call, in which a replay is, too
        self.constants = Constants()
        self.refusals: list[TraceError] = []
        self.namespaces: dict[int, Any] = {}

    def input(self, value: Any) -> Captured:
        """A new argument of the program."""
        x = self.wrap(value, self._number(value))
        self.inputs.append(x)
        self.objects.add(id(x))
        return x

    def constant(self, value: Any) -> Any:
        """A value that depends on nothing, to be written into."""
        return value if type(value) in LIFTED else self._note_constant(value)

    def _note_constant(self, value: Any) -> Any:
        if "bool" not in str(getattr(value, "dtype", type(value))):
            return self._note("positive", (value,), {}, value)
        if is_mutable(value):
            return self._note("broadcast_to", (value,), {"shape": tuple(value.shape)}, value)
        return self._note("host", (value,), {}, value, _as_it_is)

    def process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Carry out one operation, and write it down."""
        try:
            return self._process(row, args, kw)
        except Exception:  # code may catch it and go another way, of which no guard would tell
            self.poison(f"{row.name} raised an error in it")
            raise

    def _process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        self.check_operands(args)
        if row.name == "positive" and "bool" in str(args[0].dtype):
            return self.duplicate(args[0], "K")  # NumPy has no +x of booleans
        values = tuple([self.lower(a) for a in args])
        told = kw
        if "key" in kw or "indices" in kw:
            told, kw = self._keys(kw)
        if NUMBERS.issuperset(map(type, values)):
            function = OF_NUMBERS.get(row.name)
            y = of_number(row.name, *values, **kw) if function is None else function(*values)
        elif row.name in OPERATORS and rounds_otherwise(row.name, values):
            first = next(v for v in values if hasattr(v, "dtype"))
            function = getattr(names_of_array(first), row.name)
            operands = tuple([self._operand(a, v) for a, v in zip(args, values, strict=True)])
            return self._note("host", operands, {}, function(*values), function)
        else:
            values = same_library(values)
            y = self._carry_out(row, values, kw)
        operands = tuple(
            [
                a.i if type(a) is Captured and a.t is self else self._operand(a, v)
                for a, v in zip(args, values, strict=True)
            ]
        )
        if told:
            told = {k: self._operand(x, x) if type(x) in LIFTED else x for k, x in told.items()}
        r = self._note(row.name, operands, told, y)
        by_key = told and any(refs_of(told.get("key")))
        if row.name in _FORMED_BY_VALUES or (by_key and has_mask(kw)):
            self._guard_form(r)
        return self.as_view(r, args[0], kw) if row.view and type(args[0]) is Captured else r

    def _carry_out(self, row: Row, values: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        function = OPERATORS.get(row.name)  # as code without a trace would do it, to the last bit
        if function is None or any(type(v) in LIFTED for v in values):
            return bind(row, values, kw)
        try:
            return function(*values)
        except MISFITS:
            return bind(row, values, kw)

    def call(self, call: Call, leaves: Leaves) -> Leaves:
        """Carry out an operation that is made from functions: as one node, if it is one piece."""
        if not call.whole:
            return call.primal(leaves)
        for x in leaves:
            self._operand(x, x)  # values of other levels poison the recording
        below = [self.lower(x) for x in leaves]
        results = self.attempt(call.primal, [below])
        operands = tuple([self._operand(a, v) for a, v in zip(leaves, below, strict=True)])
        return self._note(call.name, operands, {}, results, call.primal, "call")

    def host(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Call a function of values of the host, now and in every run."""
        y = self.attempt(function, [self.lower(a) for a in args])
        operands = tuple([self._operand(a, a) for a in args])
        return self._note("host", operands, {}, y, function)

    def attempt(self, function: Callable[..., Any], args: list[Any]) -> Any:
        """Call a function; if it raises, the recording does not hold."""
        try:
            return function(*args)
        except Exception:
            self.poison("an operation raised an error in it")
            raise

    def piece(
        self,
        function: Callable[..., Any],
        args: list[Any],
        y: Any,
        form: Callable[[Any], Any] | None,
    ) -> Any:
        """Write down a call that has given ``y``, of which the ``form`` must be the same again."""
        number = Ref(len(self.specs))
        wrapped = self._note("host", tuple([x.i for x in args]), {}, y, function)
        if form is not None:
            self._guard(number, "form", form, form(y))
        return wrapped

    def duplicate(self, x: Any, order: Any) -> Any:
        """A copy, in the order of memory that NumPy gives it."""
        self.check_operands((x,))
        value = x.v
        if not isinstance(value, np.ndarray | np.generic):
            return TRACED.positive(x)
        if isinstance(value, np.generic):
            return self.fresh(x)
        if value.ndim and value.flags.c_contiguous and value.dtype != bool:
            return self._note("positive", (x.i,), {}, value.copy())
        copied = functools.partial(np.array, order=order)
        return self._note("host", (x.i,), {}, copied(value), copied)

    def apart(self, x: Any, like: Any = None) -> Any:
        """A result as transformations give it: in memory of its own, and an array like ``like``."""
        if like is not None and is_mutable(lowest(like)) and isinstance(x.v, np.generic):
            return self.host(np.asarray, (x,))
        flags = getattr(x.v, "flags", None)
        if flags is None or isinstance(x.v, np.generic) or (flags.owndata and flags.c_contiguous):
            return self.fresh(x)
        return self.duplicate(x, "K")

    def decide(self, x: Any, question: Callable[[Any], Any]) -> Any:
        """Answer a question about a value; the program holds where the answer is the same."""
        answer = question(x.v)
        self.check_operands((x,))
        name = getattr(question, "__name__", "value")
        self._guard(x.i, name, question, answer)
        return answer

    def refuse(self, x: Any, what: str) -> TraceError:
        """The error for a value that would leave the program as a plain one."""
        error = TraceError(
            f"{what}: got a value of a compiled function; expected a plain one, "
            "which a replay would repeat as it is now. Use array functions, or return it; "
            f"{self.origin} runs uncompiled under ag.use_settings(fuse=False)."
        )
        if not what.startswith("using x as an index"):
            self.refusals.append(error)
        return error

    def keep(self, x: Any, below: Any) -> Any:
        """The value without derivatives is still one of the program."""
        return x if type(below) not in LIFTED else self.wrap(below, x.i)

    def note_write(self, x: Any) -> None:
        """Refuse to write into an argument: the program leaves its arguments alone."""
        if id(x) in self.objects:
            message = (
                f"{self.origin}: got a function that writes into its argument; expected one "
                "that leaves it as it is. Write into a copy, xp.asarray(x, copy=True), and return "
                "it; donate= lets the memory be used again."
            )
            raise TraceError(message)

    def wrap(self, value: Any, info: Any = None) -> Any:
        """A value of the program; without a number it is a constant."""
        r = Carrying.wrap(self, value, info)
        if info is None:
            r.i = self._note_constant(value).i
        return r

    def hardened(self, x: Any) -> Any:
        """A value to be differentiated by: a Python number becomes NumPy's, as elsewhere."""
        make = {float: np.float64, complex: np.complex128}.get(type(x.v))
        return x if make is None else self.host(make, (x,))

    def poison(self, why: str) -> None:
        """Note that the recording must not be replayed."""
        self.poisoned = self.poisoned or why

    def _number(self, value: Any) -> Ref:
        number = Ref(len(self.specs))
        self.specs[number] = spec_of(value)
        return number

    def _note(
        self,
        name: str,
        operands: tuple[Any, ...],
        kw: dict[str, Any],
        y: Any,
        function: Callable[..., Any] | None = None,
        kind: str = "",
    ) -> Any:
        """Write down one node, and wrap what came out of it."""
        if type(y) in (list, tuple):
            number = Ref(len(self.specs))
            self.specs[number] = Spec("many")
            self.nodes.append(Node(number, kind or name, operands, kw, function))
            parts = []
            for k, part in enumerate(y):
                i = self._number(part)
                self.nodes.append(Node(i, "part", (number, k)))
                parts.append(Carrying.wrap(self, part, i))
            return type(y)(parts)
        if np.geterr() != self.errors and "raise" in np.geterr().values():
            self.poison("np.errstate makes operations raise in it")
        i = self._number(y)
        self.nodes.append(Node(i, kind or name, operands, kw, function))
        if type(y) in LIFTED:
            self.poison("it uses a traced value that is no argument")
        return Carrying.wrap(self, y, i)

    def _operand(self, a: Any, value: Any) -> Any:
        """How a node refers to an operand."""
        if type(a) in LIFTED and a.t is self:
            return a.i
        if type(a) in LIFTED:
            self.poison("it uses a traced value that is no argument")
        return self.fixed(value)

    def fixed(self, value: Any) -> Any:
        """A constant that later writes into an array do not change."""
        return self.constants.fixed(value)

    def close(self) -> None:
        """Note that the function has returned, and that constants are what they were."""
        Carrying.close(self)
        if self.constants.rewritten():
            self.poison("it writes into an array that it has used")
        if self.refusals:  # caught by the function, which went on with something else
            raise self.refusals[0]

    def _keys(self, kw: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The keywords as the program refers to them, and as they are carried out."""
        name = "key" if "key" in kw else "indices"
        key = kw[name]
        parts = key if type(key) is tuple else (key,)
        parts = tuple([plain_slice(part) if type(part) is slice else part for part in parts])
        if not any(type(part) in LIFTED for part in parts):
            plain = {**kw, name: parts if type(key) is tuple else parts[0]}
            kept = tuple(map(self.fixed, parts))
            return {**kw, name: kept if type(key) is tuple else kept[0]}, plain
        self.check_operands(parts)
        told = tuple([self._operand(part, part) for part in parts])
        done = tuple([self.lower(part) for part in parts])
        if type(key) is not tuple:
            return {**kw, name: told[0]}, {**kw, name: done[0]}
        return {**kw, name: told}, {**kw, name: done}

    def _guard(self, x: Ref, name: str, question: Callable[[Any], Any], answer: Any) -> None:
        number = Ref(len(self.specs))
        self.specs[number] = Spec("number")
        expected = answer.copy() if is_mutable(answer) else answer
        node = Node(number, "guard", (x, name, expected), {}, question, users_line())
        self.nodes.append(node)

    def _guard_form(self, r: Any) -> None:
        for x in r if type(r) in (list, tuple) else (r,):
            self._guard(x.i, "form", form_of, form_of(x.v))


def _as_it_is(value: Any) -> Any:
    return value
