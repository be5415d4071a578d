"""Reductions: what all leaves share, renewed from whole trees before the formula sees any leaf."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from anygrad import trees
from anygrad.backends import asarray, backend_of, device_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.leaves import at_least_single, conform, renew
from anygrad.optimizers.slots import Shared
from anygrad.trees.kinds import widest_real_dtype
from anygrad.trees.placing import on_device_of

__all__ = ["reduce", "see_whole", "start_shared"]


def start_shared(
    shared: Shared, params: Tree, leaves: Sequence[Array], row: Mapping[str, Any]
) -> Array:
    """Make a 0-d array on the device of the first leaf, in the widest real dtype among them."""
    homes = leaves or [asarray(0.0)]
    with on_device_of(homes[0]):
        made = shared.start(params, **row)
        xp, dtype = namespace_of(homes[0]), widest_real_dtype(homes)
        if backend_of(made) is not None:
            return xp.astype(made, dtype)
        return xp.asarray(made, dtype=dtype, device=device_of(homes[0]))


def see_whole(
    formula: Callable[..., Any],
    grads: Tree,
    params: Tree,
    masters: Sequence[Any] | None,
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, Tree]:
    """Gradients as the formula sees them, with their decay, and parameters; none in half precision.

    ``rows`` has the hyperparameters of each leaf.
    """
    leaves, structure = trees.flatten(params)
    if masters is not None:
        leaves = [p if m is None else renew(m, p) for p, m in zip(leaves, masters, strict=True)]
    seen = [at_least_single(g) for g in trees.leaves(grads)]
    see = getattr(formula, "see", None)
    if see is not None:
        for index, (g, p) in enumerate(zip(seen, leaves, strict=True)):
            with on_device_of(p):
                seen[index] = see(g, p, **rows[index])
    return {"g": trees.unflatten(structure, seen), "p": trees.unflatten(structure, leaves)}


def reduce(
    reduction: Callable[..., Any],
    signature: tuple[Sequence[str], Sequence[str]],
    flow: Flow,
    old: State,
    given: Mapping[str, Any],
    row: Mapping[str, Any],
) -> State:
    """Renew the arrays ``old``, which all leaves share; where the step does not count they stay.

    ``given`` has whatever else the reduction may ask for.
    """
    home = next(iter(old.values()))
    # any of these may be traced
    xp = namespace_of(home, *trees.leaves([given["g"], given["p"], *old.values()]))
    everything = {"xp": xp, **given, **old}
    arrays, keywords = signature
    with on_device_of(home):
        result = reduction(
            *[everything[name] for name in arrays],
            **{name: value for name, value in row.items() if name in keywords},
        )
        values = result if isinstance(result, tuple) else (result,)
        new = dict(zip(old, values, strict=True))
        xp = namespace_of(home, *values)
        made = {name: conform(xp, xp.asarray(v), old[name]) for name, v in new.items()}
        return {name: flow.select(xp, value, old[name]) for name, value in made.items()}
