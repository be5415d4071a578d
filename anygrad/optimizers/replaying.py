"""Steps that are recorded once and replayed from then on, by every transform for itself.

The first steps for parameters of one kind are taken as they stand; then one is recorded (see
``anygrad.compiler``), and its program does what is left when all checks have been made: the
arithmetic. What depends on the step count, such as a schedule, is a call of the host in it. Another
program is recorded where the code goes another way, and where structure, shapes, dtypes or settings
are others. Whatever cannot be recorded stays as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from anygrad import trees
from anygrad.compiler.keys import environment
from anygrad.compiler.targets.warming import heat_of
from anygrad.optimizers.programs import MISSED, Path, make_path
from anygrad.optimizers.recognizing import Recognizer, is_known, key_of, place_of, sharing

__all__ = ["NOTHING", "Replays", "is_ours"]

NOTHING: Any = object()
"""Returned where there is no program: the step has to be taken as it stands."""

RECORDED_AT = 5
"""The call for parameters of one kind that is recorded; who makes one step only does not pay."""
KINDS = 16
"""Kinds of arguments whose programs are kept, the latest ones."""
PATHS = 8
"""Ways through the code that are kept for one kind."""
LATEST = 2
"""Kinds that arguments may be recognised as without their whole key."""
PROGRAMS = 128
"""Programs after which a transform records no more: its arguments never come again."""


class Kind:
    """Arguments of one kind: what tells them from others, and the paths that they took."""

    def __init__(self, key: tuple[Any, ...]):
        self.key = key
        self.calls = 0
        self.paths: list[Path] = []
        self.is_eager = False
        self.recognizers: list[Recognizer] = []

    def replay(
        self, leaves: list[Any], shared: frozenset[int] | None, writeable: bool = False
    ) -> Any:
        """The result of the path that holds, or `NOTHING`.

        ``writeable`` tells that every leaf is known to be so.
        """
        for path in self.paths:
            if shared and path.writes_into(shared):
                return NOTHING
            result = path.replay(leaves, shared is None, writeable)
            if result is not MISSED:
                if path is not self.paths[0]:
                    self.paths = [path, *[p for p in self.paths if p is not path]]
                return result
        return NOTHING

    def learn(self, leaves: list[Any], shared: frozenset[int] | None) -> None:
        """Recognise such arguments from now on, if that can be told quickly."""
        own = shared is None
        known = [recognizer.own for recognizer in self.recognizers]
        if own not in known and is_known(leaves):
            made = Recognizer(leaves, self.key[-1], own)
            self.recognizers = sorted([*self.recognizers, made], key=_strictest)


def _strictest(recognizer: Recognizer) -> int:
    return not recognizer.own


class Replays:
    """The programs of one transform.

    Copies and pickles of it start without any.
    """

    def __init__(self) -> None:
        self.kinds: list[Kind] = []
        self._made = 0
        self._known: bool | None = None
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[type[Replays], tuple[()]]:
        return Replays, ()

    def kernels(self) -> tuple[str, ...]:
        """The texts of the kernels that are in use."""
        heats = [heat_of(path.run) for kind in self.kinds for path in kind.paths]
        return tuple([t for h in heats if h is not None and not h.replays for t in h.texts])

    def take(self, step: Callable[..., Any], transform: Any, donate: bool, *args: Any) -> Any:
        """The result of ``step(transform, donate, *args)``; `NOTHING` if there is no program."""
        if self._known is None:
            self._known = is_ours(transform)
        if not self._known:
            return NOTHING
        now, token = environment()
        if not now.fuse or now.debug_nans != "off":
            return NOTHING
        found = self._recognize((token, step, donate), args)
        if found is None:
            leaves, treedef = trees.flatten(args)
            key = key_of(leaves)
            if key is None:
                return NOTHING
            kind, own, writeable = self._find((token, step, donate, *key, treedef)), False, False
        else:
            kind, leaves, own, writeable = found
        shared = frozenset[int]()
        if donate:
            shared = None if own else sharing(leaves)
        if kind.paths and not own:
            kind.learn(leaves, shared)
        with place_of(leaves):
            result = kind.replay(leaves, shared, writeable)
        if result is not NOTHING or kind.is_eager:
            return result
        kind.calls += 1
        if kind.calls < RECORDED_AT:
            return NOTHING
        with self._lock, place_of(leaves):
            taken = partial(step, transform, donate)
            return self._record(kind, taken, leaves, kind.key[-1], shared or frozenset())

    def _recognize(
        self, key: tuple[Any, ...], args: Any
    ) -> tuple[Kind, list[Any], bool, bool] | None:
        """The kind of arguments, if it is one of those that came last, and their leaves.

        Two flags tell that each leaf is an array with memory of its own, and writeable.
        """
        for kind in self.kinds[:LATEST]:
            for recognizer in kind.recognizers if kind.key[:3] == key else ():
                found = recognizer.recognize(args)
                if found is not None:
                    self._move_first(kind)
                    return kind, found[0], recognizer.own, found[1]
        return None

    def _find(self, key: tuple[Any, ...]) -> Kind:
        for kind in self.kinds:
            if kind.key == key:
                self._move_first(kind)
                return kind
        kind = Kind(key)
        self.kinds = [kind, *self.kinds[: KINDS - 1]]
        return kind

    def _move_first(self, kind: Kind) -> None:
        if kind is not self.kinds[0]:
            self.kinds = [kind, *[k for k in self.kinds if k is not kind]]

    def _record(
        self,
        kind: Kind,
        step: Callable[..., Any],
        leaves: list[Any],
        treedef: Any,
        shared: frozenset[int],
    ) -> Any:
        """Record a path, and return the result of this call."""
        if len(kind.paths) >= PATHS or self._made >= PROGRAMS:
            kind.is_eager = True
            return NOTHING
        self._made += 1
        try:
            path, out = make_path(step, leaves, treedef)
        except Exception:
            kind.is_eager = True  # as it stands, it raises the error that is meant
            return NOTHING
        kind.paths = [path, *kind.paths]
        if path.writes_into(shared):
            return NOTHING
        return path.put_together(out, leaves, path.pairs)


def is_ours(transform: Any) -> bool:
    """Tell whether a transform is made of this package's rules, whose code has no effects."""
    rule = transform.rule
    if rule is None or not type(rule).__module__.startswith("anygrad.optimizers."):
        return False
    if getattr(rule, "calls_back", False):
        return False
    for name in ("formula", "reduction"):
        function = getattr(rule, name, None)
        if function is not None and not str(function.__module__).startswith("anygrad."):
            return False
    inner = getattr(rule, "inner", None)
    parts = getattr(rule, "parts", {})
    return all(map(is_ours, ([] if inner is None else [inner]) + list(parts.values())))
