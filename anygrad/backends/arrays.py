"""Making new arrays where the settings say, and copying arrays to the host when asked to."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends.choosing import usable_namespace
from anygrad.backends.registry import BACKENDS, backend_of, get_backend, is_traced, namespace_of
from anygrad.backends.types import Array, Device, Namespace
from anygrad.config import settings
from anygrad.errors import (
    ArgumentError,
    BackendError,
    DTypeError,
    HostTransferError,
    ShapeError,
    TraceError,
    describe,
    suggest,
)

__all__ = ["asarray", "find_dtype", "to_host"]

COMPLEX_OF = {"float32": "complex64", "float64": "complex128"}
NUMBER_KINDS = "biufc"
ARRAY_METHODS = ("__array_namespace__", "__dlpack__", "__cuda_array_interface__", "__array__")
DTYPE_STEMS = {"bool", "int", "uint", "float", "complex"}
DTYPE_NAMES = ("float64", "float32", "complex128", "complex64", "int64", "int32", "bool")


def asarray(x: Any, *, dtype: Any = None, device: Device | None = None) -> Array:
    """Make an array of the configured backend.

    Parameters
    ----------
    x : number, nested sequence of numbers, or array
        An array of the configured backend is returned as it is, unless ``dtype`` or ``device`` ask
        for another. A NumPy array is copied to the configured device.
    dtype : str or dtype, optional
        Default: an array keeps its own; Python floats get the setting ``dtype`` (float64) and
        complex numbers the complex dtype of that precision; Python ints and bools get the
        library's.
    device : optional
        What the library takes; default: an array of the backend stays where it is, a new one goes
        where the setting ``device`` says.

    Returns
    -------
    array
        Of the configured backend, same shape as ``x``.

    Raises
    ------
    HostTransferError
        If ``x`` is, or holds, an array of another library; `to_numpy` is the explicit way.
    DTypeError
        If ``x`` holds no numbers, or the library does not have the dtype.
    ShapeError
        If a nested sequence is ragged.
    BackendError
        If the backend or the device cannot be used, or ``x`` is, or holds, an array of a library
        that has no backend.

    Examples
    --------
    >>> ag.asarray([1.0, 2.0])
    array([1., 2.])
    """
    now = settings()
    backend = get_backend(now.backend)
    xp = usable_namespace(backend)
    owner = backend_of(x)
    if owner is backend and not backend.is_scalar(type(x)):
        array = _check_numbers("asarray(x)", x) if isinstance(x, np.ndarray) else x
        place = None if device is None else backend.find_device(device)
    else:
        array = host_array("asarray(x)", x, now.dtype, target=backend.name)
        place = backend.find_device(now.device if device is None else device)
        array = backend.from_host(array, place)
    if dtype is not None:
        array = namespace_of(array).astype(array, find_dtype(xp, dtype), copy=False)
    return array if place is None else backend.to_device(array, place)


def host_array(where: str, x: Any, float_dtype: str, *, target: str = "numpy") -> np.ndarray:
    """Make a NumPy array from numbers, nested sequences of numbers or a NumPy array.

    Parameters
    ----------
    where : str
        The public name and argument, for the message.
    x : number, nested sequence of numbers, or NumPy array
        What the caller passed.
    float_dtype : {"float32", "float64"}
        The dtype that Python floats get.
    target : str
        The backend that the array is meant for, for the message.

    Returns
    -------
    numpy.ndarray
        A NumPy array is returned as it is.
    """
    if isinstance(x, np.ndarray) and backend_of(x) is not None:
        return _check_numbers(where, x)
    kinds = _leaf_types(where, x, target)
    try:
        array = np.asarray(x)
    except ValueError as error:
        message = (
            f"{where}: got {describe(x)}, whose rows differ in length; expected a rectangular one."
        )
        raise ShapeError(message) from error
    array = _check_numbers(where, array)
    if kinds <= {float, int, bool, complex} and array.dtype.kind in "fc":
        wanted = float_dtype if array.dtype.kind == "f" else COMPLEX_OF[float_dtype]
        return array.astype(wanted, copy=False)
    return array


def _check_numbers(where: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in NUMBER_KINDS:
        return array
    message = (
        f"{where}: got dtype {array.dtype}; expected numbers (bool, integer, real or complex)."
    )
    raise DTypeError(message)


def _leaf_types(where: str, x: Any, target: str) -> set[type]:
    """Collect the types of the numbers in a nested sequence, refusing arrays of other libraries."""
    if not isinstance(x, (list, tuple, range)):
        _check_leaf(where, x, target)
        return {type(x)}
    found: set[type] = set()
    for kind in {type(element) for element in x}:
        if kind in (float, int, bool, complex):
            found.add(kind)
            continue
        for element in x:
            if type(element) is kind:
                found |= _leaf_types(where, element, target)
    return found


def _check_leaf(where: str, x: Any, target: str) -> None:
    if is_traced(x):
        message = (
            f"{where}: got {describe(x)}; expected numbers. "
            "Combine traced values with xp.stack, xp = ag.namespace(x), or take ag.value(x)."
        )
        raise TraceError(message)
    owner = backend_of(x)
    if owner is not None and not isinstance(x, (np.ndarray, np.generic)):
        message = (
            f"{where}: got {describe(x)}, which belongs to backend {owner.name!r}; expected "
            f"numbers or arrays for backend {target!r}. Copy it to the host with ag.to_numpy "
            "first; combine arrays of one library with xp.stack of their own namespace."
        )
        raise HostTransferError(message)
    if owner is not None or isinstance(x, (float, int, bool, complex)):
        return
    kind = type(x)  # the class is asked: some properties of an array raise for what they can't give
    if any(hasattr(kind, method) for method in ARRAY_METHODS):
        message = (
            f"{where}: got {describe(x)} (class {kind.__module__}.{kind.__qualname__}), which "
            f"belongs to no backend; expected numbers, or arrays of {' or '.join(BACKENDS)}. "
            "Copy it yourself, with np.asarray(x) or what its library has for that."
        )
        raise BackendError(message)
    message = (
        f"{where}: got {describe(x)}; expected a number, a nested sequence of numbers, or an array."
    )
    raise (ArgumentError if x is None else DTypeError)(message)


def find_dtype(xp: Namespace, dtype: Any) -> Any:
    """Find a namespace's own dtype from its name, a NumPy dtype, or itself.

    Parameters
    ----------
    xp : Namespace
        Where the dtype is wanted.
    dtype : str, numpy dtype, type or dtype of ``xp``
        What the caller wrote.

    Returns
    -------
    dtype
        An attribute of ``xp``.

    Raises
    ------
    DTypeError
        If the namespace has no numeric dtype of this name.
    """
    try:
        name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    except TypeError:
        return dtype  # the library's own kind of dtype, which NumPy does not know
    found = getattr(xp, name, None)
    if found is not None and name.rstrip("0123456789") in DTYPE_STEMS:
        return found
    message = (
        f"dtype: got {dtype!r}; expected a name such as 'float64'. {suggest(name, DTYPE_NAMES)}"
    )
    raise DTypeError(message.rstrip())


def to_host(x: Any) -> Any:
    """Copy one array to the host explicitly; anything that is no array comes back as it is."""
    if is_traced(x):
        message = (
            f"to_numpy(tree): got {describe(x)}; expected plain arrays. "
            "Take the untraced value with ag.value(x); its gradient ends there."
        )
        raise TraceError(message)
    backend = backend_of(x)
    return x if backend is None else backend.to_host(x)
