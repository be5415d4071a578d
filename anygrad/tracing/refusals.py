"""Refusals that somebody else may swallow: C code that reports an error of its own instead.

SciPy's solvers call a function and want a number back. Where a traced array refuses to be one, some
raise another error, or none of ours. The last refusal of a thread is kept with the lines that were
being carried out, so that `swallowed` can tell that an error of one of them came from it.
"""

from __future__ import annotations

import dis
import sys
import threading
import types
from typing import Any

from anygrad.errors import TraceError

DEPTH = 64
"""How many callers of a refusal are kept."""

_last = threading.local()
_OPERATE = dis.opmap["BINARY_OP"]
_REMAINDERS = frozenset((6, 19))
"""x % y and x %= y among the arguments of that instruction."""


def asking() -> types.FrameType:
    """The frame that is being carried out outside of this package: what C code was called from."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("anygrad."):
        frame = frame.f_back
    return frame


def noted(error: TraceError, frame: types.FrameType) -> TraceError:
    """Keep a refusal, and the lines that were being carried out, the innermost first."""
    lines: list[tuple[types.CodeType, int]] = []
    here: types.FrameType | None = frame
    while here is not None and len(lines) < DEPTH:
        lines.append((here.f_code, here.f_lineno))
        here = here.f_back
    _last.error, _last.lines = error, lines
    return error


def is_formatting(frame: types.FrameType) -> bool:
    """Whether a value is wanted for a text: ``"%.3f" % x`` asks for a number."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return code[at] == _OPERATE and code[at + 1] in _REMAINDERS


def swallowed(error: BaseException) -> TraceError | None:
    """The refusal that an error of another kind was raised for, if there is one."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, TraceError):
            return cause
        cause = cause.__cause__
    refusal = getattr(_last, "error", None)
    trace = error.__traceback__
    if refusal is None or trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    here = trace.tb_frame.f_code, trace.tb_lineno
    return refusal if here in _last.lines else None


def forget() -> None:
    """Let go of the last refusal."""
    _last.__dict__.clear()
