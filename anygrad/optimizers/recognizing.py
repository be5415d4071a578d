"""What a recorded step depends on, and how arguments are told to be of a kind seen before.

The whole key takes a microsecond for an array. Arguments of a kind that has a program are asked for
directly: whether they have its structure, and its arrays, without anything being made for it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from typing import Any

import numpy as np

from anygrad.backends import backend_of, device_of
from anygrad.compiler.targets.llvmlite import reason_against
from anygrad.compiler.targets.native.entries import Slot, is_quick, make_matcher
from anygrad.config import settings
from anygrad.trees.placing import on_device_of
from anygrad.trees.templates import taker

__all__ = ["Recognizer", "is_known", "key_of", "place_of", "sharing"]

MATCHED_AFTER = 16, 20_000
"""Replays, and arrays in all of them, that pay for machine code that looks at the arrays."""

_PAYS = frozenset(("numpy", "cupy"))
ONLY_NUMPY = {np.ndarray}
_shape, _strides, _dtype, _base = map(attrgetter, ("shape", "strides", "dtype", "base"))
_placed: dict[type, Callable[[Any], Any]] = {}
"""Arrays of libraries that compute on a current device, and what tells it."""
_leaf_types: dict[type, str] = {float: "number", np.float64: "number", np.float32: "number"}


def key_of(leaves: list[Any]) -> tuple[Any, ...] | None:
    """What a program depends on; None where replaying does not pay, or is not possible."""
    kinds = list(map(type, leaves))
    known = set(kinds)
    for kind in known:
        if kind not in _leaf_types:
            _learn(next(x for x in leaves if type(x) is kind))
        if not _leaf_types[kind]:
            return None
    arrays = leaves
    if known != ONLY_NUMPY:
        arrays = [x for x in leaves if _leaf_types[type(x)] == "array"]
    if not arrays:
        return None
    placed = _places(arrays)
    if placed != placed[:1] * len(placed):
        return None
    return placed[:1], kinds, *_layouts(arrays)


def _places(arrays: list[Any]) -> list[Any]:
    """The devices of the arrays whose libraries compute on a current device."""
    return [_placed[type(x)](x) for x in arrays if type(x) in _placed] if _placed else []


def _layouts(arrays: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    return list(map(_shape, arrays)), list(map(_strides, arrays)), list(map(_dtype, arrays))


def _learn(x: Any) -> None:
    kind, backend = type(x), backend_of(x)
    told = ""
    if backend is not None and backend.name in _PAYS and kind.__name__ == "ndarray":
        told = "array"
        if backend.on_device is not None:
            _placed[kind] = backend.place_key or device_of
    _leaf_types[kind] = told


def place_of(leaves: Sequence[Any]) -> AbstractContextManager:
    """Make the device of the arrays current, where a library has such a thing."""
    if not _placed or not any(type(x) in _placed for x in leaves):
        return nullcontext()
    return on_device_of(next((x for x in leaves if type(x) in _placed), leaves[0]))


def sharing(leaves: list[Any]) -> frozenset[int] | None:
    """Which leaves may lie in the memory of another: were one written, the other would change.

    None if each is an array with memory of its own.
    """
    if is_known(leaves) and _all_own(leaves):
        return None
    owners = [id(x) if getattr(x, "base", None) is None else id(x.base) for x in leaves]
    if len(set(owners)) == len(owners):
        return frozenset()
    seen: dict[int, list[int]] = {}
    for place, owner in enumerate(owners):
        seen.setdefault(owner, []).append(place)
    return frozenset([place for places in seen.values() if places[1:] for place in places])


def _all_own(arrays: list[Any]) -> bool:
    """Whether no array is a view, or given twice."""
    return not [base for base in map(_base, arrays) if base is not None] and _all_differ(arrays)


def _all_differ(objects: list[Any]) -> bool:
    return len(set(map(id, objects))) == len(objects)


def is_known(leaves: list[Any]) -> bool:
    """Whether all leaves are arrays that a `Recognizer` compares."""
    return set(map(type, leaves)) <= ONLY_NUMPY.union(_placed)


class Met(threading.local):
    """Arrays that were looked at before: those that are the same objects need not be again.

    Parameters and state come back as they were given out; gradients are new ones in every step.
    Weak references, so that nothing is kept in memory; every thread has its own.
    """

    def __init__(self) -> None:
        self._references: list[weakref.ref[Any]] = []
        self._changing: list[int] = []
        self._staying: frozenset[int] = frozenset()

    def others(self, leaves: list[Any]) -> list[int] | None:
        """The places of arrays that are others than last time; None if most are.

        No array of those is one of those that stayed, or given twice.
        """
        if not self._references:
            return None
        pairs = zip(self._references, leaves, strict=True)
        changed = [k for k, (reference, x) in enumerate(pairs) if reference() is not x]
        if 2 * len(changed) > len(leaves):
            return None
        if changed != self._changing:
            gone = set(changed)
            self._staying = frozenset([id(x) for k, x in enumerate(leaves) if k not in gone])
            self._changing = changed
        ids = {id(leaves[k]) for k in changed}
        return changed if len(ids) == len(changed) and ids.isdisjoint(self._staying) else None

    def meet(self, leaves: list[Any], places: list[int]) -> None:
        """Remember the arrays at some places, or all of them."""
        if len(places) == len(leaves):
            self._references, self._changing = list(map(weakref.ref, leaves)), []
        for k in places if self._changing else ():
            self._references[k] = weakref.ref(leaves[k])


class Recognizer:
    """Tells whether arguments are of one kind: arrays in one structure.

    Parameters
    ----------
    leaves : list of array
        The leaves of arguments of that kind.
    treedef : PyTreeSpec
        Their structure.
    own : bool
        Whether arrays have to be all different, each with memory of its own.
    """

    def __init__(self, leaves: list[Any], treedef: Any, own: bool):
        self.own = own
        self._take = taker(treedef)
        self._expected = _layouts(leaves)
        self._kinds = list(map(type, leaves))
        self._only_numpy = set(self._kinds) == ONLY_NUMPY
        self._places = _places(leaves)
        # what looks at the arrays, and whether it sees to it that all are writeable, too
        self._look: tuple[Callable[[list[Any]], bool], bool] = self._compare, False
        self._unasked = self._only_numpy
        self._met = None if self._only_numpy or not own else Met()
        self._replays = 0

    def recognize(self, args: Any) -> tuple[list[Any], bool] | None:
        """The leaves of arguments of this kind, and whether all are known to be writeable.

        None for any others, which may still be of it.
        """
        leaves: list[Any] = []
        fits, writeable = self._look
        if not self._take(args, leaves) or not fits(leaves):
            return None
        if self._unasked:
            self._count(leaves)
        return leaves, writeable

    def _compare(self, leaves: list[Any]) -> bool:
        met = self._met
        if met is None:
            return self._compare_all(leaves)
        changed = met.others(leaves)
        if changed is None:
            fits, changed = self._compare_all(leaves), list(range(len(leaves)))
        else:
            fits = self._compare_some(leaves, changed)
        if fits:
            met.meet(leaves, changed)
        return fits

    def _compare_some(self, leaves: list[Any], places: list[int]) -> bool:
        """Whether the arrays at some places are what they have to be, with memory of their own."""
        found = [leaves[k] for k in places]
        expected = [[column[k] for k in places] for column in self._expected]
        return (
            list(map(type, found)) == [self._kinds[k] for k in places]
            and list(_layouts(found)) == expected
            and set(_places(found)) <= set(self._places)
            and not [base for base in map(_base, found) if base is not None]
        )

    def _compare_all(self, leaves: list[Any]) -> bool:
        return (
            list(map(type, leaves)) == self._kinds
            and _layouts(leaves) == self._expected
            and _places(leaves) == self._places
            and (not self.own or _all_own(leaves))
        )

    def _count(self, leaves: list[Any]) -> None:
        """Let machine code look at the arrays, when that pays."""
        self._replays += 1
        wanted, (replays, arrays) = settings().kernels, MATCHED_AFTER
        often = self._replays >= replays and self._replays * len(leaves) >= arrays
        if wanted != "always" and not often:
            return
        self._unasked = False
        if wanted == "off" or reason_against() or not is_quick():
            return
        matches = matcher(leaves, self.own)
        if matches is not None:
            self._look = matches, self.own


def matcher(leaves: list[Any], own: bool) -> Callable[[list[Any]], bool] | None:
    """Machine code that recognises arrays like these; None if it would not recognise them."""
    try:
        slots = [Slot("array", 0, x.dtype, x.shape, x.strides) for x in leaves]
        matches = make_matcher(slots, [own] * len(leaves), distinct=own)
    except ValueError:  # elements that it does not know
        return None
    return matches if matches(leaves) else None
