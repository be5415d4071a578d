"""The memory that a program moves and takes, from its nodes alone."""

from __future__ import annotations

from collections.abc import Iterable

from anygrad.compiler.grouping import Group
from anygrad.compiler.liveness import VIEWS, roots
from anygrad.compiler.program import Program, Ref, Spec

__all__ = ["traffic", "workspace_of"]


def traffic(program: Program, groups: tuple[Group, ...]) -> tuple[int, int]:
    """Bytes that are moved, and that have to be."""
    specs, moved = program.specs, 0
    grouped = {int(node.number) for one in groups for node in one.nodes}
    for one in groups:
        given = [*one.results, *[node.number for node in one.reductions]]
        moved += sum(size_of(specs[ref]) for ref in (*one.operands, *given))
    for node in program.nodes:
        if node.number in grouped or node.name in ("guard", "part", *VIEWS):
            continue
        moved += sum(size_of(specs[ref]) for ref in dict.fromkeys(node.uses()))
        moved += sum(getattr(x, "nbytes", 0) for x in node.operands if type(x) is not Ref)
        moved += size_of(specs[node.number])
    returned = {x for x in program.outputs if type(x) is Ref}
    used = {ref for node in program.nodes for ref in node.uses()} | returned
    copied = sum(2 * size_of(specs[ref]) for ref in program.inputs if ref in returned)
    least = sum(size_of(specs[ref]) for ref in program.inputs if ref in used)
    least += sum(size_of(specs[ref]) for ref in returned)
    return moved + copied, least


def workspace_of(program: Program, kept: Iterable[int] = ()) -> int:
    """The most bytes of values that are neither inputs nor results, each freed after its last use.

    Without those that are ``kept`` in arrays for all runs.
    """
    memory = roots(program)
    last: dict[int, int] = {}
    for position, node in enumerate(program.nodes):
        for ref in (node.number, *node.uses()):
            last[memory[ref]] = position
    held = {*program.inputs, *[memory[x] for x in program.outputs if type(x) is Ref], -1, *kept}
    ends: dict[int, list[int]] = {}
    for root, position in last.items():
        if root not in held:
            ends.setdefault(position, []).append(root)
    now = most = 0
    for position, node in enumerate(program.nodes):
        if memory[node.number] == node.number and node.number not in held:
            now += size_of(program.specs[node.number])
            most = max(most, now)
        now -= sum(size_of(program.specs[root]) for root in ends.get(position, ()))
    return most


def size_of(spec: Spec) -> int:
    """The bytes of a value; numbers and NumPy's scalars have none that count."""
    if spec.kind != "array":
        return 0
    size = getattr(spec.dtype, "itemsize", None)
    if size is None:  # the standard knows dtypes by their names only
        digits = "".join(c for c in str(spec.dtype) if c.isdigit())
        size = int(digits or 8) // 8
    return spec.size * int(size)
