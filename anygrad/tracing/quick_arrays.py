"""The quick ways of rows that look at whole arrays: shapes, reductions, products, indexing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends import namespace_of
from anygrad.ops import Like, Row
from anygrad.ops.indexing import add_at, is_basic, makes_axes
from anygrad.ops.shaping import restore
from anygrad.tracing.level import TRACED, bind
from anygrad.tracing.lookup import OPERATORS, ByType
from anygrad.tracing.plain import MISFITS
from anygrad.tracing.snapshots import WATCHED
from anygrad.tracing.tape import Recorded, new, own_keys

SIMPLE = frozenset((int, slice))


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
                if type(b) in WATCHED:
                    t.snapshots.take(b)
            else:
                return bind(row, (a, b), {})
        elif type(b) is Recorded and type(a) in b.t.kin:
            t, x, z = b.t, a, b.v
            operands, pull, values = b.i, pull_right, (x, Like(z.shape, z.dtype))
            if type(a) in WATCHED:
                t.snapshots.take(a)
        else:
            return bind(row, (a, b), {})
        if x.dtype is not z.dtype:
            return bind(row, (a, b), {})
        try:
            y = function(x, z)
        except MISFITS:
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
        if xp is TRACED or not shape:
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
        if is_basic(key) and xp.writable and not makes_axes(key):
            c[key] += g
        else:
            cot[i] = add_at(namespace_of(c), c, key, g)

    def operation(x: Any, *, key: Any) -> Any:
        if type(x) is not Recorded:
            return bind(row, (x,), {"key": key})
        v = x.v
        kw = {"key": key}
        kept = kw if type(key) in SIMPLE else own_keys(kw)
        return record(pull, row, x, v[key], v.shape, None, kept)

    return operation


def _on_device(g: Any) -> dict[str, Any]:
    device = getattr(g, "device", "cpu")
    return {} if device == "cpu" else {"device": device}
