"""When a program is worth machine code: a replay that has been made often enough gets kernels.

Compiling takes some ten milliseconds, reading from disk about one. So a program is replayed by
NumPy until that has taken as long as reading would, then, if nothing was found, until it has taken
as long as compiling would. Who replays a program a few times only never waits for a compiler.
"""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from anygrad.compiler.program import Program
from anygrad.compiler.targets.buffered import print_buffered
from anygrad.compiler.targets.llvmlite import is_usable, reason_against
from anygrad.compiler.targets.native.choosing import Kernel, kernels_of
from anygrad.compiler.targets.native.making import make, text_of
from anygrad.config import settings

__all__ = ["Heat", "heat_of", "with_kernels"]

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
    heat = Heat(program, donated, prepare)
    if wanted == "always":
        heat.look(True)
        found = heat.hot
        if found is None or not heat.kernels:
            return print_buffered(program, donated)
        found.__anygrad_heat__ = heat  # type: ignore[attr-defined]
        return found
    return _warm(heat)


def _warm(heat: Heat) -> Callable[..., Any]:
    """Replay by NumPy, and count."""

    def replay(*leaves: Any) -> Any:
        hot = heat.hot
        return (heat.next() if hot is None else hot)(*leaves)

    replay.__anygrad_heat__ = heat  # type: ignore[attr-defined]
    return replay


def heat_of(run: Callable[..., Any]) -> Any:
    """What is known of the kernels of a replay; None if there will never be any."""
    return getattr(inspect.unwrap(run), "__anygrad_heat__", None)


class Heat:
    """How often a program was replayed, and what is run now.

    Attributes
    ----------
    hot : callable or None
        The replay with kernels, or the one by NumPy if there are none; None while it is counted.
    failed : bool
        Whether kernels could not be made.
    """

    def __init__(self, program: Program, donated: frozenset[int], prepare: Callable[[], Program]):
        self._program, self._donated, self._prepare = program, donated, prepare
        self._cold: Callable[..., Any] | None = None
        self._calls, self._looked = 0, False
        self._lock = threading.Lock()
        self._read_at = max(2, int(READING / replay_time(program)))
        self.hot: Callable[..., Any] | None = None
        self.failed = False

    @cached_property
    def program(self) -> Program:
        """As it is printed with kernels."""
        return self._prepare()

    @cached_property
    def kernels(self) -> tuple[Kernel, ...]:
        """What is worth machine code."""
        return tuple(kernels_of(self.program))

    @cached_property
    def made_at(self) -> int:
        """The replay at which they are compiled."""
        operations = sum(len(kernel.nodes) for kernel in self.kernels)
        total = len(self.kernels) * COMPILING[0] + operations * COMPILING[1]
        return max(self._read_at + 1, int(total / replay_time(self._program)))

    @property
    def replays(self) -> int:
        """How many replays are left until they are made; 0 if they are in use."""
        return 0 if self.hot is not None else max(self.made_at - self._calls, 1)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the kernels."""
        return tuple([text_of(one).text for one in self.kernels])

    @property
    def source(self) -> str:
        """The text of what is run now."""
        return (self.hot or self._by_numpy()).__anygrad_source__  # type: ignore[attr-defined]

    def next(self) -> Callable[..., Any]:
        """Count a replay, and give what carries it out."""
        self._calls += 1
        if self._calls >= self._read_at and (not self._looked or self._calls >= self.made_at):
            self._looked = True
            self.look(self._calls >= self.made_at)
        return self.hot or self._by_numpy()

    def look(self, wait: bool) -> None:
        """Look for kernels on disk; compile them with ``wait``. From then on they are run."""
        with self._lock:
            if self.hot is not None:
                return
            found = None
            if self.kernels:
                found = _print_hot(self.program, self._donated, self.kernels, wait)
                self.failed = found is None and wait
            if found is None and (wait or not self.kernels):
                found = self._by_numpy()
            if found is not None:
                self.hot, self._cold = found, None  # and its memory is given back

    def _by_numpy(self) -> Callable[..., Any]:
        cold = self._cold
        if cold is None:
            cold = self._cold = print_buffered(self._program, self._donated)
        return cold


def replay_time(program: Program) -> float:
    """About how many seconds NumPy takes for a program."""
    sizes = [program.specs[node.number].size for node in program.nodes]
    return CALL * max(len(sizes), 1) + ELEMENT * sum(sizes)


_warned: set[str] = set()


def _print_hot(
    program: Program, donated: frozenset[int], kernels: Sequence[Kernel], wait: bool
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
