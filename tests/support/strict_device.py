"""array-api-strict as a library whose arrays are not on the CPU: its open doors, closed."""

import functools
import warnings

import array_api_strict
import numpy as np

from tests.support.host_copies import note_host_copy

API_VERSION = "2024.12"
DEVICE = array_api_strict.Device("device1")
CPU = array_api_strict.Device("CPU_DEVICE")
_IMPLICIT = (
    "__float__",
    "__int__",
    "__bool__",
    "__complex__",
    "__index__",
    "__iter__",
    "__dlpack__",
    "__repr__",
    "__str__",
)


def close_the_doors() -> None:
    """Make array-api-strict refuse host reads and shapes that depend on data, for this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a version is older than its newest
        array_api_strict.set_array_api_strict_flags(
            api_version=API_VERSION, boolean_indexing=False, data_dependent_shapes=False
        )
    kind = type(array_api_strict.ones(1))
    if hasattr(kind.to_device, "__wrapped__"):
        return
    for name in _IMPLICIT:
        if name in kind.__dict__:
            setattr(kind, name, _guarded(name, kind.__dict__[name]))
    kind.to_device = _guarded_to_device(kind.to_device)
    array_api_strict.asarray = _guarded_asarray(array_api_strict.asarray, kind)


def read(x) -> np.ndarray:
    """Copy of a strict array on the host, for comparing."""
    return np.array(x._array)


def _guarded(name, method):
    @functools.wraps(method)
    def guarded(self, *args, **keywords):
        if self.device != CPU:
            note_host_copy(f"array_api_strict {name}")
        return method(self, *args, **keywords)

    return guarded


def _guarded_to_device(method):
    @functools.wraps(method)
    def to_device(self, device, /, stream=None):
        if device == CPU and self.device != CPU:
            note_host_copy("array_api_strict to_device(CPU_DEVICE)", explicit=True)
        return method(self, device, stream)

    return to_device


def _guarded_asarray(function, kind):
    @functools.wraps(function)
    def asarray(obj, /, **keywords):
        if isinstance(obj, kind) and obj.device != CPU and keywords.get("device") == CPU:
            note_host_copy("array_api_strict.asarray(device=CPU_DEVICE)", explicit=True)
        return function(obj, **keywords)

    return asarray
