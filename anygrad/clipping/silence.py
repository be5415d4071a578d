"""Where NumPy keeps quiet about infinities, because they are what is looked for.

A program that is recorded has no such blocks: who replays it is told that there was one.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Literal

import numpy as np

__all__ = ["LISTENERS", "silenced"]

LISTENERS: ContextVar[list[str] | None] = ContextVar("LISTENERS", default=None)
"""Of who records: a list to which every such block adds a word."""


def silenced(all: Literal["ignore"] | None = None) -> np.errstate:
    """Ignore overflow and invalid values, or all that NumPy would warn of, in a with-block."""
    heard = LISTENERS.get()
    if heard is not None:
        heard.append("silenced")
    return np.errstate(over="ignore", invalid="ignore") if all is None else np.errstate(all=all)
