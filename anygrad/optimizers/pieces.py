"""What formulas share: squares, norms of one array, and weight decay around any of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.backends.types import Array, Namespace

__all__ = ["abs2", "decayed", "norm"]

AROUND = {
    "weight_decay": ("weight_decay", "decoupled_weight_decay", "fixed_decay"),
    "maximize": ("maximize",),
}
"""Hyperparameters that `decayed` adds to a formula, each with those that come along."""


def abs2(xp: Namespace, g: Array) -> Array:
    """Compute ``|g|^2``, real."""
    if not xp.isdtype(g.dtype, "complex floating"):
        return g * g
    re, im = xp.real(g), xp.imag(g)
    return re * re + im * im


def norm(xp: Namespace, x: Array) -> Array:
    """Take the 2-norm over all elements of one array, 0-d; no square overflows or vanishes."""
    return xp.asarray(trees.norm(x))


def decayed(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Put around a formula what every optimizer does with weight decay and ``maximize``.

    The formula itself keeps the letters of its paper. Coupled decay (L2) adds ``weight_decay * p``
    to the gradient; decoupled decay subtracts ``learning_rate * weight_decay * p`` from the update,
    or with ``fixed_decay`` just ``weight_decay * p``. ``maximize`` turns the gradient round. A
    formula that has one of these hyperparameters of its own keeps it to itself.
    """
    parameters = list(inspect.signature(formula).parameters.values())
    arrays = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    own = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    takes_p = "p" in arrays
    outer = arrays if takes_p else ["xp", "g", "p", *arrays[2:]]
    added = [name for first, names in AROUND.items() if first not in own for name in names]

    @functools.wraps(formula)
    def around(xp: Namespace, g: Array, p: Array, *slots: Any, **hyperparameters: Any) -> Any:
        given = {name: hyperparameters.pop(name) for name in added}
        g = -g if given.get("maximize") else g
        decay, decoupled = given.get("weight_decay"), given.get("decoupled_weight_decay")
        if decay and not decoupled:
            g = g + decay * p
        result = formula(xp, g, *((p, *slots) if takes_p else slots), **hyperparameters)
        if not (decay and decoupled):
            return result
        rate = 1.0 if given["fixed_decay"] else hyperparameters["learning_rate"]
        u, *new = result if isinstance(result, tuple) else (result,)
        return (u - (rate * decay) * p, *new)

    kinds = inspect.Parameter
    around.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [kinds(name, kinds.POSITIONAL_OR_KEYWORD) for name in outer]
        + [kinds(name, kinds.KEYWORD_ONLY) for name in (*_keywords(parameters), *added)]
    )
    return around


def _keywords(parameters: list[inspect.Parameter]) -> list[str]:
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
