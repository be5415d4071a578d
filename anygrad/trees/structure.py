"""Flattening a tree to its leaves and back: optree behind our names, with dataclasses as nodes."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import optree
from optree import treespec

from anygrad.backends.registry import backend_of, is_traced
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe

__all__ = ["LEAF", "NAMESPACE", "flatten", "leaves", "register", "unflatten"]

NAMESPACE = "anygrad"
LEAF = treespec.leaf(namespace=NAMESPACE)
"""The structure of a bare array or number."""

_lock = threading.RLock()
# classes known to be leaves (they may stand inside a tree) and, of those, known to be bare leaves
_leaf_types: set[type] = set()
_bare_types: set[type] = set()
_flatten = optree.tree_flatten


def flatten(tree: Tree) -> tuple[list[Any], optree.PyTreeSpec]:
    """Take a tree apart into its leaves and its structure.

    Parameters
    ----------
    tree : tree
        One array or number, or a nesting of dict, list, tuple, namedtuple, dataclass and registered
        classes. None is an empty tree. Dicts are taken in
        the order of their sorted keys, and come back in their own order.

    Returns
    -------
    leaves : list
        The leaves, from left to right.
    treedef : PyTreeSpec
        The structure; hashable, comparable, and what `unflatten` needs.

    Examples
    --------
    >>> from anygrad import trees
    >>> leaves, treedef = trees.flatten({"w": 2.0, "b": [1.0, None]})
    >>> leaves
    [1.0, 2.0]
    >>> trees.unflatten(treedef, [10.0, 20.0])
    {'w': 20.0, 'b': [10.0, None]}
    """
    if type(tree) in _bare_types:
        return [tree], LEAF
    found, treedef = _flatten(tree, namespace=NAMESPACE)
    if not _leaf_types.issuperset(map(type, found)) and _learn(found):
        return flatten(tree)
    if len(found) == 1 and found[0] is tree:
        _bare_types.add(type(tree))
        return found, LEAF
    return found, treedef


def _learn(found: list[Any]) -> bool:
    """Register dataclasses among the leaves; remember every other class as a leaf."""
    registered = False
    with _lock:
        for leaf in found:
            kind = type(leaf)
            if kind in _leaf_types:
                continue
            if dataclasses.is_dataclass(kind) and backend_of(leaf) is None and not is_traced(leaf):
                registered |= _register_dataclass(kind)
            else:
                _leaf_types.add(kind)
    return registered


def _register_dataclass(kind: type) -> bool:
    names = [item.name for item in dataclasses.fields(kind) if not item.metadata.get("static")]
    static = [item.name for item in dataclasses.fields(kind) if item.metadata.get("static")]

    def take_apart(node: Any) -> tuple[tuple, tuple, tuple]:
        children = tuple(getattr(node, name) for name in names)
        return children, tuple(getattr(node, name) for name in static), tuple(names)

    def put_together(values: Any, children: Iterable[Any]) -> Any:
        # not through __init__: a check written there for arrays would meet whatever the leaves are
        # now
        node = object.__new__(kind)
        for name, value in zip((*names, *static), (*children, *values), strict=True):
            object.__setattr__(node, name, value)
        return node

    try:
        optree.register_pytree_node(
            kind,
            take_apart,
            put_together,
            path_entry_type=optree.DataclassEntry,
            namespace=NAMESPACE,
        )
    except ValueError:  # registered meanwhile by another thread
        return True
    return True


def register(
    kind: type,
    flatten: Callable[[Any], tuple[Mapping[str, Tree], Any]],
    unflatten: Callable[[Mapping[str, Tree], Any], Any],
) -> type:
    """Make a class a node of trees. Dataclasses and namedtuples need no registration.

    Parameters
    ----------
    kind : type
        The class; subclasses are registered on their own.
    flatten : callable
        ``flatten(node) -> (children, static)``: subtrees by name, and the hashable rest.
    unflatten : callable
        ``unflatten(children, static) -> node``.

    Returns
    -------
    type
        The class.

    Raises
    ------
    ArgumentError
        If the class is a node already.
    """

    def take_apart(node: Any) -> tuple[tuple, tuple, tuple]:
        children, static = flatten(node)
        return tuple(children.values()), (tuple(children), static), tuple(children)

    def put_together(metadata: Any, children: Iterable[Any]) -> Any:
        names, static = metadata
        return unflatten(dict(zip(names, children, strict=True)), static)

    with _lock:
        try:
            optree.register_pytree_node(
                kind,
                take_apart,
                put_together,
                path_entry_type=optree.GetAttrEntry,
                namespace=NAMESPACE,
            )
        except (ValueError, TypeError) as error:
            message = f"register(kind): got {describe(kind)}; expected a new class ({error})."
            raise ArgumentError(message) from error
        _bare_types.discard(kind)
    return kind


def unflatten(treedef: optree.PyTreeSpec, leaves: Sequence[Any]) -> Tree:
    """Put leaves back into a structure.

    Parameters
    ----------
    treedef : PyTreeSpec
        From `flatten`.
    leaves : sequence
        As many as the structure has.

    Returns
    -------
    tree
        Dataclasses are rebuilt field by field, without calling ``__init__``.

    Raises
    ------
    ArgumentError
        If the number of leaves is not that of the structure.
    """
    if treedef is LEAF and len(leaves) == 1:
        return leaves[0]
    if len(leaves) != treedef.num_leaves:
        got, expected = len(leaves), treedef.num_leaves
        message = f"unflatten(leaves): got {got} leaves; expected {expected}, for {treedef}."
        raise ArgumentError(message)
    return treedef.unflatten(leaves)


def leaves(tree: Tree) -> list[Any]:
    """List the leaves of a tree from left to right."""
    return flatten(tree)[0]
