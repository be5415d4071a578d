"""array-api-strict: NumPy arrays that allow nothing beyond the standard, with pretended devices.

It serves the tests: a device other than ``CPU_DEVICE`` stands for a GPU.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from anygrad.backends.packages import import_package, version_of
from anygrad.backends.record import Backend
from anygrad.backends.types import Array, Device, Namespace
from anygrad.errors import BackendError

HOST = "CPU_DEVICE"
EXTRA = "test"


def _load() -> Namespace:
    return import_package("array_api_strict", where="backend 'strict'", extra=EXTRA)


def _owns(kind: type) -> bool:
    module = sys.modules.get("array_api_strict._array_object")
    return module is not None and issubclass(kind, module.Array)


def _devices() -> list[str]:
    info = _load().__array_namespace_info__()
    return [repr(device).split("'")[1] for device in info.devices()]


def _find_device(device: Any) -> Device:
    xp = _load()
    if isinstance(device, xp.Device):
        return device
    try:
        return xp.Device(HOST if device is None else device)
    except (ValueError, TypeError) as error:
        message = f"device: got {device!r}; expected one of {', '.join(_devices())}."
        raise BackendError(message) from error


def _from_host(array: np.ndarray, device: Device) -> Array:
    return _load().asarray(array, device=_find_device(device))


def _to_device(array: Array, device: Device) -> Array:
    return _load().asarray(array, device=_find_device(device))


def _to_host(array: Array) -> np.ndarray:
    # the explicit way; to_device, __array__ and __dlpack__ may be closed to arrays that are not on
    # the host
    return np.asarray(_to_device(array, HOST))


STRICT = Backend(
    name="strict",
    package="array_api_strict",
    extra=EXTRA,
    load=_load,
    owns=_owns,
    devices=_devices,
    find_device=_find_device,
    device_of=lambda array: array.device,
    to_device=_to_device,
    to_host=_to_host,
    from_host=_from_host,
    version=lambda: version_of("array_api_strict"),
    operators_defer=False,
)
