"""CuPy: arrays in the memory of an NVIDIA GPU; makes no GPU context before an array is made."""

from __future__ import annotations

import math
import operator
import sys
import types
from typing import Any

import numpy as np

from anygrad.backends.packages import import_package, version_of
from anygrad.backends.record import Backend
from anygrad.backends.types import Array, Device, Namespace
from anygrad.errors import BackendError

WHERE = "backend 'cupy'"


def extra_for_driver() -> str:
    """Choose the extra whose CUDA version the installed NVIDIA driver can run."""
    version = _driver_version()
    return "cuda12" if 0 < version < 13000 else "cuda13"


def _driver_version() -> int:
    """Ask the driver for the newest CUDA version it runs, 13000 for 13.0; 0 without a driver."""
    import ctypes

    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
        version = ctypes.c_int(0)
        driver.cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return 0
    return version.value


def _cupy() -> Any:
    return import_package("cupy", where=WHERE, extra=extra_for_driver())


def _load() -> Namespace:
    _cupy()
    return import_package("array_api_compat.cupy", where=WHERE)


def _owns(kind: type) -> bool:
    module = sys.modules.get("cupy")
    return module is not None and issubclass(kind, module.ndarray)


def _devices() -> list[str]:
    runtime = _cupy().cuda.runtime
    return [f"{index}: {_device_name(runtime, index)}" for index in range(_count_devices(runtime))]


def _count_devices(runtime: Any) -> int:
    try:
        count = int(runtime.getDeviceCount())
    except Exception as error:  # the class of the error lives in CuPy's private modules
        raise BackendError(_explain(runtime, error)) from error
    if count:
        return count
    raise BackendError(_explain(runtime, None))


def _explain(runtime: Any, error: Exception | None) -> str:
    driver = runtime.driverGetVersion()
    if driver == 0:
        return (
            f"{WHERE}: CuPy is installed, but this machine has no NVIDIA driver. "
            "Install the driver, or compute with backend 'numpy'."
        )
    needed = runtime.runtimeGetVersion()
    if error is not None and "InsufficientDriver" in str(error):
        return (
            f"{WHERE}: the NVIDIA driver runs CUDA up to {_dotted(driver)}, and CuPy was built for "
            f"{_dotted(needed)}. Update the driver, or install a CuPy for CUDA {driver // 1000}."
        )
    reason = f" ({error})" if error is not None else ""
    return (
        f"{WHERE}: CuPy and the NVIDIA driver are installed, but no GPU is visible{reason}. "
        "Check `nvidia-smi` and the environment variable CUDA_VISIBLE_DEVICES."
    )


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


def _device_name(runtime: Any, index: int) -> str:
    name = runtime.getDeviceProperties(index)["name"]
    return name.decode() if isinstance(name, bytes) else str(name)


def _find_device(device: Any) -> Device:
    """Take None (the current device), an index or a cupy.cuda.Device."""
    cuda = _cupy().cuda
    if isinstance(device, cuda.Device):
        return device
    if device is None:
        return cuda.Device()
    count = _count_devices(cuda.runtime)
    if isinstance(device, int) and not isinstance(device, bool) and 0 <= device < count:
        return cuda.Device(device)
    message = f"device: got {device!r}; expected an index from 0 to {count - 1}, a visible GPU."
    raise BackendError(message)


def _from_host(array: Any, device: Device) -> Array:
    with _find_device(device):
        return _cupy().asarray(array)


def _to_device(array: Array, device: Device) -> Array:
    target = _find_device(device)
    if array.device == target:
        return array
    with target:
        return array.copy()  # CuPy copies to the current device, directly between GPUs


def _version() -> str:
    return version_of("cupy")


def _add_at(out: Array, key: Any, x: Array) -> Array:
    """Add with atomic operations, which CuPy has for real numbers only."""
    add_at = _cupy().add.at
    key = _on_device(key)
    if out.dtype.kind == "c":
        add_at(out.real, key, x.real)
        add_at(out.imag, key, x.imag)
    else:
        add_at(out, key, x)
    return out


def _on_device(key: Any) -> Any:
    """An index with its NumPy arrays on the device, which indexing itself would do."""
    if isinstance(key, tuple):
        return tuple(_on_device(part) for part in key)
    return _cupy().asarray(key) if isinstance(key, np.ndarray) else key


def _special() -> Namespace:
    """CuPy's ``scipy.special``; the complete elliptic integral is the incomplete one at pi/2."""
    special = import_package("cupyx.scipy.special", where=WHERE, extra=extra_for_driver())
    ours = {"ellipe": lambda m: special.ellipeinc(math.pi / 2, m)}
    return types.SimpleNamespace(**{**ours, **vars(special)})


def _sparse() -> Namespace:
    return import_package("cupyx.scipy.sparse", where=WHERE, extra=extra_for_driver())


def _solve_triangular(a: Array, b: Array, lower: bool) -> Array | None:
    """One system; for a batch of them CuPy has a general solver only."""
    if a.ndim != 2 or b.ndim != 2:
        return None
    linalg = import_package("cupyx.scipy.linalg", where=WHERE, extra=extra_for_driver())
    return linalg.solve_triangular(a, b, lower=lower)


CUPY = Backend(
    name="cupy",
    package="cupy",
    extra=extra_for_driver,
    load=_load,
    owns=_owns,
    devices=_devices,
    find_device=_find_device,
    device_of=lambda array: array.device,
    to_device=_to_device,
    to_host=lambda array: array.get(),
    from_host=_from_host,
    version=_version,
    on_device=lambda device: device,  # a cupy.cuda.Device is a with-block itself
    add_at=_add_at,
    atomic=True,
    special=_special,
    solve_triangular=_solve_triangular,
    sparse=_sparse,
    place_key=operator.attrgetter("data.device_id"),
    memory_of=lambda array: array.data.mem.ptr,
)
