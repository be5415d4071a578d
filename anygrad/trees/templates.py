"""Trees of a structure that is known: taken apart and put together without looking for it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import optree

from anygrad.backends.types import Tree
from anygrad.trees.structure import flatten, unflatten

__all__ = ["Builder", "Taker", "builder", "taker"]

Taker = Callable[[Tree, list[Any]], bool]
"""Adds the leaves of a tree to a list, and tells whether the tree has the structure."""
Builder = Callable[[Sequence[Any]], Tree]
"""Makes a tree of a row of leaves."""

LONG = 8
"""Leaves of a list from which on it is worth being cut out of a row."""


def taker(treedef: optree.PyTreeSpec) -> Taker:
    """A function that takes trees of one structure apart, faster than `flatten`.

    Parameters
    ----------
    treedef : PyTreeSpec
        The structure.

    Returns
    -------
    take : callable
        ``take(tree, found)`` adds to the list ``found`` what the tree has where the structure has
        leaves, in the order of `flatten`. False if it cannot have the structure; the list is of no
        use then. True tells that it has, provided that all that was added are leaves: the caller
        has to look at their types.
    """
    return _taker(treedef, {}) or _take_leaf


def _taker(treedef: Any, known: dict[Any, Taker | None]) -> Taker | None:
    """The function for a structure, the same for the same one; None for a leaf."""
    if treedef.is_leaf():
        return None
    if treedef not in known:
        known[treedef] = _new_taker(treedef, known)
    return known[treedef]


def _new_taker(treedef: Any, known: dict[Any, Taker | None]) -> Taker:
    kind, keys = treedef.type, treedef.entries()
    if kind not in (list, tuple, dict):
        return _take_other(treedef)
    if kind is dict and not _are_names(keys):
        return _take_other(treedef)
    takers = [_taker(child, known) for child in treedef.children()]
    pick = _pick(keys) if kind is dict else None
    count = len(keys)
    if set(takers) == {None}:
        return _take_leaves(kind, count, pick)
    below = treedef.child(0) if len(set(treedef.children())) == 1 else None
    if below is not None and _is_dict_of_leaves(below):
        return _take_dicts(kind, count, pick, below.entries())
    return _take_nodes(kind, count, pick, takers)


def _is_dict_of_leaves(treedef: Any) -> bool:
    return treedef.type is dict and _is_above_leaves(treedef) and _are_names(treedef.entries())


def _is_above_leaves(treedef: Any) -> bool:
    """Whether below a node there are leaves only."""
    return treedef.num_leaves == treedef.num_children == treedef.num_nodes - 1


def _are_names(keys: Sequence[Any]) -> bool:
    """Whether keys are sorted in one way only: equal ones of several types are not."""
    return {*map(type, keys)} <= {str}


def _take_leaf(tree: Tree, found: list[Any]) -> bool:
    found.append(tree)
    return True


def _take_leaves(kind: type, count: int, pick: Callable[[Any], Any] | None) -> Taker:
    """For a node below which there are leaves only."""

    def take_sequence(tree: Tree, found: list[Any]) -> bool:
        if type(tree) is not kind or len(tree) != count:
            return False
        found += tree
        return True

    def take_dict(tree: Tree, found: list[Any]) -> bool:
        if type(tree) is not dict or len(tree) != count:
            return False
        try:
            found += pick(tree)  # type: ignore[misc]
        except KeyError:
            return False
        return True

    return take_sequence if pick is None else take_dict


def _take_dicts(
    kind: type, count: int, pick: Callable[[Any], Any] | None, names: Sequence[str]
) -> Taker:
    """For a node below which there are dicts of leaves, all with the same keys."""
    pick_below, kinds, counts = _pick(names), {dict}, {len(names)}

    def take(tree: Tree, found: list[Any]) -> bool:
        if type(tree) is not kind or len(tree) != count:
            return False
        try:
            parts = tree if pick is None else pick(tree)
            if set(map(type, parts)) != kinds or set(map(len, parts)) != counts:
                return False
            found.extend(chain.from_iterable(map(pick_below, parts)))
        except KeyError:
            return False
        return True

    return take


def _take_nodes(
    kind: type,
    count: int,
    pick: Callable[[Any], Any] | None,
    takers: list[Taker | None],
) -> Taker:
    """For any other node."""

    def take(tree: Tree, found: list[Any]) -> bool:
        if type(tree) is not kind or len(tree) != count:
            return False
        try:
            parts = tree if pick is None else pick(tree)
        except KeyError:
            return False
        for take_part, part in zip(takers, parts, strict=False):  # its length is known
            if take_part is None:
                found.append(part)
            elif not take_part(part, found):
                return False
        return True

    return take


def _take_other(treedef: Any) -> Taker:
    """For a node whose classes only `flatten` knows."""

    def take(tree: Tree, found: list[Any]) -> bool:
        more, other = flatten(tree)
        if other != treedef:
            return False
        found += more
        return True

    return take


def _pick(keys: Sequence[Any]) -> Callable[[Any], Sequence[Any]]:
    """A function that gives what stands at some keys, or places, in a row."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda found: [found[key] for key in keys]


def builder(treedef: optree.PyTreeSpec, places: Sequence[int]) -> Builder:
    """A function that puts trees of one structure together, faster than `unflatten`.

    Parameters
    ----------
    treedef : PyTreeSpec
        The structure.
    places : sequence of int
        For each of its leaves, where in a row it stands.

    Returns
    -------
    build : callable
        Takes a list, and gives the tree; what else stands in the list does not matter.
    """
    places = list(places)
    kind, children = treedef.type, treedef.children()
    if kind in (list, tuple) and _is_above_leaves(treedef) and len(places) >= LONG:
        start, stop = places[0], places[0] + len(places)
        if places == list(range(start, stop)):
            return _cut(kind, start, stop)
    if kind not in (list, tuple, dict) or not any(child.num_leaves >= LONG for child in children):
        return _build_any(treedef, places)
    parts, start = [], 0
    for child in children:
        parts.append(builder(child, places[start : start + child.num_leaves]))
        start += child.num_leaves
    if kind is dict:
        return _build_dict(treedef, parts)
    return lambda row: kind([build(row) for build in parts])


def _cut(kind: type, start: int, stop: int) -> Builder:
    """For a list or tuple of leaves that stand side by side."""
    if kind is list:
        return lambda row: row[start:stop]  # type: ignore[return-value]
    return lambda row: kind(row[start:stop])


def _build_dict(treedef: Any, parts: list[Builder]) -> Builder:
    """For a dict, whose keys are sorted in its structure, but come in their own order."""
    order = list(unflatten(treedef, [None] * treedef.num_leaves))
    by_key = dict(zip(treedef.entries(), parts, strict=True))
    pairs = [(key, by_key[key]) for key in order]
    return lambda row: {key: build(row) for key, build in pairs}


def _build_any(treedef: Any, places: list[int]) -> Builder:
    if treedef.is_leaf():
        return itemgetter(places[0])
    pick = _pick(places)
    return lambda row: unflatten(treedef, pick(row))
