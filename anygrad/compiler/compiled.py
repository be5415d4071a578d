"""``compile``: record once for each kind of arguments, replay from then on."""

from __future__ import annotations

import functools
import types
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from anygrad import trees
from anygrad.autodiff.inputs import check_callable, name_of
from anygrad.compiler.arguments import Chosen, fill, freeze
from anygrad.compiler.keys import environment, is_static, key_of, reader_of
from anygrad.compiler.paths import Path, make_path
from anygrad.compiler.program import Program
from anygrad.compiler.targets import MISSED
from anygrad.errors import ArgumentError, RetraceWarning
from anygrad.tracing import LIFTED
from anygrad.tracing.frames import lines_to_the_user

__all__ = ["Compiled", "compile"]

PATHS = 16
"""Ways through the function that are kept for one kind of arguments."""
KINDS = 256
"""Kinds of arguments that are kept."""
SUSPICIOUS = 64
"""Kinds of arguments after which a warning tells what changes."""


def compile(f: Callable[..., Any], *, donate: Any = (), static: Any = ()) -> Compiled:
    """Record what ``f`` does once for each kind of arguments, and replay it from then on.

    Parameters
    ----------
    f : callable
        Takes and returns trees of arrays and numbers; may itself be made by `grad`, `vmap`, ...
    donate : int, str, or tuple of these
        Arguments, by position or name, whose memory may be used for the results. They must not be
        used afterwards. Ignored by libraries whose arrays cannot be written.
    static : int, str, or tuple of these
        Arguments that are no inputs but choices: hashable, recorded anew for each value. Strings,
        functions and other objects are so by themselves, as are bools, and ints until their third
        value.

    Returns
    -------
    Compiled
        Called like ``f``; gives what ``f`` gives, bit for bit with NumPy arrays. ``.ir(*args)``
        shows the program, ``.explain(*args)`` what became of it, ``.clear()`` forgets everything.

    Raises
    ------
    ArgumentError
        If ``f`` cannot be called, or has no such arguments.
    TraceError
        If a value would leave the program as a plain number, or ``f`` writes into an argument.

    References
    ----------
    Frostig, Johnson, Leary (2018), Compiling machine learning programs via high-level tracing.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> slope = ag.compile(ag.grad(lambda x: np.sum(np.sin(x) * x)))
    >>> slope(np.zeros(2))
    array([0., 0.])
    """
    check_callable("compile", f)
    if isinstance(f, Compiled):
        f = f.function
    return Compiled(f, Chosen("donate", f, donate), Chosen("static", f, static))


class Compiled:
    """A function that records itself.

    Attributes
    ----------
    function : callable
        What was compiled.
    """

    def __init__(self, f: Callable[..., Any], donate: Chosen, static: Chosen):
        self.function = f
        self._donate, self._static = donate, static
        self._kinds: OrderedDict[Any, Kind] = OrderedDict()
        self._ints: dict[Any, set[Any]] = {}
        self._warned: set[str] = set()
        try:
            functools.update_wrapper(self, f)
        except (AttributeError, TypeError):
            self.__name__ = name_of(f)
        self.__dict__.pop("__wrapped__", None)
        self.__qualname__ = f"compile({name_of(f)})"

    def __repr__(self) -> str:
        return f"<{self.__qualname__}>"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else types.MethodType(self, owner)

    def __call__(self, *args: Any, **kw: Any) -> Any:
        """Replay, or record."""
        now, token = environment()
        if not now.fuse or now.debug_nans != "off":
            return self.function(*args, **kw)
        held = None
        if self._static:
            held, args, kw = self._static.split(args, kw)
        leaves, treedef = trees.flatten((args, kw))
        key = [treedef, token]
        for x in leaves:
            read = key_of(type(x))
            if read is None:
                if type(x) in LIFTED:
                    return self._traced(leaves, held, args, kw)
                read = reader_of(x)
            key.append(read(x))
        if held:
            key.append(freeze("compile", held))
        kind = self._kinds.get(tuple(key))
        if kind is None:
            kind = self._find(key, leaves, held, args, kw)
        return kind.run(leaves, args, kw)

    def ir(self, *args: Any, **kw: Any) -> Program:
        """The program for these arguments, as it is replayed; printing it shows its nodes."""
        return self._path(args, kw).program

    def source(self, *args: Any, **kw: Any) -> str:
        """The text of the function that is replayed for these arguments."""
        return self._path(args, kw).run.__anygrad_source__

    def clear(self) -> None:
        """Forget every program, and give back the memory that is kept for them."""
        self._kinds.clear()
        self._ints.clear()

    def _path(self, args: tuple[Any, ...], kw: dict[str, Any]) -> Path:
        """The path that these arguments take; recorded now if it is new."""
        held, args, kw = self._static.split(args, kw)
        leaves, treedef = trees.flatten((args, kw))
        key = [treedef, environment()[1], *[(key_of(type(x)) or reader_of(x))(x) for x in leaves]]
        if held:
            key.append(freeze("compile", held))
        kind = self._kinds.get(tuple(key)) or self._find(key, leaves, held, args, kw)
        found = kind.find(leaves)
        if found is None:
            kind.run(leaves, args, kw)
            found = kind.find(leaves)
        if found is None:
            message = f"{self.__qualname__}: got a function that is not replayed: {kind.eager}."
            raise ArgumentError(message)
        return found

    def _traced(self, leaves: list[Any], held: Any, args: Any, kw: Any) -> Any:
        """Within a transformation the function is what it was, so that rules of its own count."""
        args, kw = fill(held or {}, args, kw)
        return self.function(*args, **kw)

    def _find(self, key: list[Any], leaves: list[Any], held: Any, args: Any, kw: Any) -> Kind:
        """The kind of arguments that was not found as it stands: a new one, or one with ints."""
        treedef = key[0]
        inputs = [not is_static(x) for x in leaves]
        changing = [n for n, x in enumerate(leaves) if type(x) is int]
        for n in changing:
            seen = self._ints.setdefault((treedef, n), set())
            if len(seen) < 3:
                seen.add(leaves[n])
            if len(seen) > 2:
                inputs[n] = True
                key[2 + n] = int
        found = self._kinds.get(tuple(key))
        if found is None:
            given = self._donate.leaves(args, kw) if self._donate else [False] * len(leaves)
            flags = [d for d, is_input in zip(given, inputs, strict=True) if is_input]
            donated = frozenset([n for n, d in enumerate(flags) if d])
            found = Kind(self, inputs, held or {}, treedef, donated)
            self._kinds[tuple(key)] = found
            self._bound(key)
        return found

    def _bound(self, key: list[Any]) -> None:
        kinds = self._kinds
        if len(kinds) > KINDS:
            kinds.popitem(last=False)
        if len(kinds) > SUSPICIOUS:
            self.warn(
                f"was recorded for {len(kinds)} kinds of arguments; each takes time and memory. "
                "Pad arrays to a few shapes, and pass numbers that change as floats or arrays."
            )

    def warn(self, what: str) -> None:
        """Say something once."""
        if what[:20] not in self._warned:
            self._warned.add(what[:20])
            message = f"{self.__qualname__}: {what}"
            warnings.warn(message, RetraceWarning, stacklevel=lines_to_the_user())


class Kind:
    """What is kept for one kind of arguments: a path for each way that Python took."""

    def __init__(
        self,
        owner: Compiled,
        inputs: list[bool],
        held: dict[Any, Any],
        treedef: Any,
        donated: frozenset[int],
    ):
        self.owner, self.inputs, self.held, self.treedef = owner, inputs, held, treedef
        self.donated = donated
        self.all_inputs = all(inputs)
        self.paths: list[Path] = []
        self.eager = ""

    def run(self, leaves: list[Any], args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Replay the path that holds; record a new one if none does."""
        given = leaves if self.all_inputs else self._inputs(leaves)
        why = ""
        for path in self.paths:
            why = path.surroundings.changed()
            if not why:
                out = path.run(*given)
                if out is not MISSED:
                    if path is not self.paths[0]:
                        self.paths = [path, *[p for p in self.paths if p is not path]]
                    return path.rebuild(out)
        if self.eager:
            args, kw = fill(self.held, args, kw)
            return self.owner.function(*args, **kw)
        return self._record(leaves, given, args, kw, why)

    def find(self, leaves: list[Any]) -> Path | None:
        """The path that these arguments take, if it is known."""
        given = self._inputs(leaves)
        for path in self.paths:
            if not path.surroundings.changed() and path.run(*given) is not MISSED:
                return path
        return None

    def _inputs(self, leaves: Sequence[Any]) -> list[Any]:
        return [x for x, is_input in zip(leaves, self.inputs, strict=True) if is_input]

    def _record(self, leaves: Any, given: list[Any], args: Any, kw: Any, why: str) -> Any:
        owner = self.owner
        if len(self.paths) >= PATHS:
            self.eager = f"it took {PATHS} ways through its code"
            changed = why or self._differs(given)
            owner.warn(
                f"went {PATHS} different ways for arguments of one kind, and is not compiled for "
                f"further ones; {changed}. Use array functions such as xp.where, or arguments."
            )
            args, kw = fill(self.held, args, kw)
            return owner.function(*args, **kw)
        path, result, refused = make_path(self, leaves, given, args, kw)
        if path is not None:
            self.paths = [path, *self.paths]
        elif refused:
            self.eager = refused
        return result

    def _differs(self, given: list[Any]) -> str:
        path = self.paths[0]
        line = next((node.line for node in path.program.guards if node.line is not None), None)
        where = f" at {line.file}:{line.number}" if line is not None else ""
        return f"a value that Python decides by changes{where}"
