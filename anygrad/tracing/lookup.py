"""Which function carries out a row on a plain value."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from anygrad.ops import Row
from anygrad.tracing.level import LIFTED, TRACED
from anygrad.tracing.plain import names_of_array

# Python's own operators serve every library and nested values, and are ten times quicker on NumPy
# scalars.
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "pow": operator.pow,
    "matmul": operator.matmul,
    "negative": operator.neg,
}


class ByType(dict):
    """Type of the value below -> the function of its library.

    For a value of another level, it is the operation itself.
    """

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.name = row.name

    def function(self, x: Any) -> Callable[..., Any]:
        """Look up once per type; a class cannot tell its library, so this takes the value."""
        kind = type(x)
        found = self.get(kind)
        if found is None:
            found = self[kind] = getattr(TRACED if kind in LIFTED else names_of_array(x), self.name)
        return found
