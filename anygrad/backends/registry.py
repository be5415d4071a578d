"""Which library an array belongs to, which namespace it has, and on which device it lives."""

from __future__ import annotations

from typing import NamedTuple

from anygrad.backends.cupy import CUPY
from anygrad.backends.jax import JAX
from anygrad.backends.numpy import NUMPY
from anygrad.backends.record import Backend
from anygrad.backends.strict import STRICT
from anygrad.backends.torch import TORCH
from anygrad.backends.types import Array, Device, Namespace
from anygrad.config import CHOICES
from anygrad.errors import ArgumentError, BackendError, MixedBackendError, describe, suggest

__all__ = [
    "BACKENDS",
    "backend_of",
    "check_same_device",
    "device_of",
    "get_backend",
    "is_mutable",
    "is_traced",
    "mixture",
    "namespace_of",
    "place_of",
    "register_backend",
]

WEAK = {float, int, complex, bool, type(None)}

BACKENDS: dict[str, Backend] = {}
"""Every backend by its name, sorted."""

CHOICES["backend"] = BACKENDS

# what a class of array belongs to never changes, so the type answers once and for all
_backends: dict[type, Backend | None] = {}
_namespaces: dict[type, Namespace] = {}


def register_backend(backend: Backend) -> Backend:
    """Add an array library to those that anygrad knows.

    Parameters
    ----------
    backend : Backend
        The record; its name must be new.

    Returns
    -------
    Backend
        The same record.

    Raises
    ------
    ArgumentError
        If ``backend`` is no record, or another record has the name.
    """
    if not isinstance(backend, Backend):
        message = (
            f"register_backend(backend): got {describe(backend)}; expected a record. "
            "Make one with anygrad.backends.Backend."
        )
        raise ArgumentError(message)
    if BACKENDS.get(backend.name, backend) is not backend:
        message = (
            f"register_backend(backend): got the name {backend.name!r} a second time; "
            "expected a new one."
        )
        raise ArgumentError(message)
    rows = sorted({**BACKENDS, backend.name: backend}.items())
    BACKENDS.clear()
    BACKENDS.update(rows)
    _backends.clear()
    _namespaces.clear()
    return backend


for _backend in (CUPY, JAX, NUMPY, STRICT, TORCH):
    register_backend(_backend)


def get_backend(name: str) -> Backend:
    """Look a backend up by name.

    Parameters
    ----------
    name : str
        ``"numpy"``, ``"cupy"``, ...

    Returns
    -------
    Backend
        Its record; the library is not loaded.

    Raises
    ------
    BackendError
        If there is no backend of this name.
    """
    if isinstance(name, str) and name in BACKENDS:
        return BACKENDS[name]
    known, hint = ", ".join(BACKENDS), suggest(name, BACKENDS)
    message = f"backend: got {name!r}; known backends are {known}. {hint}"
    raise BackendError(message.rstrip())


def backend_of(x: object) -> Backend | None:
    """Tell which library an array belongs to.

    Parameters
    ----------
    x : object
        Anything. A traced array belongs to the library of its value.

    Returns
    -------
    Backend or None
        None for everything that is no array, Python numbers included.
    """
    kind = type(x)
    try:
        return _backends[kind]
    except KeyError:
        return _find_backend(x, kind)


def _find_backend(x: object, kind: type) -> Backend | None:
    if is_traced(x):  # one class traces the arrays of every library, so the type cannot answer
        return backend_of(x.__anygrad_value__())  # type: ignore[attr-defined]
    found = next((backend for backend in BACKENDS.values() if backend.owns(kind)), None)
    _backends[kind] = found
    return found


def is_mutable(x: object) -> bool:
    """Tell whether an array's class can be written in place; NumPy's scalars and JAX's cannot."""
    backend = backend_of(x)
    return backend is not None and backend.writable and hasattr(type(x), "__setitem__")


def is_traced(x: object) -> bool:
    """Tell whether ``x`` is a traced array, whatever the floor above calls its class."""
    return getattr(type(x), "__anygrad_traced__", False)


def namespace_of(*arrays: Array) -> Namespace:
    """Find the Array API namespace that the arrays share.

    Parameters
    ----------
    *arrays : array, number or None
        Python numbers and None are ignored. A traced array wins.

    Returns
    -------
    Namespace
        A module with the functions of the Array API standard 2024.12.

    Raises
    ------
    MixedBackendError
        If the arrays belong to two libraries; names both.
    BackendError
        If there is no array among the arguments.
    """
    found = _namespaces.get(type(arrays[0])) if arrays else None
    if found is not None:
        if len(arrays) == 1:
            return found
        for x in arrays:
            kind = type(x)
            if _namespaces.get(kind) is not found and kind not in WEAK:
                break
        else:
            return found
    for x in arrays:
        if is_traced(x):
            return x.__array_namespace__()
    backend = _common_backend(arrays)
    namespace = backend.load()
    for x in arrays:
        if _backends.get(type(x)) is backend:
            _namespaces[type(x)] = namespace
    return namespace


def _common_backend(arrays: tuple[Array, ...]) -> Backend:
    first = scalar = None
    for x in arrays:
        backend = backend_of(x)
        if backend is None:
            continue
        if backend.is_scalar(type(x)):
            scalar = scalar or backend
            continue
        if first is None:
            first = backend
        elif backend is not first:
            message = (
                f"namespace_of(arrays): got arrays of {first.name} and of {backend.name} in one "
                "operation; expected one library. Move one with ag.asarray or ag.to_numpy."
            )
            raise MixedBackendError(message)
    found = first or scalar
    if found is not None:
        return found
    got = ", ".join(describe(x) for x in arrays) or "nothing"
    message = (
        f"namespace_of(arrays): got {got}; expected an array of {' or '.join(BACKENDS)}. "
        "Make one with ag.asarray."
    )
    raise BackendError(message)


def device_of(x: Array) -> Device:
    """Tell the device an array lives on, in the library's own terms.

    Parameters
    ----------
    x : array
        Of any known library.

    Returns
    -------
    Device
        Comparable with ``==``.

    Raises
    ------
    BackendError
        If ``x`` is no array.
    """
    if is_traced(x):
        return device_of(x.__anygrad_value__())
    backend = backend_of(x)
    if backend is None:
        message = f"device_of(x): got {describe(x)}; expected an array of {' or '.join(BACKENDS)}."
        raise BackendError(message)
    return backend.device_of(x)


def check_same_device(where: str, *arrays: Array) -> None:
    """Refuse arrays that cannot meet in one operation.

    Parameters
    ----------
    where : str
        The public name and argument, ``"clip_by_norm(grads)"``, for the message.
    *arrays : array, number or None
        Python numbers and None are ignored.

    Raises
    ------
    MixedBackendError
        If two arrays belong to two libraries or live on two devices; names both.
    """
    place: Place | None = None
    for x in arrays:
        backend = backend_of(x)
        if backend is not None and not backend.is_scalar(type(x)):
            here = place_of(x)
            if place is not None and not here.meets(place):
                raise mixture(where, place, here)
            place = here


class Place(NamedTuple):
    """The library and the device that an array belongs to."""

    backend: Backend
    device: Device

    def __str__(self) -> str:
        return f"an array of {self.backend.name} on {self.device}"

    def meets(self, other: Place) -> bool:
        """Whether arrays here and there go into one operation; JAX has arrays without a place."""
        same = self.device == other.device or self.device is None or other.device is None
        return self.backend is other.backend and same


def place_of(x: Array) -> Place:
    """Tell the library and the device of an array, which its value has if it is traced."""
    if is_traced(x):
        return place_of(x.__anygrad_value__())  # type: ignore[attr-defined]
    backend = backend_of(x)
    assert backend is not None
    return Place(backend, backend.device_of(x))


def mixture(where: str, first: Place, second: Place) -> MixedBackendError:
    """Word the error for two places in one operation."""
    return MixedBackendError(
        f"{where}: got {first} and {second} in one operation; expected one library and one "
        "device. Move one with ag.asarray or ag.to_numpy."
    )
