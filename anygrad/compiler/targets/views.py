"""Parts of the arrays of a workspace, which are the same in every run and so cut out only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Views"]


class Views:
    """The parts, by the names of the arrays that they are parts of.

    ``cuts`` gets a function for each, which is given all arrays; the part is called ``k`` and the
    place of that function there.
    """

    def __init__(self, cuts: list[Callable[..., Any]]):
        self._cuts = cuts
        self._keys: dict[str, tuple[int, tuple[Any, ...]]] = {}  # parts -> buffers, and keys
        self._known: dict[str, str] = {}

    def holds(self, array: str) -> bool:
        """Whether something by this name is an array of the workspace, or a part of one."""
        return array.startswith("b") or array in self._keys

    def part(self, array: str, key: Any) -> str:
        """The name of a part."""
        text = f"{array}[{key!r}]"
        if text not in self._known:
            buffer, keys = self._keys.get(array, None) or (int(array[1:]), ())
            name = self._known[text] = f"k{len(self._cuts)}"
            self._keys[name] = buffer, (*keys, key)
            self._cuts.append(_Cut(buffer, (*keys, key)))
        return self._known[text]


class _Cut:
    """Gives one part."""

    def __init__(self, buffer: int, keys: tuple[Any, ...]):
        self._buffer, self._keys = buffer, keys

    def __call__(self, arrays: Any) -> Any:
        found = arrays[self._buffer]
        for key in self._keys:
            found = found[key]
        return found
