"""Loops on flat lists of arrays, and what every level does with one.

The derivative of a loop is made of loops: one that also keeps the carries, and one that runs the
other way with the cotangents as its carry. Tangents are a longer carry, batches a batched body.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from anygrad.autodiff.batching import Batch, land
from anygrad.autodiff.calls import Call, Leaves, invoke, zeros
from anygrad.autodiff.forward import jvp
from anygrad.autodiff.reverse import vjp
from anygrad.compiler.scanning.lists import (
    chosen,
    filled,
    floating_vjp,
    is_floating,
    looked_into,
)
from anygrad.compiler.scanning.running import Runner
from anygrad.compiler.targets import Missed
from anygrad.ops.batching import move, repeat
from anygrad.tracing import LIFTED, TRACED
from anygrad.tracing.snapshots import WATCHED, Snapshots

__all__ = ["Loop", "call_of"]

Body = Callable[[Leaves, Leaves, Leaves], tuple[Leaves, Leaves]]


class Loop(NamedTuple):
    """``length`` steps of ``body(closed, carry, x)``, which gives the next carry and results.

    The leaves of its call are the values that all steps share, the carry, and the rows; its results
    are the last carry, and the results of the steps, stacked.

    Attributes
    ----------
    shared, carried : int
        How many of the leaves are shared, and how many belong to the carry.
    every : int
        Steps between the carries that are kept for the way back; 0 keeps all.
    made : dict or None
        The calls of the loops that this one's derivatives are made of, which keep what they have
        recorded; None where the body is not the same from call to call.
    """

    name: str
    body: Body
    shared: int
    carried: int
    length: int
    reverse: bool
    every: int = 0
    made: dict[Any, Any] | None = None

    def other(self, **changes: Any) -> Loop:
        """A loop that differs."""
        return self._replace(made=None if self.made is None else {}, **changes)

    def part(self, key: Any, make: Callable[[], Any]) -> Any:
        """What was made under this key, or is made now."""
        if self.made is None:
            return make()
        found = self.made.get(key)
        return self.made.setdefault(key, make()) if found is None else found

    def split(self, leaves: Leaves) -> tuple[Leaves, Leaves, Leaves]:
        """The shared values, the carry, and the rows."""
        middle = self.shared + self.carried
        return leaves[: self.shared], leaves[self.shared : middle], leaves[middle:]


def call_of(loop: Loop, moving: tuple[bool, ...] | None = None) -> Call:
    """The call of a loop; ``moving`` are the leaves whose cotangents are wanted."""
    back = _segmented_back if loop.every else _back
    return Call(
        loop.name,
        Runner(loop),
        partial(back, loop, moving),
        partial(_push, loop),
        partial(_batched, loop),
        whole=True,
        narrowed=partial(call_of, loop),
    )


def _flat(loop: Loop, leaves: Leaves) -> Leaves:
    """One step, from one list to one list."""
    after, ys = loop.body(*loop.split(leaves))
    return [*after, *ys]


def _back(
    loop: Loop, moving: tuple[bool, ...] | None, leaves: Leaves
) -> tuple[Leaves, Callable[[Leaves], Leaves]]:
    """The results, with the carries kept, and the loop that goes back."""
    closed, carry, rows = loop.split(leaves)
    wanted = moving or (True,) * len(leaves)
    flags = [w and is_floating(x) for w, x in zip(wanted, leaves, strict=True)]
    wants_closed, _, wants_row = loop.split(flags)
    floats = list(map(is_floating, carry))
    wants = [*wants_closed, *floats, *wants_row]

    def keeping(closed: Leaves, carry: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
        # as a tape carries it out: rules of functions within count, for the levels below as well
        found, _ = floating_vjp(partial(_flat, loop), [*closed, *carry, *x], wants)
        return found[: loop.carried], [*found[loop.carried :], *carry]

    told = tuple(wants)
    both = invoke(loop.part(("keeping", told), lambda: call_of(loop.other(body=keeping))), leaves)
    results, kept = both[: len(both) - loop.carried], both[len(both) - loop.carried :]
    snapshots = Snapshots()
    for x in leaves:
        if type(x) in WATCHED:
            snapshots.take(x)
    gives = [*floats, *map(is_floating, results[loop.carried :])]

    def pulling(closed: Leaves, gs: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
        before, x, g_ys = x[: loop.carried], x[loop.carried : len(x) - n_gs], x[len(x) - n_gs :]
        given = [*closed, *before, *x]

        def floating_part(*xs: Any) -> Leaves:
            return chosen(_flat(loop, filled(given, wants, xs)), gives)

        _, pull = vjp(floating_part, *chosen(given, wants))
        found = list(pull([*gs[: sum(floats)], *g_ys]))
        of_closed = found[: sum(wants_closed)]
        of_carry = found[len(of_closed) : len(of_closed) + sum(floats)]
        sums = [a + b for a, b in zip(gs[sum(floats) :], of_closed, strict=True)]
        return [*of_carry, *sums], found[len(of_closed) + sum(floats) :]

    n_gs = sum(gives[loop.carried :])

    def going_back(carried: int) -> Loop:
        name = f"{loop.name}, back"
        return loop.other(
            name=name, body=pulling, carried=carried, reverse=not loop.reverse, every=0
        )

    def pull(gs: Leaves) -> Leaves:
        snapshots.compare(keep=True)
        if not any(wants):
            return [None] * len(leaves)
        whole = [zeros(y) if g is None else g for g, y in zip(gs, results, strict=True)]
        whole = chosen(whole, gives)
        g_carry, g_ys = whole[: sum(floats)], whole[sum(floats) :]
        start = [*g_carry, *map(zeros, chosen(closed, wants_closed))]
        back = loop.part(("pulling", told, tuple(gives)), lambda: call_of(going_back(len(start))))
        found = invoke(back, [*closed, *start, *kept, *rows, *g_ys])
        of_carry, of_closed = found[: sum(floats)], found[sum(floats) : len(start)]
        return filled([None] * len(leaves), wants, [*of_closed, *of_carry, *found[len(start) :]])

    return results, pull


def _segmented_back(
    loop: Loop, moving: tuple[bool, ...] | None, leaves: Leaves
) -> tuple[Leaves, Callable[[Leaves], Leaves]]:
    """As `_back`, for a loop over loops: only the carries between those are kept at once."""
    wanted = moving or (True,) * len(leaves)
    wants = [w and is_floating(x) for w, x in zip(wanted, leaves, strict=True)]
    results, pull = floating_vjp(partial(_in_segments, loop), leaves, wants)
    return results, pull


def _in_segments(loop: Loop, leaves: Leaves) -> Leaves:
    """The loop as one over segments of ``loop.every`` steps, and one over the steps that remain."""
    closed, carry, rows = loop.split(leaves)
    k, plain = loop.every, loop.other(every=0)
    count, rest = divmod(loop.length, k)
    inner = loop.part("inner", lambda: call_of(plain.other(length=k)))

    def segment(closed: Leaves, carry: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
        found = invoke(inner, [*closed, *carry, *x])
        return found[: loop.carried], found[loop.carried :]

    cut = slice(rest, None) if loop.reverse else slice(0, count * k)
    whole = [TRACED.getitem(x, key=cut) for x in rows] if rest else rows
    whole = [TRACED.reshape(x, shape=(count, k, *x.shape[1:])) for x in whole]
    outer = loop.part("outer", lambda: call_of(plain.other(body=segment, length=count)))
    found = invoke(outer, [*closed, *carry, *whole])
    carry, ys = found[: loop.carried], found[loop.carried :]
    ys = [TRACED.reshape(y, shape=(count * k, *y.shape[2:])) for y in ys]
    if rest:
        cut = slice(0, rest) if loop.reverse else slice(count * k, None)
        left = [TRACED.getitem(x, key=cut) for x in rows]
        last = loop.part("rest", lambda: call_of(plain.other(length=rest)))
        found = invoke(last, [*closed, *carry, *left])
        carry, others = found[: loop.carried], found[loop.carried :]
        pairs = [(b, a) if loop.reverse else (a, b) for a, b in zip(ys, others, strict=True)]
        ys = [TRACED.concat(a, b, axis=0) for a, b in pairs]
    return [*carry, *ys]


def _push(loop: Loop, leaves: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
    """The loop with the tangents beside the values."""
    closed, carry, rows = loop.split(leaves)
    t_closed, t_carry, t_rows = loop.split(tangents)
    t_carry = [
        t if t is not None or not is_floating(x) else zeros(x)
        for x, t in zip(carry, t_carry, strict=True)
    ]
    moves = [t is not None for t in (*t_closed, *t_carry, *t_rows)]
    floats = [t is not None for t in t_carry]
    t_closed, t_carry, t_rows = [
        [t for t in part if t is not None] for part in (t_closed, t_carry, t_rows)
    ]
    which: list[bool] = []
    n_rows = len(rows)

    def moved(closed: Leaves, carry: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
        ends = loop.shared, loop.carried, n_rows
        parts = [p[:end] for p, end in zip((closed, carry, x), ends, strict=True)]
        given = [v for part in parts for v in part]
        along = [t for p, end in zip((closed, carry, x), ends, strict=True) for t in p[end:]]

        def f(*xs: Any) -> Leaves:
            return _flat(loop, filled(given, moves, xs))

        values, found = jvp(f, tuple(chosen(given, moves)), tuple(along))
        which[:] = [is_floating(y) for y in values[loop.carried :]]
        t_after = chosen(found[: loop.carried], floats)
        t_ys = chosen(found[loop.carried :], which)
        return [*values[: loop.carried], *t_after], [*values[loop.carried :], *t_ys]

    def make() -> tuple[Call, list[bool]]:
        shared, carried = loop.shared + len(t_closed), loop.carried + len(t_carry)
        return call_of(loop.other(body=moved, every=0, shared=shared, carried=carried)), which

    longer, which = loop.part(("moved", tuple(moves)), make)
    found = invoke(longer, [*closed, *t_closed, *carry, *t_carry, *rows, *t_rows])
    count = loop.carried + len(t_carry)
    carries, ys = found[:count], found[count:]
    after, t_after = carries[: loop.carried], carries[loop.carried :]
    n = len(which)
    results = [*after, *ys[:n]]
    blank = [None] * len(results)
    return results, filled(blank, [*floats, *which], [*t_after, *ys[n:]])


class More(BaseException):
    """More of the carry, or of the results, differs between the examples than was known."""


def _batched(loop: Loop, mapped: tuple[bool, ...], size: int) -> Call:
    """The loop over batches; what does not depend on the example is computed once."""
    m_closed, first, m_rows = loop.split(list(mapped))

    def f(leaves: Leaves) -> Leaves:
        closed, start, rows = loop.split(leaves)
        rows = [move(TRACED, x, 0, 1) if m else x for x, m in zip(rows, m_rows, strict=True)]
        m_carry, m_ys, sealed = list(first), list[bool](), False

        def body(closed: Leaves, carry: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
            level = Batch(size)
            level.origin = loop.name
            flags = [*m_closed, *m_carry, *m_rows]
            given = zip((*closed, *carry, *x), flags, strict=True)
            found = _flat(loop, [level.wrap(v) if m else v for v, m in given])
            level.close()
            mine = [type(y) in LIFTED and y.t is level for y in found]
            known = [*m_carry, *(m_ys or mine[loop.carried :])]
            flags = [a or b for a, b in zip(known, mine, strict=True)]
            m_carry[:], m_ys[:] = flags[: loop.carried], flags[loop.carried :]
            if flags != known:
                raise Missed(_MORE) if sealed else More(body)
            done = [land(level, y, 0 if m else None) for y, m in zip(found, flags, strict=True)]
            return done[: loop.carried], done[loop.carried :]

        while True:
            carry = [
                repeat(TRACED, x, size) if m and not was else x
                for x, m, was in zip(start, m_carry, first, strict=True)
            ]
            try:
                found = invoke(call_of(loop.other(body=body)), [*closed, *carry, *rows])
                break
            except More as more:
                if more.args[0] is not body:  # of a loop around this one
                    raise
        sealed = True
        after, ys = found[: loop.carried], found[loop.carried :]
        after = [y if m else repeat(TRACED, y, size) for y, m in zip(after, m_carry, strict=True)]
        ys = [
            move(TRACED, y, 1, 0) if m else repeat(TRACED, y, size)
            for y, m in zip(ys, m_ys, strict=True)
        ]
        return [*after, *ys]

    return looked_into(loop.name, f)


_MORE = "scan(step): a batch went a way through its code that was not recorded."
