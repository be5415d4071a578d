"""Some lines among all: taken out of arrays and records of arrays, and put back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from anygrad.backends import namespace_of
from anygrad.backends.types import Array
from anygrad.differences.questions import find_true

__all__ = ["Subset", "change_arrays", "join"]

Record = TypeVar("Record")
"""An array, None, or a tuple of such, nested; the first axis of arrays is that of the lines."""


class Subset:
    """The lines at which a mask is true.

    Attributes
    ----------
    rows : array of int, shape (m,)
        Which they are.
    """

    def __init__(self, mask: Array) -> None:
        self._mask = mask
        self.rows = find_true(mask)

    def __len__(self) -> int:
        return self.rows.shape[0]

    @property
    def _is_all(self) -> bool:
        return len(self) == self._mask.shape[0]

    def take(self, record: Record) -> Record:
        """Take the lines out."""
        if self._is_all:
            return record
        return change_arrays(lambda a: namespace_of(a).take(a, self.rows, axis=0), record)

    def put(self, part: Record, whole: Record) -> Record:
        """Put them back among the others; nothing is written in place."""
        if self._is_all:
            return part
        return change_arrays(self._put, part, whole)

    def _put(self, part: Array, whole: Array) -> Array:
        xp = namespace_of(whole)
        moved = xp.take(part, self._rank, axis=0)
        return xp.where(self._mask if whole.ndim == 1 else self._mask[:, None], moved, whole)

    @cached_property
    def _rank(self) -> Array:
        """For each line of the mask its number among them, for others any."""
        xp, mask = namespace_of(self._mask), self._mask
        return xp.where(mask, xp.cumulative_sum(xp.astype(mask, xp.int64)) - 1, 0)


def change_arrays(act: Callable[..., Array], *records: Any) -> Any:
    """Apply a function to the arrays of records that belong together."""
    first = records[0]
    if first is None:
        return None
    if isinstance(first, tuple):
        parts = [change_arrays(act, *parts) for parts in zip(*records, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    return act(*records)


def join(records: list[Record]) -> Record:
    """The lines of several records behind each other."""
    if len(records) == 1:
        return records[0]
    return change_arrays(lambda *arrays: namespace_of(*arrays).concat(list(arrays)), *records)
