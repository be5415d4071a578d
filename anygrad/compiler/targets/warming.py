"""When a program is worth machine code: a replay that has been made often enough gets kernels.

Compiling takes some ten milliseconds, reading from disk about one. So a program is replayed by
NumPy until that has taken as long as reading would, then, if nothing was found, until it has taken
as long as compiling would. Who replays a program a few times only never waits for a compiler.
"""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anygrad.compiler.program import Program
from anygrad.compiler.targets.buffered import print_buffered
from anygrad.compiler.targets.llvmlite import is_usable, reason_against
from anygrad.compiler.targets.native.choosing import Kernel, kernels_of
from anygrad.compiler.targets.native.making import make
from anygrad.config import settings

__all__ = ["Heat", "calls_until_hot", "heat_of", "with_kernels"]

CALL = 0.5e-6
"""Seconds that NumPy takes for an operation besides its elements."""
ELEMENT = 1e-9
"""Seconds that it takes for an element."""
READING = 2e-3
"""Seconds that it takes to write the text of a program's kernels and to read their code."""
COMPILING = 10e-3, 0.2e-3
"""Seconds that it takes to compile: for a kernel, and for each of its operations."""


def with_kernels(
    program: Program, donated: frozenset[int], prepare: Callable[[], Program]
) -> Callable[..., Any]:
    """Make the function ``replay(*leaves)``, which gets kernels when it is hot.

    ``prepare`` gives the program as it is printed with kernels.
    """
    wanted = settings().kernels
    if wanted == "off" or reason_against():
        return print_buffered(program, donated)
    other = prepare()
    kernels = kernels_of(other)
    if not kernels:
        return print_buffered(program, donated)
    if wanted == "always":
        found = _print_hot(other, donated, kernels, True)
        if found is None:
            return print_buffered(program, donated)
        found.__anygrad_kernels__ = Heat(other, tuple(kernels), 0)  # type: ignore[attr-defined]
        return found
    return Warming(program, donated, other, kernels).replay()


@dataclass
class Heat:
    """The kernels of a program that is replayed.

    Attributes
    ----------
    program : Program
        As it is printed with them.
    kernels : tuple of Kernel
        What they are.
    replays : int
        How many replays are left until they are made; 0 if they are in use, -1 if they cannot be.
    """

    program: Program
    kernels: tuple[Kernel, ...]
    replays: int


def heat_of(run: Callable[..., Any]) -> Heat | None:
    """What is known of the kernels of a replay; None if there are none."""
    return getattr(inspect.unwrap(run), "__anygrad_kernels__", None)


def calls_until_hot(program: Program, kernels: list[Kernel]) -> tuple[int, int]:
    """The replay at which code is looked for on disk, and the one at which it is compiled."""
    each = 0.0
    for node in program.nodes:
        each += CALL + ELEMENT * program.specs[node.number].size
    operations = sum(len(kernel.nodes) for kernel in kernels)
    total = len(kernels) * COMPILING[0] + operations * COMPILING[1]
    return max(2, int(READING / each)), max(3, int(total / each))


class Warming:
    """A program that is replayed by NumPy, and counted."""

    def __init__(
        self,
        program: Program,
        donated: frozenset[int],
        other: Program,
        kernels: list[Kernel],
    ):
        self._program, self._donated, self._kernels = other, donated, kernels
        self._cold = print_buffered(program, donated)
        self._read_at, self._made_at = calls_until_hot(program, kernels)
        self._lock = threading.Lock()

    def replay(self) -> Callable[..., Any]:
        """The function."""
        cold, calls, looked = self._cold, 0, False
        heat = Heat(self._program, tuple(self._kernels), self._made_at)
        hot: list[Callable[..., Any]] = []

        def replay(*leaves: Any) -> Any:
            if hot:
                return hot[0](*leaves)
            nonlocal calls, looked
            calls += 1
            heat.replays = max(self._made_at - calls, 1)
            if calls >= self._made_at or (calls >= self._read_at and not looked):
                looked = True
                found = self._find(calls >= self._made_at)
                if found is not None:
                    hot.append(found)
                    heat.replays = -1 if found is cold else 0
                    replay.__anygrad_source__ = found.__anygrad_source__  # type: ignore[attr-defined]
            return (hot[0] if hot else cold)(*leaves)

        replay.__anygrad_source__ = cold.__anygrad_source__  # type: ignore[attr-defined]
        replay.__anygrad_kernels__ = heat  # type: ignore[attr-defined]
        return replay

    def _find(self, wait: bool) -> Callable[..., Any] | None:
        with self._lock:
            found = _print_hot(self._program, self._donated, self._kernels, wait)
            if found is None and wait:
                return self._cold  # there will be none
            return found


_warned: set[str] = set()


def _print_hot(
    program: Program, donated: frozenset[int], kernels: list[Kernel], wait: bool
) -> Callable[..., Any] | None:
    """The program with its kernels; None if they are not there, or cannot be made."""
    try:
        if not is_usable():
            return None
        made = [(kernel, make(kernel, wait)) for kernel in kernels]
    except Exception as error:  # whatever goes wrong in a compiler, there is another way
        _warn_once(error)
        return None
    if any(entry is None for _, entry in made):
        return None
    return print_buffered(program, donated, made)


def _warn_once(error: Exception) -> None:
    if "kernels" not in _warned:
        _warned.add("kernels")
        message = (
            f"kernels: got {type(error).__name__} from the compiler: {error}; this program is "
            "replayed by NumPy. Set kernels='off' to do without them."
        )
        warnings.warn(message, RuntimeWarning, stacklevel=2)
