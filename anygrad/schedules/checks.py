"""Check the arguments that several schedules share, and print numbers as they were written."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from anygrad.backends import backend_of, is_traced, namespace_of
from anygrad.backends.dtypes import has_kind
from anygrad.errors import ArgumentError, describe, suggest
from anygrad.ranges import FINITE, check_count, check_number
from anygrad.trees import to_numpy

__all__ = ["check_boundaries", "check_choice", "check_values", "plain", "real_number"]


def check_choice(where: str, value: Any, known: Collection[str]) -> str:
    """Return ``value`` if it is one of the known words."""
    if isinstance(value, str) and value in known:
        return value
    *most, last = map(repr, known)
    names = f"{', '.join(most)} or {last}" if most else last
    message = f"{where}: got {describe(value)}; expected {names}. {suggest(value, known)}"
    raise ArgumentError(message.rstrip())


def check_boundaries(where: str, boundaries: Any, low: int) -> list[int]:
    """Return the boundaries as Python ints; each is above the one before and at least ``low``."""
    found: list[int] = []
    for boundary in _items(where, boundaries, "increasing steps"):
        least = found[-1] + 1 if found else low
        advice = "Each boundary lies after the one before." if found else ""
        found.append(check_count(f"{where}[{len(found)}]", boundary, low=least, advice=advice))
    return found


def check_values(where: str, values: Any, count: int) -> list[float]:
    """Return the values as Python floats; there is one more than there are boundaries."""
    found = [
        check_number(f"{where}[{n}]", value, FINITE)
        for n, value in enumerate(_items(where, values, "numbers"))
    ]
    check_length(where, len(found), "values", count)
    return found


def check_length(where: str, length: int, what: str, boundaries: int) -> None:
    """Refuse any number of pieces but one more than there are boundaries."""
    if length == boundaries + 1:
        return
    message = (
        f"{where}: got {length} {what} and {boundaries} boundaries; expected one more than there "
        "are boundaries. The first holds from step 0, each other from its boundary on."
    )
    raise ArgumentError(message)


def real_number(value: Any) -> float | None:
    """Read one real number, or an array of shape () of any library, whose values are waited for.

    None for anything else; text and bool, which `float` reads too, are none.
    """
    if backend_of(value) is None:
        is_real = isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, bool)
        return float(value) if is_real else None
    xp = namespace_of(value)
    if value.shape != () or not has_kind(xp, value.dtype, ("integral", "real floating")):
        return None
    if has_kind(xp, value.dtype, "real floating") and not is_traced(value):  # NumPy has no bfloat16
        value = xp.astype(value, xp.result_type(value.dtype, xp.float32))
    return float(to_numpy(value))


def plain(number: float) -> str:
    """The number without a trailing ``.0``."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _items(where: str, values: Any, what: str) -> list[Any]:
    if isinstance(values, Iterable) and not isinstance(values, (str, bytes, dict)):
        return list(values)
    raise ArgumentError(f"{where}: got {describe(values)}; expected a list of {what}.")
