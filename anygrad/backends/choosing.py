"""Choosing the library of new arrays, and telling what each library offers on this machine."""

from __future__ import annotations

from typing import Any

from anygrad.backends.packages import install_line
from anygrad.backends.record import Backend
from anygrad.backends.registry import BACKENDS, get_backend, namespace_of
from anygrad.backends.types import Array, Device, Namespace
from anygrad.config import settings, use_settings
from anygrad.errors import AnygradError

__all__ = ["describe_backends", "namespace", "usable_namespace", "use_backend"]

_loaded: dict[str, Namespace] = {}


def namespace(*arrays: Array) -> Namespace:
    """Find the Array API namespace of the arrays; with none, that of the configured backend.

    Parameters
    ----------
    *arrays : array, number or None
        Arrays of one library; Python numbers and None are ignored.

    Returns
    -------
    Namespace
        A module with the functions of the Array API standard 2024.12.

    Raises
    ------
    MixedBackendError
        If the arrays belong to two libraries; names both.
    BackendError
        If arguments are given and none is an array, or if the configured backend is unusable.

    Examples
    --------
    >>> xp = ag.namespace(np.zeros(3))
    >>> float(xp.sum(xp.ones(3)))
    3.0
    """
    return namespace_of(*arrays) if arrays else usable_namespace(get_backend(settings().backend))


def usable_namespace(backend: Backend) -> Namespace:
    """Load a backend after making sure, once, that it has a device to make arrays on."""
    found = _loaded.get(backend.name)
    if found is None:
        found = backend.load()
        backend.devices()
        _loaded[backend.name] = found
    return found


def use_backend(name: str, device: Device | None = None, dtype: str | None = None) -> use_settings:
    """Make new arrays with another library, in a with-block or a decorated function.

    Parameters
    ----------
    name : str
        The backend, ``"cupy"``.
    device : optional
        What the library takes: an int for CuPy, a string or device object elsewhere; default: the
        library's current device.
    dtype : {"float64", "float32"}, optional
        The dtype of new arrays made from Python floats; default: as before.

    Returns
    -------
    use_settings
        A context manager and decorator, safe across threads and asyncio tasks.

    Raises
    ------
    BackendError
        If the backend is unknown, or cannot be used on this machine (MissingPackageError when its
        package is absent), or has no such device.

    Examples
    --------
    >>> with ag.use_backend("numpy", dtype="float32"):
    ...     ag.asarray(1.5).dtype
    dtype('float32')
    """
    backend = get_backend(name)
    usable_namespace(backend)
    backend.find_device(device)
    values = {"backend": name, "device": device}
    return use_settings(**values) if dtype is None else use_settings(**values, dtype=dtype)


def describe_backends() -> list[dict[str, Any]]:
    """Tell for every backend what it offers on this machine, or why it cannot be used.

    Returns
    -------
    list of dict
        One row a backend: ``name``, ``version`` ("" if not installed), ``devices`` (list of str),
        ``problem`` (a sentence, or ""), ``install`` (the line that installs it, or "").
    """
    return [_describe_backend(backend) for backend in BACKENDS.values()]


def _describe_backend(backend: Backend) -> dict[str, Any]:
    row = {
        "name": backend.name,
        "version": backend.version(),
        "devices": [],
        "problem": "",
        "install": "",
    }
    try:
        backend.load()
        row["devices"] = backend.devices()
    except AnygradError as error:
        row["problem"] = str(error)
        extra = backend.extra() if callable(backend.extra) else backend.extra
        if isinstance(error, ImportError):
            row["install"] = install_line(backend.package, extra)
    return row
