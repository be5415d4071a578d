"""What loops have recorded of their steps, for the next call with the same function.

A function counts as the same if its code and all that it closes over are, for a transformation
makes a new one of it each time. What is kept is as much as a compiled function keeps, and holds
under the same conditions: see `anygrad.compiler.surroundings`. Of a function within another one,
which may close over arrays that are never met again, nothing is kept at first sight.
"""

from __future__ import annotations

import threading
import types
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from anygrad.autodiff.calls import Call, Leaves
from anygrad.compiler.keys import environment, leaf_key
from anygrad.compiler.randomness import Randomness
from anygrad.compiler.scanning.loops import Loop, call_of
from anygrad.compiler.scanning.steps import Step, example_of
from anygrad.compiler.surroundings import Surroundings
from anygrad.errors import TraceError

__all__ = ["Known", "Memory"]

STEPS = 16
"""Pieces of code of which something is kept, the latest ones."""
KINDS = 8
"""Kinds of arguments, and of loops, that are kept for one."""
STRIKES = 8
"""More recordings that did not pay than replays, after which nothing more is kept of a code."""

_known: OrderedDict[types.CodeType, list[Known]] = OrderedDict()
_wasted: WeakKeyDictionary[types.CodeType, int] = WeakKeyDictionary()
_lock = threading.Lock()


class Known:
    """A step that was recorded, and the loops that were made of it.

    Attributes
    ----------
    likes : list
        For each leaf of the carry that is a number, one of the dtype that it becomes.
    """

    def __init__(self, step: Step, likes: Leaves, key: Any, surroundings: Surroundings):
        self.step, self.likes, self.surroundings = step, likes, surroundings
        self.key, self.hash = key, hash(key)
        self.calls: dict[Any, Call] = {}
        self.replays = 0

    def holds(self) -> bool:
        """Whether all that the step reads is what it was."""
        try:
            self.step.compare()
        except TraceError:
            return False
        return not self.surroundings.changed()

    def call(self, n: int, reverse: bool, every: int, moving: tuple[bool, ...]) -> Call:
        """The loop of ``n`` steps; ``moving`` are the rows that are traced."""
        key = (n, reverse, every, moving)
        found = self.calls.get(key)
        if found is None:
            count = len(self.likes)
            loop = Loop(self.step.name, self.step, 0, count, n, reverse, every, {})
            if len(self.calls) >= KINDS:
                self.calls.clear()
            found = self.calls[key] = call_of(loop, (*[True] * count, *moving))
        self.replays += 1
        return found


class Memory:
    """What is known of a step for one kind of arguments."""

    def __init__(self, step: Callable[..., Any], form: Any, carry: Leaves, rows: Leaves):
        self._step = step
        self._code = step.__code__ if type(step) is types.FunctionType else None
        examples = [*map(example_of, carry), *rows]
        keys = list(map(leaf_key, examples))
        self._key = (form, environment()[1], *keys)
        self._hash = hash(self._key)
        self._surroundings: Surroundings | None = None
        self._randomness: Randomness | None = None

    def found(self) -> Known | None:
        """What holds now; None if nothing does."""
        code = self._code
        if code is None:
            return None
        for known in _known.get(code, ()):
            if known.hash != self._hash or known.key != self._key:
                continue
            if _is_same(known.step.f, self._step, set()):
                if known.holds():
                    if _wasted.get(code):
                        _wasted[code] -= 1
                    return known
                self.forget(known)
        return None

    def forget(self, known: Known) -> None:
        """Leave something out from now on."""
        assert self._code is not None
        with _lock:
            self._set([k for k in _known.get(self._code, ()) if k is not known], [known])

    def watch(self) -> None:
        """Look at what the step reads, before it runs."""
        if self._code is None:
            return
        if "<locals>" in self._step.__qualname__ and self._code not in _wasted:
            _wasted[self._code] = 0
            return
        if _wasted.get(self._code, 0) >= STRIKES:
            return
        surroundings = Surroundings(self._step)
        if surroundings.fleeting:
            _wasted[self._code] = STRIKES
            return
        self._surroundings = surroundings
        self._randomness = Randomness(surroundings.generators)

    def keep(self, made: Step, likes: Leaves) -> None:
        """Keep what was recorded of the step, unless it cannot hold another time."""
        surroundings, randomness = self._surroundings, self._randomness
        if surroundings is None or randomness is None or self._code is None:
            return
        new = Known(made, likes, self._key, surroundings)
        is_lost = bool(made.closed or surroundings.changed() or randomness.drawn())
        with _lock:
            kept = _known.get(self._code, [])
            if is_lost:
                self._set(kept, [new])
            else:
                self._set([new, *kept[: KINDS - 1]], kept[KINDS - 1 :])

    def _set(self, kept: list[Known], dropped: list[Known]) -> None:
        code = self._code
        assert code is not None
        strikes = _wasted.get(code, 0) + sum(known.replays < 2 for known in dropped)
        _wasted[code] = strikes
        if strikes >= STRIKES:  # what was of use stays; the others hold arrays for nothing
            kept = [known for known in kept if known.replays]
        _known.pop(code, None)
        if kept:
            _known[code] = kept
        while len(_known) > STEPS:
            _known.popitem(last=False)


def _is_same(f: Any, g: Any, met: set[tuple[int, int]]) -> bool:
    """Whether two functions are of one code, and close over the same."""
    if f is g or (id(f), id(g)) in met:
        return True
    if type(f) is not types.FunctionType or type(g) is not types.FunctionType:
        return False
    if f.__code__ is not g.__code__ or f.__globals__ is not g.__globals__:
        return False
    if f.__defaults__ is not g.__defaults__ or f.__kwdefaults__ is not g.__kwdefaults__:
        return False
    met.add((id(f), id(g)))  # functions may know each other
    pairs = zip(f.__closure__ or (), g.__closure__ or (), strict=True)
    return all(a is b or _is_same(_content(a), _content(b), met) for a, b in pairs)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return cell
