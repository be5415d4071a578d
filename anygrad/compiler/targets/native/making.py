"""From a plan to what replayed code calls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from anygrad.compiler.program import Ref
from anygrad.compiler.targets.native import support
from anygrad.compiler.targets.native.bodies import bytes_of
from anygrad.compiler.targets.native.choosing import Kernel, Many
from anygrad.compiler.targets.native.entries import Signature, Slot, make_entry
from anygrad.compiler.targets.native.loops import Written, write
from anygrad.compiler.targets.native.operations import functions_of
from anygrad.compiler.targets.native.plans import Operand, Plan, Spread
from anygrad.compiler.targets.native.storage import code_for
from anygrad.compiler.targets.native.threads import PART, Parallel

__all__ = ["cost_of", "lanes_of", "make", "may_fail", "text_of"]

WIDE, NARROW, SINGLE = 256, 128, 64
"""Bytes of the vectors that are computed at a time: registers of 64 bytes that fill the pipelines.

Four of them; but two where a function is called, or a body has more operations than `MANY`: their
values would not all fit into registers. One where memory is the limit (fewer than `BUSY` operations
for each array): it is read and written most evenly then.
"""
MANY, BUSY = 100, 4
GIL = 20_000.0
"""Nanoseconds of work from which on other threads may run meanwhile."""


def lanes_of(plan: Plan) -> int:
    """The numbers in a vector."""
    specs = plan.group.program.specs
    widths = [bytes_of(specs[node.number].dtype.name) for node in plan.group.body]
    called = any(functions_of(node) is not None for node in plan.group.body)
    body = len(plan.group.body)
    arrays = len(plan.operands) - len(plan.shared) + len(plan.results)
    size = WIDE
    if called or body > MANY:
        size = NARROW
    elif body < BUSY * arrays:
        size = SINGLE
    return size // max(*widths, 4)


def text_of(kernel: Kernel) -> Written:
    """The text of a kernel, which is the same for all shapes."""
    one = kernel.plans[0] if isinstance(kernel, Many) else kernel
    assert isinstance(one, Plan)
    return write(one, lanes_of(one), isinstance(kernel, Many))


def may_fail(plan: Plan) -> bool:
    """Whether results may have to be computed again, so that operands must still be there."""
    return any(f is not None and f.largest for f in map(functions_of, plan.group.body))


def make(kernel: Kernel, wait: bool = True) -> Callable[..., bool | None] | None:
    """The entry of a kernel: takes operands, then results; of many, leaf after leaf.

    None if the machine code is not there, and would take time to make, with ``wait`` False.
    """
    written = text_of(kernel)
    code = code_for(written.text, wait=wait)
    helpers = code_for(support.text(), support.SUPPORT, wait=wait) if written.called else None
    if code is None or (written.called and helpers is None):
        return None
    length = 1
    if isinstance(kernel, Many):
        slots, table = _rows(kernel)
        stop, keeps = len(kernel.plans), (code,)
    else:
        assert isinstance(kernel, Plan)
        slots = [_operand_slot(k, one, kernel) for k, one in enumerate(kernel.operands)]
        slots += [_result_slot(k, ref, kernel) for k, ref in enumerate(kernel.results, len(slots))]
        described = [description(x.spread) for x in written.spread if x.spread is not None]
        called = [helpers.addresses[name] for name in written.called] if helpers is not None else []
        length = kernel.reductions[0].length if kernel.reductions else 1
        table = [*[0] * len(slots), *map(_address, described), *called, length]
        stop, keeps = kernel.size // length, (code, helpers, *described)
    cost = cost_of(kernel)
    signature = Signature(tuple(slots), tuple(table), 0, stop, cost > GIL, keeps)
    address = code.addresses["kernel"]
    entry = make_entry(address, signature)
    if cost < 2 * PART or (
        isinstance(kernel, Plan) and kernel.reductions and length == kernel.size
    ):
        return entry
    return Parallel(address, signature, entry, cost, _step_of(kernel))


def _step_of(kernel: Kernel) -> int:
    """What the range of a kernel may be cut at: whole vectors, whole rows, whole leaves."""
    if isinstance(kernel, Plan) and not kernel.reductions:
        return lanes_of(kernel) * 64
    return 1


def _rows(kernel: Many) -> tuple[list[Slot], list[int]]:
    """The slots and the table of many leaves: what they share, then leaf after leaf."""
    first = kernel.plans[0]
    slots = [_operand_slot(k, one, first) for k, one in enumerate(first.shared)]
    table = [0] * len(slots)
    for one in kernel.plans:
        own = one.operands[len(first.shared) :]
        slots += [_operand_slot(k, x, one) for k, x in enumerate(own, len(table))]
        slots += [
            _result_slot(k, ref, one) for k, ref in enumerate(one.results, len(table) + len(own))
        ]
        table += [*[0] * (len(own) + len(one.results)), one.size]
    return slots, table


def description(spread: Spread) -> np.ndarray:
    """What `support` reads: the number of axes, their lengths and steps, the quickest first."""
    axes = zip(reversed(spread.shape), reversed(spread.strides), strict=True)
    return np.array([len(spread.shape), *[n for axis in axes for n in axis]], np.int64)


def cost_of(kernel: Kernel) -> float:
    """About how many nanoseconds a kernel takes."""
    one = kernel.plans[0] if isinstance(kernel, Many) else kernel
    assert isinstance(one, Plan)
    each = sum(0.1 if functions_of(node) is None else 1.0 for node in one.group.body)
    return kernel.size * (each + 0.1 * (len(one.operands) + len(one.results)))


def _address(x: np.ndarray) -> int:
    return x.__array_interface__["data"][0]


def _operand_slot(k: int, one: Operand, plan: Plan) -> Slot:
    if one.how == "number":
        return Slot("float", k)
    if type(one.what) is not Ref:
        return Slot("array", k, one.what.dtype, one.what.shape, one.what.strides)
    spec = plan.group.program.specs[one.what]
    return Slot("array", k, np.dtype(spec.dtype), spec.shape, spec.strides)


def _result_slot(k: int, ref: Ref, plan: Plan) -> Slot:
    spec = plan.group.program.specs[ref]
    dtype = np.dtype(spec.dtype)
    if spec.kind == "scalar":
        return Slot("written", k, dtype, (1,), (dtype.itemsize,))
    return Slot("written", k, dtype, spec.shape, spec.strides)
