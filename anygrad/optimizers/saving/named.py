"""Leaves under the names that files give them, on the host, and the way back to any library.

NumPy has no bfloat16; such an array is held as its bits, which come back unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, device_of, namespace_of, to_host
from anygrad.backends.types import Tree
from anygrad.errors import DTypeError, describe

__all__ = [
    "BFLOAT16",
    "NUMBERS",
    "Value",
    "compare",
    "describe_leaf",
    "kind_of",
    "like_leaf",
    "list_some",
    "value_of",
    "values_of",
]

BFLOAT16 = "bfloat16"

WIDER: Mapping[str, tuple[str, ...]] = {
    "bfloat16": ("float32", "float64"),
    "float16": ("float32", "float64"),
    "float32": ("float64",),
    "complex64": ("complex128",),
    "int32": ("int64",),
}
"""The conversions that lose nothing: every number of the first is one of the others."""

NUMBERS = {
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "complex64", "complex128"),
}
"""Dtypes that files hold; bfloat16 too, as its bits."""

SHOWN = 5


class Value(NamedTuple):
    """A leaf on the host.

    Attributes
    ----------
    array : numpy.ndarray
        The numbers; of bfloat16 the bits, as uint16.
    dtype : str
        Name of the dtype, such as "float64" or "bfloat16".
    """

    array: np.ndarray
    dtype: str

    def __str__(self) -> str:
        return _word(self.dtype, self.array.shape)

    def widen(self, dtype: str) -> Value:
        """Convert to a dtype that holds the same numbers."""
        if self.dtype == dtype:
            return self
        array = self.array
        if self.dtype == BFLOAT16:  # the upper half of a float32
            array = (array.astype(np.uint32) << 16).view(np.float32)
        return Value(array.astype(dtype), dtype)

    def negate(self) -> Value:
        """Change the sign."""
        if self.dtype == BFLOAT16:
            return self._replace(array=self.array ^ np.uint16(0x8000))
        return self._replace(array=np.negative(self.array))


def value_of(where: str, place: str, leaf: Any) -> Value:
    """Copy a leaf to the host; ``place`` is where it stands, for messages."""
    backend = backend_of(leaf)
    if backend is not None and kind_of(leaf)[0] == BFLOAT16:
        plain = leaf if backend.plain is None else backend.plain(leaf)
        return Value(np.asarray(to_host(plain.view(namespace_of(leaf).uint16))), BFLOAT16)
    array = np.asarray(to_host(leaf))
    if array.dtype.name in NUMBERS:
        return Value(array, array.dtype.name)
    message = (
        f"{where}: got {describe(leaf)} at {place}; expected an array or number of bool, integer, "
        "floating or complex dtype, of at most 64 bits a real number."
    )
    raise DTypeError(message)


def values_of(where: str, tree: Tree) -> dict[str, Value]:
    """Name every leaf of a tree by its path, on the host."""
    name = where.rpartition("(")[2].rstrip(")")
    pairs = zip(trees.paths(tree), trees.leaves(tree), strict=True)
    return {str(path): value_of(where, trees.show_path(name, path), x) for path, x in pairs}


def kind_of(leaf: Any) -> tuple[str, tuple[int, ...]]:
    """Tell the dtype, by name, and the shape of an array or number."""
    dtype = getattr(leaf, "dtype", None)
    if dtype is None:
        dtype = np.asarray(leaf).dtype
    return str(getattr(dtype, "name", dtype)).rpartition(".")[2], tuple(getattr(leaf, "shape", ()))


def compare(value: Value, leaf: Any) -> str:
    """Tell how a value fits in the place of ``leaf``: "same", "wider", or what differs."""
    dtype, shape = kind_of(leaf)
    if value.array.shape != shape:
        return "shape"
    if value.dtype == dtype:
        return "same"
    return "wider" if dtype in WIDER.get(value.dtype, ()) else "dtype"


def like_leaf(value: Value, leaf: Any) -> Any:
    """Make an array (or number) of the value, in the library, dtype and place of ``leaf``."""
    value = value.widen(kind_of(leaf)[0])
    backend = backend_of(leaf)
    if backend is None:
        return type(leaf)(value.array.item())
    # a copy, for what comes back may be written into
    made = backend.from_host(np.array(value.array, order="C"), device_of(leaf))
    return made.view(leaf.dtype) if value.dtype == BFLOAT16 else made


def describe_leaf(leaf: Any) -> str:
    """Word dtype and shape of a leaf as ``str(Value)`` does."""
    return _word(*kind_of(leaf))


def list_some(names: Iterable[str]) -> str:
    """List names for a message, a few of many."""
    names = list(names)
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown}, ... ({len(names)} in all)"


def _word(dtype: str, shape: tuple[int, ...]) -> str:
    return f"{dtype} of shape {shape}"
