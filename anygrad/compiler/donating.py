"""Results in the memory of arguments that were given away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from anygrad.backends import backend_of
from anygrad.compiler.program import Program, Ref
from anygrad.tracing.plain import names_of_array
from anygrad.trees.placing import is_writable, on_device_of

__all__ = ["can_be_given", "homes", "separated", "write"]


def can_be_given(x: Any) -> bool:
    """Whether an array can hold a result: its library lets it be written, and it is no subclass."""
    if isinstance(x, np.ndarray):
        return type(x) is np.ndarray
    backend = backend_of(x)
    return backend is not None and backend.writable and not backend.is_scalar(type(x))


def separated(given: Sequence[Any], donated: frozenset[int]) -> Sequence[Any]:
    """The arguments with copies of those donated whose memory somebody else may see, or own.

    That is so for arrays that share memory with another argument or with themselves, and for NumPy
    arrays that are read-only.
    """
    if _all_own(given) and all([given[n].flags.writeable for n in donated]):
        return given
    owners = [_owner(x) for x in given]
    counts: dict[int, int] = {}
    for owner in owners:
        if owner is not None:
            counts[id(owner)] = counts.get(id(owner), 0) + 1
    unknown = any(x is not None and type(x) is not np.ndarray for x in owners)
    overlapping: set[int] | None = None
    sharers: Counter[Any] | None = None
    changed = None
    for n in donated:
        x, owner = given[n], owners[n]
        if type(x) is not np.ndarray:
            sharers = _count_memory(given) if sharers is None else sharers
            alone = sharers[_memory_of(x)] == 1 and _overlaps_not_itself(x)
        elif not x.flags.writeable:
            alone = False
        elif unknown or counts[id(owner)] > 1:
            overlapping = _overlapping(given) if overlapping is None else overlapping
            alone = n not in overlapping and (owner is x or _overlaps_not_itself(x))
        else:
            alone = owner is x or _overlaps_not_itself(x)
        if not alone:
            changed = list(given) if changed is None else changed
            with on_device_of(x):
                changed[n] = names_of_array(x).asarray(x, copy=True)
    return given if changed is None else changed


def _count_memory(given: Sequence[Any]) -> Counter[Any]:
    """How many arrays of other libraries have the same memory."""
    return Counter([_memory_of(x) for x in given if not isinstance(x, np.ndarray)])


def _memory_of(x: Any) -> Any:
    """What an array of another library has its memory from, as far as the library tells."""
    backend = backend_of(x)
    if backend is None or backend.memory_of is None:
        return id(x)
    return backend.name, backend.memory_of(x)


def _all_own(given: Sequence[Any]) -> bool:
    """Whether all are NumPy's arrays with memory of their own, and no two the same."""
    for x in given:
        if type(x) is not np.ndarray or x.base is not None:
            return False
    return len(set(map(id, given))) == len(given)


def _owner(x: Any) -> Any:
    """What a NumPy array has its memory from: an array, or something else; None for the rest."""
    if not isinstance(x, np.ndarray):
        return None
    while x.base is not None:
        if not isinstance(x.base, np.ndarray):
            return x.base
        x = x.base
    return x


def _overlapping(given: Sequence[Any]) -> set[int]:
    """Which NumPy arrays may have an element in common with another."""
    spans = []
    for k, x in enumerate(given):
        if isinstance(x, np.ndarray) and x.size:
            low, high = byte_bounds(x)
            spans.append((low, high, k))
    spans.sort()
    found: set[int] = set()
    reached, last = -1, -1  # the highest end so far, and whose it is
    for low, high, k in spans:
        if low < reached:
            found.update((last, k))
        if high > reached:
            reached, last = high, k
    return found


def _overlaps_not_itself(x: Any) -> bool:
    """Whether every element of an array lies at a place of its own, where strides tell."""
    if not isinstance(getattr(x, "strides", None), tuple) or x.flags.forc:
        return True
    extent = x.itemsize
    for step, n in sorted((abs(s), n) for s, n in zip(x.strides, x.shape, strict=True) if n > 1):
        if step < extent:
            return False
        extent += step * (n - 1)
    return True


def homes(program: Program, donated: frozenset[int]) -> dict[int, int]:
    """For positions of outputs, the donated input whose memory the output takes.

    Each output in turn takes the first input that is left and that is like it; so of a step from
    parameters to parameters every leaf takes its own.
    """
    free = [ref for ref in program.inputs if ref in donated]
    found: dict[int, int] = {}
    for k, x in enumerate(program.outputs):
        if type(x) is not Ref or program.specs[x].kind != "array":
            continue
        spec = program.specs[x]
        for ref in free:
            like = program.specs[ref]
            if (like.shape, like.dtype, like.library) == (spec.shape, spec.dtype, spec.library):
                found[k] = int(ref)
                free.remove(ref)
                break
    return found


def write(old: Any, new: Any) -> Any:
    """Put a result into the memory of a donated array, where that can be written."""
    if type(old) is np.ndarray:
        if old is new or not old.flags.writeable:
            return new
        old[...] = new
        return old
    if old is new or not is_writable(old):
        return new
    with on_device_of(old):
        old[...] = new
    return old
