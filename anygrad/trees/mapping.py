"""Walking several trees side by side."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import optree

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError
from anygrad.trees.comparing import first_difference
from anygrad.trees.structure import LEAF, flatten

__all__ = ["flatten_up_to", "map"]


def map(f: Callable[..., Any], tree: Tree, *rest: Tree) -> Tree:
    """Apply a function to every leaf, and to what stands at the same place of other trees.

    Parameters
    ----------
    f : callable
        ``f(leaf, *others)``.
    tree : tree
        Gives the structure.
    *rest : trees
        Have at least the structure of ``tree``; what stands at its leaves goes to ``f`` whole.

    Returns
    -------
    tree
        The structure of ``tree`` with the results.

    Raises
    ------
    ArgumentError
        If another tree has a different structure; gives the path of the first difference.

    Examples
    --------
    >>> from anygrad import trees
    >>> trees.map(lambda p, g: p - g, {"w": 3.0}, {"w": 1.0})
    {'w': 2.0}
    """
    found, treedef = flatten(tree)
    if treedef is LEAF:
        return f(tree, *rest)
    others = [flatten_up_to(treedef, other, where="map(tree)") for other in rest]
    return treedef.unflatten(builtins.map(f, found, *others))


def flatten_up_to(
    treedef: optree.PyTreeSpec, tree: Tree, *, where: str = "flatten_up_to(tree)"
) -> list[Any]:
    """Take a tree apart as far as another structure goes.

    Parameters
    ----------
    treedef : PyTreeSpec
        From `flatten`.
    tree : tree
        Has at least this structure.
    where : str
        The function and argument that the message blames.

    Returns
    -------
    list
        What stands where the structure has leaves.

    Raises
    ------
    ArgumentError
        If the tree differs; gives the path of the first difference.

    Examples
    --------
    >>> from anygrad import trees
    >>> trees.flatten_up_to(trees.flatten({"w": 1.0})[1], {"w": [2.0, 3.0]})
    [[2.0, 3.0]]
    """
    if treedef is LEAF:
        return [tree]
    found, other = flatten(tree)
    if other == treedef:
        return found
    # asked first, because optree prints the whole tree in its own message, arrays on a device
    # included
    if treedef.is_prefix(other):
        return treedef.flatten_up_to(tree)
    expected = treedef.unflatten([...] * treedef.num_leaves)
    message = f"{where}: got {first_difference(where, expected, tree)}."
    raise ArgumentError(message)
