"""Where CPython and NumPy keep what the machine code of entries reads, and whether that is so."""

from __future__ import annotations

import ctypes
import sys
import sysconfig
from typing import Any

import numpy as np

__all__ = ["ALIGNED", "LAYOUT", "OWNED", "WRITEABLE", "is_as_expected", "samples"]

LAYOUT = {
    "object.type": 8,
    "sized.length": 16,  # lists and tuples
    "list.items": 24,
    # PyArrayObject_fields of NumPy's public headers
    "array.data": 16,
    "array.nd": 24,
    "array.dimensions": 32,
    "array.strides": 40,
    "array.base": 48,
    "array.descr": 56,
    "array.flags": 64,
    # PyArray_Descr of the same
    "descr.byteorder": 26,
}
"""Offsets in bytes; that of a tuple's items differs between versions of Python, which tells it."""

ALIGNED, WRITEABLE, OWNED = 0x100, 0x400, 0x4


class _Other(np.ndarray):
    """A subclass."""


def is_as_expected() -> bool:
    """Compare all that would be read with what Python and NumPy say of it."""
    usual = (
        sys.implementation.name == "cpython"
        and sys.byteorder == "little"
        and ctypes.sizeof(ctypes.c_void_p) == 8
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
        and object.__basicsize__ == LAYOUT["array.data"]
        and np.ndarray.__basicsize__ >= LAYOUT["array.flags"] + 4
    )
    if not usual:
        return False
    # the parts that hold no addresses first: only then are addresses followed
    arrays = samples()
    return (
        all([_is_array(x) for x in arrays])
        and all([_has_axes(x) for x in arrays])
        and all([_has_items(x) for x in ([], [1, None], (), ("a",), (1, 2.0, "b"))])
    )


def samples() -> list[np.ndarray]:
    """Arrays of all kinds."""
    base = np.arange(48.0)
    frozen = np.arange(5)
    frozen.flags.writeable = False
    return [
        np.array(2.5),
        base,
        base[1::3],
        base[::-1],
        base.reshape(6, 8).T,
        base.reshape(2, 4, 6)[:, 1:3, ::2],
        np.broadcast_to(base[:3], (2, 3)),
        np.empty((0, 3), np.float32),
        np.ones((2, 3), np.float16, order="F"),
        np.zeros((1, 4, 1), bool),
        np.arange(3).astype(">i4"),
        np.ones(3, np.dtype(np.float64).newbyteorder(">")),
        np.frombuffer(bytes(17), np.uint8)[1:].view(np.int64),
        frozen,
        base.view(_Other),
        *[np.ones(2, code) for code in "bBhHiIlLqQefd"],
    ]


def _is_array(x: np.ndarray) -> bool:
    return (
        _word(x, "object.type") == id(type(x))
        and _word(x, "array.data") == x.__array_interface__["data"][0]
        and _word(x, "array.nd", ctypes.c_int32) == x.ndim
        and _word(x, "array.base") == (0 if x.base is None else id(x.base))
        and _word(x, "array.descr") == id(x.dtype)
        and _word(x, "array.flags", ctypes.c_int32) == x.flags.num
        and bool(x.flags.num & ALIGNED) == x.flags.aligned
        and bool(x.flags.num & WRITEABLE) == x.flags.writeable
        and bool(x.flags.num & OWNED) == x.flags.owndata
        and _word(x.dtype, "object.type") == id(type(x.dtype))
        and chr(_word(x.dtype, "descr.byteorder", ctypes.c_uint8)) == x.dtype.byteorder
    )


def _has_axes(x: np.ndarray) -> bool:
    for name, expected in (("array.dimensions", x.shape), ("array.strides", x.strides)):
        if expected and _follow(_word(x, name), x.ndim, ctypes.c_int64) != [*expected]:
            return False
    return True


def _has_items(x: Any) -> bool:
    if _word(x, "object.type") != id(type(x)) or _word(x, "sized.length") != len(x):
        return False
    first = id(x) + tuple.__basicsize__ if type(x) is tuple else _word(x, "list.items")
    return not x or _follow(first, len(x), ctypes.c_uint64) == [id(y) for y in x]


def _follow(address: int, count: int, kind: Any) -> list[int] | None:
    """What stands at an address; None if it is rather a number or some flags than an address."""
    if address < 1 << 16 or address % 8:
        return None
    return list((kind * count).from_address(address))


def _word(x: Any, name: str, kind: Any = ctypes.c_uint64) -> int:
    return kind.from_address(id(x) + LAYOUT[name]).value
