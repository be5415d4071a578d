"""The quick ways of elementwise rows: recorded with as few steps as Python allows.

Here every name and call counts; the lines that put a value on the tape are written out twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.ops import Row
from anygrad.ops.shaping import fit
from anygrad.tracing.level import bind
from anygrad.tracing.lookup import OPERATORS, ByType
from anygrad.tracing.plain import MISFITS, NUMBERS
from anygrad.tracing.snapshots import WATCHED
from anygrad.tracing.tape import Recorded, new


def unary(row: Row) -> Callable[..., Any]:
    """A function of each element of one array."""
    (rule,), (keep_x,), keep_y = row.rules, row.keeps_args[0], row.keeps_result[0]
    functions = ByType(row)
    get = functions.get
    assert rule is not None

    def pull(xp, cot, g, i, x, y, _):
        g = rule(xp, g, y, x)
        c = cot[i]
        cot[i] = g if c is None else c + g

    def operation(x: Any) -> Any:
        if type(x) is not Recorded:
            return bind(row, (x,), {})
        v = x.v
        y = (get(type(v)) or functions.function(v))(v)
        t = x.t
        i = t.next()
        r = new(Recorded)
        r.v = y
        r.t = t
        r.i = i
        t.add((pull, row, i, x.i, v if keep_x else None, y if keep_y else None, None))
        return r

    return operation


def binary(row: Row) -> Callable[..., Any]:
    """A function of each pair of elements, with broadcasting."""
    rule_a, rule_b = row.rules
    (keep_aa, keep_ab), (keep_ba, keep_bb) = row.keeps_args
    keep_ya, keep_yb = row.keeps_result
    keep_a, keep_b, keep_y = keep_aa or keep_ba, keep_ab or keep_bb, keep_ya or keep_yb
    function = OPERATORS.get(row.name) or _by_first_array(row)
    assert rule_a is not None
    assert rule_b is not None

    def pull_both(xp, cot, g, operands, values, y, _):
        i, j = operands
        a, b = values
        part = rule_a(xp, g, y, a, b)
        c = cot[i]
        cot[i] = part if c is None else c + part
        part = rule_b(xp, g, y, a, b)
        c = cot[j]
        cot[j] = part if c is None else c + part

    def pull_a(xp, cot, g, i, values, y, _):
        g = rule_a(xp, g, y, *values)
        c = cot[i]
        cot[i] = g if c is None else c + g

    def pull_b(xp, cot, g, j, values, y, _):
        g = rule_b(xp, g, y, *values)
        c = cot[j]
        cot[j] = g if c is None else c + g

    def pull_broadcast(xp, cot, g, operands, values, y, likes):
        i, j = operands
        a, b = values
        if i >= 0:
            part = fit(xp, rule_a(xp, g, y, a, b), *likes[0])
            c = cot[i]
            cot[i] = part if c is None else c + part
        if j >= 0:
            part = fit(xp, rule_b(xp, g, y, a, b), *likes[1])
            c = cot[j]
            cot[j] = part if c is None else c + part

    def operation(a: Any, b: Any) -> Any:
        likes = None
        if type(a) is Recorded:
            t, x = a.t, a.v
            if type(b) is Recorded:
                z = b.v
                if b.t is not t:
                    return bind(row, (a, b), {})
                try:
                    y = function(x, z)
                except MISFITS:  # two libraries or devices: the general way says so
                    return bind(row, (a, b), {})
                operands: Any = (a.i, b.i)
                values = (x if keep_a else None, z if keep_b else None)
                kept = y if keep_y else None
                pull = pull_both
                if x.shape != z.shape or x.dtype is not z.dtype:
                    if type(x.dtype) is not type(z.dtype):  # two libraries', it may be
                        return bind(row, (a, b), {})
                    pull, likes = pull_broadcast, ((x.shape, x.dtype), (z.shape, z.dtype))
            elif type(b) in NUMBERS and type(b) is not complex:
                y = function(x, b)
                operands, pull = a.i, pull_a
                values, kept = (x if keep_aa else None, b), y if keep_ya else None
            elif type(b) in t.kin:
                try:
                    y = function(x, b)
                except MISFITS:  # the general way says what does not fit
                    return bind(row, (a, b), {})
                operands, pull = a.i, pull_a
                values, kept = (
                    (x if keep_aa else None, b if keep_ab else None),
                    y if keep_ya else None,
                )
                if y.shape != x.shape or y.dtype is not x.dtype:
                    if x.dtype != y.dtype:
                        return bind(row, (a, b), {})
                    operands, pull, likes = (a.i, -1), pull_broadcast, ((x.shape, x.dtype), None)
                if keep_ab and type(b) in WATCHED:
                    t.snapshots.take(b)
            else:
                return bind(row, (a, b), {})
        elif type(b) is Recorded:
            t, z = b.t, b.v
            if type(a) in NUMBERS and type(a) is not complex:
                y = function(a, z)
                operands, pull = b.i, pull_b
                values, kept = (a, z if keep_bb else None), y if keep_yb else None
            elif type(a) in t.kin:
                try:
                    y = function(a, z)
                except MISFITS:
                    return bind(row, (a, b), {})
                operands, pull = b.i, pull_b
                values, kept = (
                    (a if keep_ba else None, z if keep_bb else None),
                    y if keep_yb else None,
                )
                if y.shape != z.shape or y.dtype is not z.dtype:
                    if z.dtype != y.dtype:
                        return bind(row, (a, b), {})
                    operands, pull, likes = (-1, b.i), pull_broadcast, (None, (z.shape, z.dtype))
                if keep_ba and type(a) in WATCHED:
                    t.snapshots.take(a)
            else:
                return bind(row, (a, b), {})
        else:
            return bind(row, (a, b), {})
        i = t.next()
        r = new(Recorded)
        r.v = y
        r.t = t
        r.i = i
        t.add((pull, row, i, operands, values, kept, likes))
        return r

    return operation


def _by_first_array(row: Row) -> Callable[..., Any]:
    functions = ByType(row)

    def function(a: Any, b: Any) -> Any:
        return functions.function(b if type(a) in NUMBERS else a)(a, b)

    return function
