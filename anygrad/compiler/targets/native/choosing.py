"""Which operations of a program become kernels: groups, and the rows of tables, if it pays."""

from __future__ import annotations

from typing import Any, NamedTuple

from anygrad.compiler.grouping import Group, group
from anygrad.compiler.program import Node, Program
from anygrad.compiler.tables import rows_of, tables_of
from anygrad.compiler.targets.native.operations import functions_of, why_not
from anygrad.compiler.targets.native.plans import REDUCTIONS, Plan, plan

__all__ = ["Kernel", "Many", "kernels_of", "why_no_kernel"]


class Many(NamedTuple):
    """Plans with the same body, carried out by one kernel.

    Attributes
    ----------
    plans : tuple of Plan
        None of them reads what another one gives, and none reduces anything.
    """

    plans: tuple[Plan, ...]

    def __str__(self) -> str:
        sizes = [one.size for one in self.plans]
        head = f"{len(sizes)} leaves with {min(sizes)} to {max(sizes)} elements; the first one:"
        return f"{head}\n{self.plans[0]}"

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The operations of all."""
        return tuple([node for one in self.plans for node in one.nodes])

    @property
    def size(self) -> int:
        """The number of elements of all."""
        return sum(one.size for one in self.plans)


Kernel = Plan | Many


def why_no_kernel(node: Node, specs: dict[int, Any]) -> str:
    """Why an operation is in no kernel, whatever is around it; empty if it may be."""
    return "" if node.name in REDUCTIONS else why_not(node, specs)


def kernels_of(program: Program) -> list[Kernel]:
    """What is worth a kernel."""
    found = group(program, lambda node: why_no_kernel(node, program.specs), at_least=1).groups
    plans = [one for one in map(_plan, found) if one is not None]
    places = {id(one.group): one for one in plans}
    flat = [one.group for one in plans if not one.reductions and _is_flat(one)]
    kernels: list[Kernel] = []
    gathered: set[int] = set()
    for table in tables_of(rows_of(flat)):
        many = tuple([places[id(row.group)] for row in table.rows])
        kernels.append(Many(many))
        gathered.update(id(one.group) for one in many)
    kernels += [one for one in plans if id(one.group) not in gathered and _pays(one)]
    return kernels


def _plan(found: Group) -> Plan | None:
    """A plan with as many of the reductions as a kernel computes."""
    made = plan(found)
    if made is not None or not found.reductions:
        return made
    lengths: dict[int, list[Node]] = {}
    for node in found.reductions:
        single = plan(found.with_reductions([node]))
        if single is not None:
            lengths.setdefault(single.reductions[0].length, []).append(node)
    return plan(found.with_reductions(max(lengths.values(), key=len, default=[])))


def _is_flat(one: Plan) -> bool:
    return all(x.how != "spread" for x in one.operands)


def _pays(one: Plan) -> bool:
    """Whether a kernel is quicker than what NumPy does: not for a single sum or product."""
    if len(one.group.nodes) > 1:
        return True
    return functions_of(one.group.body[0]) is not None
