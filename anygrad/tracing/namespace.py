"""The Array API namespace of traced arrays.

``xp = array_namespace(x)`` gives this while ``x`` is traced.
"""

from __future__ import annotations

import sys
import types
import weakref
from typing import Any

import numpy as np

from anygrad.backends import backend_of
from anygrad.errors import MissingRuleError
from anygrad.ops import ROWS
from anygrad.ops.shaping import kind_of
from anygrad.tracing.frames import with_users_line
from anygrad.tracing.functions import FFT, FUNCTIONS, LINALG, shapes
from anygrad.tracing.functions.arguments import fresh
from anygrad.tracing.functions.creation import astype, linspace
from anygrad.tracing.functions.creation import copy as copy_of
from anygrad.tracing.functions.joining import stack
from anygrad.tracing.level import LIFTED, Level, lowest, plain_namespace
from anygrad.tracing.operations import TRACED
from anygrad.tracing.plain import NUMBERS

# Rows whose own signature is the standard's: arrays, by position. The others have a function of
# users' signature.
_DIRECT = {
    name: getattr(TRACED, name)
    for name, row in ROWS.items()
    if row.family.name in ("elementwise", "bilinear") or row.constant
}
STANDARD: dict[str, Any] = {**_DIRECT, **FUNCTIONS}
"""Every function that traced arrays go through, by its standard (or NumPy) name."""

# Creation in traced code: the result can be written into with traced values.
_CREATED = frozenset(("zeros", "ones", "empty"))

# Questions that the plain values answer.
_ANSWERED = frozenset(("result_type", "can_cast", "isdtype", "broadcast_shapes"))
_ELSEWHERE = frozenset(("linalg", "fft"))


class TracedNamespace(types.SimpleNamespace):
    """The standard's functions for one level; the library below gives what needs no derivative."""

    __hash__ = object.__hash__  # type: ignore[assignment] - namespaces are collected in sets
    __eq__ = object.__eq__

    def __init__(self, level: Level, plain: Any) -> None:
        super().__init__(**STANDARD)
        self._level = weakref.ref(level)  # the level holds its namespace: no circle
        self._plain = plain
        self.linalg = _Part("linalg", getattr(plain, "linalg", None), LINALG)
        self.fft = _Part("fft", getattr(plain, "fft", None), FFT)

    @property
    def __name__(self) -> str:
        """The name that the library's own arrays give.

        array_api_compat.array_namespace(traced, plain) tells namespaces apart by their names.
        """
        wrapped = f"array_api_compat.{self._plain.__name__}"
        return wrapped if wrapped in sys.modules else self._plain.__name__

    def __repr__(self) -> str:
        return f"<traced namespace of {self._plain.__name__}>"

    def full(self, shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
        """An array of one value, which may be traced."""
        if type(fill_value) in LIFTED:
            value = fill_value if dtype is None else astype(fill_value, dtype)
            return fresh(shapes.broadcast_to(value, shape))
        return _created(self._level, self._plain.full)(
            shape, fill_value, dtype=dtype, device=device
        )

    def asarray(
        self, obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None
    ) -> Any:
        """Traced arrays pass; nested lists that hold traced numbers are stacked."""
        if type(obj) in LIFTED:
            if dtype is not None:
                obj = astype(obj, dtype)
            if obj.t.records and _is_scalar(lowest(obj)):
                return obj.t.host(self._plain.asarray, (obj,))  # no scalar, as without a record
            return copy_of(obj) if copy else obj
        if isinstance(obj, list | tuple) and _holds_traced(obj):
            return stack([self.asarray(part, dtype=dtype) for part in obj])
        return self._plain.asarray(obj, dtype=dtype, device=device, copy=copy)

    def linspace(
        self, start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, **kw
    ) -> Any:
        """Equal steps between two numbers, which may be traced."""
        if type(start) not in LIFTED and type(stop) not in LIFTED:
            create = _created(self._level, self._plain.linspace)
            return create(start, stop, num, dtype=dtype, device=device, **kw)
        return linspace(start, stop, num, dtype=dtype, **kw)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plain, name)
        if name in _CREATED:
            found = _created(self._level, found)
        elif name in _ANSWERED:
            found = _answered(found)
        elif isinstance(found, type) or not callable(found) or name.startswith("_"):
            return found
        else:
            found = guarded(name, found)
        setattr(self, name, found)
        return found


def _is_scalar(x: Any) -> bool:
    backend = backend_of(x)
    return backend is None or backend.is_scalar(type(x))


def _answered(function: Any) -> Any:
    def answer(*args: Any, **kw: Any) -> Any:
        return function(*(a.dtype if type(a) in LIFTED else a for a in args), **kw)

    return answer


class _Part:
    """``xp.linalg`` and ``xp.fft``: what has rules, and a clear refusal of the rest."""

    def __init__(self, name: str, plain: Any, known: dict[str, Any]) -> None:
        self.__dict__.update(known)
        self._name, self._plain = name, plain

    def __getattr__(self, name: str) -> Any:
        return guarded(f"{self._name}.{name}", getattr(self._plain, name))


def _created(level: weakref.ref[Level], create: Any) -> Any:
    def created(*args: Any, **kw: Any) -> Any:
        value = create(*args, **kw)
        living = level()
        if living is None or living.closed or kind_of(value.dtype) == "other":
            return value
        return living.constant(value)

    return created


def guarded(name: str, function: Any) -> Any:
    """A library function without a rule: fine on plain arrays, an error on traced ones."""

    def call(*args: Any, **kw: Any) -> Any:
        if _holds_traced(args) or _holds_traced(tuple(kw.values())):
            raise missing_rule(name)
        return function(*args, **kw)

    return call


def missing_rule(name: str) -> MissingRuleError:
    """The error for an operation that has no derivative here, with the user's line."""
    message = (
        f"{name}(traced array): no derivative rule; expected a function that anygrad "
        "differentiates. Write it with others, take the value with ag.value(x) if it is a "
        "constant, or give it a rule: ag.extend.register_elementwise, or ag.custom_vjp around it."
    )
    return MissingRuleError(with_users_line(message))


def _holds_traced(parts: Any) -> bool:
    return any(
        type(part) in LIFTED or (isinstance(part, list | tuple) and _holds_traced(part))
        for part in parts
    )


def namespace_of_level(x: Any) -> TracedNamespace:
    """The namespace of the level that a traced array belongs to; made once a level."""
    level = x.t
    if level.records:  # arrays of several libraries may be there, and Python's numbers
        bottom = lowest(x)
        plain = np if type(bottom) in NUMBERS else plain_namespace(bottom)
        made = level.namespaces.get(id(plain))
        if made is None:
            made = level.namespaces[id(plain)] = TracedNamespace(level, plain)
        return made
    if level.namespace is None:
        level.namespace = TracedNamespace(level, plain_namespace(lowest(x)))
    return level.namespace
