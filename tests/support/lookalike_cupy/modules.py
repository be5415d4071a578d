"""The modules of the look-alike, put together from the recorded names."""

import types
from typing import Any

import numpy as np

try:
    from scipy import linalg, special
except ImportError:  # SciPy is not needed for the rest
    linalg = special = None

from tests.support.lookalike_cupy import (
    arrays,
    counting,
    devices,
    functions,
    kernels,
    members,
    memory,
    names,
    streams,
)

_NUMPY = {
    "cupy": np,
    "cupy.linalg": np.linalg,
    "cupy.fft": np.fft,
    "cupy.random": np.random,
    "cupyx.scipy.linalg": linalg,
    "cupyx.scipy.special": special,
}


def build() -> dict[str, types.ModuleType]:
    """All modules by their full names."""
    members.fill_in()
    modules = {name: _build_module(name) for name in names.MODULES}
    modules.update(build_cuda())
    for name in ("cupyx", "cupyx.scipy"):
        modules[name] = types.ModuleType(name)
        modules[name].__path__ = []  # type: ignore[attr-defined]
    main = modules["cupy"]
    for name, module in modules.items():
        parent, _, last = name.rpartition(".")
        if parent in modules and parent != "cupy.cuda":
            setattr(modules[parent], last, module)
    main.__dict__.update(
        __lookalike__=True,
        __version__=names.VERSION,
        dtype=np.dtype,
        newaxis=None,
        is_available=lambda: True,
        get_default_memory_pool=devices.MemoryPool,
        get_default_pinned_memory_pool=devices.MemoryPool,
    )
    arrays.cupy.update(main.__dict__)
    return modules


def _build_module(full_name: str) -> types.ModuleType:
    module = types.ModuleType(full_name)
    module.__path__ = []  # type: ignore[attr-defined]
    for name, entry in names.MODULES[full_name].items():
        if full_name == "cupy" and name in functions.OWN:
            found = functions.OWN[name]
        else:
            found = _build_entry(full_name, name, entry)
        if found is not None:
            setattr(module, name, found)
    return module


def _build_entry(module: str, name: str, entry: dict[str, Any]) -> Any:
    source = getattr(_NUMPY[module], name, None)
    if entry["kind"] == "ufunc":
        return functions.ufunc(name, entry, source)
    if entry["kind"] == "function":
        return functions.make_function(module, name, entry, source)
    if entry["kind"] == "number":
        return float(entry["value"])
    return source if entry["kind"] == "type" else None


def build_cuda() -> dict[str, types.ModuleType]:
    """The modules below ``cupy.cuda``."""
    parts: dict[str, dict[str, Any]] = {
        "runtime": {
            "CUDARuntimeError": devices.CUDARuntimeError,
            "driverGetVersion": lambda: 13000,
            "runtimeGetVersion": lambda: 13000,
            "getDevice": devices.current_id,
            "getDeviceCount": lambda: devices.COUNT,
            "getDeviceProperties": lambda number: {"name": b"look-alike", "major": 9, "minor": 0},
            "deviceSynchronize": lambda: counting.note("synchronize"),
            "is_hip": False,
        },
        "device": {"Device": devices.Device, "get_device_id": devices.current_id},
        "stream": _public(streams),
        "memory": _public(memory),
        "compiler": {"CompileException": kernels.CompileException},
        "driver": {"CUDADriverError": kernels.CUDADriverError},
        "function": {"Function": kernels.Function},
    }
    modules = {name: types.ModuleType(f"cupy.cuda.{name}") for name in parts}
    for name, module in modules.items():
        module.__dict__.update(parts[name])
    cuda = types.ModuleType("cupy.cuda")
    for name in ("device", "stream", "memory", "function"):
        cuda.__dict__.update(parts[name])
    cuda.__dict__.update(
        modules, __path__=[], MemoryPool=devices.MemoryPool, is_available=lambda: True
    )
    return {module.__name__: module for module in (cuda, *modules.values())}


def _public(module: types.ModuleType) -> dict[str, Any]:
    """What a module defines itself under public names of CuPy."""
    hidden = ("GARBAGE", "array_at", "leave_unset", "pointer_to")
    return {
        name: found
        for name, found in vars(module).items()
        if getattr(found, "__module__", None) == module.__name__
        and not name.startswith("_")
        and name not in hidden
    }
