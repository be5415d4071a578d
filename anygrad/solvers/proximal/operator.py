"""What a proximal operator is: a record of a function's value and of its proximal map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import optree

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.rules.patterns import check_matches, matches
from anygrad.solvers.proximal.leaves import add_up
from anygrad.trees import flatten, paths, unflatten
from anygrad.trees.structure import NAMESPACE

__all__ = ["Proximal", "by_path", "read_operator"]


@dataclass(frozen=True)
class Proximal:
    """A convex function g, not necessarily smooth, by its value and its proximal map.

    Factories such as ``l1`` make them; make one of your own from two functions.

    Attributes
    ----------
    name : str
        For messages.
    value : callable
        ``value(x)``: g(x), shape (), on the device; inf outside the domain.
    prox : callable
        ``prox(x, step)``: the tree z that minimises g(z) + |z - x|^2 / (2 step), like ``x``.
        ``step`` is a number > 0 or a 0-d array beside ``x``.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, eq. 1.2.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> half_square = ag.solvers.proximal.Proximal(
    ...     "half_square", lambda x: 0.5 * np.sum(x * x), lambda x, step: x / (1.0 + step)
    ... )
    >>> half_square.prox(np.asarray([3.0, -1.0]), 1.0)
    array([ 1.5, -0.5])
    """

    name: str
    value: Callable[[Tree], Any] = field(repr=False)
    prox: Callable[[Tree, Any], Tree] = field(repr=False)


def read_operator(where: str, g: Any) -> Proximal:
    """Make one operator of what the user gave: one, None for zero, or a tree of them."""
    if isinstance(g, Proximal):
        return g
    if hasattr(g, "value") and hasattr(g, "prox"):
        return Proximal(type(g).__name__, g.value, g.prox)
    # a prefix of the tree: each operator takes what stands at its place, whole
    found, treedef = optree.tree_flatten(
        g, is_leaf=_is_operator, none_is_leaf=True, namespace=NAMESPACE
    )
    for operator in found:
        if operator is not None and not _is_operator(operator):
            message = (
                f"{where}: got {describe(operator)}; expected a proximal operator such as "
                "ag.solvers.proximal.l1(0.1), None, or a tree of them that fits x."
            )
            raise ArgumentError(message)

    def split(x: Tree) -> list[Tree]:
        try:
            return treedef.flatten_up_to(x)
        except ValueError as error:
            message = (
                f"{where}: got operators arranged as {treedef}; expected a prefix of the structure "
                f"of x, {flatten(x)[1]}."
            )
            raise ArgumentError(message) from error

    def value(x: Tree) -> Any:
        parts = zip(found, split(x), strict=True)
        return add_up(x, [operator.value(part) for operator, part in parts if operator is not None])

    def prox(x: Tree, step: Any) -> Tree:
        parts = zip(found, split(x), strict=True)
        moved = [
            part if operator is None else operator.prox(part, step) for operator, part in parts
        ]
        return treedef.unflatten(moved)

    return Proximal("tree", value, prox)


def _is_operator(node: Any) -> bool:
    return node is None or (hasattr(node, "value") and hasattr(node, "prox"))


def by_path(groups: list[tuple[str, Proximal | None]]) -> Proximal:
    """Choose an operator for each leaf by its path; a leaf that no pattern fits is left free.

    Parameters
    ----------
    groups : list of (str, Proximal or None)
        Patterns of paths, ``"*/bias"``, the first that fits wins. None leaves a leaf free.

    Returns
    -------
    Proximal
        The sum over the leaves, each by itself.

    Raises
    ------
    ArgumentError
        If an operator is none, or, once it meets a tree, a pattern fits no leaf.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 2.1: the operator of a separable sum.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> sparse = proximal.by_path([("*/bias", None), ("*", proximal.l1(1.0))])
    >>> x = {"layer": {"w": np.asarray([3.0, 0.5]), "bias": np.asarray([0.5])}}
    >>> sparse.prox(x, 1.0)
    {'layer': {'w': array([2., 0.]), 'bias': array([0.5])}}
    """
    where = "by_path(groups)"
    read = [(pattern, read_operator(where, operator)) for pattern, operator in groups]

    def choose(x: Tree) -> list[Proximal]:
        names = paths(x)
        check_matches(where, [pattern for pattern, _ in read], names)
        free = read_operator(where, None)
        return [next((op for pattern, op in read if matches(n, pattern)), free) for n in names]

    def value(x: Tree) -> Any:
        pairs = zip(choose(x), flatten(x)[0], strict=True)
        return add_up(x, [operator.value(leaf) for operator, leaf in pairs])

    def prox(x: Tree, step: Any) -> Tree:
        found, treedef = flatten(x)
        pairs = zip(choose(x), found, strict=True)
        return unflatten(treedef, [operator.prox(leaf, step) for operator, leaf in pairs])

    return Proximal("by_path", value, prox)
