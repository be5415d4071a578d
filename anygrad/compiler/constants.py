"""Arrays that a recording refers to, as they were when it first did."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.backends import is_mutable
from anygrad.tracing import LIFTED
from anygrad.tracing.snapshots import EXACT_BYTES, fingerprint

__all__ = ["Constants"]


class Constants:
    """The constant arrays of one recording; small ones are copied, others compared at its end."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any, Any]] = {}
        self._rewritten = False

    def fixed(self, value: Any) -> Any:
        """A constant that later writes into an array do not change."""
        if type(value) is list:
            return [self.fixed(part) for part in value]
        if type(value) in LIFTED or not is_mutable(value):
            return value
        known = self._known.get(id(value))
        now = fingerprint(value)
        if known is None or known[1] != now:
            small = isinstance(value, np.ndarray) and value.nbytes <= EXACT_BYTES
            self._rewritten = self._rewritten or (known is not None and not small)
            known = self._known[id(value)] = (value, now, copy_of(value) if small else value)
        return known[2]

    def rewritten(self) -> bool:
        """Whether the function has written into an array of which no copy was taken."""
        return self._rewritten or any(
            kept is value and fingerprint(value) != before
            for value, before, kept in self._known.values()
        )


def copy_of(x: np.ndarray) -> np.ndarray:
    """A copy with the same order of memory; what is repeated in it stays so."""
    if all(x.strides):
        return x.copy(order="K")
    short = x[tuple([slice(None) if step else slice(0, 1) for step in x.strides])].copy(order="K")
    return np.broadcast_to(short, x.shape)
