"""Arithmetic on one leaf that keeps dtype, device and, where donated, memory."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from anygrad.backends import backend_of, check_same_device, is_traced, namespace_of
from anygrad.backends.dtypes import float_limits, has_kind
from anygrad.backends.types import Array, Namespace
from anygrad.compiler.donating import write as write_plainly
from anygrad.trees.placing import is_writable, on_device_of

__all__ = [
    "add",
    "add_in_place",
    "at_least_single",
    "check_devices",
    "conform",
    "is_complex",
    "is_half",
    "no_change",
    "renew",
    "unshare",
    "widen",
    "write",
]


WRITES: ContextVar[list[tuple[Any, Any]] | None] = ContextVar("WRITES", default=None)
"""Of who records a step: a list of what would go into whose memory, if it was donated."""


def write(old: Array, new: Array) -> Array:
    """Put ``new`` into the memory of ``old`` where that is allowed, and return what holds it."""
    if is_traced(new):
        noted = WRITES.get()
        if noted is not None:
            noted.append((old, new))
        return new
    return write_plainly(old, new)


def unshare(xp: Namespace, new: Array, others: Iterable[Array]) -> Array:
    """Copy ``new`` if it is one of the others, or a view of one.

    A later donated step would write into it.
    """
    base = getattr(new, "base", None)  # of a view
    for other in others:
        if new is other or (base is not None and base is other):
            return xp.asarray(new, copy=True)
    return new


def check_devices(where: str, p: Array, *others: Array) -> None:
    """Refuse arrays of two devices in one leaf; NumPy's lie on one anyway."""
    backend = backend_of(p)
    if backend is not None and backend.host_dot is None:
        check_same_device(where, p, *others)


def add(p: Array, u: Array) -> Array:
    """Compute ``p + u`` with the dtype of ``p``."""
    check_devices("apply_updates(params, updates)", p, u)
    with on_device_of(p):
        return conform(namespace_of(p, u), p + u, p)


def add_in_place(p: Array, u: Array) -> Array:
    """Compute ``p + u`` in the memory of ``p`` where that is allowed."""
    if is_traced(u) or not is_writable(p) or u.dtype != p.dtype:
        return write(p, add(p, u))
    with on_device_of(p):
        p += u
    return p


def is_half(p: Array) -> bool:
    """Tell whether an array is in half precision: float16 or bfloat16."""
    return kind_of(p) == "half"


def is_complex(p: Array) -> bool:
    """Tell whether an array is complex."""
    return kind_of(p) == "complex"


def kind_of(p: Array) -> str:
    """Tell "half", "complex" or "other"; remembered by dtype, since libraries answer slowly."""
    kind = type(p)
    if kind not in _kinds:
        if is_traced(p):  # one class for the arrays, and the dtypes, of every library
            return _find_kind(p)
        _kinds[kind] = {}
    found = _kinds[kind].get(p.dtype)
    if found is None:
        found = _kinds[kind][p.dtype] = _find_kind(p)
    return found


def _find_kind(p: Array) -> str:
    xp = namespace_of(p)
    if has_kind(xp, p.dtype, "complex floating"):
        return "complex"
    is_short = has_kind(xp, p.dtype, "real floating") and float_limits(xp, p.dtype).bits < 32
    return "half" if is_short else "other"


_kinds: dict[type, dict[Any, str]] = {}


def widen(p: Array) -> Array:
    """Make a float32 copy."""
    xp = namespace_of(p)
    with on_device_of(p):
        return xp.astype(p, xp.float32)


def at_least_single(p: Array) -> Array:
    """Take an array as it is, or a float32 copy of one in half precision."""
    return widen(p) if is_half(p) else p


def no_change(xp: Namespace, p: Array) -> Array | float:
    """Find what changes no bit of ``p`` when it is added: -0.0, a number where that has no parts.

    A number is written into kernels, where an array would be read from memory.
    """
    return -0.0 if kind_of(p) == "other" else -xp.zeros_like(p)


def renew(master: Array, p: Array) -> Array:
    """Take a float32 copy, but the parameter itself where something else has changed it since."""
    xp = namespace_of(p)
    with on_device_of(p):
        return xp.where(xp.astype(master, p.dtype) == p, master, widen(p))


def conform(xp: Namespace, new: Array, old: Array) -> Array:
    """Make ``new`` an array of the dtype of ``old``; NumPy makes scalars of 0-d results."""
    if old.shape and new.dtype == old.dtype:
        return new
    return xp.asarray(new, dtype=old.dtype)
