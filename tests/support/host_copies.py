"""The one switch that the stand-ins ask before a value may leave their pretended device.

Three states. *Guarded*, the usual one: only the explicit ways to the host pass, that is a backend
record of the library (``anygrad/backends/<name>.py``, behind ``ag.to_numpy``) and the helpers of
the tests. *Allowed*: everything passes. *Forbidden*: not even ``ag.to_numpy`` passes, for tests
which show that a routine never waits for the device.
"""

import contextlib
import contextvars
import sys

_state = contextvars.ContextVar("host_copies", default="guarded")
_EXPLICIT = ("/anygrad/backends/",)


class HiddenHostCopy(AssertionError):
    """A value of a device array was read on the host without saying so."""


@contextlib.contextmanager
def allow_host_copies():
    """Let every copy to the host pass inside the block."""
    token = _state.set("allowed")
    try:
        yield
    finally:
        _state.reset(token)


@contextlib.contextmanager
def forbid_host_copies():
    """Refuse every copy to the host inside the block, the library's explicit ones too."""
    token = _state.set("forbidden")
    try:
        yield
    finally:
        _state.reset(token)


def note_host_copy(what: str, *, explicit: bool = False, depth: int = 1) -> None:
    """Raise unless this copy is allowed; ``depth`` frames up stands the code that asked for it."""
    state = _state.get()
    if state == "allowed":
        return
    if state == "guarded" and explicit and _asked_by_a_backend(depth + 1):
        return
    raise HiddenHostCopy(f"{what} copies device memory to the host and waits for the device")


def _asked_by_a_backend(depth: int) -> bool:
    # Some explicit copies pass through array-api-compat first, so a few callers up are looked at.
    frame = sys._getframe(depth)
    for _ in range(4):
        if frame is None:
            return False
        if any(part in frame.f_code.co_filename.replace("\\", "/") for part in _EXPLICIT):
            return True
        frame = frame.f_back
    return False
