"""What the transforms around a transform share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.clipping import Measured, global_norm
from anygrad.clipping.nonfinite import finite_flags
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.flow import State
from anygrad.optimizers.rules.leaves import is_half, widen, write
from anygrad.optimizers.transform import Transform
from anygrad.tracing.level import hosted
from anygrad.trees.comparing import shape_of
from anygrad.trees.placing import move, on_device_of

__all__ = [
    "INNER",
    "MARKS",
    "all_finite",
    "both",
    "check_state",
    "check_transform",
    "choose",
    "count_on",
    "finite_of",
    "finite_value",
    "fits",
    "host_count",
    "is_number",
    "is_single",
    "refuse_examples",
    "replace",
    "scalar",
    "start_finite",
    "states_within",
    "wide_copy",
]

INNER = "inner"
"""Under which a transform around another keeps the state of that one."""

MARKS = ("step", "learning_rate", "norm", "grad_norm", "scale")
"""What only the state of a single transform has, as arrays of shape ()."""


def check_transform(where: str, transform: Any) -> Transform:
    """Refuse what is no transform."""
    if isinstance(transform, Transform):
        return transform
    message = (
        f"{where}(transform): got {describe(transform)}; expected a Transform. "
        f"Call the factory: {where}(adam(1e-3), ...)."
    )
    raise ArgumentError(message)


def refuse_examples(where: str, transform: Transform) -> None:
    """Refuse, around what is no part that takes examples itself, one that does."""
    if not transform.per_example:
        return
    message = (
        f"{where}(transform): got {transform!r}, which takes gradients with an axis of examples; "
        f"expected one that takes their mean. Put clip_per_example in front: "
        f"chain(clip_per_example(...), {where}(...))."
    )
    raise ArgumentError(message)


def check_state(where: str, state: Any, *names: str) -> None:
    """Refuse the state of another transform."""
    if isinstance(state, Mapping) and state.keys() == set(names):
        return
    got = describe(state)
    if isinstance(state, Mapping):
        got = ", ".join(map(str, state)) or "an empty state"
    message = (
        f"{where}(state): got {got}; expected {', '.join(names)}. "
        "Pass the state that init or the last step returned."
    )
    raise ArgumentError(message)


def host_count(number: int) -> np.ndarray:
    """Make the entry of a state that counts: an integer of the host, 0-d."""
    return np.asarray(number, dtype=np.int64)


def count_on(entry: Any) -> tuple[Any, Any]:
    """Count one more: the number, and the entry with it."""
    return hosted(_count_on, entry)


def _count_on(entry: Any) -> tuple[int, np.ndarray]:
    number = int(entry) + 1
    return number, host_count(number)


def scalar(params: Tree, value: float, dtype: str | None = None) -> Array:
    """Make a 0-d array on the device of the first leaf; the dtype of a norm unless one is named."""
    # an empty slice of each leaf has its library, device and dtype, and nothing to sum
    home = global_norm(trees.map(lambda p: p[..., None][..., :0], params))
    xp = namespace_of(home)
    with on_device_of(home):
        kind = home.dtype if dtype is None else getattr(xp, dtype)
        return xp.asarray(value, dtype=kind, device=device_of(home))


def both(first: Array | None, second: Array | None) -> Array | None:
    """Tell whether a step counts for two parts; None: it does for all."""
    if first is None or second is None:
        return second if first is None else first
    with on_device_of(second):
        return move(first, second) & second


def all_finite(tree: Tree, home: Array) -> Array:
    """Tell whether every element is finite, as a 0-d bool on the device of ``home``."""
    flags = finite_flags(trees.leaves(tree))
    xp = namespace_of(home)
    with on_device_of(home):
        return (
            xp.isfinite(xp.zeros_like(home))
            if flags is None
            else move(namespace_of(flags).all(flags), home)
        )


def finite_value(value: Any, home: Array) -> Array | bool:
    """Tell whether the loss that a step was given is finite, if it was given one."""
    if value is None:
        return True
    if isinstance(value, (np.ndarray, np.generic)) or backend_of(value) is None:
        return hosted(_is_finite, value)
    xp = namespace_of(value)
    with on_device_of(value):
        finite = xp.all(xp.isfinite(value))
    return move(finite, home)


def _is_finite(value: Any) -> bool:
    return bool(np.all(np.isfinite(value)))


def finite_of(measured: Measured) -> Tree:
    """List the flags of a measurement as arrays, which NumPy's arithmetic does not return."""
    xp = namespace_of(measured.norm)
    with on_device_of(measured.norm):
        return trees.map(xp.asarray, measured.finite)


def start_finite(params: Tree) -> Tree:
    """Make the flags of leaves that nothing is known of yet: a true one for each."""
    home = scalar(params, 0.0)
    xp = namespace_of(home)
    with on_device_of(home):
        return trees.map(lambda p: xp.asarray(xp.isfinite(home)), params)


def wide_copy(p: Array) -> Array:
    """Copy a leaf, in float32 if it is in half precision."""
    if is_half(p):
        return widen(p)
    with on_device_of(p):
        return namespace_of(p).asarray(p, copy=True)


def fits(params: Tree, slot: Any) -> bool:
    """Tell whether a slot is a tree like the parameters; None where a part does not see one."""
    if slot is None:
        return False
    found, structure = trees.flatten(params)
    try:
        kept = trees.flatten_up_to(structure, slot)
    except ArgumentError:
        return False
    return all(
        x is None or (hasattr(x, "shape") and shape_of(x) == shape_of(p))
        for x, p in zip(kept, found, strict=True)
    )


def replace(old: Tree, new: Tree, donate: bool) -> Tree:
    """Put a new tree into the memory of the old one, if that was donated."""
    return trees.map(write, old, new) if donate else new


def choose(
    xp: Namespace, condition: Array, one: Array, other: Array, like: Array | None = None
) -> Array:
    """Take one of two 0-d arrays, as an array, which NumPy's arithmetic does not return."""
    dtype = one.dtype if like is None else like.dtype
    return xp.asarray(xp.where(condition, one, other), dtype=dtype)


def is_single(state: Mapping[str, Any]) -> bool:
    """Tell whether a state is that of a single transform, whose entries are no states."""
    return any(is_number(state.get(name)) for name in MARKS)


def is_number(entry: Any) -> bool:
    """Tell whether an entry is an array of shape ()."""
    return hasattr(entry, "shape") and tuple(entry.shape) == ()


def states_within(state: Any) -> Iterator[State]:
    """Walk through a state of states: each chain, each transform around another, each single one.

    Slots are trees of parameters, which may be dicts with any names: nothing in them is a state.
    """
    if not isinstance(state, Mapping):
        return
    yield dict(state)
    if isinstance(state.get(INNER), Mapping):
        yield from states_within(state[INNER])
        return
    if is_single(state):
        return
    for part in state.values():
        yield from states_within(part)
