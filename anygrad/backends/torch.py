"""PyTorch: tensors on the host or a GPU, through the namespace of array-api-compat.

PyTorch's own recording of derivatives is left aside: a tensor that requires grad is taken by its
value, and optimizer steps compute without recording, as ``torch.optim`` does.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np

from anygrad.backends.packages import import_package, version_of
from anygrad.backends.record import Backend
from anygrad.backends.types import Array, Device, Namespace
from anygrad.errors import BackendError

WHERE = "backend 'torch'"
EXTRA = "torch"


def _torch() -> Any:
    return import_package("torch", where=WHERE, extra=EXTRA)


def _load() -> Namespace:
    _torch()
    return import_package("array_api_compat.torch", where=WHERE)


def _owns(kind: type) -> bool:
    module = sys.modules.get("torch")
    return module is not None and issubclass(kind, module.Tensor)


def _devices() -> list[str]:
    torch = _torch()
    names = [
        f"cuda:{k}: {torch.cuda.get_device_name(k)}"
        for k in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    ]
    mps = getattr(torch.backends, "mps", None)
    return ["cpu", *names, *(["mps"] if mps is not None and mps.is_available() else [])]


def _find_device(device: Any) -> Device:
    """Take None (PyTorch's default device), ``"cuda:1"`` or the like, or a torch.device."""
    torch = _torch()
    if device is None:
        return torch.get_default_device()
    if isinstance(device, torch.device):
        return device
    usable = [name.split(": ")[0] for name in _devices()]
    if isinstance(device, str) and (device in usable or (device, f"{device}:0")[1] in usable):
        return torch.device(device)
    message = f"device: got {device!r}; expected one of {', '.join(usable)}, or a torch.device."
    raise BackendError(message)


def _from_host(array: np.ndarray, device: Device) -> Array:
    # a copy: a tensor that shared the user's memory would be written by steps that own the tensor
    return _torch().from_numpy(array.copy(order="C")).to(_find_device(device))


def _to_host(array: Array) -> np.ndarray:
    return array.detach().resolve_conj().resolve_neg().cpu().numpy()


def _add_at(out: Array, key: Any, x: Array) -> Array:
    """Add by PyTorch's ``index_add``; what a key of several parts picks is numbered first."""
    torch = _torch()
    parts = key if type(key) is tuple else (key,)
    whole = [k for k, part in enumerate(parts) if not _is_full(part)]
    if len(whole) == 1 and getattr(parts[whole[0]], "ndim", 0) == 1:
        (axis,) = whole
        return out.index_add_(axis, torch.as_tensor(parts[axis], device=out.device), x)
    numbers = torch.arange(out.numel(), device=out.device).reshape(out.shape)[key]
    picked = x.expand(numbers.shape).reshape(-1)
    return out.reshape(-1).index_add_(0, numbers.reshape(-1), picked).reshape(out.shape)


def _writes(array: Array) -> int:
    return 0 if array.is_inference() else array._version


# SciPy's names where PyTorch has others
_RENAMED = {
    **{name: f"bessel_{name}" for name in ("j0", "j1", "y0", "y1")},
    **{name: f"modified_bessel_{name}" for name in ("k0", "k1")},
    **{f"{name}e": f"scaled_modified_bessel_{name}" for name in ("k0", "k1")},
}


def _special() -> Namespace:
    special = _torch().special
    ours = {name: getattr(special, theirs) for name, theirs in _RENAMED.items()}
    return types.SimpleNamespace(**{**ours, **vars(special)})


def _solve_triangular(a: Array, b: Array, lower: bool) -> Array:
    return _torch().linalg.solve_triangular(a, b, upper=not lower)


def _is_full(part: Any) -> bool:
    return isinstance(part, slice) and part == slice(None)


TORCH = Backend(
    name="torch",
    package="torch",
    extra=EXTRA,
    load=_load,
    owns=_owns,
    devices=_devices,
    find_device=_find_device,
    device_of=lambda array: array.device,
    to_device=lambda array, device: array.to(_find_device(device)),
    to_host=_to_host,
    from_host=_from_host,
    version=lambda: version_of("torch"),
    on_device=lambda device: _torch().no_grad(),
    add_at=_add_at,
    writes=_writes,
    special=_special,
    solve_triangular=_solve_triangular,
    plain=lambda array: array.detach() if array.requires_grad else array,
    records=lambda array: array.requires_grad,
    random_state=lambda: _torch().get_rng_state().numpy().tobytes(),
)
