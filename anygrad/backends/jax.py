"""JAX: immutable arrays on the host or an accelerator; the namespace is ``jax.numpy`` itself.

JAX computes in 32 bits unless told otherwise, and then cuts 64-bit numbers with a warning; anygrad
refuses to make 64-bit arrays there instead.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from anygrad.backends.packages import import_package, version_of
from anygrad.backends.record import Backend
from anygrad.backends.types import Array, Device, Namespace
from anygrad.errors import BackendError, DTypeError

WHERE = "backend 'jax'"
EXTRA = "jax"


def _jax() -> Any:
    return import_package("jax", where=WHERE, extra=EXTRA)


def _load() -> Namespace:
    _jax()
    return import_package("jax.numpy", where=WHERE)


def _owns(kind: type) -> bool:
    module = sys.modules.get("jax")
    if module is None or not hasattr(module, "Array"):  # not imported, or only half
        return False
    return issubclass(kind, (module.Array, module.core.Tracer))  # jax.jit and the like have tracers


def _devices() -> list[str]:
    try:
        return [str(device) for device in _jax().devices()]
    except RuntimeError as error:
        message = f"{WHERE}: JAX finds no device ({error}). Check the variable JAX_PLATFORMS."
        raise BackendError(message) from error


def _find_device(device: Any) -> Device:
    """Take None (JAX's default device), an index into ``jax.devices()``, or a jax.Device."""
    if device is None:
        return None
    jax = _jax()
    devices = jax.devices()
    if isinstance(device, jax.Device):
        return device
    if isinstance(device, int) and not isinstance(device, bool) and 0 <= device < len(devices):
        return devices[device]
    message = (
        f"device: got {device!r}; expected an index from 0 to {len(devices) - 1}, or a jax.Device."
    )
    raise BackendError(message)


def _from_host(array: np.ndarray, device: Device) -> Array:
    jax = _jax()
    kept = jax.dtypes.canonicalize_dtype(array.dtype)
    if kept != array.dtype and array.dtype.kind in "fc":
        message = (
            f"{WHERE}: got dtype {array.dtype}, which JAX would cut to {kept}. Switch 64 bits on "
            "with jax.config.update('jax_enable_x64', True), or ask for dtype='float32'."
        )
        raise DTypeError(message)
    return jax.device_put(array, _find_device(device))


def _device_of(array: Array) -> Device:
    """The device, or None: tracers have none, and JAX moves uncommitted arrays where they go."""
    if isinstance(array, _jax().core.Tracer):
        return None
    return array.device if getattr(array, "committed", True) else None


def _on_device(device: Device) -> AbstractContextManager:
    # jnp.zeros_like of a 0-d array goes to the default device
    return nullcontext() if device is None else _jax().default_device(device)


def _zeros_like(x: Array) -> Array:
    return _load().zeros(x.shape, dtype=x.dtype, device=_device_of(x))


def _special() -> Namespace:
    return import_package("jax.scipy.special", where=WHERE, extra=EXTRA)


def _solve_triangular(a: Array, b: Array, lower: bool) -> Array:
    linalg = import_package("jax.scipy.linalg", where=WHERE, extra=EXTRA)
    return linalg.solve_triangular(a, b, lower=lower)


JAX = Backend(
    name="jax",
    package="jax",
    extra=EXTRA,
    load=_load,
    owns=_owns,
    devices=_devices,
    find_device=_find_device,
    device_of=_device_of,
    to_device=lambda array, device: _jax().device_put(array, _find_device(device)),
    to_host=np.array,  # a copy: JAX's memory is read-only
    from_host=_from_host,
    version=lambda: version_of("jax"),
    writable=False,
    compiles=True,
    on_device=_on_device,
    quick={"zeros_like": _zeros_like},
    add_at=lambda out, key, x: out.at[key].add(x),
    set_at=lambda x, key, value: x.at[key].set(value),
    special=_special,
    solve_triangular=_solve_triangular,
    jit=lambda f: _jax().jit(f),
    records=lambda array: isinstance(array, _jax().core.Tracer),
)
