"""Entries of kernels in Python: what `quick` does, wherever that cannot be used."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from anygrad.compiler.targets.native.slots import Signature, Slot, axes_of

__all__ = ["REFUSED_NUMBERS", "PlainEntry", "PlainFiller", "PlainMatcher", "kernel_at"]

REFUSED_NUMBERS = (np.ndarray, np.complex64, np.complex128, np.clongdouble)
"""What Python would take for a real number, but is none."""

_KERNEL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_WORD = 2**64 - 1


@functools.lru_cache(4096)
def kernel_at(address: int) -> Callable[[int, int, int], int]:
    """A kernel as a function of the table's address, start and stop; gives up the GIL."""
    return _KERNEL(address)


class _Spec:
    """What an array has to be, ready to be compared."""

    __slots__ = ("dtype", "owned", "shape", "strides", "written")

    def __init__(self, slot: Slot, owned: bool = False):
        self.dtype, self.shape, self.owned = slot.dtype, slot.shape, owned
        self.written = owned or slot.kind == "written"
        self.strides = [(k, s) for k, (_, s, counted) in enumerate(axes_of(slot)) if counted]

    def fits(self, x: Any) -> bool:
        """Whether an object is such an array."""
        if type(x) is not np.ndarray or x.shape != self.shape or x.dtype != self.dtype:
            return False
        flags, strides = x.flags, x.strides
        return (
            flags.aligned
            and (flags.writeable or not self.written)
            and (not self.owned or (flags.owndata and x.base is None))
            and all([strides[axis] == stride for axis, stride in self.strides])
        )


class _OfThisProcess:
    """Is not pickled, as builtins are not."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        raise TypeError("entries hold addresses of this process: they cannot be pickled")


class PlainEntry(_OfThisProcess):
    """Calls a kernel; see `make_entry`."""

    __slots__ = ("_address", "_signature", "_taker")

    def __init__(self, address: int, signature: Signature):
        self._address, self._signature = address, signature
        self._taker = _Taker(signature)

    def __call__(self, *args: Any) -> bool | None:
        """Take arguments and run."""
        table = self._taker.fresh()
        if not self._taker.take(table, args):
            return False
        signature = self._signature
        kernel = kernel_at(self._address)
        return True if kernel(_address(table), signature.start, signature.stop) else None


class PlainFiller(_OfThisProcess):
    """Fills a table; see `make_filler`."""

    __slots__ = ("_spec", "_taker")

    def __init__(self, signature: Signature):
        self._taker = _Taker(signature)
        shape = (len(signature.table),)
        self._spec = _Spec(Slot("written", 0, np.dtype(np.uint64), shape))

    def __call__(self, *args: Any) -> bool:
        """Take a table and arguments."""
        if not args or not self._spec.fits(args[0]):
            return False
        return self._taker.take(args[0], args[1:])


class PlainMatcher(_OfThisProcess):
    """Recognises arrays; see `make_matcher`."""

    __slots__ = ("_distinct", "_specs")

    def __init__(self, slots: Iterable[Slot], owned: Iterable[bool], distinct: bool):
        self._distinct = distinct
        self._specs = [_Spec(slot, flag) for slot, flag in zip(slots, owned, strict=True)]

    def __call__(self, leaves: Any, /) -> bool:
        """Compare all elements."""
        if type(leaves) not in (list, tuple) or len(leaves) != len(self._specs):
            return False
        if self._distinct and len(set(map(id, leaves))) != len(leaves):
            return False
        return all([spec.fits(x) for spec, x in zip(self._specs, leaves, strict=True)])


class _Taker:
    """Puts arguments into a table."""

    __slots__ = ("arrays", "count", "first", "numbers")

    def __init__(self, signature: Signature):
        self.count = len(signature.slots)
        self.first = np.array([word & _WORD for word in signature.table], np.uint64)
        self.numbers, self.arrays = [], []
        for k, slot in enumerate(signature.slots):
            if slot.kind == "float":
                self.numbers.append((k, slot.place))
            else:
                self.arrays.append((k, slot.place, _Spec(slot)))

    def fresh(self) -> np.ndarray:
        """A table that is not filled yet."""
        return np.empty_like(self.first)

    def take(self, table: np.ndarray, args: tuple[Any, ...]) -> bool:
        """Fill a table; False if an argument is not what it has to be."""
        if len(args) != self.count:
            return False
        table[...] = self.first
        # numbers first: their conversion may run anybody's code, and nothing may come between
        # looking at an array and using it
        for k, place in self.numbers:
            if type(args[k]) in REFUSED_NUMBERS:
                return False
            try:
                table[place : place + 1].view(np.float64)[0] = _double()(args[k])
            except TypeError:
                return False
        for k, place, spec in self.arrays:
            x = args[k]
            if not spec.fits(x):
                return False
            table[place] = _address(x)
        return True


def _address(x: np.ndarray) -> int:
    return x.__array_interface__["data"][0]


@functools.cache
def _double() -> Callable[[Any], float]:
    """The number that `quick` takes, too: of text, for one, none is read."""
    function = ctypes.PYFUNCTYPE(ctypes.c_double, ctypes.py_object)
    return function(("PyFloat_AsDouble", ctypes.pythonapi))
