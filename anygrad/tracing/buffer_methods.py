"""How buffers answer as objects: indexing, writing, operators in place, and their ways out.

What a buffer is, and how its views and collected writes hold together, is in ``buffers``.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from anygrad.ops import ROWS
from anygrad.tracing.assignment import in_dtype_of, parts_of, plain_key, refuse_repeated
from anygrad.tracing.buffers import (
    Buffer,
    as_array,
    buffer_of,
    copied,
    holds_traced,
    position_of,
    unbuffered,
    view_by,
)
from anygrad.tracing.level import LIFTED, Traced, bind, plain_namespace, recorded
from anygrad.tracing.operations import TRACED
from anygrad.tracing.views import written_through_view


def _setitem(self: Buffer, key: Any, value: Any) -> None:
    what = "y[key] = x"
    key = _of_view(self, unbuffered(key))
    if type(value) is Buffer:
        if value.base is self and value.row.name == "getitem" and _same(value.kw["key"], key):
            return  # y[key] += x: the view has written already
        value = value.used()
    value = as_array(value)
    key = plain_key(unbuffered(key))
    if not self.is_writable():
        raise written_through_view(what)
    memory = None if type(value) in LIFTED else self.memory()
    if memory is not None:
        memory[key] = value
        return
    if hasattr(value, "dtype") and not isinstance(value, np.generic):
        value = in_dtype_of(self, value, what)
    place = position_of(key, self.shape) if self.root is self else None
    fits = place is not None and getattr(value, "shape", ()) == self.shape[len(place) :]
    now = _as_now(value) if fits else None
    if place is not None and now is not None:
        if self.pending and len(next(iter(self.pending))) != len(place):
            self._settle()
        self.pending[place] = now
        return
    refuse_repeated(what, key, self.shape)
    self.store(TRACED.setitem(self.v, value, key=key))


def _of_view(x: Buffer, key: Any) -> Any:
    """A key that selects a view, in plain integers where recorded ones stand in it."""
    parts = parts_of(key)
    if not any(type(part) in LIFTED and recorded(part) is not None for part in parts):
        return key
    whole = [getattr(part, "shape", None) == () or isinstance(part, int) for part in parts]
    if all(whole) and len(parts) == len(x.shape):  # an element, wherever it lies
        return key
    plain = tuple(
        [
            operator.index(part)
            if type(part) in LIFTED and is_whole and not _is_mask(part)
            else part
            for part, is_whole in zip(parts, whole, strict=True)
        ]
    )
    return plain if type(key) is tuple else plain[0]


def _is_mask(x: Any) -> bool:
    return "bool" in str(x.dtype)


def _as_now(value: Any) -> Any:
    """A value that later writes to it do not change; None where it has to be stored at once."""
    if type(value) in LIFTED:
        return value.t.as_now(value)
    return copied(value) if getattr(value, "shape", ()) else value


def _same(a: Any, b: Any) -> bool:
    try:
        return type(a) is type(b) and bool(a == b)
    except ValueError:  # index arrays
        return a is b


def _getitem(self: Buffer, key: Any) -> Any:
    if type(key) is not int and type(key) is not slice:
        key = _of_view(self, plain_key(unbuffered(key)))
        if any(type(part) in LIFTED for part in parts_of(key)):  # a batch of indices, of vmap
            return bind(_GETITEM, (self.v,), {"key": key})
    return view_by(_GETITEM, self, {"key": key})


_GETITEM = ROWS["getitem"]


def _in_place(operation: Any) -> Any:
    def in_place(self: Buffer, other: Any) -> Any:
        self[...] = operation(self, other)
        return self

    return in_place


def _quick(operation: Any, reflected: bool) -> Any:
    """An operator straight on what is inside, without asking which level is the highest."""

    def operate(a: Any, b: Any) -> Any:
        a, b = a.used(), b.used() if type(b) is Buffer else b
        return buffer_of(operation(b, a) if reflected else operation(a, b))

    return operate


_OPERATORS = {
    **{name: name for name in ("add", "pow", "matmul")},
    **{"sub": "subtract", "mul": "multiply", "truediv": "divide"},
}


def _namespace(self: Buffer, *, api_version: Any = None) -> Any:
    value = self.v
    return value.__array_namespace__() if type(value) in LIFTED else plain_namespace(value)


def _plain_way(name: str) -> Any:
    """A way out that a plain array has, and a traced one refuses."""
    refuse = getattr(Traced, name)

    def leave(self: Buffer, *args: Any, **kw: Any) -> Any:
        value = self.used()
        return (
            refuse(value, *args, **kw)
            if type(value) in LIFTED
            else getattr(value, name)(*args, **kw)
        )

    return leave


def _array(self: Buffer, dtype: Any = None, copy: bool | None = None) -> Any:
    value = self.used()
    if type(value) in LIFTED:
        return value.__array__()
    array = np.asarray(value, dtype=dtype) if not copy else np.array(value, dtype=dtype)
    if array.base is value or array is value:
        array = array.view()
        array.flags.writeable = False  # what is written there would be lost
    return array


def _other_attribute(self: Buffer, name: str) -> Any:
    """What traced arrays lack, from the plain array inside."""
    if name.startswith("__") or name in ("held", "root") or holds_traced(self):
        message = f"a traced array has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(self.memory(), name)


def install() -> None:
    """Attach what differs from other traced arrays; they have their methods by then."""
    for name in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv", "matmul"):
        setattr(Buffer, f"__i{name}__", _in_place(getattr(operator, name)))
    for name, row in _OPERATORS.items():
        setattr(Buffer, f"__{name}__", _quick(getattr(TRACED, row), reflected=False))
        setattr(Buffer, f"__r{name}__", _quick(getattr(TRACED, row), reflected=True))
    for name in ("__float__", "__complex__", "__int__", "__index__", "__dlpack__"):
        setattr(Buffer, name, _plain_way(name))
    for name in ("item", "tolist", "get", "__reduce__"):
        setattr(Buffer, name, _plain_way(name))
    Buffer.__getitem__ = _getitem  # type: ignore[attr-defined]
    Buffer.__setitem__ = _setitem  # type: ignore[attr-defined]
    Buffer.__array__ = _array  # type: ignore[attr-defined]
    Buffer.__array_namespace__ = _namespace  # type: ignore[attr-defined]
    Buffer.__getattr__ = _other_attribute  # type: ignore[attr-defined]
