"""Device memory: NumPy's, with CuPy's handles on it. What nobody wrote is garbage."""

import ctypes
from typing import Any

import numpy as np

from tests.support.lookalike_cupy.counting import note
from tests.support.lookalike_cupy.devices import Device, current_id

GARBAGE = 0xA5


class BaseMemory:
    """A piece of memory on one device."""

    def __init__(self, buffer: np.ndarray, device_id: int):
        self._buffer = buffer  # bytes
        self.size, self.device_id = buffer.nbytes, device_id
        self.ptr = buffer.__array_interface__["data"][0] if buffer.nbytes else 0

    @property
    def device(self) -> Device:
        return Device(self.device_id)


class Memory(BaseMemory):
    """Memory of its own."""

    def __init__(self, size: int):
        note("allocation")
        super().__init__(np.full(size, GARBAGE, "u1"), current_id())


class UnownedMemory(BaseMemory):
    """Memory that belongs to ``owner``."""

    def __init__(self, ptr, size, owner, device_id=-1):
        buffer = np.frombuffer((ctypes.c_ubyte * size).from_address(ptr), "u1")
        super().__init__(buffer, current_id() if device_id == -1 else device_id)
        self._owner = owner


class MemoryPointer:
    """A place in a piece of memory."""

    def __init__(self, mem: BaseMemory, offset: int):
        self.mem, self.device_id = mem, mem.device_id
        self.ptr = mem.ptr + offset

    @property
    def device(self) -> Device:
        return Device(self.device_id)

    def __add__(self, offset):
        return MemoryPointer(self.mem, self.ptr - self.mem.ptr + int(offset))

    __radd__ = __add__

    def __sub__(self, offset):
        return self + -int(offset)

    def __int__(self):
        return self.ptr

    def __repr__(self):
        return f"<MemoryPointer 0x{self.ptr:x} device={self.device_id} mem={self.mem!r}>"

    def copy_from_device(self, src, size):
        note("copy")
        ctypes.memmove(self.ptr, src.ptr, size)

    def copy_from_device_async(self, src, size, stream=None):
        self.copy_from_device(src, size)

    def copy_from_host(self, mem, size):
        note("upload")
        ctypes.memmove(self.ptr, getattr(mem, "value", mem), size)

    def copy_from_host_async(self, mem, size, stream=None):
        self.copy_from_host(mem, size)

    def memset(self, value, size):
        note("function")
        ctypes.memset(self.ptr, value, size)

    def memset_async(self, value, size, stream=None):
        self.memset(value, size)


def alloc(size: int) -> MemoryPointer:
    """Fresh memory on the current device, full of garbage."""
    return MemoryPointer(Memory(int(size)), 0)


def pointer_to(data: np.ndarray, device: int) -> MemoryPointer:
    """CuPy's handle on the memory of a NumPy array."""
    root = data
    while isinstance(root.base, np.ndarray):
        root = root.base
    flat = root.T if root.flags.f_contiguous else root
    memory = BaseMemory(flat.reshape(-1).view("u1"), device)
    place = data.__array_interface__["data"][0]
    return MemoryPointer(memory, place - memory.ptr if memory.size else 0)


def array_at(shape: Any, dtype: Any, memptr: MemoryPointer, strides: Any, order: str) -> np.ndarray:
    """A NumPy array in the memory behind a pointer."""
    offset = memptr.ptr - memptr.mem.ptr
    return np.ndarray(shape, dtype, memptr.mem._buffer, offset, strides, order)


def leave_unset(made: np.ndarray) -> np.ndarray:
    """Memory that nobody has written yet: nan, or a pattern of bits, shows wherever it is used."""
    if made.dtype.kind in "fc" or made.dtype.name == "bfloat16":
        made.fill(np.nan)
    elif made.dtype.kind in "iu":
        made.fill(np.frombuffer(bytes([GARBAGE] * made.dtype.itemsize), made.dtype)[0])
    elif made.dtype.kind == "b":
        made.fill(True)
    return made
