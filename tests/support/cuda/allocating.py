"""Memory that shows what a kernel does beyond its arrays, and with arrays that are gone."""

import contextlib
import ctypes
import functools
from collections.abc import Iterator
from typing import Any

from numpy._core import _multiarray_umath

from tests.support.cuda.compiling import build_alone
from tests.support.cuda.emulator import KernelMisuse, nearest_pieces

_SET_HANDLER = 304  # of NumPy's C interface: PyDataMem_SetHandler
_NEAR = 1 << 30  # bytes


@contextlib.contextmanager
def careful_memory() -> Iterator[None]:
    """Give every array made inside the block, by NumPy or the look-alike, memory of its own pages.

    It ends at a page that nobody may touch, so that a kernel which reads or writes behind it faults
    and is reported, also through addresses in tables; once the array is freed its memory is
    forbidden too, for ever. New memory is full of 0xFF, which is nan. What was written into the up
    to 15 bytes between an array and its page is said at the end of the block.

    Memory that is freed while a kernel of another stream still uses it is not found: launches are
    over when the call returns.
    """
    _library().emulated_spoiled()
    before = _set_handler()(_capsule())
    nearest_pieces.append(_describe_piece)
    try:
        yield
    finally:
        _set_handler()(before)
        nearest_pieces.remove(_describe_piece)
        count = _library().emulated_spoiled()
    if count:
        raise KernelMisuse(f"something was written right behind {count} of the arrays")


def _describe_piece(address: int) -> str | None:
    """What lies at an address, or near it."""
    offset, size = ctypes.c_int64(), ctypes.c_uint64()
    address_ = ctypes.c_uint64(address)
    kind = _library().emulated_piece(address_, ctypes.byref(offset), ctypes.byref(size))
    if not kind or abs(offset.value) > size.value + _NEAR:
        return None
    what = f"an array of {size.value} bytes" + (" that was freed" if kind == 2 else "")
    if offset.value < 0:
        return f"{-offset.value} bytes before {what}"
    behind = offset.value - size.value
    return f"{behind} bytes behind {what}" if behind >= 0 else f"byte {offset.value} of {what}"


@functools.cache
def _library() -> Any:
    return ctypes.CDLL(str(build_alone("allocating")))


@functools.cache
def _capsule() -> Any:
    address = _library().emulated_handler
    address.restype = ctypes.c_void_p
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    return new(address(), b"mem_handler", None)


@functools.cache
def _set_handler() -> Any:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = ctypes.cast(
        get(_multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p * 310)
    ).contents
    return ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER])
