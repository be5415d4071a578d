"""A group of elementwise operations, written as one call of a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from anygrad.compiler.program import Node, Program, Ref
from anygrad.compiler.targets.native.choosing import Kernel, Many
from anygrad.compiler.targets.native.making import may_fail
from anygrad.compiler.targets.native.plans import Plan
from anygrad.compiler.targets.plain import print_plain

if TYPE_CHECKING:
    from anygrad.compiler.targets.buffered import Buffered

__all__ = ["Again", "print_kernel"]


def print_kernel(
    writing: Buffered, position: int, kernel: Kernel, entry: Callable[..., bool | None]
) -> None:
    """Write the call, what it writes into, and what is made of its reductions."""
    printer = writing.printer
    if isinstance(kernel, Many):
        names = _names_of_many(writing, position, kernel)
    else:
        assert isinstance(kernel, Plan)
        operands = [printer.operand(one.what) for one in kernel.operands]
        results = [_room(writing, position, ref, kernel) for ref in kernel.group.results]
        taken = [_room_of_reduction(writing, one.node) for one in kernel.reductions]
        names = [*operands, *results, *taken]
    given, again = ", ".join(names), printer.name(Again(kernel), "again")
    printer.add(f"if {printer.name(entry, 'kernel')}({given}) is not None: {again}({given})")
    if isinstance(kernel, Plan):
        for one, name in zip(kernel.reductions, taken, strict=True):
            _finish(writing, one.node, name, one.length)


def _names_of_many(writing: Buffered, position: int, kernel: Many) -> list[str]:
    printer, shared = writing.printer, kernel.plans[0].shared
    owners = writing.sole_readers([x.what for x in one.operands] for one in kernel.plans)
    names = [printer.operand(one.what) for one in shared]
    for k, one in enumerate(kernel.plans):
        own = [printer.operand(x.what) for x in one.operands[len(shared) :]]
        names += [*own, *[_room(writing, position, ref, one, owners, k) for ref in one.results]]
    return names


class Again:
    """What a kernel computes, computed by NumPy: where the kernel cannot.

    That is for arguments of functions beyond the range for which they are made, and for arrays that
    are not what they were while the program was recorded.
    """

    __name__ = __qualname__ = "again"

    def __init__(self, kernel: Kernel):
        self._plans = kernel.plans if isinstance(kernel, Many) else (kernel,)
        self._runs: list[Callable[..., Any]] = []

    def __call__(self, *given: Any) -> None:
        """Take operands, then the arrays of results."""
        if not self._runs:
            self._runs = [print_plain(program_of(one)) for one in self._plans]
        shared = len(self._plans[0].shared)
        done, arrays = given[:shared], given[shared:]
        for one, run in zip(self._plans, self._runs, strict=True):
            own = len(one.operands) - shared
            pairs = zip((*done, *arrays[:own]), one.operands, strict=True)
            found = run(*[x for x, operand in pairs if type(operand.what) is Ref])
            for out, y in zip(arrays[own:], found, strict=False):
                out[...] = y
            arrays = arrays[own + len(found) :]


def program_of(plan: Plan) -> Program:
    """The group as a program of its own; what a mean divides is its sum."""
    group = plan.group
    refs = tuple([one.what for one in plan.operands if type(one.what) is Ref])
    sums = [node._replace(name="sum") if node.name == "mean" else node for node in group.reductions]
    return Program(refs, (*group.body, *sums), plan.results, group.program.specs)


def _room(
    writing: Buffered,
    position: int,
    ref: Ref,
    plan: Plan,
    owners: dict[int, int] | None = None,
    leaf: int = 0,
) -> str:
    """The array for a result: a donated one, one of the workspace, or a new one.

    Of many leaves, ``owners`` tells which of them is alone in reading a piece of memory.
    """
    number = int(ref)
    home, out = writing.homes.get(number), None
    if home is not None and (owners is None or owners.get(writing.memory[home], leaf) == leaf):
        out = f"v{home}" if _may_write(writing, position, home, plan) else None
    if out is None:
        out = writing.place(position, number, True) or writing.make(number)
    writing.name(number, out)
    return out


def _may_write(writing: Buffered, position: int, home: int, plan: Plan) -> bool:
    """Whether an element of a donated array is needed for the same element of results at most."""
    if may_fail(plan) or not writing.is_over(position, home, False):
        return False
    memory = writing.memory
    readers = [one for one in plan.operands if type(one.what) is Ref and memory[one.what] == home]
    return all(one.what == home and one.how == "flat" for one in readers)


def _room_of_reduction(writing: Buffered, node: Node) -> str:
    number, spec = int(node.number), writing.specs[node.number]
    if spec.kind != "scalar":
        writing.name(number, writing.make(number))
        return f"v{number}"
    return f"b{writing.take(_one(spec))}"


def _one(spec: Any) -> Any:
    return ((1,), np.dtype(spec.dtype), (0,))


def _finish(writing: Buffered, node: Node, name: str, length: int) -> None:
    """Take a scalar out of its array, and divide for a mean as NumPy does."""
    printer, number, spec = writing.printer, int(node.number), writing.specs[node.number]
    count = printer.name(np.intp(length), "count") if node.name == "mean" else ""
    if spec.kind == "scalar":
        text = f"{name}[0]"
        if count:
            kind = printer.name(np.dtype(spec.dtype).type, "kind")
            text = f"{kind}({text} / {count})"
        printer.add(f"v{number} = {text}")
        writing.name(number, f"v{number}")
        writing.give(_one(spec), int(name[1:]))
    elif count:
        divide = printer.name(np.true_divide, "divide")
        printer.add(f"{divide}({name}, {count}, {name}, casting='unsafe')")
