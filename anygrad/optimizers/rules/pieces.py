"""What formulas share: squares, norms of one array, and weight decay around any of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Namespace
from anygrad.clipping.norms import reads_once, scaled_norm
from anygrad.optimizers.rules.leaves import is_complex

__all__ = ["abs2", "decayed", "norm", "trust_ratio"]

AROUND = {
    "weight_decay": ("weight_decay", "decoupled_weight_decay", "fixed_decay"),
    "maximize": ("maximize",),
}
"""Hyperparameters that `decayed` adds to a formula, each with those that come along."""


def abs2(xp: Namespace, g: Array) -> Array:
    """Compute ``|g|^2``, real."""
    if not is_complex(g):
        return g * g
    re, im = xp.real(g), xp.imag(g)
    return re * re + im * im


def norm(xp: Namespace, x: Array) -> Array:
    """Take the 2-norm over all elements of one array, 0-d; no square overflows or vanishes."""
    if 0 not in x.shape and reads_once([x]):
        divisor, ratio, _ = scaled_norm([x])
        return ratio * divisor
    return xp.asarray(trees.norm(x))


def trust_ratio(
    xp: Namespace, p_norm: Array, u_norm: Array, trust_coefficient: Any = 1.0, eps: Any = 0.0
) -> Array:
    """Compute ``trust_coefficient * p_norm / (u_norm + eps)``; 1 where either norm is 0."""
    above = trust_coefficient * p_norm
    # so small a divisor that the quotient would overflow is raised: rather a short step than inf
    least = 4 * float(float_limits(xp, p_norm.dtype).smallest_normal)
    below = xp.maximum(u_norm + eps, least * above)
    none = xp.logical_or(p_norm == 0.0, u_norm == 0.0)
    return xp.where(none, 1.0, above / xp.where(none, 1.0, below))


def decayed(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Put around a formula what every optimizer does with weight decay and ``maximize``.

    The formula itself keeps the letters of its paper. Coupled decay (L2) adds ``weight_decay * p``
    to the gradient; decoupled decay subtracts ``learning_rate * weight_decay * p`` from the update,
    or with ``fixed_decay`` just ``weight_decay * p``. ``maximize`` turns the gradient round. A
    formula that has one of these hyperparameters of its own keeps it to itself. The result has the
    attribute ``see``, which turns a gradient into the one that the formula sees, for reductions.
    """
    parameters = list(inspect.signature(formula).parameters.values())
    arrays = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    own = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    takes_p = "p" in arrays
    outer = arrays if takes_p else ["xp", "g", "p", *arrays[2:]]
    added = [name for first, names in AROUND.items() if first not in own for name in names]
    kept = [name for name in ("weight_decay", "maximize") if name in own]
    turns, decays = "maximize" in added, "weight_decay" in added

    def see(
        g: Array,
        p: Array,
        *,
        weight_decay: Any = 0.0,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
        **_: Any,
    ) -> Array:
        g = -g if maximize and turns else g
        return g + weight_decay * p if decays and weight_decay and not decoupled_weight_decay else g

    @functools.wraps(formula)
    def around(
        xp: Namespace,
        g: Array,
        p: Array,
        *slots: Any,
        weight_decay: Any = 0.0,
        decoupled_weight_decay: bool = False,
        fixed_decay: bool = False,
        maximize: bool = False,
        **hyperparameters: Any,
    ) -> Any:
        if kept:
            both = {"weight_decay": weight_decay, "maximize": maximize}
            hyperparameters |= {name: both[name] for name in kept}
        g = see(
            g,
            p,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )
        slots = (p, *slots) if takes_p else slots
        result = formula(xp, g, *slots, **hyperparameters)
        if not (decays and weight_decay and decoupled_weight_decay):
            return result
        rate = 1.0 if fixed_decay else hyperparameters["learning_rate"]
        u, *new = result if isinstance(result, tuple) else (result,)
        return (u - (rate * weight_decay) * p, *new)

    around.see = see  # type: ignore[attr-defined]
    kinds = inspect.Parameter
    around.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [kinds(name, kinds.POSITIONAL_OR_KEYWORD) for name in outer]
        + [kinds(name, kinds.KEYWORD_ONLY) for name in (*_keywords(parameters), *added)]
    )
    return around


def _keywords(parameters: list[inspect.Parameter]) -> list[str]:
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
