"""Traced values where solvers need plain ones: said clearly, before a library trips over them."""

from __future__ import annotations

from typing import Any

from anygrad.errors import TraceError
from anygrad.tracing import LIFTED, unbuffered
from anygrad.tracing.level import recorded


def refuse_traced(where: str, value: Any) -> Any:
    """Raise if what a function gave at plain values is traced: it closes over a traced value.

    Gives the value back as the library's own array: inside a transformation, arrays that a function
    makes to write into are held by buffers.
    """
    if type(value) in LIFTED:
        value = unbuffered(value)
    if type(value) in LIFTED:
        written = recorded(value)
        if written is not None:  # in a compiled function, there is no derivative to be lost
            raise written.t.refuse(written, where)
        message = (
            f"{where}: its result depends on a traced value that the function closes over; "
            "expected one that depends on x and args only. Pass the value through args, f(x, a) "
            "with args=(a,): the solution is then differentiated, or mapped, by it."
        )
        raise TraceError(message)
    return value
