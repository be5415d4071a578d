"""Which operations of a program become kernels: groups, and groups that do the same at once."""

from __future__ import annotations

from typing import Any

from anygrad.compiler.grouping import Group, Grouping, group
from anygrad.compiler.program import Node, Program, Spec
from anygrad.compiler.targets.cuda.many import Many, manies_of
from anygrad.compiler.targets.cuda.operations import why_not
from anygrad.compiler.targets.cuda.plans import REDUCTIONS, Plan, plan
from anygrad.compiler.targets.spaces import layout

__all__ = ["Kernel", "kernels_of", "plans_of", "why_no_kernel"]

Kernel = Plan | Many


def why_no_kernel(node: Node, specs: dict[int, Any]) -> str:
    """Why an operation is in no kernel, whatever is around it; empty if it may be."""
    return "" if node.name in REDUCTIONS else why_not(node, specs)


def plans_of(kernel: Kernel) -> tuple[Plan, ...]:
    """The plans that a kernel carries out."""
    return kernel.plans if isinstance(kernel, Many) else (kernel,)


def kernels_of(program: Program) -> list[Kernel]:
    """What is worth a kernel; a single operation on one array is a launch of CuPy's as well."""
    found = _groups_of(program)
    kept = [one for one in map(_plan, found.groups) if one is not None]
    kernels: list[Kernel] = [*manies_of(kept, found.levels)]
    gathered = {int(node.number) for many in kernels for node in many.nodes}
    for one in kept:
        if one.nodes[0].number not in gathered and len(one.nodes) > 1:
            kernels.append(one)
    return kernels


def _groups_of(program: Program) -> Grouping:
    """All groups; none gives what CuPy has as a view with gaps, such as real parts."""
    specs, views = program.specs, set[int]()

    def admits(node: Node) -> str:
        return "a view" if node.number in views else why_no_kernel(node, specs)

    while True:
        found = group(program, admits, at_least=1, scalars=True)
        gaps = {int(ref) for one in found.groups for ref in one.results if _has_gaps(specs[ref])}
        if not gaps:
            return found
        views |= gaps


def _has_gaps(spec: Spec) -> bool:
    return spec.size > 0 and layout(spec.shape, spec.dtype, spec.strides) is None


def _plan(found: Group) -> Plan | None:
    """A plan with as many of the reductions as a kernel computes; None if there is none."""
    made = plan(found)
    if made is not None or not found.reductions:
        return made
    extents: dict[Any, list[Node]] = {}
    for node in found.reductions:
        single = plan(found.with_reductions([node]))
        if single is not None:
            extents.setdefault(single.extent, []).append(node)
    return plan(found.with_reductions(max(extents.values(), key=len, default=[])))
