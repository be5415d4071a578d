"""How the rows of a table are put together, so that NumPy computes many of them in one call.

Rows are gathered into arrays that stay in the cache, computed there, and taken apart again. No
result depends on that: elementwise, NumPy's loops round in the same way at every place of an array.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from anygrad.compiler.grouping import Group
from anygrad.compiler.tables import Row, Table, rows_of, tables_of
from anygrad.compiler.targets.spaces import is_flat

__all__ = ["Chunks", "chunks_of"]

CALL = 450.0
"""Nanoseconds that a call of NumPy takes besides its elements."""
COPY = 220.0
"""Nanoseconds to copy an array, besides its elements."""
BYTE = 0.08
"""Nanoseconds to copy a byte within the cache."""
LOOP = 1500.0
"""Nanoseconds that a chunk takes in Python."""
BUDGET = 1 << 19
"""Bytes that a chunk takes."""
LARGEST = 1 << 14
"""Elements of a chunk."""


class Chunks(NamedTuple):
    """A table as it is carried out.

    Attributes
    ----------
    table : Table
        With those rows only that are gathered.
    bounds : tuple of (int, int)
        From which row to which, chunk by chunk.
    largest : int
        The elements of the largest chunk.
    """

    table: Table
    bounds: tuple[tuple[int, int], ...]
    largest: int


def chunks_of(groups: Iterable[Group]) -> list[Chunks]:
    """The tables of some groups that it pays to gather."""
    bare = [one.with_reductions() for one in groups if _is_gathered(one)]
    rows = [row for row in rows_of(bare) if row.operands and _gain(row) > 0]
    return [found for found in map(_plan, tables_of(rows)) if found is not None]


def _is_gathered(group: Group) -> bool:
    """Whether all arrays lie in memory in the order of their indices."""
    specs = group.program.specs
    made = [node.number for node in group.body]
    return all(
        is_flat(group.shape, specs[ref].dtype, specs[ref].strides)
        for ref in (*group.operands, *made)
        if specs[ref].kind == "array" and specs[ref].shape == group.shape
    )


def _gain(row: Row) -> float:
    """The calls that are saved, less what is copied, in nanoseconds."""
    specs, n = row.group.program.specs, row.group.size
    copied = [np.dtype(specs[ref].dtype).itemsize for ref in (*row.operands, *row.results)]
    return len(row.group.body) * CALL - sum(COPY + n * size * BYTE for size in copied)


def _plan(table: Table) -> Chunks | None:
    """How a table is cut into chunks; None if it would not pay."""
    specs, body = table.program.specs, table.body
    touched = (*table.rows[0].operands, *[node.number for node in body])
    width = sum(np.dtype(specs[ref].dtype).itemsize for ref in touched) // 2
    most = min(max(BUDGET // width, 1), LARGEST)
    bounds, start, length, largest = [], 0, 0, 0
    for k, row in enumerate(table.rows):
        if length and length + row.group.size > most:
            bounds.append((start, k))
            start, length = k, 0
        length += row.group.size
        largest = max(largest, length)
    bounds.append((start, len(table.rows)))
    gathered = len(bounds) * (len(body) * CALL + LOOP)
    if sum(map(_gain, table.rows)) < 1.2 * gathered:
        return None
    return Chunks(table, tuple(bounds), largest)
