"""For which arguments a program holds: their tree, shapes, dtypes, devices and static values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.backends import backend_of, device_of
from anygrad.config import Settings, settings

__all__ = ["Identity", "environment", "key_of", "key_of_int", "reader_of"]


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
        return repr(self.held)


def _key_of_array(x: np.ndarray) -> Any:
    return (x.shape, x.strides, x.dtype)


def _key_of_scalar(x: np.generic) -> Any:
    return type(x)


def _key_of_number(x: Any) -> Any:
    return type(x)


def _key_of_other_array(x: Any) -> Any:
    return (type(x), tuple(x.shape), str(x.dtype), device_of(x), _strides_of(x))


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
        return Identity(x)
    return (type(x), x)


_READERS: dict[type, Callable[[Any], Any]] = {
    np.ndarray: _key_of_array,
    float: _key_of_number,
    complex: _key_of_number,
    int: key_of_int,
    bool: key_of_int,
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
            found = _key_of_scalar
        elif isinstance(x, np.ndarray):
            found = _key_of_array
        else:
            found = _key_of_other_array
        _READERS[kind] = found
    return found


def is_static(x: Any) -> bool:
    """Whether a leaf is a part of the key, with its value."""
    kind = type(x)
    return kind is int or kind is bool or (backend_of(x) is None and kind not in (float, complex))


_tokens: dict[int, tuple[Settings, int]] = {}
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
