"""Looking at values that lie on the host anyway, also where operations are written down.

A shortcut that reads a value costs nothing with NumPy's arrays. While a program is recorded, the
reading becomes one of its steps, so that it is made anew in every run; its results are values of
the program, and a branch on them holds for that run alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from anygrad.backends import backend_of, is_traced

__all__ = ["can_look", "look"]


def can_look(found: Iterable[Any]) -> bool:
    """Tell whether the values of all these arrays can be looked at for nothing."""
    kinds = {type(x): x for x in found}
    return all(_lies_on_host(x) for x in kinds.values()) and all(
        _recorder(x) is not None
        for x in (found if any(map(is_traced, kinds.values())) else ())
        if is_traced(x)
    )


def look(function: Callable[..., Any], *values: Any) -> Any:
    """Call a function of plain values, also in every run of a program that is being recorded.

    One that reads them is for values of the host (`can_look`). Many results come as a tuple.
    """
    for x in values:
        if is_traced(x):
            record = _recorder(x)
            return function(*values) if record is None else record(function, values)
    return function(*values)


def _lies_on_host(x: Any) -> bool:
    backend = backend_of(x)
    return backend is not None and backend.host_dot is not None


def _recorder(x: Any) -> Any:
    """What writes a call down: of a value right above a plain one, in a program."""
    return x.__anygrad_look__ if hasattr(type(x), "__anygrad_look__") else None
