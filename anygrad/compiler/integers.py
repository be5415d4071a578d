"""Python integers among the arguments: static at first, inputs once they take many values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Integers"]

MANY = 4096
"""Integers whose values are counted, before the counting starts anew."""


class Integers:
    """The values that integers had, by the kind of arguments and the number of the leaf.

    Most are lengths and axes, by which Python decides; one that has its third value counts steps.
    """

    def __init__(self) -> None:
        self._seen: dict[Any, set[int] | None] = {}
        self._changing: dict[Any, tuple[int, ...]] = {}

    def count(self, where: Any, leaves: Sequence[Any]) -> tuple[int, ...]:
        """The positions of those that are inputs, now that they have these values."""
        changing = []
        for n in [n for n, x in enumerate(leaves) if type(x) is int]:
            if len(self._seen) > MANY:
                self._seen.clear()
            seen = self._seen.setdefault((where, n), set())
            if seen is None:  # recording failed with it as an input
                continue
            if len(seen) < 3:
                seen.add(leaves[n])
            if len(seen) > 2:
                changing.append(n)
        if changing:
            self._changing[where] = tuple(changing)
        return tuple(changing)

    def replaced(self, where: Any, key: list[Any], leaves: Sequence[Any]) -> list[Any] | None:
        """The key with only the type of those that are inputs; None if there are none."""
        changing = self._changing.get(where) if self._changing else None
        if not changing:
            return None
        return [
            int if n in changing and type(x) is int else k
            for n, (k, x) in enumerate(zip(key, leaves, strict=True))
        ]

    def pin(self, where: Any, positions: tuple[int, ...]) -> None:
        """Take some for static from now on: the way of the function depends on their values."""
        for n in positions:
            self._seen[where, n] = None
        self._changing.pop(where, None)

    def clear(self) -> None:
        """Forget all values."""
        self._seen.clear()
        self._changing.clear()
