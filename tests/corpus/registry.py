"""The decorator that marks a function as a pattern, and the patterns of a module."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Pattern:
    """A function of one argument, a tree of arrays and numbers, with a real scalar as its value."""

    name: str
    function: Callable[[Any], Any]
    points: tuple
    tolerance: float


def pattern(*points, tolerance: float = 1e-6, reason: str = ""):
    """Mark a function for the corpus; it is differentiated at each of ``points``.

    ``tolerance`` is relative, against differences of fourth order; a larger one needs a ``reason``.
    """
    assert points, "a pattern needs a point"
    assert tolerance <= 1e-6 or reason, "a larger tolerance needs a reason"

    def mark(function):
        function.pattern = Pattern(function.__name__, function, points, tolerance)
        return function

    return mark


def patterns_of(namespace: dict[str, Any]) -> list[Pattern]:
    """The patterns that a module defines, in the order of its text."""
    found = [getattr(value, "pattern", None) for value in namespace.values()]
    return [entry for entry in found if isinstance(entry, Pattern)]
