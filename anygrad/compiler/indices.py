"""What stands between brackets, as a recording sees it."""

from __future__ import annotations

import operator
from typing import Any

from anygrad.tracing import LIFTED
from anygrad.tracing.level import decided

__all__ = ["has_mask", "plain_slice"]


def plain_slice(part: slice) -> slice:
    """A slice whose bounds are Python's integers; those of the program become guards."""
    bounds = (part.start, part.stop, part.step)
    if not any(type(x) in LIFTED for x in bounds):
        return part
    return slice(*[decided(x, operator.index) if type(x) in LIFTED else x for x in bounds])


def has_mask(kw: dict[str, Any]) -> bool:
    """Whether a key chooses by truth, so that values decide how much it chooses."""
    key = kw.get("key")
    parts = key if type(key) is tuple else (key,)
    return any("bool" in str(getattr(part, "dtype", "")) for part in parts)
