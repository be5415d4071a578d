"""How a tree is laid out in a file: what the header says, and arrays of dtypes the format lacks.

Complex numbers are stored as pairs of real numbers along a new last axis, bfloat16 as its bits. The
header has the key ``anygrad``, JSON text with the version of the layout and the dtypes that are
stored as another one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import numpy as np

from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.saving.named import BFLOAT16, NUMBERS, Value

__all__ = ["HEADER", "Address", "check_stored", "decode", "encode", "read_header", "write_header"]

FORMAT = 1
HEADER = "anygrad"
REAL_OF = {"complex64": "float32", "complex128": "float64"}
STORED = {**REAL_OF, BFLOAT16: "uint16"}
"""Dtypes that are stored as another one."""

Address = str | os.PathLike[str]


def write_header(values: Mapping[str, Value], arrays: Mapping[str, np.ndarray]) -> str:
    """Make the text that says which values are stored as another dtype."""
    other = {name: v.dtype for name, v in values.items() if v.dtype != arrays[name].dtype.name}
    return json.dumps({"format": FORMAT, "dtypes": other})


def read_header(where: str, path: Address, header: str | None) -> dict[str, str]:
    """Dtypes that are stored as another one, from a header of this layout."""
    got = "has no header of anygrad's"
    if header is not None:
        layout, dtypes = _parse(header)
        if layout == FORMAT and dtypes is not None:
            return dtypes
        got = f"has the layout {layout}"
        if layout is None or layout == FORMAT:
            got = f"has a damaged header, {describe(header)}"
    message = (
        f"{where}(path): got {str(path)!r}, which {got}; expected a file of layout {FORMAT}, as "
        "save writes. Update anygrad if a newer one wrote it; give arrays of other files to "
        "restore as a dict of names."
    )
    raise ArgumentError(message)


def _parse(header: str) -> tuple[int | None, dict[str, str] | None]:
    """Layout and dtypes of a header; None for each that is nothing of the kind."""
    try:
        content = json.loads(header)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return None, None
    layout, dtypes = content.get("format"), content.get("dtypes")
    is_known = isinstance(dtypes, dict) and all(
        isinstance(dtype, str) and dtype in STORED for dtype in dtypes.values()
    )
    return (layout if type(layout) is int else None), (dtypes if is_known else None)


def check_stored(
    where: str, path: Address, dtypes: Mapping[str, str], found: Mapping[str, np.ndarray]
) -> None:
    """Refuse a header that does not fit the arrays, and dtypes that `save` never writes."""
    for name in {**found, **dtypes}:
        array, dtype = found.get(name), dtypes.get(name)
        if array is not None and _fits(array, dtype):
            continue
        got = "nothing" if array is None else str(Value(array, array.dtype.name))
        wanted = f"{STORED[dtype]}, as which save stores {dtype}" if dtype else "what save writes"
        message = (
            f"{where}(path): got {str(path)!r}, which has {got} for {name!r}; expected {wanted}. "
            "The file is damaged, or another program's: take an older copy."
        )
        raise ArgumentError(message)


def _fits(array: np.ndarray, dtype: str | None) -> bool:
    if dtype is None:
        return array.dtype.name in NUMBERS
    paired = dtype == BFLOAT16 or array.shape[-1:] == (2,)
    return paired and array.dtype.name == STORED[dtype]


def encode(value: Value) -> np.ndarray:
    """Lay a value out as the format has it: little endian, contiguous, real."""
    array = value.array
    if value.dtype in REAL_OF:
        array = np.array(array, dtype=value.dtype, order="C")[..., None].view(REAL_OF[value.dtype])
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def decode(array: np.ndarray, dtype: str | None) -> Value:
    """Read an array as the dtype that the header gives, None for its own."""
    if dtype is None or dtype == BFLOAT16:
        return Value(array, dtype or array.dtype.name)
    return Value(np.ascontiguousarray(array).view(dtype)[..., 0], dtype)
