"""Work on leaves that lie on several devices of one library."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from anygrad.backends import backend_of, device_of
from anygrad.backends.types import Array

__all__ = ["on_device_of", "to_device_of"]


def to_device_of(x: Array, like: Array) -> Array:
    """Bring ``x``, a 0-d array, to the device of another array of the same library."""
    device = device_of(like)
    if device_of(x) == device:
        return x
    backend = backend_of(x)
    return backend.to_device(x, device) if backend is not None else x


def on_device_of(x: Array) -> AbstractContextManager:
    """Make the device of ``x`` current, for libraries that compute on a current device."""
    backend = backend_of(x)
    if backend is None or backend.on_device is None:
        return nullcontext()
    return backend.on_device(device_of(x))
