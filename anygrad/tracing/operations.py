"""From rows to functions: each row becomes one closure with a quick way for recorded values.

A closure does for its family what `Tape.process` does in general, without the generality: no loops
over operands, no dictionaries, the pull chosen while recording. Everything unusual (another level,
complex values, a mixture of libraries) goes to `bind`. A test compares both ways for every row and
every mixture of operands.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from numpy import ndarray

from anygrad.ops import ROWS, Like, Row
from anygrad.ops.indexing import add_at, is_basic
from anygrad.ops.shaping import fit, restore
from anygrad.tracing.level import LIFTED, TRACED, bind
from anygrad.tracing.plain import NUMBERS, names_of_array
from anygrad.tracing.tape import Recorded, new, own_keys

SIMPLE = frozenset((int, slice))

# Python's own operators serve every library and nested values, and are ten times quicker on NumPy
# scalars.
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "pow": operator.pow,
    "matmul": operator.matmul,
    "negative": operator.neg,
}


class ByType(dict):
    """Type of the value below -> the function of its library.

    For a value of another level, it is the operation itself.
    """

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.name = row.name

    def function(self, x: Any) -> Callable[..., Any]:
        """Look up once per type; a class cannot tell its library, so this takes the value."""
        kind = type(x)
        found = self.get(kind)
        if found is None:
            found = self[kind] = getattr(TRACED if kind in LIFTED else names_of_array(x), self.name)
        return found


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
                except (TypeError, ValueError):  # two libraries or devices: the general way says so
                    return bind(row, (a, b), {})
                operands: Any = (a.i, b.i)
                values = (x if keep_a else None, z if keep_b else None)
                kept = y if keep_y else None
                pull = pull_both
                if x.shape != z.shape or x.dtype is not z.dtype:
                    pull, likes = pull_broadcast, ((x.shape, x.dtype), (z.shape, z.dtype))
            elif type(b) in NUMBERS and type(b) is not complex:
                y = function(x, b)
                operands, pull = a.i, pull_a
                values, kept = (x if keep_aa else None, b), y if keep_ya else None
            elif type(b) in t.kin:
                try:
                    y = function(x, b)
                except (TypeError, ValueError):  # the general way says what does not fit
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
                if keep_ab and type(b) is ndarray:
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
                except (TypeError, ValueError):
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
                if keep_ba and type(a) is ndarray:
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


def record(pull: Any, row: Row, x: Any, y: Any, kept: Any, result: Any, extra: Any) -> Any:
    """Put an operation with one operand on its tape.

    The two ways above do this in place: there, a call would cost a tenth of the operation.
    """
    t = x.t
    i = t.next()
    r = new(Recorded)
    r.v = y
    r.t = t
    r.i = i
    t.add((pull, row, i, x.i, kept, result, extra))
    return r


def linear(row: Row) -> Callable[..., Any]:
    """A linear function of one array: nothing but the shape is kept."""
    (adjoint,) = row.rules
    functions = ByType(row)
    get = functions.get
    assert adjoint is not None

    def pull(xp, cot, g, i, shape, _, kw):
        g = adjoint(xp, g, shape, **kw)
        c = cot[i]
        cot[i] = g if c is None else c + g

    def operation(x: Any, **kw: Any) -> Any:
        if type(x) is not Recorded:
            return bind(row, (x,), kw)
        v = x.v
        y = (get(type(v)) or functions.function(v))(v, **kw)
        return record(pull, row, x, y, v.shape, None, own_keys(kw) if "indices" in kw else kw)

    return operation


def reduction(row: Row) -> Callable[..., Any]:
    """A nonlinear reduction along axes."""
    (weights,) = row.rules
    functions = ByType(row)
    get = functions.get
    assert weights is not None

    def pull(xp, cot, g, i, x, y, kw):
        shape, axis, keepdims = x.shape, kw["axis"], kw["keepdims"]
        w = weights(xp, restore(xp, y, shape, axis, keepdims), x, axis)
        g = restore(xp, g, shape, axis, keepdims) * w
        c = cot[i]
        cot[i] = g if c is None else c + g

    def operation(x: Any, **kw: Any) -> Any:
        if type(x) is not Recorded:
            return bind(row, (x,), kw)
        v = x.v
        y = (get(type(v)) or functions.function(v))(v, **kw)
        return record(pull, row, x, y, v, y, kw)

    return operation


def bilinear(row: Row) -> Callable[..., Any]:
    """A matrix product; a constant operand's partner is not kept."""
    left, right = row.rules
    function = OPERATORS[row.name]
    assert left is not None
    assert right is not None

    def pull_both(xp, cot, g, operands, values, _, __):
        i, j = operands
        part = left(xp, g, None, *values)
        c = cot[i]
        cot[i] = part if c is None else c + part
        part = right(xp, g, None, *values)
        c = cot[j]
        cot[j] = part if c is None else c + part

    def pull_left(xp, cot, g, i, values, _, __):
        g = left(xp, g, None, *values)
        c = cot[i]
        cot[i] = g if c is None else c + g

    def pull_right(xp, cot, g, j, values, _, __):
        g = right(xp, g, None, *values)
        c = cot[j]
        cot[j] = g if c is None else c + g

    def operation(a: Any, b: Any) -> Any:
        if type(a) is Recorded:
            t, x = a.t, a.v
            if type(b) is Recorded:
                if b.t is not t:
                    return bind(row, (a, b), {})
                z = b.v
                operands, pull, values = (a.i, b.i), pull_both, (x, z)
            elif type(b) in t.kin:
                z = b
                operands, pull, values = a.i, pull_left, (Like(x.shape, x.dtype), z)
                if type(b) is ndarray:
                    t.snapshots.take(b)
            else:
                return bind(row, (a, b), {})
        elif type(b) is Recorded and type(a) in b.t.kin:
            t, x, z = b.t, a, b.v
            operands, pull, values = b.i, pull_right, (x, Like(z.shape, z.dtype))
            if type(a) is ndarray:
                t.snapshots.take(a)
        else:
            return bind(row, (a, b), {})
        if x.dtype is not z.dtype:
            return bind(row, (a, b), {})
        try:
            y = function(x, z)
        except (TypeError, ValueError):
            return bind(row, (a, b), {})
        i = t.next()
        r = new(Recorded)
        r.v = y
        r.t = t
        r.i = i
        t.add((pull, row, i, operands, values, None, None))
        return r

    return operation


def item(row: Row) -> Callable[..., Any]:
    """Reading ``x[key]``.

    On the way back, slices are added into one buffer, so that n of them cost n, not n squared.
    """

    def pull(xp, cot, g, i, shape, _, kw):
        key = kw["key"]
        c = cot[i]
        if xp is TRACED:
            part = xp.scatter(g, key=key, shape=shape)
            cot[i] = part if c is None else c + part
            return
        own = cot[-1]
        if i not in own:
            own.add(i)
            c = cot[i] = (
                xp.zeros(shape, dtype=g.dtype, **_on_device(g))
                if c is None
                else xp.asarray(c, copy=True)
            )
        if is_basic(key):
            c[key] += g
        else:
            add_at(xp, c, key, g)

    def operation(x: Any, *, key: Any) -> Any:
        if type(x) is not Recorded:
            return bind(row, (x,), {"key": key})
        v = x.v
        kw = {"key": key}
        kept = kw if type(key) in SIMPLE else own_keys(kw)
        return record(pull, row, x, v[key], v.shape, None, kept)

    return operation


def general(row: Row) -> Callable[..., Any]:
    """No quick way: constants, joins, three operands."""

    def operation(*args: Any, **kw: Any) -> Any:
        return bind(row, args, kw)

    return operation


def _on_device(g: Any) -> dict[str, Any]:
    device = getattr(g, "device", "cpu")
    return {} if device == "cpu" else {"device": device}


_QUICK: dict[str, Callable[[Row], Callable[..., Any]]] = {
    "linear": linear,
    "reduction": reduction,
    "bilinear": bilinear,
}


def closure_of(row: Row) -> Callable[..., Any]:
    """The quickest closure that a row has."""
    if row.name == "getitem":
        return item(row)
    if row.family.name == "elementwise" and row.name != "astype":
        return {1: unary, 2: binary}.get(len(row.rules), general)(row)
    return _QUICK.get(row.family.name, general)(row)


for _row in ROWS.values():
    setattr(TRACED, _row.name, closure_of(_row))

__all__ = ["TRACED"]
