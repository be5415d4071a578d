"""Operations with a derivative of their own, made from functions: what every level does with one.

A `Call` works on flat lists of arrays. Reverse mode records it as one entry, with one more for each
result; forward mode and batches ask it for its tangent and its batched form. The levels below see
ordinary code again: a rule is differentiated, batched and recorded there like everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad.autodiff.batching import Batch
from anygrad.autodiff.forward import Forward
from anygrad.errors import ShapeError, TraceError, describe
from anygrad.ops.row import CONSTANT, Row
from anygrad.ops.shaping import fit, kind_of
from anygrad.tracing import LIFTED, Level, Tape, names_for, unbuffered
from anygrad.tracing.level import held

Leaves = list[Any]
CALL = Row("call", CONSTANT, ())


class Call(NamedTuple):
    """What the levels ask of an operation made from functions.

    Attributes
    ----------
    name : str
        For messages.
    primal : callable
        ``primal(leaves)``: the results.
    reverse : callable
        ``reverse(leaves)``: the results, and ``pull(cotangents)`` that gives one cotangent for each
        leaf, None for zero. A cotangent that is None is zero.
    forward : callable
        ``forward(leaves, tangents)``: the results and their tangents; None is zero.
    batched : callable
        ``batched(mapped, size)``: the call for a batch along axis 0 of the mapped leaves; all of
        its results have the batch.
    whole : bool
        Whether it is one piece of a compiled program, not to be looked into.
    narrowed : callable or None
        ``narrowed(moving)``: the call whose ``pull`` may leave out what does not move.
    """

    name: str
    primal: Callable[[Leaves], Leaves]
    reverse: Callable[[Leaves], tuple[Leaves, Callable[[Leaves], Sequence[Any]]]]
    forward: Callable[[Leaves, Leaves], tuple[Leaves, Leaves]]
    batched: Callable[[tuple[bool, ...], int], Call]
    whole: bool = False
    narrowed: Callable[[tuple[bool, ...]], Call] | None = None


def invoke(call: Call, leaves: Leaves) -> Leaves:
    """Carry a call out at the level created last, without one plainly."""
    leaves = [unbuffered(x) for x in leaves]
    top = None
    for x in leaves:
        if type(x) in LIFTED and (top is None or x.t.number > top.number):
            top = x.t
    if top is None:
        return call.primal(leaves)
    if top.watch is None:
        return _carry_out(call, top, leaves)
    # a watch may carry the call out again: that is what the row runs
    row = Row(call.name, CONSTANT, (), lambda xp: lambda *again: invoke(call, list(again)))
    return top.watch.step(top, row, tuple(leaves), {}, lambda: _carry_out(call, top, leaves))


def _carry_out(call: Call, top: Level, leaves: Leaves) -> Leaves:
    top.refuse_if_closed()
    for x in leaves:
        if type(x) in LIFTED and x.t is top:
            top.check_readable(x)
    if top.records:
        return top.call(call, leaves)  # type: ignore[attr-defined]
    below = [top.lower(x) if type(x) not in LIFTED or x.t is top else held(x) for x in leaves]
    mine = tuple([type(x) in LIFTED and x.t is top for x in leaves])
    if isinstance(top, Batch):
        return [top.wrap(y) for y in invoke(call.batched(mine, top.size), below)]
    if isinstance(top, Forward):
        tangents = [x.i if own else None for x, own in zip(leaves, mine, strict=True)]
        results, moved = call.forward(below, tangents)
        refuse_captured(call.name, top, results)
        return [
            y if kind_of(y.dtype) == "other" else top.wrap(y, t)
            for y, t in zip(results, moved, strict=True)
        ]
    assert isinstance(top, Tape)
    if call.narrowed is not None:
        call = call.narrowed(mine)
    return record_call(call.name, call.reverse, top, leaves, below, mine)


def record_call(
    name: str,
    reverse: Callable[[Leaves], tuple[Leaves, Callable[[Leaves], Sequence[Any]]]],
    tape: Tape,
    leaves: Leaves,
    below: Leaves,
    mine: tuple[bool, ...],
) -> Leaves:
    """Put a call on a tape: one entry, and one more for each result."""
    results, pull = reverse(below)
    refuse_captured(name, tape, results)
    if any(type(x) in LIFTED for x in (*below, *results)):
        tape.plain = False
    bundle = tape.next()
    operands = tuple([x.i if own else -1 for x, own in zip(leaves, mine, strict=True)])
    likes = [(tuple(x.shape), x.dtype) if own else None for x, own in zip(below, mine, strict=True)]
    tape.add((_pull_call, CALL, bundle, operands, None, None, (name, pull, likes)))
    wrapped = []
    for k, y in enumerate(results):
        if kind_of(y.dtype) == "other":
            wrapped.append(y)
            continue
        i = tape.next()
        tape.add((_pull_part, CALL, i, bundle, None, None, (k, len(results))))
        wrapped.append(tape.wrap(y, i))
    return wrapped


def _pull_part(xp, cot, g, bundle, values, y, place):
    """Put the cotangent of one result to those of the others."""
    k, count = place
    if cot[bundle] is None:
        cot[bundle] = [None] * count
    cot[bundle][k] = g


def _pull_call(xp, cot, gs, operands, values, y, extra):
    """Ask the call for the cotangents of its operands."""
    name, pull, likes = extra
    for k, (i, part, like) in enumerate(zip(operands, pull(gs), likes, strict=True)):
        if i < 0 or part is None:
            continue
        if not hasattr(part, "shape") or (part.shape != like[0]):
            message = (
                f"{name}: its rule gave {describe(part)} as cotangent of array {k}; expected "
                f"shape {like[0]}, that of the array."
            )
            raise ShapeError(message)
        part = fit(names_for(part), part, *like)
        c = cot[i]
        cot[i] = part if c is None else c + part


def refuse_captured(name: str, level: Any, results: Leaves) -> None:
    """Raise if a result depends on a traced value that the function did not get as argument."""
    for y in results:
        if type(y) in LIFTED and y.t is level:
            message = (
                f"{name}: its result depends on a traced value that is no argument of it (the "
                "function closes over it), so its derivative would be lost. Pass it as an argument."
            )
            raise TraceError(message)


def zeros(x: Any) -> Any:
    """Zeros like an array, or like a NumPy scalar."""
    made = names_for(x).zeros_like(x)
    return made[()] if isinstance(x, np.generic) else made
