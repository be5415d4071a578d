"""What a program is printed as: Python source, one target a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.compiler.program import Program
from anygrad.compiler.targets.plain import MISSED, print_plain

__all__ = ["MISSED", "print_program"]


def print_program(program: Program, donated: frozenset[int] = frozenset()) -> Callable[..., Any]:
    """Make ``run(*inputs)``, which returns the outputs in a tuple, or `MISSED`.

    ``donated`` are the inputs whose memory may be used for outputs.
    """
    return print_plain(program, donated)
