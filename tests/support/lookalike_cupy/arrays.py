"""The array type of the look-alike: a NumPy array on a pretended device."""

import copy
from typing import Any

import numpy as np

from tests.support.host_copies import note_host_copy
from tests.support.lookalike_cupy.counting import note
from tests.support.lookalike_cupy.devices import Device, current_id
from tests.support.lookalike_cupy.indices import as_view, has_arrays, has_mask, put, wrap_around
from tests.support.lookalike_cupy.memory import MemoryPointer, array_at, leave_unset, pointer_to

SCALARS = (bool, int, float, complex, np.generic)
# What may stand among the arguments of a function beside arrays and numbers.
_PLAIN = (str, bytes, slice, type(None), type(...), np.dtype, type, range)
cupy: dict[str, Any] = {}  # names of the main module, filled when it is built


class ndarray:
    """A CuPy array as far as its ways with other objects go."""

    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is None:
            note("allocation")
            self._data = leave_unset(np.empty(shape, dtype, order))
            self._device = current_id()
        else:
            self._data = array_at(shape, dtype, memptr, strides, order)
            self._device = memptr.device_id

    @property
    def device(self) -> Device:
        return Device(self._device)

    @property
    def base(self):
        base = self._data.base
        return wrap(base, self._device) if isinstance(base, np.ndarray) else None

    @property
    def data(self) -> MemoryPointer:
        return pointer_to(self._data, self._device)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        found = self._data.__array_interface__
        return {**{key: found[key] for key in ("shape", "typestr", "data")}, "version": 3}

    def __array__(self, dtype=None, copy=None):
        message = (
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )
        raise TypeError(message)

    def __dlpack__(self, **keywords):
        message = "the look-alike hands out no device pointers"
        raise BufferError(message)

    # ---- to the host
    def get(self, stream=None, order="C", out=None, blocking=True) -> np.ndarray:
        note_host_copy("cupy.ndarray.get()", explicit=True)
        note("read")
        if out is not None:
            out[...] = self._data
            return out
        return np.array(self._data, order=order)

    def __reduce__(self):
        note_host_copy("pickling a cupy.ndarray")
        return wrap, (self._data.copy(),)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        with self.device:
            return wrap(copy.deepcopy(self._data))

    # ---- elements
    def __len__(self):
        if not self._data.ndim:
            message = "len() of unsized object"
            raise TypeError(message)
        return len(self._data)

    def __iter__(self):
        if not self._data.ndim:
            message = "iteration over a 0-d array"
            raise TypeError(message)
        return (self[i] for i in range(len(self._data)))

    def __getitem__(self, index):
        found = _unwrap_index(index)
        if has_mask(found):
            note_host_copy("x[mask], whose shape depends on values,")
        if not has_arrays(found):
            return wrap(self._data[as_view(found)], self._device)  # which needs no kernel
        note("index")
        return wrap(unwrap(self)[wrap_around(found, self.shape)])

    def __setitem__(self, index, value):
        if not isinstance(value, (ndarray, *SCALARS)):
            value = np.asarray(value)  # a foreign object answers for itself
            if value.ndim:
                message = "non-scalar numpy.ndarray cannot be used for fill"
                raise ValueError(message)
        found = _unwrap_index(index)
        if has_mask(found) and getattr(value, "ndim", 0):
            note_host_copy("x[mask] = array, which counts the mask,")
        note("index")
        put(unwrap(self), wrap_around(found, self.shape), unwrap(value))

    # ---- protocols of NumPy
    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        function = cupy.get(ufunc.__name__)
        if method != "__call__" or function is None:
            return NotImplemented
        out = keywords.get("out", ())
        if len(out) > 1:
            message = "The 'out' parameter must have exactly one array value"
            raise ValueError(message)
        if out:
            keywords["out"] = out[0]
        known = (ndarray, np.ndarray, *SCALARS)
        if not all(isinstance(x, known) for x in (*inputs, *out)):
            return NotImplemented
        return function(*inputs, **keywords)

    def __array_function__(self, function, kinds, args, keywords):
        found: Any = cupy
        for part in [*function.__module__.split(".")[1:], function.__name__]:
            found = found.get(part) if isinstance(found, dict) else getattr(found, part, None)
            if found is None:
                return NotImplemented
        if found is function or not all(kind in (ndarray, np.ndarray) for kind in kinds):
            return NotImplemented
        return found(*args, **keywords)

    # ---- methods that NumPy lacks or has otherwise
    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray) or arr.shape != self.shape or arr.dtype != self.dtype:
            message = "Only a numpy.ndarray of the same shape and dtype can be set"
            raise TypeError(message)
        note("upload")
        self._data[...] = arr

    def reshape(self, *shape, order="C", copy=None):
        given = shape[0] if len(shape) == 1 else shape
        return wrap(self._data.reshape(unwrap(given), order=order, copy=copy), self._device)

    def take(self, indices, axis=None, out=None):
        chosen = unwrap(indices) if isinstance(indices, ndarray) else np.asarray(indices)
        note("index")
        result = np.take(unwrap(self), chosen, axis, mode="wrap")  # no kernel raises an IndexError
        if out is None:
            return wrap(result)
        unwrap(out)[...] = result
        return out

    def copy(self, order="C"):
        note("copy")
        return wrap(self._data.copy(order))  # to the current device, wherever it was

    def scatter_add(self, slices, value):
        note("index")
        np.add.at(self._data, _unwrap_index(slices), unwrap(value))

    def repeat(self, repeats, axis=None):
        if isinstance(repeats, ndarray):
            note_host_copy("repeat with an array of counts")
        note("function")
        return wrap(self._data.repeat(unwrap(repeats), axis), self._device)


def unwrap(x: Any) -> Any:
    """The NumPy arrays behind the arguments of a call; what CuPy refuses is refused."""
    if isinstance(x, ndarray):
        if x._device != current_id():
            message = (
                "Array device must be same as the current device: "
                f"array device = {x._device} while current = {current_id()}"
            )
            raise ValueError(message)
        return x._data
    if isinstance(x, (*SCALARS, *_PLAIN)):
        return x
    if isinstance(x, (tuple, list)):
        return type(x)(unwrap(item) for item in x)
    if isinstance(x, dict):
        return {key: unwrap(item) for key, item in x.items()}
    message = f"Unsupported type {type(x)}"
    raise TypeError(message)


def wrap(x: Any, device: int | None = None) -> Any:
    """CuPy arrays for the NumPy arrays in a result; 0-d arrays for its NumPy scalars."""
    if isinstance(x, (np.ndarray, np.generic)):
        data = np.asarray(x)
        known = data.dtype.kind in "biufc" or data.dtype.name == "bfloat16"
        if not known or data.dtype.itemsize > 16:
            message = f"Unsupported dtype {data.dtype}"
            raise ValueError(message)
        if data.base is None:
            note("allocation")
        made = ndarray.__new__(ndarray)
        made._data = data
        made._device = current_id() if device is None else device
        return made
    if isinstance(x, tuple):
        items = [wrap(item, device) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else tuple(items)
    if isinstance(x, list):
        return [wrap(item, device) for item in x]
    return x


def _unwrap_index(index: Any) -> Any:
    """Index for NumPy; arrays and lists of the host are allowed here, CuPy uploads them."""
    if isinstance(index, tuple):
        return tuple(_unwrap_index(part) for part in index)
    if isinstance(index, (np.ndarray, list)):
        return np.asarray(index)
    return unwrap(index)


ndarray.__module__ = "cupy"
