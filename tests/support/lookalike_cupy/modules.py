"""The modules of the look-alike, put together from the recorded names."""

import types
from typing import Any

import numpy as np

try:
    from scipy import linalg, special
except ImportError:  # SciPy is not needed for the rest
    linalg = special = None

from tests.support.lookalike_cupy import arrays, devices, functions, members, names

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
    modules.update(devices.build_cuda())
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
