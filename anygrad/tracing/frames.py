"""Where in the user's code something happens: the first frame outside this package and NumPy."""

from __future__ import annotations

import linecache
import sys
import types
from typing import NamedTuple

NOT_THE_USER = frozenset(
    ("anygrad", "numpy", "cupy", "cupyx", "array_api_compat", "array_api_strict", "scipy")
) | frozenset(("torch", "jax", "optree", "functools", "contextlib"))
"""Packages whose frames are passed over."""

COMPOSITIONS = "anygrad.tracing.functions."


class Line(NamedTuple):
    """A line of the user's code.

    ``inside`` is the function that was called there, where it is made of several operations.
    """

    file: str
    number: int
    function: str
    inside: str = ""

    @property
    def source(self) -> str:
        """The text of the line; empty where the file cannot be read."""
        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        text = f'  File "{self.file}", line {self.number}, in {self.function}'
        return f"{text}\n    {self.source}" if self.source else text


def users_line() -> Line | None:
    """Find the line of the user's code that is being carried out; None where there is none."""
    frame: types.FrameType | None = sys._getframe(1)
    inside = ""
    while frame is not None and _is_passed_over(frame):
        if _is_composition(frame):
            inside = frame.f_code.co_name
        frame = frame.f_back
    if frame is None:
        return None
    code = frame.f_code
    return Line(code.co_filename, frame.f_lineno, code.co_name, inside)


def with_users_line(message: str) -> str:
    """A message with the line of the user's code below it, where there is one."""
    line = users_line()
    return message if line is None else f"{message}\n{line}"


def lines_to_the_user() -> int:
    """Count how many frames above its caller the user's one is, as a ``stacklevel`` of warnings."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _is_passed_over(frame):
        frame, level = frame.f_back, level + 1
    return level


def _is_composition(frame: types.FrameType) -> bool:
    """Whether a public function is running that is made of several operations."""
    names = frame.f_globals
    if not names.get("__name__", "").startswith(COMPOSITIONS):
        return False
    name = frame.f_code.co_name
    return not name.startswith("_") and getattr(names.get(name), "__code__", None) is frame.f_code


def _is_passed_over(frame: types.FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in NOT_THE_USER
