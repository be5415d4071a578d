"""Launches on copies of their arrays between pages that nobody may touch."""

import contextlib
import ctypes
import mmap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.support.cuda.emulator import Argument, KernelMisuse

CANARY = 0xFF
_PAGE = mmap.PAGESIZE
_ALIGN = 512  # of addresses, which a kernel may look at: kept modulo this


@contextlib.contextmanager
def guarded(kernel: str, arguments: Sequence[Argument]) -> Iterator[list[Argument]]:
    """The arguments on guarded copies; what the launch wrote comes back at the end.

    Arrays that share memory share their copy. A read or write beyond the pages around it is a fault
    at once; a write into the bytes up to there, or between the elements of a view, is found here.
    """
    blocks = _blocks(arguments)
    moved = list(arguments)
    for block in blocks:
        for place in block.places:
            moved[place] = block.move(arguments[place])
    yield moved
    for block in blocks:
        wrong = block.first_wrong_byte()
        if wrong is not None:
            names = " and ".join(f"argument {place}" for place in block.places)
            raise KernelMisuse(f"{kernel}: {names}: a write {wrong}")
    for block in blocks:
        block.bring_back()


class _Block:
    """A copy of the memory from ``low`` to ``high`` between forbidden pages."""

    def __init__(self, low: int, high: int, places: list[int], arguments: Sequence[Argument]):
        self.places, self._original = places, _bytes_at(low, high - low)
        size = high - low
        inner = -(-(size + _ALIGN) // _PAGE) * _PAGE
        self._map = mmap.mmap(-1, inner + 2 * _PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        for page in (start, start + _PAGE + inner):
            _protect(page, 0)
        # as near to the forbidden page behind it as the address modulo _ALIGN allows
        behind = start + _PAGE + inner - size
        first = behind - (behind - low) % _ALIGN
        self._all = _bytes_at(start + _PAGE, inner)
        self._all.fill(CANARY)
        self._offset = first - start - _PAGE
        self._shift = first - low
        self._inside = self._all[self._offset : self._offset + size]
        self._inside[:] = self._original
        self._elements = np.zeros(size, bool)
        for place in places:
            array: Any = arguments[place].array
            where = array.__array_interface__["data"][0] - low
            item = np.dtype((np.void, array.dtype.itemsize))
            seen = np.ndarray(array.shape, item, self._elements, where, array.strides)
            seen[...] = np.void(b"\1" * array.dtype.itemsize)

    def __del__(self):
        start = self._all.__array_interface__["data"][0] - _PAGE
        for page in (start, start + _PAGE + self._all.nbytes):
            _protect(page, mmap.PROT_READ | mmap.PROT_WRITE)

    def move(self, argument: Argument) -> Argument:
        """The argument in the copy."""
        array: Any = argument.array
        where = int.from_bytes(argument.value, "little") + self._shift
        offset = where - self._inside.__array_interface__["data"][0]
        there = np.ndarray(array.shape, array.dtype, self._inside, offset, array.strides)
        return Argument(where.to_bytes(8, "little"), argument.dtype, there)

    def first_wrong_byte(self) -> str | None:
        """Where something was written that is no element."""
        size, first = self._inside.nbytes, self._offset
        before = np.flatnonzero(self._all[:first] != CANARY)
        if before.size:
            return f"{first - before[-1]} bytes before its memory"
        behind = np.flatnonzero(self._all[first + size :] != CANARY)
        if behind.size:
            return f"{behind[0]} bytes behind its memory"
        between = np.flatnonzero((self._inside != self._original) & ~self._elements)
        return f"between its elements, at byte {between[0]}" if between.size else None

    def bring_back(self) -> None:
        self._original[:] = self._inside


def _blocks(arguments: Sequence[Argument]) -> list[_Block]:
    """The arrays' memory; what overlaps is one block."""
    extents = sorted(
        (*np.lib.array_utils.byte_bounds(argument.array), place)
        for place, argument in enumerate(arguments)
        if argument.array is not None and argument.array.size
    )
    joined: list[tuple[int, int, list[int]]] = []
    for low, high, place in extents:
        if joined and low < joined[-1][1]:
            first, last, places = joined[-1]
            joined[-1] = (first, max(last, high), [*places, place])
        else:
            joined.append((low, high, [place]))
    return [_Block(low, high, sorted(places), arguments) for low, high, places in joined]


def _bytes_at(address: int, size: int) -> np.ndarray:
    return np.frombuffer((ctypes.c_ubyte * size).from_address(address), "u1")


def _protect(page: int, rights: int) -> None:
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(page), ctypes.c_size_t(_PAGE), rights):
        raise OSError("mprotect failed")
