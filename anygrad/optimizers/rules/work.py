"""One step of a formula on one leaf: where it is computed, in which precision, and what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from anygrad.backends import backend_of, device_of, is_traced, namespace_of
from anygrad.backends.types import Array, Namespace
from anygrad.errors import DTypeError
from anygrad.optimizers.flow import Flow
from anygrad.optimizers.rules.leaves import (
    at_least_single,
    check_devices,
    conform,
    is_complex,
    no_change,
    renew,
    unshare,
    widen,
)
from anygrad.optimizers.slots import real_dtype
from anygrad.trees.placing import move, on_device_of

__all__ = ["MASTER", "Work", "common_place"]

MASTER = "master"
"""Slot with the float32 copy of a parameter in half precision."""


class Work(NamedTuple):
    """What one step does to every leaf.

    Attributes
    ----------
    formula : callable
        The formula.
    arrays : tuple of str
        Its positional arguments.
    returned : tuple of str
        What it returns after the update.
    flow : Flow
        The pending scale of the gradients, and whether the step counts.
    given : dict
        ``t``, ``value`` and the arrays that all leaves share, by name.
    shared : tuple of str
        Which of those are arrays on a device.
    where : str
        The function that messages blame.
    xp : namespace or None
        That of all leaves, if they lie in one place; else each is asked.
    """

    formula: Callable[..., Any]
    arrays: tuple[str, ...]
    returned: tuple[str, ...]
    flow: Flow
    given: Mapping[str, Any]
    shared: tuple[str, ...]
    where: str
    xp: Namespace | None

    def apply(
        self,
        p: Array,
        g: Array,
        old: Mapping[str, Array | None],
        numbers: Mapping[str, float],
        row: Mapping[str, Any],
    ) -> tuple[Array, dict[str, Any]]:
        """Compute the update, and the new slots and numbers, of one leaf where it lies."""
        if self.xp is not None:
            return self._compute(self.xp, p, g, old, numbers, row)
        arrays = [p, g, *(slot for slot in old.values() if slot is not None)]
        xp = namespace_of(*arrays, *(self.given[name] for name in self.shared))
        check_devices(self.where, *arrays)
        with on_device_of(p):
            return self._compute(xp, p, g, old, numbers, row)

    def _compute(
        self,
        xp: Namespace,
        p: Array,
        g: Array,
        old: Mapping[str, Array | None],
        numbers: Mapping[str, float],
        row: Mapping[str, Any],
    ) -> tuple[Array, dict[str, Any]]:
        master = old.get(MASTER)
        base = at_least_single(p) if master is None else renew(master, p)
        seen = [p, g, *old.values()]
        if g.dtype != base.dtype:
            g = self._fit(xp, g, base)
        g = self.flow.settle_leaf(g)
        given = {"xp": xp, "g": g, "p": base, **self.given, **old, **numbers}
        for name in self.shared:
            given[name] = xp.astype(move(given[name], p), real_dtype(xp, base))
        result = self.formula(*[given[name] for name in self.arrays], **row)
        update, *values = result if isinstance(result, tuple) else (result,)
        update = unshare(xp, conform(xp, update, base), seen)
        new = dict(zip(self.returned, values, strict=True))
        for name, was in old.items():
            if was is not None and name in new:
                new[name] = unshare(xp, conform(xp, new[name], was), seen)
        if self.flow.accept is not None:
            update = self.flow.select(xp, update, no_change(xp, base))
            for name, was in old.items():
                if was is not None and name in new:
                    new[name] = self.flow.select(xp, new[name], was)
        if master is not None:
            new[MASTER] = conform(xp, base + update, base)
            update = new[MASTER] - widen(p)
        return update, new

    def _fit(self, xp: Namespace, g: Array, base: Array) -> Array:
        """Give a gradient the dtype of its parameter, unless that would drop a part of it."""
        if is_complex(g) and not is_complex(base):
            message = (
                f"{self.where}: got a complex gradient for a real parameter ({g.dtype} for "
                f"{base.dtype}); expected a real one. Take xp.real of it, or of the loss."
            )
            raise DTypeError(message)
        return conform(xp, g, base)


def common_place(
    columns: Iterable[Sequence[Any]],
) -> tuple[Namespace | None, AbstractContextManager]:
    """Namespace of all arrays of one class on one device, and that device made current.

    None, and no context, where they differ, so that each leaf has to be asked.
    """
    found = [x for column in columns for x in column if x is not None]
    kinds = set(map(type, found))
    if len(kinds) != 1 or is_traced(found[0]):
        return None, nullcontext()
    backend = backend_of(found[0])
    if backend is None:
        return None, nullcontext()
    if backend.host_dot is None and any(device_of(x) != device_of(found[0]) for x in found[1:]):
        return None, nullcontext()
    return namespace_of(found[0]), on_device_of(found[0])
