"""What the arguments of a kernel have to be, and where in its table each of them goes."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Signature", "Slot", "axes_of", "check_signature", "check_slot", "classes_of"]

_CODES = "?bBhHiIlLqQefd"
"""The elements that kernels know, by NumPy's letters; several letters may be one type."""


class Slot(NamedTuple):
    """What one argument has to be.

    Attributes
    ----------
    kind : {"array", "written", "float"}
        An array that is read; one that has to be writeable; or a number: what Python takes for a
        real number, but no array and no complex number. Of an array the address of its first
        element goes into the table, of a number the bits of the double.
    place : int
        Where in the table.
    dtype : dtype
        The type of the elements: bool, an integer or a real number, in this machine's byte order.
    shape : tuple of int
        The shape, exactly.
    strides : tuple of int, optional
        The strides in bytes; those of C's order if None. Strides along axes of length 1, and all of
        an array without elements, do not matter.
    """

    kind: str
    place: int
    dtype: np.dtype | None = None
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] | None = None


class Signature(NamedTuple):
    """How a kernel is called.

    Attributes
    ----------
    slots : tuple of Slot
        What the arguments have to be, in order.
    table : tuple of int
        The kernel's table as it begins: constants, and anything where an argument goes.
    start, stop : int
        The range that the kernel works on.
    releases : bool
        Whether other threads run meanwhile (the GIL is given up): for work above some 20 us.
    keeps : tuple
        What has to live as long as the entry: the code, and all whose address is in the table.
    """

    slots: tuple[Slot, ...]
    table: tuple[int, ...]
    start: int
    stop: int
    releases: bool
    keeps: tuple[Any, ...]


def axes_of(slot: Slot) -> list[tuple[int, int, bool]]:
    """Length and stride of every axis, and whether the stride matters."""
    assert slot.dtype is not None
    strides, stride = [], slot.dtype.itemsize
    for length in reversed(slot.shape):
        strides.insert(0, stride)
        stride *= length
    strides = strides if slot.strides is None else slot.strides
    counted = 0 not in slot.shape
    return [(n, s, counted and n != 1) for n, s in zip(slot.shape, strides, strict=True)]


@functools.cache
def classes_of(dtype: np.dtype) -> tuple[type, ...]:
    """The classes of all types of elements that equal this one; none if kernels do not know it."""
    return tuple({type(np.dtype(code)): None for code in _CODES if np.dtype(code) == dtype})


def check_slot(slot: Slot, size: int) -> None:
    """Raise if a slot makes no sense in a table of this size: what follows trusts it."""
    if not 0 <= slot.place < size:
        message = f"Slot(place): got {slot.place}; expected one of {size} places"
        raise ValueError(message)
    if slot.kind == "float":
        return
    if slot.kind not in ("array", "written"):
        message = f'Slot(kind): got {slot.kind!r}; expected "array", "written" or "float"'
        raise ValueError(message)
    if slot.dtype is None or not classes_of(slot.dtype):
        message = (
            f"Slot(dtype): got {slot.dtype}; expected a bool, an integer or a float of at most"
            " 64 bits, in this machine's byte order"
        )
        raise ValueError(message)
    if slot.strides is not None and len(slot.strides) != len(slot.shape):
        message = f"Slot(strides): got {slot.strides}; expected one for each axis of {slot.shape}"
        raise ValueError(message)


def check_signature(signature: Signature) -> None:
    """Raise if a slot of a signature makes no sense."""
    for slot in signature.slots:
        check_slot(slot, len(signature.table))
