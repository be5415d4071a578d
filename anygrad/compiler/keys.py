"""For which arguments a program holds: their tree, shapes, dtypes, devices and static values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.backends import backend_of, device_of
from anygrad.compiler.reach import CONTAINERS
from anygrad.config import Settings, settings
from anygrad.errors import describe

__all__ = [
    "compiling",
    "environment",
    "is_static",
    "key_of",
    "key_of_int",
    "leaf_key",
    "orders",
    "reader_of",
    "show_key",
    "why_eager",
]


def _key_of_array(x: np.ndarray) -> Any:
    return (x.shape, x.strides, x.dtype)


def _key_of_array_subclass(x: np.ndarray) -> Any:
    return (x.shape, x.strides, x.dtype, type(x))


def _key_of_type(x: Any) -> Any:
    return type(x)


def _key_of_other_array(x: Any) -> Any:
    backend = backend_of(x)
    recorded = backend is not None and backend.records is not None and backend.records(x)
    place = None if recorded else device_of(x)  # what is being traced may have none
    return (tuple(x.shape), _strides_of(x), x.dtype, type(x), place, recorded)


def _key_of_placed_array(kind: type, place: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: (x.shape, x.strides, x.dtype, kind, place(x))


def _strides_of(x: Any) -> Any:
    strides = getattr(x, "stride", getattr(x, "strides", None))
    strides = strides() if callable(strides) else strides
    return tuple(strides) if strides is not None else None


def key_of_int(x: Any) -> Any:
    """An integer that is static: a length or an axis, most likely."""
    return (type(x), x)


def _key_of_object(x: Any) -> Any:
    try:
        hash(x)
    except TypeError:
        return (type(x), Identity(x) if _is_looked_into(x) else UNHASHABLE)
    return (type(x), x)


class Identity:
    """An object as a part of a key: the same object, whatever it calls equal."""

    __slots__ = ("held",)

    def __init__(self, held: Any):
        self.held = held

    def __hash__(self) -> int:
        return id(self.held)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.held is other.held

    def __repr__(self) -> str:
        return f"another {type(self.held).__name__}"


UNHASHABLE = "unhashable"


def _is_looked_into(x: Any) -> bool:
    """Whether a change of an object is seen, so that its identity is enough of a key."""
    if isinstance(x, CONTAINERS):
        return True
    return isinstance(getattr(x, "__dict__", None), dict) and not _holds_elements(x)


def _holds_elements(x: Any) -> bool:
    """Whether an object is much like an array, and no array of a library that is known."""
    return any(hasattr(x, name) for name in ("__array__", "__array_interface__", "nnz"))


_READERS: dict[type, Callable[[Any], Any]] = {
    np.ndarray: _key_of_array,
    float: _key_of_type,
    complex: _key_of_type,
    int: key_of_int,
    bool: key_of_int,
    str: key_of_int,
}
key_of = _READERS.get
"""The function that gives the key of a leaf, by its type; None for a type not seen before."""


def reader_of(x: Any) -> Callable[[Any], Any]:
    """Find the function for a new type of leaves, and remember it."""
    kind = type(x)
    found = _READERS.get(kind)
    if found is None:
        backend = backend_of(x)
        if backend is None:
            return _key_of_object  # classes of users are not remembered
        if isinstance(x, np.generic):
            found = _key_of_type
        elif isinstance(x, np.ndarray):
            found = _key_of_array_subclass
        elif backend.place_key is not None and backend.records is None:
            found = _key_of_placed_array(kind, backend.place_key)
        else:
            found = _key_of_other_array
        _READERS[kind] = found
    return found


def leaf_key(x: Any) -> Any:
    """What a leaf is in a key."""
    return (key_of(type(x)) or reader_of(x))(x)


def is_static(x: Any) -> bool:
    """Whether a leaf is a part of the key, with its value."""
    kind = type(x)
    return kind is int or kind is bool or (backend_of(x) is None and kind not in (float, complex))


def why_eager(x: Any) -> str:
    """Why a program for such a leaf could not hold, in words; empty if it can."""
    kind = type(x)
    backend = backend_of(x)
    if backend is None:
        if kind in _PLAIN or callable(x):
            return ""
        if _holds_elements(x):
            return f"a {kind.__name__}, whose elements are not compared"
        if _key_of_object(x)[1] is UNHASHABLE:
            return f"a {kind.__name__}, which cannot be hashed"
        if hasattr(kind, "__next__"):
            return f"a {kind.__name__}, which gives something else whenever it is asked"
        return ""
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind not in "biufc":
        return f"dtype {x.dtype}"
    if backend.records is not None and backend.records(x):
        return f"an array that {backend.name} itself records"
    return ""


_PLAIN = frozenset((int, float, complex, bool, str, bytes))


def show_key(key: Any) -> str:
    """A part of a key in words, for a warning that compares two."""
    if isinstance(key, type):
        return f"a {key.__name__}"
    if isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], type):
        return repr(key[1]) if isinstance(key[1], Identity) else describe(key[1])
    if isinstance(key, tuple) and len(key) > 2:
        dtype = str(getattr(key[2], "name", key[2])).split(".")[-1]
        return f"shape {key[0]}, dtype {dtype}, strides {key[1]}"
    return describe(key)


_tokens: dict[int, tuple[Settings, int]] = {}
_compiling: dict[int, tuple[Settings, int | None]] = {}
_numbers: dict[Settings, int] = {}
MANY = 64


def environment() -> tuple[Settings, int]:
    """The settings that hold, and a number that is the same for equal ones."""
    now = settings()
    found = _tokens.get(id(now))
    if found is None:
        if len(_tokens) > MANY:
            _tokens.clear()
        found = _tokens[id(now)] = (now, _numbers.setdefault(now, len(_numbers)))
    return found


def compiling() -> int | None:
    """The number of the settings that hold; None where functions run uncompiled."""
    now = settings()
    found = _compiling.get(id(now))
    if found is None or found[0] is not now:
        if len(_compiling) > MANY:
            _compiling.clear()
        compiles = now.fuse and now.debug_nans == "off"
        found = _compiling[id(now)] = (now, environment()[1] if compiles else None)
    return found[1]


def orders(tree: Any) -> tuple[Any, ...]:
    """The orders of the keys of all dicts: a sum over their values depends on it."""
    if not tree:
        return ()
    found: list[Any] = []
    _add_orders(tree, found)
    return tuple(found)


_without_order: set[type] = {np.ndarray, float, int, bool, type(None)}


def _add_orders(x: Any, found: list[Any]) -> None:
    if isinstance(x, dict):
        found.append(tuple(x))
        parts: Any = x.values()
    elif isinstance(x, list | tuple):
        parts = x
    elif hasattr(x, "__dataclass_fields__") and hasattr(x, "__dict__"):
        parts = x.__dict__.values()
    else:
        if not isinstance(x, type):
            _without_order.add(type(x))
        return
    for part in parts:
        if type(part) not in _without_order:
            _add_orders(part, found)
