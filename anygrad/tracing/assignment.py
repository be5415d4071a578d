"""What ``y[key] = x`` asks of key and value, whatever ``y`` is."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.errors import DTypeError, TraceError
from anygrad.ops.indexing import selects_once, unique_positions
from anygrad.ops.shaping import kind_of
from anygrad.tracing.level import LIFTED, is_mapped, plain_namespace, read_value, recorded
from anygrad.tracing.operations import TRACED


def in_dtype_of(x: Any, value: Any, what: str) -> Any:
    """A value as it is stored in ``x``, as NumPy casts on assignment."""
    if value.dtype == x.dtype:
        return value
    if kind_of(x.dtype) == "real" and kind_of(value.dtype) == "complex":
        message = (
            f"{what}: got a complex value for a real array; the imaginary part would be lost. "
            "Take xp.real(x), or make y complex."
        )
        raise DTypeError(message)
    if type(value) in LIFTED:
        return TRACED.astype(value, dtype=x.dtype)
    return plain_namespace(x).astype(value, x.dtype)


def refuse_repeated(what: str, key: Any, shape: tuple[int, ...]) -> None:
    """Raise if a key writes an element twice: which write wins has no derivative."""
    batched = [part for part in parts_of(key) if type(part) in LIFTED]
    if batched and not any(map(is_mapped, batched)):  # of a compiled function: hold for such keys
        if not selects_once(key):
            refuse_repeated(what, tuple(map(read_value, parts_of(key))), shape)
        return
    if batched:
        if any(part.ndim and not selects_once(part) for part in batched):
            message = (
                f"{what}: got index arrays that differ between the examples of vmap; whether they "
                "repeat is not known. Write one element, or use xp.where with a mask."
            )
            raise TraceError(message)
        return
    if not selects_once(key) and not unique_positions(_host_key(key), shape):
        message = (
            f"{what}: got repeated indices; which write wins has no derivative. "
            "Make the indices unique."
        )
        raise TraceError(message)


def parts_of(key: Any) -> tuple:
    """The parts of a key, one for each comma."""
    return key if type(key) is tuple else (key,)


def _host_key(key: Any) -> Any:
    """A key whose index arrays can be checked: those of a device are refused, not copied."""
    if any(
        hasattr(part, "shape") and not isinstance(part, np.ndarray | np.generic)
        for part in parts_of(key)
    ):
        message = (
            "y[key] = value: got integer index arrays of a device; whether they repeat cannot be "
            "known without copying them. Use slices, a boolean mask, or a NumPy index array."
        )
        raise TraceError(message)
    return key


def plain_key(key: Any) -> Any:
    """A key without differentiated arrays; the index arrays and masks of `vmap` may stand in it."""
    for part in parts_of(key):
        if type(part) in LIFTED and (
            kind_of(part.dtype) != "other" or not (is_mapped(part) or recorded(part) is not None)
        ):
            message = (
                "x[key]: got a traced array as an index; expected integers. Cast it with "
                "ag.value(key) first."
            )
            raise TraceError(message)
    return key
