"""What a function reads besides its arguments: globals, closure cells, attributes of its object.

A program holds as long as these are what they were while it was recorded. They are compared before
every replay: names by identity, numbers by value, arrays by a fingerprint as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Surroundings"]


class Surroundings:
    """What was read, as it was.

    Not written yet: nothing is watched.
    """

    def __init__(self, f: Callable[..., Any]):
        self.f = f

    def changed(self) -> str:
        """What is not as it was, in words; empty if all is."""
        return ""
