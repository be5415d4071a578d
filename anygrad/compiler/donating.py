"""Results in the memory of arguments that were given away."""

from __future__ import annotations

from typing import Any

from anygrad.backends import backend_of
from anygrad.compiler.program import Program, Ref
from anygrad.trees.placing import on_device_of

__all__ = ["homes", "write"]


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
    backend = backend_of(old)
    if old is new or backend is None or not backend.writable:
        return new
    if not getattr(getattr(old, "flags", None), "writeable", True):
        return new
    with on_device_of(old):
        old[...] = new
    return old
