"""The target for libraries that compile whole functions themselves: the plain function, jitted.

Compiling takes long, so a program is jitted only once it was replayed a few times. Inside, values
are not known: what Python decides by is returned beside the results and compared afterwards, and
what is computed from Python's numbers alone (a schedule, a power of a step count) stays outside, in
double precision. Results agree with the plain replay to rounding, not bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.compiler.program import Node, Program, Ref, Spec
from anygrad.compiler.targets.plain import MISSED, print_plain, same

__all__ = ["HOT", "library_that_jits", "print_jitted"]

HOT = 3
"""The replay from which on a program is jitted."""


def library_that_jits(program: Program) -> Any:
    """The library of all arrays, if it compiles functions and the program is one for it."""
    found = {id(s.library): s.library for s in program.specs.values() if s.kind == "array"}
    if len(found) != 1:
        return None
    library = next(iter(found.values()))
    return library if getattr(library, "jit", None) is not None else None


def print_jitted(program: Program, library: Any) -> Callable[..., Any]:
    """Make the function ``replay(*leaves)``: plain at first, jitted when it is hot."""
    plain = print_plain(program)
    hot: list[Callable[..., Any]] = []
    calls = [0]

    def replay(*leaves: Any) -> Any:
        if hot:
            return hot[0](*leaves)
        calls[0] += 1
        if calls[0] < HOT:
            return plain(*leaves)
        made = _jit(program, library)
        if made is not None:
            try:
                found = made(*leaves)
            except Exception:  # whatever the library cannot do without values: it is done plainly
                made = None
            else:
                hot.append(made)
                return found
        hot.append(plain)
        return plain(*leaves)

    replay.__anygrad_source__ = plain.__anygrad_source__  # type: ignore[attr-defined]
    return replay


def _jit(program: Program, library: Any) -> Callable[..., Any] | None:
    """The jitted function; None if something has to be called on the host in between."""
    outside = _of_numbers(program)
    if any(n.name in ("host", "call") and int(n.number) not in outside for n in program.nodes):
        return None
    before = [n for n in program.nodes if int(n.number) in outside or _decides(n, outside)]
    inside = [n for n in program.nodes if int(n.number) not in outside and n.name != "guard"]
    guards = [n for n in program.guards if not _decides(n, outside)]
    arrays = [ref for ref in program.inputs if int(ref) not in outside]
    numbers = list(dict.fromkeys(x for n in inside for x in n.uses() if int(x) in outside))
    whole = [x for x in program.outputs if type(x) is Ref and int(x) not in outside]
    asked = [n.operands[0] for n in guards]
    head = print_plain(_part(program, list(program.inputs), before, numbers))
    body = _part(program, [*arrays, *numbers], inside, [*whole, *asked])
    jitted = library.jit(print_plain(body))
    positions = [k for k, ref in enumerate(program.inputs) if int(ref) not in outside]
    others = [x for x in program.outputs if type(x) is not Ref or int(x) in outside]
    rest = print_plain(_part(program, list(program.inputs), before, others))
    count = len(whole)

    def run(*leaves: Any) -> Any:
        given = head(*leaves)
        if given is MISSED:
            return MISSED
        found = jitted(*[leaves[k] for k in positions], *map(_as_number, given))
        for node, value in zip(guards, found[count:], strict=True):
            if not same(node.function(value), node.operands[2]):  # type: ignore[misc]
                return MISSED
        if not others:
            return tuple(found[:count])
        results, known = iter(found), iter(rest(*leaves))
        return tuple([next(results if _is_in(x, outside) else known) for x in program.outputs])

    return run


def _is_in(x: Any, outside: set[int]) -> bool:
    return type(x) is Ref and int(x) not in outside


def _of_numbers(program: Program) -> set[int]:
    """The values that are made of numbers of the host alone."""
    found = {int(ref) for ref in program.inputs if _is_number(program.specs[ref])}
    for node in program.nodes:
        if node.name == "guard" or not _is_number(program.specs[node.number]):
            continue
        if all(int(ref) in found for ref in node.uses()) and not _reads_arrays(node):
            found.add(int(node.number))
    return found


def _reads_arrays(node: Node) -> bool:
    return any(getattr(x, "shape", ()) for x in node.operands if type(x) is not Ref)


def _is_number(spec: Spec) -> bool:
    return spec.kind in ("number", "scalar")


def _decides(node: Node, outside: set[int]) -> bool:
    return node.name == "guard" and int(node.operands[0]) in outside


def _as_number(x: Any) -> Any:
    return x.item() if isinstance(x, np.generic) else x


def _part(program: Program, inputs: list[Ref], nodes: list[Node], outputs: list[Any]) -> Program:
    return Program(tuple(inputs), tuple(nodes), tuple(outputs), program.specs)
