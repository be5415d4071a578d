"""Which traced arrays share memory, as NumPy's views do, and which must not be read any more.

Traced values are immutable; an in-place write gives the object another value. A view would have to
follow and does not: so a write through a view, and a read of a view taken before a write, raise.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anygrad.errors import TraceError
from anygrad.ops.indexing import is_basic

NO_KEY: Any = object()


class View(NamedTuple):
    """An array that shares memory with ``base``.

    ``key`` selects it there; it is `NO_KEY` for a reshape, a transpose or a part of a complex
    number.
    """

    base: Any
    key: Any

    def selected_by(self, key: Any) -> bool:
        """Whether ``base[key]`` is this view."""
        return self.key is not NO_KEY and type(self.key) is type(key) and bool(self.key == key)


class Views:
    """The views on one tape; found by reading the entries once, when the first write happens."""

    __slots__ = ("bases", "fresh", "numpy_rules", "of_base", "scanned", "shared", "stale")

    def __init__(self, shared: bool, numpy_rules: bool) -> None:
        self.shared = shared  # immutable arrays share memory, and nobody can tell
        self.numpy_rules = numpy_rules
        self.bases: dict[int, View] = {}
        self.of_base: dict[int, list[int]] = {}
        self.fresh: set[int] = set()
        self.stale: dict[int, int] = {}
        self.scanned = 1

    def find(self, entries: list[Any], i: int) -> View | None:
        """The view that node ``i`` is, if it is one."""
        if not self.shared:
            return None
        while self.scanned < len(entries):
            entry = entries[self.scanned]
            self.scanned += 1
            view = _view(entry, self.numpy_rules)
            if view is not None:
                self.bases[entry[2]] = view
                self.of_base.setdefault(view.base, []).append(entry[2])
        return None if i in self.fresh else self.bases.get(i)

    def write(self, entries: list[Any], node: int) -> None:
        """Node ``node`` is about to be replaced: its views must not be read from here on."""
        self.find(entries, node)
        found = list(self.of_base.get(node, ()))
        while found:
            view = found.pop()
            if view not in self.stale and view not in self.fresh:
                self.stale[view] = len(entries)
                found += self.of_base.get(view, ())

    def check(self, entries: list[Any]) -> None:
        """Raise if an operation read a view after its base had been written."""
        for position, entry in enumerate(entries):
            if entry is not None:
                for i in entry[3] if type(entry[3]) is tuple else (entry[3],):
                    if i in self.stale and self.stale[i] <= position:
                        raise read_after_write()


def _view(entry: tuple, numpy_rules: bool) -> View | None:
    """The base of what an entry made, if it is a view.

    Advanced indexing copies; NumPy copies single elements too.
    """
    if not entry[1].view:
        return None
    operands, extra = entry[3], entry[6]
    base = operands[0] if type(operands) is tuple else operands
    kw = extra[1] if type(extra) is tuple else extra or {}
    if "key" not in kw:
        return View(base, NO_KEY)
    key = kw["key"]
    shape = entry[4][0].shape if type(extra) is tuple else entry[4]
    return None if copies(key, shape, numpy_rules) else View(base, key)


def copies(key: Any, shape: tuple[int, ...], numpy_rules: bool) -> bool:
    """Whether ``x[key]`` has memory of its own."""
    parts = key if type(key) is tuple else (key,)
    single = len(parts) == len(shape) and all(isinstance(k, int | np.integer) for k in parts)
    return not is_basic(key) or (numpy_rules and single)


def read_after_write() -> TraceError:
    """The error for a view that would show old values."""
    return TraceError(
        "y[key] = value: a view of y taken before the assignment is used after it, where it would "
        "hold the old values. Take the view again after the assignment."
    )


def written_through_view(what: str) -> TraceError:
    """The error for a write into a view: its base would have to change too, and would not."""
    return TraceError(
        f"{what}: got a view of another traced array (a slice, reshape or transpose); the write "
        "would be lost there. Write into the array itself, y[i, j] = x, or take a copy first, "
        "y[i] + 0."
    )
