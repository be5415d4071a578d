"""Derivatives and batches of compiled functions, which are recorded as well.

The derivative is always that of the function that was compiled, with the rules of its own: what is
recorded is its pullback, or its run on values with tangents, never the derivative of a program.

Levels that carry all they know along (tangents, batches) are opened within the recording, see
`anygrad.compiler.lowering`. For a tape the function is one entry: the program of function and
pullback is cut in two, the forward pass with what it keeps, and the backward pass. Everything else
(values of a recording, functions that close over traced values) runs as it is written.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.autodiff.calls import record_call
from anygrad.autodiff.checkpoints import traced_cells
from anygrad.autodiff.inputs import name_of
from anygrad.compiler.arguments import freeze
from anygrad.compiler.keys import environment, leaf_key
from anygrad.compiler.lowering import (
    Misplaced,
    Pattern,
    apart_from,
    carries,
    levels_of,
    lowered,
    together,
)
from anygrad.compiler.pullbacks import Given, Pulled, Record, Shape, forward, pulled
from anygrad.compiler.splitting import split
from anygrad.compiler.surroundings import Surroundings
from anygrad.compiler.targets import MISSED, print_program
from anygrad.errors import TraceError
from anygrad.ops.shaping import kind_of
from anygrad.tracing import LIFTED, Tape, unbuffered
from anygrad.tracing.buffers import Buffer
from anygrad.tracing.snapshots import WATCHED

__all__ = ["Derived"]

KEPT = 256
"""Kinds of arguments for which both halves of the derivative are kept."""


class Derived:
    """What one compiled function is, for each transformation.

    Parameters
    ----------
    function : callable
        What was compiled.
    compile : callable
        What makes compiled functions.
    """

    def __init__(self, function: Callable[..., Any], compile: Callable[..., Any]):
        self.function, self.name = function, f"compile({name_of(function)})"
        self.carried, self.first = compile(lowered(function)), compile(forward(function))
        self.pulled = compile(pulled(function))
        self.halves: OrderedDict[Any, list[Pass]] = OrderedDict()
        self.seen: set[Any] = set()
        self.unrecorded: set[Any] = set()
        self._surroundings: Surroundings | None = None

    def surroundings(self) -> Surroundings:
        """What the function reads besides its arguments, as it is now."""
        found = self._surroundings
        if found is None or found.changed():
            found = self._surroundings = Surroundings(self.function)
        return found

    def __call__(
        self, compiled: Any, leaves: list[Any], treedef: Any, held: dict[Any, Any], orders: Any
    ) -> Any:
        """The function of arguments some of which are traced.

        ``orders`` are those of the keys of all dicts. ``compiled`` is called where a level below is
        still to be dealt with; it is not kept, so that both go when nothing needs them.
        """
        if Buffer in set(map(type, leaves)):
            leaves = [unbuffered(x) for x in leaves]
        given = Given(leaves, treedef, held, (orders, freeze("compile", held) if held else ()))
        levels = _one_tape(leaves) or levels_of(leaves)
        tapes = [level for level in levels if type(level) is Tape]
        known = len(levels) == len(tapes) + sum(map(carries, levels))
        if not levels or not known or any(level.watch is not None for level in levels):
            return self._as_written(given)
        if traced_cells(self.function):  # others are found when it has run
            return self._as_written(given)
        try:
            if tapes and levels[-1] is tapes[-1]:
                return self._on_tape(compiled, given, levels)
            above = levels[levels.index(tapes[-1]) + 1 :] if tapes else levels
            return self._carried(given, above)
        except Misplaced:
            return self._as_written(given)

    def _as_written(self, given: Given) -> Any:
        args, kw = given.arguments(given.leaves)
        return self.function(*args, **kw)

    def _carried(self, given: Given, levels: list[Any]) -> Any:
        """On top there are tangents and batches only: one program of all that they carry."""
        numbers = {level: k for k, level in enumerate(levels)}
        plain: list[Any] = []
        layouts = tuple([apart_from(x, numbers, plain) for x in given.leaves])
        kinds = tuple([(type(level), getattr(level, "size", None)) for level in levels])
        pattern = Pattern(given.treedef, layouts, kinds, given.held, given.frozen)
        results, found = self.carried(pattern, plain)
        parts = iter(found)
        done = [together(layout, levels, parts) for layout in results.layouts]
        return results.treedef.unflatten(done)

    def _on_tape(self, compiled: Any, given: Given, levels: list[Any]) -> Any:
        """On top there is a tape, for which the function is one operation."""
        tape, leaves, places = levels[-1], given.leaves, []
        tape.refuse_if_closed()
        below = list(leaves)
        for k, x in enumerate(leaves):
            if type(x) in LIFTED and x.t is tape:
                tape.check_readable(x)
                places.append(k)
                below[k] = x.v
            elif type(x) in WATCHED:
                tape.snapshots.take(x)
        run = Run(self, given, below, tuple(places))
        results, shape = run.forward(compiled, levels)
        dependent = [y for y, on in zip(results, shape.on, strict=True) if on]
        wrapped = iter(
            record_call(
                self.name,
                lambda _: (dependent, run.pull),
                tape,
                [leaves[k] for k in places],
                [below[k] for k in places],
                (True,) * len(places),
            )
        )
        done = [next(wrapped) if on else y for y, on in zip(results, shape.on, strict=True)]
        return shape.treedef.unflatten(done)


def _one_tape(leaves: list[Any]) -> list[Any] | None:
    """The tape that all traced values are of, in a list; None if something lies below."""
    found = None
    for x in leaves:
        if type(x) in LIFTED:
            if type(x.v) in LIFTED or (found is not None and x.t is not found):
                return None
            found = x.t
    return [found] if type(found) is Tape else None


class Pass(NamedTuple):
    """A forward and a backward pass, for some arguments and the cotangents that are given.

    Attributes
    ----------
    path : Path
        The program that they are the halves of.
    given : tuple
        The keys of the cotangents; None for one that is not given.
    inputs : tuple of int
        The positions of the leaves that are inputs.
    """

    path: Any
    given: tuple[Any, ...]
    inputs: tuple[int, ...]
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    kept: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    shape: Shape

    def pull(self, kept: tuple[Any, ...], gs: list[Any]) -> Any:
        """The cotangents of the variables; `MISSED` where a guard does not hold."""
        found = self.backward(*kept, *[g for g in gs if g is not None])
        return found if found is MISSED else self.shape.spread(found)


class Run:
    """One call of a function on a tape: its forward pass, and what the backward pass needs."""

    def __init__(self, owner: Derived, given: Given, below: list[Any], places: tuple[int, ...]):
        self.owner, self.given, self.below, self.places = owner, given, below, places
        self.plain = LIFTED.isdisjoint(map(type, below))
        self.taken: Pass | None = None
        self.kept: tuple[Any, ...] = ()
        self.again: Callable[[list[Any]], list[Any]] | None = None

    def forward(self, compiled: Any, levels: list[Any]) -> tuple[list[Any], Shape]:
        """The results, and how they depend on the variables."""
        if not self.plain:
            args, kw = self.given.arguments(self.below)
            results, treedef = trees.flatten(compiled(*args, **kw))
            on = [hasattr(y, "dtype") and kind_of(y.dtype) != "other" for y in results]
            shape = Shape(treedef, tuple(on), ())
        else:
            self.key = self._key()
            found = self._take() or self._begin()
            results, shape = found
            if any(level is levels[-1] or level not in levels for level in levels_of(results)):
                raise Misplaced
        self.on = shape.on
        # after the run, which may itself have filled a cache
        self.around = self.taken.path.surroundings if self.taken else self.owner.surroundings()
        return results, shape

    def _take(self, keys: tuple[Any, ...] | None = None) -> tuple[list[Any], Shape] | None:
        """Make the forward pass of a known pair of passes, for cotangents with these keys."""
        for one in self.owner.halves.get(self.key, ()):
            around = one.path.surroundings
            if (keys is not None and one.given != keys) or (around.watched and around.changed()):
                continue
            given = tuple([self.below[k] for k in one.inputs])
            out = one.forward(*given)
            if out is not MISSED:
                self.taken, self.kept = one, one.kept((*given, *out))
                return list(out[: len(one.shape.on)]), one.shape
        return None

    def _begin(self) -> tuple[list[Any], Shape]:
        """The forward pass by itself, where no backward pass is known for what would come of it."""
        owner = self.owner
        if self.key in owner.seen and self.key not in owner.unrecorded:
            shape, results = owner.first(Pulled(self.given, self.places, ()), self.below)
            return results, shape
        if len(owner.seen) > KEPT:
            owner.seen.clear()
            owner.unrecorded.clear()
        owner.seen.add(self.key)
        record = Record(owner.function, self.given, self.below, self.places)
        self.again = record.pull
        return record.results(), record.shape()

    def pull(self, given: Sequence[Any]) -> list[Any]:
        """The cotangents of the variables from those of the dependent results; None is zero."""
        rest = iter(given)
        gs = [next(rest) if on else None for on in self.on]
        plain = self.plain and LIFTED.isdisjoint(map(type, gs))
        keys = _keys(gs) if plain else ()
        changed = self.around.changed() if self.around.watched else ""
        if changed:
            return self._pull_as_it_was(gs, keys, changed)
        if plain:
            if self.taken is None or self.taken.given != keys:
                self._take(keys)
            if self.taken is not None and self.taken.given == keys:
                found = self.taken.pull(self.kept, gs)
                if found is not MISSED:
                    return found
            elif self.key in self.owner.unrecorded and self.again is not None:
                return self.again(gs)
        pattern = Pulled(self.given, self.places, gs)
        cotangents = [g for g in gs if g is not None]
        shape, _, found = self.owner.pulled(pattern, self.below, cotangents)
        if plain:
            self._learn(pattern, cotangents, keys)
        return shape.spread(found)

    def _pull_as_it_was(self, gs: list[Any], keys: tuple[Any, ...], changed: str) -> list[Any]:
        """The cotangents at what the function read in the forward pass, which has changed since."""
        overwritten = self.around.overwritten()
        if not overwritten and self.taken is not None and self.taken.given == keys:
            found = self.taken.pull(self.kept, gs)
            if found is not MISSED:
                return found
        if self.plain:  # it may go on changing: it is run as it is written from now on
            self.owner.unrecorded.add(self.key)
        if self.again is not None:
            return self.again(gs)
        message = (
            f"{self.owner.name}: got another {overwritten or changed} in the backward pass than in "
            "the forward pass; expected the same. Change it between the gradients, or pass it as "
            "an argument."
        )
        raise TraceError(message)

    def _learn(self, pattern: Any, given: list[Any], keys: tuple[Any, ...]) -> None:
        """Cut the program that was replayed in two, for the next time."""
        kind, path = self.owner.pulled.locate((pattern, self.below, given), {})
        if path is None:
            if kind.eager:
                self.owner.unrecorded.add(self.key)
            return
        known = self.owner.halves.get(self.key, [])
        one = next((p for p in known if p.path is path and p.given == keys), None)
        if one is None:
            one = _cut(kind, path, len(self.below), keys)
        rest = [p for p in known if p is not one]
        self.owner.halves[self.key] = [one, *rest[:15]]
        while len(self.owner.halves) > KEPT:
            self.owner.halves.popitem(last=False)

    def _key(self) -> Any:
        keys = list(map(leaf_key, self.below))
        return (self.given.treedef, self.places, environment()[1], self.given.frozen, *keys)


def _keys(gs: list[Any]) -> tuple[Any, ...]:
    return tuple([None if g is None else leaf_key(g) for g in gs])


def _cut(kind: Any, path: Any, count: int, keys: tuple[Any, ...]) -> Pass:
    shape = path.program.outputs[0]
    inputs = kind.inputs[1 : 1 + count]
    program = path.program.with_nodes(path.program.nodes, path.program.outputs[1:])
    halves = split(program, sum(kind.inputs[1 + count :]), len(shape.on))
    return Pass(
        path,
        keys,
        tuple([k for k, is_input in enumerate(inputs) if is_input]),
        print_program(halves.first),
        print_program(halves.second),
        halves.kept,
        shape,
    )
