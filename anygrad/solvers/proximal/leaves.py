"""Walking a tree of arrays together with numbers, arrays or trees that say how strong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

from anygrad.backends import backend_of, namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.errors import ArgumentError, describe
from anygrad.ranges import NOT_NEGATIVE, check_number
from anygrad.trees import flatten, leaves, unflatten
from anygrad.trees.kinds import is_complex, widest_real_dtype
from anygrad.trees.placing import check_libraries
from anygrad.trees.structure import NAMESPACE


def add_up(x: Tree, values: Sequence[Any]) -> Any:
    """Sum 0-d values of the leaves of ``x``; without any, the zero beside its first leaf."""
    check_libraries("value(x)", x)
    if values:
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total
    found = leaves(x)
    xp = namespace_of(*found)
    return xp.sum(xp.zeros_like(xp.real(found[0]) if is_complex(xp, found[0]) else found[0]))


def check_strength(where: str, strength: Tree) -> Tree:
    """Refuse negative numbers; the values of arrays are not read."""
    for leaf in optree.tree_leaves(strength, namespace=NAMESPACE):
        if backend_of(leaf) is None:
            check_number(where, leaf, NOT_NEGATIVE)
    return strength


def spread(where: str, given: Tree, x: Tree, missing: Any = 0.0) -> list[Any]:
    """List what belongs to each leaf of ``x``: a number or an array for all, or a prefix tree.

    None stands for ``missing``.
    """
    count = len(leaves(x))
    if isinstance(given, int | float) or backend_of(given) is not None:
        return [given] * count
    try:
        found = optree.broadcast_prefix(
            given, x, is_leaf=lambda node: node is None, namespace=NAMESPACE
        )
    except ValueError as error:
        message = (
            f"{where}: got {describe(given)}; expected a number, an array, or a tree of them that "
            f"is a prefix of the structure of x, {flatten(x)[1]}."
        )
        raise ArgumentError(message) from error
    return [missing if value is None else value for value in found]


def beside(xp: Namespace, x: Array, number: Any) -> Any:
    """A number or array in the real dtype of ``x``, so that it never widens it."""
    if backend_of(number) is None:
        return number
    dtype = widest_real_dtype([x])
    return number if number.dtype == dtype else xp.astype(number, dtype)


def times(xp: Namespace, x: Any, y: Any) -> Any:
    """Multiply where either may be traced, which a strict array on the left refuses."""
    both = backend_of(x) is not None and backend_of(y) is not None
    return xp.multiply(x, y) if both else x * y


def minus(xp: Namespace, x: Array, y: Any) -> Array:
    """Subtract where either may be traced."""
    return x - y if backend_of(y) is None else xp.subtract(x, y)


def map_leaves(
    where: str, f: Callable[..., Any], x: Tree, *given: Tree, missing: Any = 0.0
) -> Tree:
    """Apply ``f(xp, leaf, *given)`` to every leaf, with what is given for it beside it."""
    found, treedef = flatten(x)
    return unflatten(treedef, list_leaves(where, f, x, *given, missing=missing, found=found))


def list_leaves(
    where: str,
    f: Callable[..., Any],
    x: Tree,
    *given: Tree,
    missing: Any = 0.0,
    found: list[Any] | None = None,
) -> list[Any]:
    """List ``f(xp, leaf, *given)`` over the leaves."""
    found = leaves(x) if found is None else found
    check_libraries(where, x)
    columns = [spread(where, one, x, missing) for one in given]
    results = []
    for leaf, *own in zip(found, *columns, strict=True):
        xp = namespace_of(leaf, *(one for one in own if backend_of(one) is not None))
        results.append(f(xp, leaf, *(beside(xp, leaf, one) for one in own)))
    return results
