"""Indexing by arrays as a GPU does it: no kernel raises, and none says who writes last."""

from typing import Any

import numpy as np


def parts_of(index: Any) -> tuple[Any, ...]:
    """The index as a tuple."""
    return index if isinstance(index, tuple) else (index,)


def as_view(index: Any) -> Any:
    """An index without arrays that gives a view, of a single element too."""
    parts = parts_of(index)
    return parts if any(part is ... for part in parts) else (*parts, ...)


def has_arrays(index: Any) -> bool:
    """Whether a part is an array, so that elements are gathered."""
    return any(isinstance(part, np.ndarray) for part in parts_of(index))


def has_mask(index: Any) -> bool:
    """Whether a part is an array of truth values, 0-d ones too."""
    return any(isinstance(p, np.ndarray) and p.dtype.kind == "b" for p in parts_of(index))


def wrap_around(index: Any, shape: tuple[int, ...]) -> Any:
    """Arrays of integers beyond an axis begin anew, where NumPy would raise."""
    parts = parts_of(index)
    behind = sum(_axes_of(part) for part in parts if part is not ...)
    axis, found = 0, []
    for part in parts:
        if part is ...:
            found.append(part)
            axis += len(shape) - behind
            continue
        if isinstance(part, np.ndarray) and part.dtype.kind in "iu" and shape[axis]:
            part = part % shape[axis]
        found.append(part)
        axis += _axes_of(part)
    return tuple(found)


def _axes_of(part: Any) -> int:
    """How many axes a part of an index uses up."""
    if part is None:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1


def put(data: np.ndarray, index: Any, value: Any) -> None:
    """``data[index] = value``; of several values for one element not the last one stays.

    On a GPU it may be any of them; here it is the first, so that code which relies on NumPy's
    order is found out.
    """
    if not has_arrays(index) or has_mask(index):
        data[index] = value
        return
    places = np.arange(data.size).reshape(data.shape)[index]
    values = np.broadcast_to(value, places.shape)
    data.flat[places.ravel()[::-1]] = values.ravel()[::-1]
