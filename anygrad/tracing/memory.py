"""Methods of NumPy's arrays that concern memory: questions, writes by another name, ways out."""

from __future__ import annotations

from typing import Any

from anygrad.backends import is_mutable
from anygrad.errors import TraceError
from anygrad.tracing.functions.arguments import as_arrays
from anygrad.tracing.functions.assembling import diagonal, resize
from anygrad.tracing.functions.choosing import compress
from anygrad.tracing.functions.ordering import argpartition, partition, searchsorted, sort
from anygrad.tracing.functions.shapes import ravel, reshape
from anygrad.tracing.functions.writing import put
from anygrad.tracing.level import Traced, is_mapped, lowest

_REFUSED = {
    "byteswap": "Byte order has no derivative; take ag.value(x).",
    "dump": "Save ag.value(x).",
    "dumps": "Save ag.value(x).",
    "getfield": "Traced arrays have no fields.",
    "resize": "Use np.resize(x, shape) or xp.reshape(x, shape), which give another array.",
    "setfield": "Traced arrays have no fields.",
    "tobytes": "Take ag.value(x), whose bytes are a constant.",
    "tofile": "Save ag.value(x).",
    "view": "Use xp.astype(x, dtype), xp.real(x) or xp.reshape(x, shape).",
}
"""What would change or read the bytes behind the back of the derivative, and what to do instead."""


def _refused(method: str, advice: str) -> Any:
    def refuse(self: Traced, *_: Any, **__: Any) -> Any:
        message = f"x.{method}: got a traced array, whose gradient would be lost. {advice}"
        raise TraceError(message)

    return refuse


def _answered(name: str) -> Any:
    def answer(self: Traced) -> Any:
        if is_mapped(self):
            message = (
                f"x.{name}: got a batch of vmap, in whose memory no example lies by itself. "
                "Ask before vmap."
            )
            raise TraceError(message)
        return getattr(lowest(self), name)

    return property(answer)


def _fill(self: Any, value: Any) -> None:
    """Write one value everywhere."""
    self[...] = value


def _sort(
    self: Any, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """Write the sorted elements into the array; arrays that cannot be written give another."""
    ordered = sort(self, axis, kind, order)
    if not is_mutable(lowest(self)):
        return ordered
    self[...] = ordered
    return None


def _partition(
    self: Any, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """Write a partition, here the sorted elements, into the array."""
    ordered = partition(self, kth, axis, kind, order)
    if not is_mutable(lowest(self)):
        return ordered
    self[...] = ordered
    return None


def _compress(self: Traced, condition: Any, axis: Any = None, out: Any = None) -> Any:
    return compress(condition, self, axis, out)


def _set_flat(self: Any, values: Any) -> None:
    self[...] = reshape(resize(as_arrays((values, self))[0], self.size), self.shape)


def _set_flags(self: Any, write: Any = None, align: Any = None, uic: Any = None) -> None:
    """Do nothing: traced values never change, and what a write means is the transformation's."""


_AS_MEMORY: dict[str, Any] = {
    "argpartition": argpartition,
    "compress": _compress,
    "diagonal": diagonal,
    "fill": _fill,
    "flat": property(ravel, _set_flat),
    "partition": _partition,
    "put": put,
    "searchsorted": searchsorted,
    "setflags": _set_flags,
    "sort": _sort,
    **{name: _answered(name) for name in ("flags", "itemsize", "nbytes", "strides")},
    **{method: _refused(method, advice) for method, advice in _REFUSED.items()},
}

for _name, _what in _AS_MEMORY.items():
    setattr(Traced, _name, _what)
