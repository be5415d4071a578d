"""NumPy: arrays in the memory of the host.

The namespace is NumPy's own main namespace, not ``array_api_compat.numpy``: since NumPy 2.1 it has
every name of the standard 2024.12, while the compatibility layer takes longer to import (0.15 s, it
pulls in f2py, testing and ma) than all of anygrad may, and wraps the creation functions and
``matmul`` in Python. Missing are the keywords ``descending`` of sorts and ``dtype`` of FFT
frequencies; a test keeps the list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends.numpy_quick import QUICK
from anygrad.backends.packages import import_package
from anygrad.backends.record import Backend
from anygrad.backends.types import Array, Device, Namespace
from anygrad.errors import BackendError, MissingPackageError

# np.matrix gives * another meaning and a masked array would lose its mask: both must be converted
# by the caller
REFUSED = {("numpy", "matrix"), ("numpy.ma", "MaskedArray"), ("numpy.ma.core", "MaskedArray")}


def _owns(kind: type) -> bool:
    if not issubclass(kind, (np.ndarray, np.generic)):
        return False
    if any((base.__module__, base.__name__) in REFUSED for base in kind.__mro__):
        return False
    # a subclass that answers for itself gives operations another meaning: units, for one
    return all(
        getattr(kind, name, None) in (getattr(np.ndarray, name), None)
        for name in ("__array_ufunc__", "__array_function__")
    )


def _find_device(device: Any) -> Device:
    if device is None or str(device) == "cpu":
        return "cpu"
    message = f"device: got {device!r}; expected 'cpu' or None, NumPy arrays live on the host."
    raise BackendError(message)


def _from_host(array: np.ndarray, device: Device) -> Array:
    _find_device(device)
    return array


def _to_device(array: Array, device: Device) -> Array:
    _find_device(device)
    return array


def _is_floating(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc"


def _host_dot(x: Any, y: Any) -> complex | None:
    if not _is_floating(x) or not (x is y or _is_floating(y)):
        return None
    return np.vdot(x, y).item()  # BLAS: no temporary arrays, and no warning when it overflows


def _add_at(out: np.ndarray, key: Any, x: Any) -> np.ndarray:
    np.add.at(out, key, x)
    return out


def _special() -> Namespace:
    return import_package("scipy.special", where="special functions of NumPy arrays")


def _sparse() -> Namespace:
    return import_package("scipy.sparse", where="sparse matrices of NumPy arrays")


def _solve_triangular(a: np.ndarray, b: np.ndarray, lower: bool) -> np.ndarray | None:
    try:
        linalg = import_package("scipy.linalg", where="triangular systems of NumPy arrays")
    except MissingPackageError:
        return None
    return linalg.solve_triangular(a, b, lower=lower, check_finite=False)


NUMPY = Backend(
    name="numpy",
    package="numpy",
    extra=None,
    load=lambda: np,
    owns=_owns,
    devices=lambda: ["cpu"],
    find_device=_find_device,
    device_of=lambda array: "cpu",
    to_device=_to_device,
    to_host=np.asarray,
    from_host=_from_host,
    version=lambda: np.__version__,
    is_scalar=lambda kind: issubclass(kind, np.generic),
    host_dot=_host_dot,
    quick=QUICK,
    add_at=_add_at,
    special=_special,
    solve_triangular=_solve_triangular,
    sparse=_sparse,
)
