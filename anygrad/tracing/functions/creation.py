"""Choosing, casting, and new arrays like a traced one."""

from __future__ import annotations

import builtins
from typing import Any

from anygrad.errors import ArgumentError, MissingRuleError
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions.arguments import (
    ABSENT,
    a_traced,
    as_arrays,
    deliver,
    fresh,
    on_device_of,
)
from anygrad.tracing.functions.shapes import broadcast_to, moveaxis
from anygrad.tracing.level import (
    LIFTED,
    duplicate,
    is_mapped,
    lowest,
    plain_namespace,
    strip,
)
from anygrad.tracing.operations import TRACED


def where(condition, x1=ABSENT, x2=ABSENT, /):
    """``x1`` where the condition holds, else ``x2``; the branch not taken gets no gradient.

    Alone, a condition gives the positions where it holds, as ``nonzero`` does.
    """
    if x1 is ABSENT and x2 is ABSENT:
        return TRACED.nonzero(strip(condition))
    if x1 is ABSENT or x2 is ABSENT:
        message = "where(x2): got one of two values; expected both, or a condition alone."
        raise ArgumentError(message)
    return TRACED.where(strip(condition), x1, x2)


def clip(x, min=None, max=None, out=None, **kw):
    """Values limited to [min, max]; at a bound the gradient is halved, as at every tie."""
    min, max = kw.pop("a_min", min), kw.pop("a_max", max)
    if kw:
        message = f"clip({next(iter(kw))}): no rule takes this keyword. Leave it out."
        raise MissingRuleError(message)
    y = copy(x) if min is None and max is None else x
    if min is not None:
        y = TRACED.maximum(y, min)
    return deliver("clip", out, y if max is None else TRACED.minimum(y, max))


def sign(x, /):
    """-1, 0 or 1 for real values, without derivative; z / |z| for complex ones."""
    if kind_of(x.dtype) != "complex" or x.t.records:
        return TRACED.sign(x)
    size = TRACED.abs(x)
    return x / TRACED.where(strip(size) == 0, 1.0, size)


def astype(x, dtype, order="K", casting="unsafe", subok=True, copy=True, *, device=None):
    """Cast; a cast to integers or booleans has no derivative and gives a plain array."""
    if dtype != x.dtype:
        return TRACED.astype(x, dtype=dtype)
    return duplicate(x, order) if copy else x


def copy(x, order="K", subok=False):
    """The same value in memory of its own."""
    return duplicate(x, order)


def round(x, decimals=0, out=None):
    """Rounded to decimals, by scaling with a power of ten; the derivative is zero."""
    value, scale = strip(x), 10.0 ** abs(decimals)
    if decimals > 0:
        value = TRACED.round(value * scale) / scale
    else:
        value = TRACED.round(value) if not decimals else TRACED.round(value / scale) * scale
    return deliver("round", out, value)


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, **_):
    """Equal steps from ``start`` to ``stop``, of which one at least is traced."""
    if retstep:
        message = "linspace(retstep): no rule gives the step. Write (stop - start) / (num - 1)."
        raise MissingRuleError(message)
    ends = as_arrays((start, stop))
    like = lowest(a_traced(ends))
    share = plain_namespace(like).linspace(
        0.0, 1.0, num, endpoint=endpoint, dtype=_real_dtype(like), **on_device_of(like)
    )
    ndim = builtins.max(a.ndim for a in ends)
    share = plain_namespace(like).reshape(share, (-1, *(1,) * ndim))
    y = ends[0] * (1.0 - share) + ends[1] * share
    y = y if dtype is None else astype(y, dtype)
    return moveaxis(y, 0, axis) if axis else y


def _real_dtype(x: Any) -> Any:
    """The dtype of the real part."""
    xp = plain_namespace(x)
    return xp.real(xp.zeros((), dtype=x.dtype)).dtype if kind_of(x.dtype) == "complex" else x.dtype


def _filled(name: str) -> Any:
    def like(x, *args, **kw):
        bottom = lowest(x)
        if is_mapped(x):  # like one example
            bottom = plain_namespace(bottom).zeros(x.shape, dtype=x.dtype, **on_device_of(bottom))
        kw = {**on_device_of(bottom), **kw}
        if kw.pop("order", "K") not in ("K", "C", "A") or not kw.pop("subok", True):
            message = (
                f"{name}(order): only the default memory order is supported for traced arrays."
            )
            raise ArgumentError(message)
        value = getattr(plain_namespace(bottom), name)(bottom, *args, **kw)
        return (
            x.t.constant(value) if type(x) in LIFTED and kind_of(value.dtype) != "other" else value
        )

    like.__name__ = like.__qualname__ = name
    return like


zeros_like = _filled("zeros_like")
ones_like = _filled("ones_like")
empty_like = _filled("zeros_like")


def full_like(x, /, fill_value, dtype=None, *, shape=None, device=None, **kw):
    """An array like ``x`` filled with one value, which may be traced."""
    if type(fill_value) not in LIFTED:
        kw = {**kw, **({} if shape is None else {"shape": shape})}
        return _full_of_number(x, fill_value, dtype=dtype, **kw)
    value = astype(fill_value, x.dtype if dtype is None else dtype)
    return fresh(broadcast_to(value, x.shape if shape is None else shape))


_full_of_number = _filled("full_like")
