"""Source text of a function, with the objects that it refers to."""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.compiler.program import Ref

__all__ = ["Printer"]

_numbers = itertools.count(1)

LITERALS = (int, bool, str, type(None), type(Ellipsis))


class Printer:
    """Lines of a function, and its globals.

    The same object gets the same name, so that source is short and comparable.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self._known: dict[int, str] = {}

    def add(self, line: str) -> None:
        """One more line of the body."""
        self.lines.append(line)

    def name(self, value: Any, hint: str = "c") -> str:
        """The name of an object among the globals."""
        found = self._known.get(id(value))
        if found is None:
            hint = "".join(c if c.isalnum() else "_" for c in hint)
            found = f"{hint}_{len(self.names)}"
            self.names[found] = value
            self._known[id(value)] = found
        return found

    def operand(self, x: Any) -> str:
        """The text of a reference or constant; small ones are written out."""
        if type(x) is Ref:
            return f"v{int(x)}"
        if type(x) is tuple:
            inside = ", ".join(map(self.operand, x))
            return f"({inside},)" if len(x) == 1 else f"({inside})"
        if type(x) is slice and all(type(b) in LITERALS for b in (x.start, x.stop, x.step)):
            return f"slice({x.start!r}, {x.stop!r}, {x.step!r})"
        if type(x) in LITERALS or (type(x) is float and np.isfinite(x)):
            return repr(x)
        return self.name(x)

    def call(self, function: Any, hint: str, operands: Any, keywords: dict[str, Any]) -> str:
        """The text of a call."""
        told = [self.operand(x) for x in operands]
        told += [f"{name}={self.operand(x)}" for name, x in keywords.items()]
        return f"{self.name(function, hint)}({', '.join(told)})"

    def source(self, arguments: str) -> str:
        """The whole function."""
        body = "\n".join(f"    {line}" for line in self.lines) or "    pass"
        return f"def replay({arguments}):\n{body}\n"

    def build(self, arguments: str) -> Callable[..., Any]:
        """Make the function; tracebacks show its lines."""
        source = self.source(arguments)
        file = f"<anygrad program {next(_numbers)}>"
        names = dict(self.names)
        exec(compile(source, file, "exec"), names)
        replay = names.pop("replay")  # not in its own globals: it goes when nothing needs it
        replay.__anygrad_source__ = source
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        weakref.finalize(replay, linecache.cache.pop, file, None).atexit = False
        return replay
