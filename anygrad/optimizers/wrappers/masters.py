"""The float32 copies that optimizers keep of parameters in half precision, seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.optimizers.rules.leaves import add, at_least_single, is_half
from anygrad.optimizers.rules.work import MASTER
from anygrad.optimizers.wrappers.wrapping import INNER, fits, is_single, states_within
from anygrad.trees.placing import on_device_of

__all__ = ["arrive", "set_masters"]


def arrive(params: Tree, updates: Tree, inner: Any) -> Tree:
    """Compute where updates lead; in half precision, the float32 copies that an optimizer keeps."""
    point = trees.map(lambda p, u: add(at_least_single(p), u), params, updates)
    if not any(map(is_half, trees.leaves(params))):
        return point
    for state in states_within(inner):
        if fits(params, state.get(MASTER)):
            point = trees.map(_unrounded, params, point, state[MASTER])
    return point


def _unrounded(p: Array, point: Array, master: Array | None) -> Array:
    """Take the copy, unless something else has moved the parameter since."""
    if master is None:
        return point
    xp = namespace_of(point, master)
    with on_device_of(point):
        same = xp.astype(master, p.dtype) == xp.astype(point, p.dtype)
        return xp.asarray(xp.where(same, master, point))


def set_masters(params: Tree, inner: Any, choose_new: Callable[[Array, Array], Array]) -> Any:
    """Put other float32 copies into a state: ``choose_new(point, master)`` for each leaf of them.

    ``params`` is the tree of these points.
    """
    if not isinstance(inner, Mapping):
        return inner
    if fits(params, inner.get(MASTER)):
        renewed = trees.map(
            lambda point, master: None if master is None else choose_new(point, master),
            *(params, inner[MASTER]),
        )
        return {**inner, MASTER: renewed}
    if isinstance(inner.get(INNER), Mapping):
        return {**inner, INNER: set_masters(params, inner[INNER], choose_new)}
    if is_single(inner):
        return inner
    return {name: set_masters(params, part, choose_new) for name, part in inner.items()}
