"""Two trees that must fit each other: find the first place where they do not."""

from __future__ import annotations

from typing import Any

import optree

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.trees.paths import paths, show_path
from anygrad.trees.structure import NAMESPACE, flatten

__all__ = ["check_same_structure"]


def check_same_structure(where: str, expected: Tree, got: Tree) -> None:
    """Refuse a tree whose structure or shapes differ from those of another.

    Parameters
    ----------
    where : str
        The function and argument, ``"update(grads)"``; what stands in the brackets names the tree.
    expected, got : trees
        Compared in structure, and in the shapes of their leaves; dtypes may differ.

    Raises
    ------
    ArgumentError
        If the structures differ; gives the path of the first difference.
    ShapeError
        If a leaf has another shape; gives its path.
    """
    wanted, treedef = flatten(expected)
    found, other = flatten(got)
    name = where.rpartition("(")[2].rstrip(")") or "tree"
    if treedef != other:
        place, was, should = _first_difference(name, expected, got)
        message = f"{where}: got {was} at {place}; expected {should}, as in the tree it belongs to."
        raise ArgumentError(message)
    for index, (leaf, like) in enumerate(zip(found, wanted, strict=True)):
        if shape_of(leaf) != shape_of(like):
            place = show_path(name, paths(got)[index])
            message = f"{where}: got shape {shape_of(leaf)} at {place}; expected {shape_of(like)}."
            raise ShapeError(message)


def shape_of(leaf: Any) -> tuple:
    """Tell the shape of a leaf; that of a number is ()."""
    return tuple(getattr(leaf, "shape", ()))


def _first_difference(place: str, expected: Tree, got: Tree) -> tuple[str, str, str]:
    """Walk down both trees until they part; returns the place, what is there and what should be."""
    if optree.tree_is_leaf(expected, namespace=NAMESPACE) or optree.tree_is_leaf(got, namespace=NAMESPACE):
        return place, _name_node(got), _name_node(expected)
    want, have = (optree.tree_flatten_one_level(tree, namespace=NAMESPACE) for tree in (expected, got))
    if type(expected) is not type(got):
        return place, _name_node(got), _name_node(expected)
    steps = optree.tree_accessors(expected, is_leaf=lambda node: node is not expected, namespace=NAMESPACE)
    spelled = {entry: accessor.codify("") for entry, accessor in zip(want.entries, steps, strict=False)}
    for entry in want.entries:
        if entry not in have.entries:
            return place + spelled.get(entry, f"[{entry!r}]"), "nothing", "a leaf or node"
    for entry in have.entries:
        if entry not in want.entries:
            return f"{place}[{entry!r}]", "a leaf or node", "nothing"
    children = dict(zip(have.entries, have.children, strict=True))
    for entry, child in zip(want.entries, want.children, strict=True):
        if flatten(child)[1] != flatten(children[entry])[1]:
            return _first_difference(place + spelled.get(entry, f"[{entry!r}]"), child, children[entry])
    return place, f"the configuration {have.metadata!r}", f"{want.metadata!r}"


def _name_node(node: Any) -> str:
    if node is None:
        return "None"
    if optree.tree_is_leaf(node, namespace=NAMESPACE):
        return describe(node)
    return f"a {type(node).__name__}"
