"""Running a row on plain arrays: the library found once per type, mixtures refused by name."""

from __future__ import annotations

from numbers import Number
from types import NoneType
from typing import Any

import numpy as np

from anygrad.backends import BACKENDS, backend_of, check_same_device, is_traced, namespace_of
from anygrad.backends.record import Backend
from anygrad.errors import TraceError, describe
from anygrad.ops import PlainNames

NUMBERS = frozenset((float, int, bool, complex))

MISFITS = (TypeError, ValueError, RuntimeError)
"""What libraries raise for operands of two libraries, of two devices, or of shapes that differ."""

_of_type: dict[type, PlainNames] = {}
_of_backend: dict[str, PlainNames] = {}


def names_of_array(x: Any) -> PlainNames:
    """The rule namespace of a plain array's library."""
    names = _of_type.get(type(x))
    if names is None:
        namespace_of(x)  # raises for what is no array
        backend = backend_of(x)
        assert backend is not None
        names = _of_type[type(x)] = names_of_backend(backend)
    return names


def names_of_backend(backend: Backend) -> PlainNames:
    """One rule namespace per backend, shared by all its array types."""
    if backend.name not in _of_backend:
        _of_backend[backend.name] = PlainNames(
            backend.load(), dict(backend.quick), backend.writable, backend.special
        )
    return _of_backend[backend.name]


def run_plain(name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """Call the library's function on plain operands of one library and one device."""
    kinds = tuple(map(type, args))
    names = _together.get(kinds)
    if names is None:
        names = names_of_backend(_common(args))
        args = same_library(args)
    try:
        return getattr(names, name)(*args, **kw)
    except MISFITS:
        check_same_device(f"{name}(operands)", *args)  # a mixture of devices is named as such
        raise


# operand types that were seen to belong together, and the names of their library
_together: dict[tuple[type, ...], PlainNames] = {}


def same_library(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turn NumPy scalars beside another library's arrays into numbers.

    They are on the host already, so no device is read.
    """
    kinds = tuple(map(type, args))
    if kinds in _together:
        return args
    if complex in kinds and any(is_traced(a) and type(_bottom(a)) is np.float64 for a in args):
        # Python's 1j * np.float64(x) is Python's; a transformation calls np.multiply
        return tuple([np.complex128(a) if type(a) is complex else a for a in args])
    if any(_is_foreign_scalar(a, args) for a in args):
        return tuple([a.item() if _is_foreign_scalar(a, args) else a for a in args])
    if not any(is_traced(a) for a in args):
        _together[kinds] = names_of_backend(_common(args))
    return args


def _bottom(x: Any) -> Any:
    while is_traced(x):
        x = x.v
    return x


def _common(args: tuple[Any, ...]) -> Backend:
    for a in args:
        if backend_of(a) is None and not isinstance(a, Number | list | tuple | NoneType):
            raise foreign(a)
    namespace_of(*args)  # names both libraries where there are two
    arrays = [a for a in args if backend_of(a) is not None]
    whole = [a for a in arrays if not _is_scalar(a)] or arrays
    backend = backend_of(whole[0])
    assert backend is not None
    return backend


def foreign(a: Any) -> TraceError:
    """The error for an operand that is neither an array nor a number: masks and units would go."""
    kind = type(a)
    return TraceError(
        f"operands: got {describe(a)} ({kind.__module__}.{kind.__qualname__}) beside a traced "
        f"array; expected an array of {', '.join(BACKENDS)}, or a number. Pass its plain values: "
        "np.asarray(a), a.values, a.magnitude."
    )


def _is_scalar(a: Any) -> bool:
    if is_traced(a):
        return False
    backend = backend_of(a)
    return backend is not None and backend.is_scalar(type(a))


def _is_foreign_scalar(a: Any, args: tuple[Any, ...]) -> bool:
    if type(a) in NUMBERS or not _is_scalar(a):
        return False
    return any(backend_of(b) not in (None, backend_of(a)) for b in args)
