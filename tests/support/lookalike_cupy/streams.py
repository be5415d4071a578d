"""Streams and events: which one is current, in each thread and on each device, and what was asked.

All work is done at once, so nothing here waits; what a stream was told is noted for ``recording``.
"""

import itertools
import threading
from typing import Any

from tests.support.lookalike_cupy.counting import note
from tests.support.lookalike_cupy.devices import COUNT, current_id

_numbers = itertools.count(0x7000, 0x10)
_watchers: list[list] = []  # those of kernels.recording, which also hear of events


class _Thread(threading.local):
    def __init__(self):
        self.current: list[Any] = [Stream.null] * COUNT
        self.stacks: list[list[Any]] = [[Stream.null] for _ in range(COUNT)]
        self.entered: list[int] = []


class _BaseStream:
    """A queue of work of one device; the null stream is each device's own."""

    def __init__(self, ptr: int, device_id: int):
        self.ptr, self.device_id = ptr, device_id

    def __enter__(self):
        device = self._check_device()
        _thread.stacks[device].append(self)
        _thread.entered.append(device)
        _thread.current[device] = self
        return self

    def __exit__(self, *error):
        device = _thread.entered.pop()
        _thread.stacks[device].pop()
        _thread.current[device] = _thread.stacks[device][-1]

    def use(self):
        _thread.current[self._check_device()] = self
        return self

    def _check_device(self) -> int:
        here = current_id()
        if self.device_id not in (-1, here):
            message = (
                f"The device that the stream is created on ({self.device_id})"
                f" does not match with the current device ({here})"
            )
            raise RuntimeError(message)
        return here

    def __eq__(self, other):
        return isinstance(other, _BaseStream) and self.ptr == other.ptr

    def __hash__(self):
        return self.ptr

    def __repr__(self):
        return f"<{type(self).__name__} {self.ptr} (device {self.device_id})>"

    def __cuda_stream__(self):
        return (0, self.ptr)

    @property
    def done(self) -> bool:
        return True

    def synchronize(self):
        note("synchronize")

    def record(self, event=None):
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event):
        _tell("wait", event, self)

    def launch_host_func(self, callback, arg):
        callback(arg)

    def is_capturing(self) -> bool:
        return False


class Stream(_BaseStream):
    """A stream of the current device."""

    null: "Stream"
    ptds: "Stream"

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        if null or ptds:
            super().__init__(2 if ptds else 0, -1)
        else:
            super().__init__(next(_numbers), current_id())
        self.is_non_blocking = bool(non_blocking)
        self.priority = priority or 0


class ExternalStream(_BaseStream):
    """A stream that someone else made."""

    def __init__(self, ptr, device_id=-1):
        super().__init__(ptr, device_id)


class Event:
    """A mark in a stream."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        if interprocess and not disable_timing:
            raise ValueError("Timing must be disabled for interprocess events")
        self.ptr = next(_numbers)
        self.device_id = current_id()

    @property
    def done(self) -> bool:
        return True

    def record(self, stream=None):
        stream = get_current_stream() if stream is None else stream
        here = current_id() if stream.device_id == -1 else stream.device_id
        if here != self.device_id:  # cudaEventRecord: cudaErrorInvalidResourceHandle
            message = f"an event of device {self.device_id} in a stream of device {here}"
            raise RuntimeError(message)
        _tell("record", self, stream)

    def synchronize(self):
        note("synchronize")


def get_current_stream(device_id: int = -1) -> Any:
    """The current stream of a device, in this thread."""
    return _thread.current[current_id() if device_id == -1 else device_id]


def get_elapsed_time(start_event, end_event) -> float:
    """No time passes between events here."""
    return 0.0


def _tell(what: str, event: Event, stream: _BaseStream) -> None:
    note(what)
    device = current_id() if stream.device_id == -1 else stream.device_id
    for events in _watchers:
        events.append((what, event, stream, device))


Stream.null, Stream.ptds = Stream(null=True), Stream(ptds=True)
_thread = _Thread()
