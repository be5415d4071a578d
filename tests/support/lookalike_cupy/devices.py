"""Two pretended CUDA devices, with CuPy's ways of choosing one."""

import contextvars
from typing import Any

from tests.support.lookalike_cupy.counting import note

COUNT = 2
_current = contextvars.ContextVar("current_device", default=0)


class CUDARuntimeError(RuntimeError):
    """What the CUDA runtime answers to an impossible request."""


class Device:
    """One of the devices; the current one without an argument."""

    def __init__(self, device: Any = None):
        self.id = _current.get() if device is None else getattr(device, "id", device)
        self._outer: list[contextvars.Token] = []

    def __enter__(self):
        self._check()
        self._outer.append(_current.set(self.id))
        return self

    def __exit__(self, *error):
        _current.reset(self._outer.pop())

    def use(self):
        self._check()
        _current.set(self.id)
        return self

    def synchronize(self):
        self._check()
        note("synchronize")

    @property
    def compute_capability(self) -> str:
        return "90"

    @property
    def mem_info(self) -> tuple[int, int]:
        return (16 << 30, 16 << 30)

    def _check(self):
        if not 0 <= self.id < COUNT:
            message = "cudaErrorInvalidDevice: invalid device ordinal"
            raise CUDARuntimeError(message)

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return hash(("device", self.id))

    def __repr__(self):
        return f"<CUDA Device {self.id}>"


def current_id() -> int:
    """Number of the device on which new arrays are made."""
    return _current.get()


class MemoryPool:
    """The allocator, as far as programs ask it for numbers."""

    def used_bytes(self) -> int:
        return 0

    def total_bytes(self) -> int:
        return 0

    def free_all_blocks(self, stream=None) -> None:
        return None
