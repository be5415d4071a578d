"""JAX's way to write into an array, ``x.at[key].set(value)``, on traced arrays of JAX."""

from __future__ import annotations

from typing import Any, NamedTuple

from anygrad.errors import MissingRuleError
from anygrad.tracing.functions.creation import zeros_like
from anygrad.tracing.level import Traced, lowest
from anygrad.tracing.methods import plain_key, refuse_repeated
from anygrad.tracing.operations import TRACED


class At(NamedTuple):
    """What ``x.at`` gives: takes a key."""

    x: Any

    def __getitem__(self, key: Any) -> Part:  # type: ignore[override]
        return Part(self.x, plain_key(key))


class Part(NamedTuple):
    """What ``x.at[key]`` gives: new arrays that differ from ``x`` in this part."""

    x: Any
    key: Any

    def get(self) -> Any:
        """``x[key]``."""
        return TRACED.getitem(self.x, key=self.key)

    def set(self, value: Any) -> Any:
        """``x`` with the part replaced."""
        refuse_repeated("x.at[key].set(value)", self.key, self.x.shape)
        return TRACED.setitem(self.x, value, key=self.key)

    def add(self, value: Any) -> Any:
        """``x`` with something added to the part, each time where an index repeats."""
        added = zeros_like(self.get()) + value
        return self.x + TRACED.scatter(added, key=self.key, shape=self.x.shape)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        message = (
            f"x.at[key].{name}: no derivative rule; expected set, add or get. Write "
            "x.at[key].set(...) of what x.at[key].get() gives."
        )
        raise MissingRuleError(message)


def _at(self: Traced) -> At:
    if not hasattr(type(lowest(self)), "at"):
        message = (
            f"{type(self).__name__!r} of {type(lowest(self)).__name__!r} has no attribute 'at'"
        )
        raise AttributeError(message)
    return At(self)


Traced.at = property(_at)  # type: ignore[attr-defined]
