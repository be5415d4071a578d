"""The intermediate representation: a flat list of nodes, each one operation of the table of rows.

Forward, backward and optimizer code become the same nodes, so a pass or a printer is written once.
A value has a number; ``Ref(n)`` among the operands of a node stands for it, everything else there
is a constant. There are five kinds of nodes, told apart by their names:

``<row>``
    An operation of the table, with the row's own keywords.
``guard``
    Nothing is computed: the operand must be what it was while recording, or the program does not
    hold for these arguments.
``host``
    A Python function of values on the host (a schedule of a step count, say), called in every run.
``call``
    An operation that is one piece for the program, such as a loop.
``part``
    One of the several results of a node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from anygrad.backends import BACKENDS, backend_of
from anygrad.tracing import lowest
from anygrad.tracing.frames import Line
from anygrad.tracing.plain import NUMBERS

__all__ = [
    "Node",
    "Program",
    "Ref",
    "Spec",
    "map_refs",
    "operand_key",
    "refs_of",
    "show",
    "spec_of",
]


class Ref(int):
    """The number of a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"%{int(self)}"


class Spec(NamedTuple):
    """What is known of a value before it is computed.

    ``kind`` is "array" for what has memory of its own or shows some, "scalar" for NumPy's scalars,
    "number" for Python's, "many" for the results of a node that has several.
    ``strides`` are those of the value seen while recording, where its library tells them: a
    reduction adds in the order of the memory. ``library`` is the `Backend` of an array or scalar.
    """

    kind: str
    shape: tuple[int, ...] = ()
    dtype: Any = None
    strides: tuple[int, ...] | None = None
    library: Any = None

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        if self.kind in ("number", "many"):
            return self.kind
        name = str(getattr(self.dtype, "name", self.dtype)).split(".")[-1]
        return f"{name}[{', '.join(map(str, self.shape))}]"


def spec_of(y: Any) -> Spec:
    """What is known of a value."""
    y = lowest(y)
    if type(y) is np.ndarray:
        return Spec("array", y.shape, y.dtype, y.strides, BACKENDS["numpy"])
    if type(y) in NUMBERS or not hasattr(y, "shape"):
        return Spec("number", (), type(y))
    backend = backend_of(y)
    kind = "scalar" if backend is not None and backend.is_scalar(type(y)) else "array"
    strides = getattr(y, "strides", None)
    known = strides if isinstance(strides, tuple) else None
    return Spec(kind, tuple(y.shape), y.dtype, known, backend)


class Node(NamedTuple):
    """One operation: the number of its result, its name, and what it is applied to.

    ``function`` is what a ``host`` or ``call`` node calls, ``expected`` what a ``guard`` compares
    with; ``line`` is the user's.
    """

    number: Ref
    name: str
    operands: tuple[Any, ...]
    keywords: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple default; never written to
    function: Callable[..., Any] | None = None
    line: Line | None = None

    def uses(self) -> list[Ref]:
        """The values that the node reads."""
        found: list[Ref] = []
        for x in self.operands:
            if type(x) is Ref:
                found.append(x)
            elif type(x) is tuple or type(x) is list:
                found += refs_of(x)
        if self.keywords:
            for x in self.keywords.values():
                if type(x) is Ref or type(x) is tuple or type(x) is list:
                    found += refs_of(x)
        return found

    def renamed(self, others: dict[int, Any]) -> Node:
        """The node with ``others`` in place of the values that have their numbers."""
        if not others or others.keys().isdisjoint(self.uses()):
            return self
        return self.map(lambda ref: others.get(ref, ref))

    def map(self, rename: Callable[[Ref], Any]) -> Node:
        """The node with other values in place of those that it reads."""
        return self._replace(
            operands=tuple([map_refs(x, rename) for x in self.operands]),
            keywords={name: map_refs(x, rename) for name, x in self.keywords.items()},
        )


def operand_key(x: Any) -> int:
    """Values of a program by number, constants by identity, which no number equals."""
    return int(x) if type(x) is Ref else -id(x)


def refs_of(x: Any) -> Iterator[Ref]:
    """The values in an operand or keyword, which may be a key: a tuple, or a slice."""
    if type(x) is Ref:
        yield x
    elif type(x) in (tuple, list):
        for part in x:
            yield from refs_of(part)


def map_refs(x: Any, rename: Callable[[Ref], Any]) -> Any:
    """An operand or keyword with other values in it."""
    if type(x) is Ref:
        return rename(x)
    if type(x) in (tuple, list):
        return type(x)([map_refs(part, rename) for part in x])
    return x


@dataclass(frozen=True, eq=False)
class Program:
    """A list of nodes from inputs to outputs.

    Attributes
    ----------
    inputs : tuple of Ref
        Values 0 to n - 1, one for each leaf of the arguments that is not static.
    nodes : tuple of Node
        In an order in which they can be carried out.
    outputs : tuple
        References, or constants.
    specs : dict
        By number, what is known of each value.
    names : tuple of str
        The inputs as the user would write them.
    """

    inputs: tuple[Ref, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Any, ...]
    specs: dict[int, Spec] = field(repr=False)
    names: tuple[str, ...] = ()

    def with_nodes(self, nodes: Any, outputs: Any = None) -> Program:
        """The program with other nodes, and outputs."""
        return replace(
            self,
            nodes=tuple(nodes),
            outputs=self.outputs if outputs is None else tuple(outputs),
        )

    @cached_property
    def returned(self) -> frozenset[int]:
        """The numbers of the values among the outputs."""
        return frozenset([int(x) for x in self.outputs if type(x) is Ref])

    def users(self) -> dict[int, list[Node]]:
        """By number, the nodes that read a value, each as often as it does."""
        found: dict[int, list[Node]] = {}
        for node in self.nodes:
            for ref in node.uses():
                found.setdefault(int(ref), []).append(node)
        return found

    @property
    def guards(self) -> tuple[Node, ...]:
        """The nodes that compare."""
        return tuple([node for node in self.nodes if node.name == "guard"])

    def __str__(self) -> str:
        lines = [
            f"{ref!r} = {name}: {self.specs[ref]}"
            for ref, name in zip(self.inputs, self.names or map(str, self.inputs), strict=True)
        ]
        lines += [show(node, self.specs) for node in self.nodes]
        lines.append(f"return {', '.join(map(show_operand, self.outputs))}")
        return "\n".join(lines)


def show(node: Node, specs: dict[int, Spec]) -> str:
    """One line of text for a node."""
    told = [show_operand(x) for x in node.operands]
    told += [f"{name}={show_operand(x)}" for name, x in node.keywords.items()]
    if node.name == "guard":
        return f"guard {', '.join(told)}"
    called = node.name
    if node.function is not None:
        called += f" {getattr(node.function, '__qualname__', type(node.function).__name__)}"
    return f"{node.number!r} = {called}({', '.join(told)}): {specs[node.number]}"


def show_operand(x: Any) -> str:
    """An operand in a few words; a constant array by shape and dtype, which reads no device."""
    if type(x) is Ref:
        return repr(x)
    if type(x) is tuple:
        inside = ", ".join(map(show_operand, x))
        return f"({inside},)" if len(x) == 1 else f"({inside})"
    is_array = hasattr(x, "shape") and hasattr(x, "dtype")  # NumPy's dtypes have shapes, too
    here = isinstance(x, np.ndarray | np.generic)
    if is_array and (not here or x.shape != ()):
        return f"constant {Spec('array', tuple(x.shape), x.dtype)}"
    text = repr(x)
    return text if len(text) <= 40 else f"{text[:37]}..."
