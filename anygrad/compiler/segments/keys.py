"""Which rows of an array a key selects, if it selects rows that follow each other."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Rows", "listed", "rows_of_key"]

MOST_LISTED = 4
"""Indices in an array of them, each of which becomes a segment."""


class Rows(NamedTuple):
    """The rows from ``start`` to ``stop``; a single one may be without its axis.

    Attributes
    ----------
    start, stop : int
        Not negative, ``start < stop``.
    single : bool
        Whether the key was an integer.
    """

    start: int
    stop: int
    single: bool


def rows_of_key(key: Any, shape: tuple[int, ...]) -> Rows | None:
    """The rows that a key selects, all of each; None if it selects something else, or nothing."""
    if not shape:
        return None
    first = _first(key, len(shape), shape)
    if type(first) is slice:
        if not all(x is None or isinstance(x, int | np.integer) for x in _bounds(first)):
            return None
        start, stop, step = first.indices(shape[0])
        return Rows(start, stop, False) if step == 1 and start < stop else None
    if isinstance(first, int | np.integer) and not isinstance(first, bool):
        k = operator.index(first)
        k += shape[0] * (k < 0)
        return Rows(k, k + 1, True) if 0 <= k < shape[0] else None
    return None


def listed(key: Any, shape: tuple[int, ...]) -> list[int] | None:
    """The few elements of an array of one axis that an array of indices selects, each once."""
    key = key[0] if type(key) is tuple and len(key) == 1 else key
    if len(shape) != 1 or not isinstance(key, np.ndarray) or key.ndim != 1:
        return None
    if key.dtype.kind not in "iu" or not 0 < key.size <= MOST_LISTED:
        return None
    found = [k + shape[0] * (k < 0) for k in map(int, key)]
    if len(set(found)) < len(found) or not all(0 <= k < shape[0] for k in found):
        return None
    return found


def _first(key: Any, ndim: int, shape: tuple[int, ...]) -> Any:
    """What a key has for the first axis, if it takes all of the others; else None."""
    if type(key) is not tuple:
        return slice(None) if key is Ellipsis else key
    parts = list(key)
    dots = [k for k, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1 or len(parts) - len(dots) > ndim:
        return None
    if dots:
        missing = ndim - len(parts) + 1
        parts[dots[0] : dots[0] + 1] = [slice(None)] * missing
    if not parts:
        return None
    whole = all(
        type(part) is slice
        and all(x is None or isinstance(x, int) for x in _bounds(part))
        and part.indices(n) == (0, n, 1)
        for part, n in zip(parts[1:], shape[1:], strict=False)
    )
    return parts[0] if whole else None


def _bounds(part: slice) -> tuple[Any, Any, Any]:
    return part.start, part.stop, part.step
