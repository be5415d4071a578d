"""When a program for CuPy arrays gets kernels: once it was replayed a few times.

NVRTC takes a tenth of a second for a kernel the first time; CuPy keeps what it compiled on disk.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import Any

from anygrad.compiler.program import Program
from anygrad.compiler.targets import cupy
from anygrad.compiler.targets.cuda.choosing import Kernel, kernels_of
from anygrad.compiler.targets.cuda.replaying import print_launching, where_to_run
from anygrad.compiler.targets.plain import print_plain
from anygrad.config import settings

__all__ = ["HOT", "Launches", "with_launches"]

HOT = 3
"""The replay from which on a program has kernels."""


def with_launches(program: Program, donated: frozenset[int], plain: Program) -> Callable[..., Any]:
    """Make the function ``replay(*leaves)``, which launches kernels when it is hot.

    ``plain`` is the program as it is carried out without kernels.
    """
    wanted, place = settings().kernels, where_to_run(program)
    if wanted == "off":
        return _placed(print_plain(plain, donated), place)
    heat = Launches(program, donated, plain)

    def replay(*leaves: Any) -> Any:
        hot = heat.hot
        return (heat.next(wanted == "always") if hot is None else hot)(*leaves)

    replay.__anygrad_heat__ = heat  # type: ignore[attr-defined]
    return _placed(replay, place)


def _placed(run: Callable[..., Any], place: int | None) -> Callable[..., Any]:
    return run if place is None else cupy.on_device(run, place)


class Launches:
    """How often a program was replayed, and what is run now.

    Attributes
    ----------
    hot : callable or None
        The replay with kernels, or the plain one if there are none; None while it is counted.
    failed : bool
        Whether kernels could not be made.
    """

    def __init__(self, program: Program, donated: frozenset[int], plain: Program):
        self.program, self._donated, self._plain = program, donated, plain
        self._calls = 0
        self._lock = threading.Lock()
        self.hot: Callable[..., Any] | None = None
        self.failed = False

    @cached_property
    def kernels(self) -> tuple[Kernel, ...]:
        """What is worth a kernel."""
        return tuple(kernels_of(self.program))

    @cached_property
    def _cold(self) -> Callable[..., Any]:
        return print_plain(self._plain, self._donated)

    @property
    def replays(self) -> int:
        """How many replays are left until there are kernels; 0 if they are in use."""
        return 0 if self.hot is not None else max(HOT - self._calls, 1)

    @property
    def source(self) -> str:
        """The text of what is run now."""
        return (self.hot or self._cold).__anygrad_source__  # type: ignore[attr-defined]

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the kernels."""
        if self.failed:
            return ()
        hot = self.hot
        if hot is None:
            hot = self._with_kernels()
        return getattr(hot, "__anygrad_texts__", ())

    def next(self, at_once: bool) -> Callable[..., Any]:
        """Count a replay, and give what carries it out."""
        self._calls += 1
        if at_once or self._calls >= HOT:
            self.look()
        return self.hot or self._cold

    def look(self) -> None:
        """Make the kernels; from then on they are run."""
        with self._lock:
            if self.hot is not None:
                return
            self.hot = self._with_kernels()

    def _with_kernels(self) -> Callable[..., Any]:
        """The replay with kernels; the plain one if they cannot be made."""
        try:
            return print_launching(self.program, self._donated, self.kernels)
        except Exception as error:  # whatever goes wrong in a compiler, there is another way
            self.failed = True
            _warn_once(error)
            return self._cold


_warned: set[str] = set()


def _warn_once(error: Exception) -> None:
    if "kernels" not in _warned:
        _warned.add("kernels")
        first = next(iter(str(error).splitlines()), "")
        message = (
            f"kernels: got {type(error).__name__} from the compiler: {first}; this program is "
            "replayed by CuPy. Set kernels='off' to do without them."
        )
        warnings.warn(message, RuntimeWarning, stacklevel=2)
