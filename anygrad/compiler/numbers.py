"""What operations mean for Python's numbers, which have no library, and where Python rounds."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.tracing.lookup import OPERATORS
from anygrad.tracing.plain import run_plain

__all__ = ["OF_NUMBERS", "of_number", "rounds_otherwise"]

OF_NUMBERS: dict[str, Callable[..., Any]] = {
    **OPERATORS,
    "remainder": operator.mod,
    "floor_divide": operator.floordiv,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "positive": operator.pos,
    "abs": abs,
    "real": operator.attrgetter("real"),
    "imag": operator.attrgetter("imag"),
    "conj": operator.methodcaller("conjugate"),
    "maximum": max,
    "minimum": min,
}
"""Rows that Python itself has; all others are `of_number`."""


def of_number(name: str, x: Any, *rest: Any, **kw: Any) -> Any:
    """A function of a Python number, which NumPy computes where no array says otherwise."""
    return run_plain(name, (np.asarray(x), *rest), kw)


def rounds_otherwise(name: str, values: tuple[Any, ...]) -> bool:
    """Whether Python's operator of complex values differs from the function, in its last bit."""
    arrays = complex_array = complex_scalar = False
    for v in values:
        if isinstance(v, np.ndarray):
            arrays = True
            complex_array = complex_array or v.dtype.kind == "c"
        elif type(v) is not float and isinstance(v, complex | np.complexfloating):
            complex_scalar = True
    if complex_scalar:
        return name == "pow" or not arrays
    return complex_array and name == "pow"
