"""Steps that are recorded once and replayed from then on, by every transform for itself.

The first steps for parameters of one kind are taken as they stand; then one is recorded (see
``anygrad.compiler``), and its program does what is left when all checks have been made: the
arithmetic. What depends on the step count, such as a schedule, is a call of the host in it. Another
program is recorded where the code goes another way, and where structure, shapes, dtypes or settings
are others. Whatever cannot be recorded stays as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, device_of
from anygrad.compiler.keys import environment
from anygrad.optimizers.programs import MISSED, Path, make_path
from anygrad.trees.placing import on_device_of

__all__ = ["NOTHING", "Replays", "is_ours"]

NOTHING: Any = object()
"""Returned where there is no program: the step has to be taken as it stands."""

RECORDED_AT = 5
"""The call for parameters of one kind that is recorded; who makes one step only does not pay."""
KINDS = 16
"""Kinds of arguments whose programs are kept, the latest ones."""
PATHS = 8
"""Ways through the code that are kept for one kind."""
PROGRAMS = 128
"""Programs after which a transform records no more: its arguments never come again."""

_PAYS = frozenset(("numpy", "cupy"))
_ONLY_NUMPY = {np.ndarray}
_shape, _strides, _dtype, _base = map(attrgetter, ("shape", "strides", "dtype", "base"))
_placed: set[type] = set()  # arrays of libraries that compute on a current device
_leaf_types: dict[type, str] = {float: "number", np.float64: "number", np.float32: "number"}


class Kind:
    """Arguments of one kind: what tells them from others, and the paths that they took."""

    def __init__(self, key: tuple[Any, ...]):
        self.key = key
        self.calls = 0
        self.paths: list[Path] = []
        self.is_eager = False

    def replay(self, leaves: Sequence[Any], shared: frozenset[int] | None) -> Any:
        """The result of the path that holds, or `NOTHING`."""
        for path in self.paths:
            if shared and path.writes_into(shared):
                return NOTHING
            result = path.replay(leaves, shared is None)
            if result is not MISSED:
                if path is not self.paths[0]:
                    self.paths = [path, *[p for p in self.paths if p is not path]]
                return result
        return NOTHING


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

    def take(self, step: Callable[..., Any], transform: Any, donate: bool, *args: Any) -> Any:
        """The result of ``step(transform, donate, *args)``; `NOTHING` if there is no program."""
        if self._known is None:
            self._known = is_ours(transform)
        if not self._known:
            return NOTHING
        now, token = environment()
        if not now.fuse or now.debug_nans != "off":
            return NOTHING
        leaves, treedef = trees.flatten(args)
        key = _key_of(leaves)
        if key is None:
            return NOTHING
        shared = _sharing(leaves) if donate else frozenset[int]()
        kind = self._find((token, step, donate, *key, treedef))
        with _place_of(leaves):
            result = kind.replay(leaves, shared)
            if result is not NOTHING or kind.is_eager:
                return result
            kind.calls += 1
            if kind.calls < RECORDED_AT:
                return NOTHING
            with self._lock:
                taken = partial(step, transform, donate)
                return self._record(kind, taken, leaves, treedef, shared or frozenset())

    def _find(self, key: tuple[Any, ...]) -> Kind:
        for kind in self.kinds:
            if kind.key == key:
                if kind is not self.kinds[0]:
                    self.kinds = [kind, *[k for k in self.kinds if k is not kind]]
                return kind
        kind = Kind(key)
        self.kinds = [kind, *self.kinds[: KINDS - 1]]
        return kind

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


def _key_of(leaves: list[Any]) -> tuple[Any, ...] | None:
    """What a program depends on; None where replaying does not pay, or is not possible."""
    kinds = list(map(type, leaves))
    known = set(kinds)
    for kind in known:
        if kind not in _leaf_types:
            _learn(next(x for x in leaves if type(x) is kind))
        if not _leaf_types[kind]:
            return None
    arrays = leaves
    if known != _ONLY_NUMPY:
        arrays = [x for x in leaves if _leaf_types[type(x)] == "array"]
    if not arrays:
        return None
    placed = [device_of(x) for x in arrays if type(x) in _placed] if _placed else []
    if placed and any(device != placed[0] for device in placed):
        return None
    return (
        placed[:1],
        kinds,
        list(map(_shape, arrays)),
        list(map(_strides, arrays)),
        list(map(_dtype, arrays)),
    )


def _learn(x: Any) -> None:
    kind, backend = type(x), backend_of(x)
    told = ""
    if backend is not None and backend.name in _PAYS and kind.__name__ == "ndarray":
        told = "array"
        if backend.on_device is not None:
            _placed.add(kind)
    _leaf_types[kind] = told


def _place_of(leaves: list[Any]) -> AbstractContextManager:
    """Make the device of the arrays current, where a library has such a thing."""
    if not _placed:
        return nullcontext()
    return on_device_of(next((x for x in leaves if type(x) in _placed), leaves[0]))


def _sharing(leaves: list[Any]) -> frozenset[int] | None:
    """Which leaves may lie in the memory of another: were one written, the other would change.

    None if each is an array of NumPy's with memory of its own.
    """
    if set(map(type, leaves)) == _ONLY_NUMPY:
        views = [base for base in map(_base, leaves) if base is not None]
        if not views and len(set(map(id, leaves))) == len(leaves):
            return None
    owners = [id(x) if getattr(x, "base", None) is None else id(x.base) for x in leaves]
    if len(set(owners)) == len(owners):
        return frozenset()
    seen: dict[int, list[int]] = {}
    for place, owner in enumerate(owners):
        seen.setdefault(owner, []).append(place)
    return frozenset([place for places in seen.values() if places[1:] for place in places])


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
