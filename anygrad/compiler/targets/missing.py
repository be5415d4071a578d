"""A part of a program that finds out, in the middle of a run, that the program does not hold."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from anygrad.compiler.targets.plain import MISSED
from anygrad.errors import TraceError

__all__ = ["Missed", "noticing"]


class Missed(TraceError):
    """A ``call`` met what only a new recording of the whole function can tell."""


def noticing(run: Callable[..., Any]) -> Callable[..., Any]:
    """The same run, which returns `MISSED` where a part of it has raised `Missed`."""

    @functools.wraps(run)
    def noticed(*inputs: Any) -> Any:
        try:
            return run(*inputs)
        except Missed:
            return MISSED

    return noticed
