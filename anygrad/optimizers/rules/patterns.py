"""Patterns of paths: which leaves one means, and one wording for a pattern that means none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from anygrad.errors import ArgumentError, suggest

__all__ = ["check_matches", "matches"]


def matches(path: str, *patterns: str) -> bool:
    """Tell whether a path, such as ``decoder/w``, is meant by any of the patterns.

    ``*`` stands for any text, also across ``/``; every other character for itself.
    """
    return any(_compile(pattern).fullmatch(path) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def check_matches(where: str, patterns: Sequence[str], paths: Sequence[str]) -> None:
    """Refuse a pattern that matches no leaf: most likely a slip of the pen."""
    for pattern in patterns:
        if any(matches(path, pattern) for path in paths):
            continue
        some = ", ".join(paths[:5]) + (", ..." if len(paths) > 5 else "")
        message = (
            f"{where}: got pattern {pattern!r}, which matches no parameter; expected a pattern of "
            f"paths such as {some}. {suggest(pattern, paths)}"
        )
        raise ArgumentError(message.rstrip())
