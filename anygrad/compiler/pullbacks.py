"""A function with its pullback as functions of plain arrays, which can be recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.autodiff.inputs import beside_level, call, name_of
from anygrad.autodiff.variables import lift
from anygrad.compiler.arguments import fill
from anygrad.compiler.lowering import refuse_written
from anygrad.tracing import LIFTED, Tape, walk

__all__ = ["Given", "Pulled", "Record", "Shape", "forward", "pulled"]


class Given(NamedTuple):
    """The arguments of one call.

    Attributes
    ----------
    frozen : tuple
        What tells static arguments and orders of keys from others, as a part of a key.
    """

    leaves: list[Any]
    treedef: Any
    held: dict[Any, Any]
    frozen: Any

    def arguments(self, leaves: list[Any]) -> Any:
        """Positional and keyword arguments, with other leaves."""
        return fill(self.held, *self.treedef.unflatten(leaves))


class Shape:
    """How the results of a function depend on its variables.

    Attributes
    ----------
    treedef : PyTreeSpec
        The structure of the result.
    on : tuple of bool
        Which of its leaves depend on a variable.
    reached : tuple of bool
        Which variables have a cotangent.
    """

    __slots__ = ("key", "on", "reached", "treedef")

    def __init__(self, treedef: Any, on: tuple[bool, ...], reached: tuple[bool, ...]):
        self.treedef, self.on, self.reached = treedef, on, reached
        self.key = (treedef, on, reached)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.key == other.key

    def spread(self, found: Sequence[Any]) -> list[Any]:
        """One cotangent for each variable, None for those without."""
        rest: Iterator[Any] = iter(found)
        return [next(rest) if there else None for there in self.reached]


class Pulled:
    """What is fixed of a function and its pullback, as one object that can be hashed.

    Attributes
    ----------
    treedef, held
        As in `Given`.
    places : tuple of int
        Which leaves are variables.
    given : tuple of bool
        Which results have a cotangent.
    """

    __slots__ = ("_hash", "given", "held", "key", "places", "treedef")

    def __init__(self, given: Given, places: tuple[int, ...], gs: Sequence[Any]):
        self.treedef, self.places, self.held = given.treedef, places, given.held
        self.given = tuple([g is not None for g in gs])
        self.key = (given.treedef, places, given.frozen, self.given)
        self._hash = hash(self.key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pulled) and self.key == other.key


class Record:
    """A function on a tape of its own, as `vjp` runs it; walked for the results that matter."""

    def __init__(self, f: Any, given: Any, leaves: list[Any], places: tuple[int, ...]):
        tape = self.tape = Tape()
        tape.origin = f"compile({name_of(f)})"
        chosen = [leaves[k] for k in places]
        self.inputs = lift(tape, "compile", chosen, [("arguments", chosen)])
        whole = list(leaves)
        for k, x in zip(places, self.inputs.traced, strict=True):
            whole[k] = x
        args, kw = fill(given.held, *given.treedef.unflatten(whole))
        before = [(x, x.v, x.i) for x in self.inputs.traced]
        y = call(f, args, kw)
        refuse_written(f, before)
        tape.close()
        self.found, self.treedef = trees.flatten(y)
        self.on = tuple([type(x) in LIFTED and x.t is tape for x in self.found])

    def results(self) -> list[Any]:
        """The results below the tape."""
        return [self.tape.read(x) for x in self.found]

    def shape(self, reached: tuple[bool, ...] = ()) -> Shape:
        """How they depend on the variables."""
        return Shape(self.treedef, self.on, reached)

    def pull(self, gs: list[Any]) -> list[Any]:
        """The cotangents of the variables, from one for each result; None is zero."""
        cot: list[Any] = [None] * (self.tape.next() + 1)
        cot[-1] = set()
        for x, on, g in zip(self.found, self.on, gs, strict=True):
            if on and g is not None:
                g = beside_level(x.v.t if type(x.v) in LIFTED else None, g)
                cot[x.i] = g if cot[x.i] is None else cot[x.i] + g
        seeds = [g for g in cot[:-1] if g is not None]
        if seeds:
            walk(self.tape, cot, *seeds, again=True)
        return [cot[i] for i in self.inputs.nodes]


def forward(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function of arguments: shape and results."""

    def evaluate(pattern: Pulled, leaves: list[Any]) -> Any:
        record = Record(f, pattern, leaves, pattern.places)
        return record.shape(), record.results()

    evaluate.__name__ = evaluate.__qualname__ = name_of(f)
    return evaluate


def pulled(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function of arguments and cotangents: shape, results, cotangents of the variables."""

    def evaluate(pattern: Pulled, leaves: list[Any], gs: list[Any]) -> Any:
        record = Record(f, pattern, leaves, pattern.places)
        rest = iter(gs)
        found = record.pull([next(rest) if there else None for there in pattern.given])
        reached = tuple([g is not None for g in found])
        return record.shape(reached), record.results(), [g for g in found if g is not None]

    evaluate.__name__ = evaluate.__qualname__ = name_of(f)
    return evaluate
