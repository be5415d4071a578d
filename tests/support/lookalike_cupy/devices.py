"""Two pretended CUDA devices, with CuPy's ways of choosing one; streams that do nothing."""

import contextvars
import types
from typing import Any

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


class Stream:
    """A queue of work; here all work is done at once."""

    null: "Stream"

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.ptr = 0 if null else id(self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def use(self):
        return self

    def synchronize(self):
        return None

    def record(self, event=None):
        return event or Event()

    def wait_event(self, event):
        return None


Stream.null = Stream(null=True)


class Event:
    """A mark in a stream."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        pass

    def record(self, stream=None):
        return None

    def synchronize(self):
        return None


class MemoryPool:
    """The allocator, as far as programs ask it for numbers."""

    def used_bytes(self) -> int:
        return 0

    def total_bytes(self) -> int:
        return 0

    def free_all_blocks(self, stream=None) -> None:
        return None


def build_cuda() -> dict[str, types.ModuleType]:
    """The modules below ``cupy.cuda``."""
    runtime = types.ModuleType("cupy.cuda.runtime")
    runtime.__dict__.update(
        CUDARuntimeError=CUDARuntimeError,
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 13000,
        getDevice=current_id,
        getDeviceCount=lambda: COUNT,
        getDeviceProperties=lambda number: {"name": b"look-alike", "major": 9, "minor": 0},
        deviceSynchronize=lambda: None,
        is_hip=False,
    )
    device = types.ModuleType("cupy.cuda.device")
    device.__dict__.update(Device=Device, get_device_id=current_id)
    stream = types.ModuleType("cupy.cuda.stream")
    stream.__dict__.update(Stream=Stream, ExternalStream=Stream, Event=Event)
    cuda = types.ModuleType("cupy.cuda")
    cuda.__dict__.update(
        __path__=[],
        Device=Device,
        Stream=Stream,
        ExternalStream=Stream,
        Event=Event,
        MemoryPool=MemoryPool,
        device=device,
        stream=stream,
        runtime=runtime,
        get_current_stream=lambda device_id=-1: Stream.null,
        get_device_id=current_id,
        is_available=lambda: True,
    )
    return {module.__name__: module for module in (cuda, runtime, device, stream)}
