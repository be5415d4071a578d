"""One way through a function: its program, printed, and when it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.autodiff.inputs import name_of
from anygrad.compiler.arguments import fill
from anygrad.compiler.program import Program
from anygrad.compiler.recording import record
from anygrad.compiler.simplifying import simplify
from anygrad.compiler.surroundings import Surroundings
from anygrad.compiler.targets import print_program

__all__ = ["Path", "make_path"]


class Path(NamedTuple):
    """A program that holds as long as its guards and its surroundings do."""

    program: Program
    run: Callable[..., Any]
    rebuild: Callable[[Any], Any]
    surroundings: Surroundings


def make_path(
    kind: Any, leaves: list[Any], given: list[Any], args: tuple[Any, ...], kw: dict[str, Any]
) -> tuple[Path | None, Any, str]:
    """Record: the path, the result of this call, and why there is no path if there is none."""
    f, treedef, inputs = kind.owner.function, kind.treedef, kind.inputs

    def rebuild(captured: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        rest = iter(captured)
        full = [next(rest) if is_input else x for x, is_input in zip(leaves, inputs, strict=True)]
        return fill(kind.held, *trees.unflatten(treedef, full))

    names = [trees.show_path("args", path) for path in trees.paths((args, kw))]
    chosen = tuple([name for name, is_input in zip(names, inputs, strict=True) if is_input])
    surroundings = Surroundings(f)
    recording = record(f, given, rebuild, chosen)
    changed = surroundings.changed()
    if changed:
        kind.owner.warn(
            f"changes {changed} while it runs, which a replay would not; it runs uncompiled. "
            "Return what changes, and pass it in again."
        )
        return None, recording.result, f"{name_of(f)} changes {changed}"
    if recording.refused:
        return None, recording.result, ""
    program = simplify(recording.program)
    run = print_program(program, kind.donated)
    path = Path(program, run, rebuilder(recording.treedef), surroundings)
    return path, recording.result, ""


def rebuilder(treedef: Any) -> Callable[[Any], Any]:
    """How outputs become the result."""
    if treedef is trees.structure.LEAF:
        return _only
    return treedef.unflatten


def _only(outputs: tuple[Any, ...]) -> Any:
    return outputs[0]
