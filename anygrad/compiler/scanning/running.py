"""Carrying a loop out on plain arrays: its body printed once, and called for every step."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.autodiff.calls import Leaves
from anygrad.autodiff.inputs import apart
from anygrad.backends import backend_of, device_of
from anygrad.compiler.capturing import Capture, Captured
from anygrad.compiler.keys import leaf_key
from anygrad.compiler.program import Program, Ref
from anygrad.compiler.scanning.lists import row_of
from anygrad.compiler.simplifying import simplify
from anygrad.compiler.targets import MISSED, Missed, print_program
from anygrad.compiler.thinning import thin
from anygrad.errors import TraceError
from anygrad.tracing import names_for
from anygrad.tracing.level import plain_namespace
from anygrad.trees.placing import on_device_of

__all__ = ["Runner"]


class Runner:
    """The loop on plain arrays; it keeps what it has recorded for the next call."""

    def __init__(self, loop: Any):
        self.loop = loop
        self.ways: dict[Any, list[Way]] = {}

    def __call__(self, leaves: Leaves) -> Leaves:
        """The last carry, and the results stacked."""
        loop = self.loop
        closed, carry, rows = loop.split([_plain(x) for x in leaves])
        constant = self._kinds(closed, rows)
        key = (constant, *map(leaf_key, carry))
        way, stacks = self._usual(key), None
        steps = range(loop.length)
        for k in reversed(steps) if loop.reverse else steps:
            given = [*closed, *carry, *[None if row is None else row_of(row, k) for row in rows]]
            out = MISSED if way is None else way(given)
            if out is MISSED:
                way, out = self._other(key, way, given)
            assert way is not None
            carry, ys = out[: loop.carried], out[loop.carried :]
            if stacks is None:
                wanted = [self._is_wanted(place) for place in range(len(ys))]
                pairs = zip(ys, wanted, strict=True)
                stacks = [Stack(y, loop.length) if w else None for y, w in pairs]
            for stack, y in zip(stacks, ys, strict=True):
                if stack is not None:
                    stack.put(k, y)
            last = way
            if way.after is None:
                way.after = (constant, *map(leaf_key, carry))
            if way.after != key:
                key = way.after
                way = self._usual(key)
        fresh = last.fresh[: loop.carried]
        carry = [x if own else apart(x) for x, own in zip(carry, fresh, strict=True)]
        return [*carry, *[None if stack is None else stack.done() for stack in stacks or ()]]

    def thinner(self, wanted: set[int] | None) -> tuple[Any, frozenset[int]]:
        """The loop for those of the results that are ``wanted``, and what it does not read.

        That is known if each step goes the only way there is.
        """
        if not self.ways or any(len(ways) > 1 or ways[0].guarded for ways in self.ways.values()):
            return self, frozenset()
        kinds = {key[0] for key in self.ways}
        if len(kinds) > 1:
            return self, frozenset()
        used = [ways[0] for ways in self.ways.values()]
        unread = frozenset.intersection(*[way.unread for way in used])
        middle = range(self.loop.shared, self.loop.shared + self.loop.carried)
        unread = unread.difference(middle)
        return Thin(self, kinds.pop(), wanted), unread

    def _kinds(self, closed: Leaves, rows: Leaves) -> tuple[Any, ...]:
        """Of what kind everything is but the carry."""
        return (*map(leaf_key, closed), *[leaf_key(row_of(row, 0)) for row in rows])

    def _is_wanted(self, place: int) -> bool:
        """Whether a result of the steps is to be stacked."""
        return True

    def _usual(self, key: Any) -> Way | None:
        """The way that was taken last with such a carry."""
        ways = self.ways.get(key)
        return ways[0] if ways else None

    def _other(self, key: Any, tried: Way | None, given: Leaves) -> tuple[Way, Any]:
        """Another way that holds for these values; recorded now if there is none."""
        ways = self.ways.get(key, ())
        for way in ways:
            out = MISSED if way is tried else way(given)
            if out is not MISSED:
                self.ways[key] = [way, *[w for w in ways if w is not way]]
                return way, out
        way = Way(self._record(given))
        out = way(given)
        if out is MISSED:
            message = f"{self.loop.name}: a step went another way when it was repeated."
            raise Missed(message)
        self.ways[key] = [way, *ways]
        return way, out

    def _record(self, given: Leaves) -> Program:
        """The program of one step, printed for values like these."""
        level = BodyCapture()
        level.origin = self.loop.name
        inputs = [level.input(x) for x in given]
        after, ys = self.loop.body(*self.loop.split(inputs))
        level.close()
        if level.poisoned:
            message = f"{self.loop.name}: got a body of which {level.poisoned}."
            raise TraceError(message)
        outputs = [x.i if type(x) is Captured else x for x in (*after, *ys)]
        refs = tuple([x.i for x in inputs])
        return simplify(Program(refs, tuple(level.nodes), tuple(outputs), level.specs))


class Thin(Runner):
    """A loop that leaves out what nobody reads, and goes the ways that were known before."""

    def __init__(self, full: Runner, kinds: tuple[Any, ...], wanted: set[int] | None):
        Runner.__init__(self, full.loop)
        self.ways = dict(full.ways)
        self._full, self._known, self._wanted = full, kinds, wanted

    def thinner(self, wanted: set[int] | None) -> tuple[Any, frozenset[int]]:
        """The loop for other results."""
        return self._full.thinner(wanted)

    def _kinds(self, closed: Leaves, rows: Leaves) -> tuple[Any, ...]:
        given = [*closed, *[None if row is None else row_of(row, 0) for row in rows]]
        pairs = zip(given, self._known, strict=True)
        return tuple([known if x is None else leaf_key(x) for x, known in pairs])

    def _is_wanted(self, place: int) -> bool:
        return self._wanted is None or self.loop.carried + place in self._wanted

    def _other(self, key: Any, tried: Way | None, given: Leaves) -> tuple[Way, Any]:
        message = f"{self.loop.name}: a step went another way than while it was recorded."
        raise Missed(message)


class BodyCapture(Capture):
    """The recording of a body: what raises an error in it is tried in other ways."""

    __slots__ = ()
    process = Capture._process

    def attempt(self, function: Any, args: list[Any]) -> Any:
        """Call a function."""
        return function(*args)


class Way:
    """The body printed for values of one kind; what it hands through, it does not copy.

    Attributes
    ----------
    after : tuple or None
        The kind of the carry that comes out of it, once that was seen.
    fresh : list of bool
        Which outputs were made by the body, each for this place.
    guarded : bool
        Whether it holds for some values only.
    unread : frozenset of int
        The places of what it takes and does not look at.
    """

    def __init__(self, program: Program):
        program = thin(program)
        places = {int(ref): k for k, ref in enumerate(program.inputs)}
        made: list[Any] = []
        self._sources: list[tuple[int, Any]] = []
        self.fresh: list[bool] = []
        for x in program.outputs:
            own = type(x) is Ref and x not in places
            self.fresh.append(own and x not in made)
            if own and x not in made:
                made.append(x)
            if own:
                self._sources.append((_MADE, made.index(x)))
            elif type(x) is Ref:
                self._sources.append((_GIVEN, places[x]))
            else:
                self._sources.append((_CONSTANT, x))
        self.after: Any = None
        self.direct = all(self.fresh)
        self.guarded = bool(program.guards)
        read = program.returned.union(*[node.uses() for node in program.nodes])
        self.unread = frozenset([k for ref, k in places.items() if ref not in read])
        self._run = print_program(program.with_nodes(program.nodes, made))

    def __call__(self, given: Leaves) -> Any:
        """One step: the outputs, or `MISSED`."""
        made = self._run(*given)
        if self.direct or made is MISSED:
            return made
        lists = (made, given)
        return [x if kind == _CONSTANT else lists[kind][x] for kind, x in self._sources]


_MADE, _GIVEN, _CONSTANT = range(3)


class Stack:
    """The results of the steps under each other, as they come."""

    def __init__(self, first: Any, length: int):
        backend = backend_of(first)
        self._parts: Any = [None] * length
        self._writable = backend is not None and backend.writable
        self._ellipsis = self._writable and not isinstance(first, np.ndarray | np.generic)
        if isinstance(first, np.ndarray | np.generic):
            self._parts = np.empty((length, *first.shape), first.dtype)
        elif self._writable:
            with on_device_of(first):
                xp, shape = plain_namespace(first), (length, *first.shape)
                self._parts = xp.empty(shape, dtype=first.dtype, device=device_of(first))

    def put(self, k: int, y: Any) -> None:
        """The result of one step."""
        if self._ellipsis:
            self._parts[k, ...] = y
        else:
            self._parts[k] = y

    def done(self) -> Any:
        """All of them in one array."""
        if self._writable:
            return self._parts
        return names_for(self._parts[0]).stack(*self._parts, axis=0)


def _plain(x: Any) -> Any:
    """A 0-d array of NumPy as the scalar that its functions give."""
    return x[()] if isinstance(x, np.ndarray) and x.ndim == 0 else x
