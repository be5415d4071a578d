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
    if treedef != other:
        message = (
            f"{where}: got {first_difference(where, expected, got)}, as in the tree it belongs to."
        )
        raise ArgumentError(message)
    for index, (leaf, like) in enumerate(zip(found, wanted, strict=True)):
        if shape_of(leaf) != shape_of(like):
            place = show_path(name_in(where), paths(got)[index])
            message = f"{where}: got shape {shape_of(leaf)} at {place}; expected {shape_of(like)}."
            raise ShapeError(message)


def shape_of(leaf: Any) -> tuple:
    """Tell the shape of a leaf; that of a number is ()."""
    return tuple(getattr(leaf, "shape", ()))


def name_in(where: str) -> str:
    """Find the argument that ``where`` names: ``grads`` in ``update(grads)``."""
    return where.rpartition("(")[2].rstrip(")") or "tree"


def first_difference(where: str, expected: Tree, got: Tree) -> str:
    """Walk down both trees until they part.

    Parameters
    ----------
    where : str
        The function and argument that hold ``got``.
    expected, got : trees
        Of different structures.

    Returns
    -------
    str
        ``"a list at grads['b']; expected a tuple"``.
    """
    place, was, should = _part(name_in(where), expected, got)
    return f"{was} at {place}; expected {should}"


def _part(place: str, expected: Tree, got: Tree) -> tuple[str, str, str]:
    if type(expected) is not type(got) or _is_leaf(expected) or _is_leaf(got):
        return place, _name_node(got), _name_node(expected)
    want, have = _children(expected), _children(got)
    for step, child in want.items():
        if step not in have:
            return place + step, "nothing", _name_node(child)
        if not _fits(child, have[step]):
            return _part(place + step, child, have[step])
    for step, child in have.items():
        if step not in want:
            return place + step, _name_node(child), "nothing"
    return place, f"{type(got).__name__} with other static fields", "the same ones"


def _fits(expected: Tree, got: Tree) -> bool:
    wanted, treedef = flatten(expected)
    other = flatten(got)[1]
    # leaves that are ... stand for any subtree
    return treedef == other or (all(leaf is ... for leaf in wanted) and treedef.is_prefix(other))


def _children(node: Tree) -> dict[str, Tree]:
    """List the subtrees of a node by their spelling in Python, ``['w']`` or ``.mean``."""
    steps, below, _ = optree.tree_flatten_with_accessor(
        node, is_leaf=lambda inner: inner is not node, none_is_leaf=True, namespace=NAMESPACE
    )
    return {step.codify(""): child for step, child in zip(steps, below, strict=True)}


def _is_leaf(node: Tree) -> bool:
    return optree.tree_is_leaf(node, namespace=NAMESPACE)


def _name_node(node: Any) -> str:
    if node is ...:
        return "a leaf"
    if node is None or _is_leaf(node):
        return describe(node)
    return f"a {type(node).__name__}"
