"""``compile``: record once for each kind of arguments, replay from then on."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import threading
import types
import warnings
from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.autodiff.inputs import check_callable, name_of
from anygrad.compiler.arguments import Chosen, freeze, names_of
from anygrad.compiler.derived import Derived
from anygrad.compiler.donating import can_be_given
from anygrad.compiler.explaining import Explanation, counted, explain
from anygrad.compiler.integers import Integers
from anygrad.compiler.keys import (
    compiling,
    environment,
    is_static,
    key_of,
    leaf_key,
    orders,
    show_key,
    why_eager,
)
from anygrad.compiler.kinds import Kind
from anygrad.compiler.paths import Path
from anygrad.compiler.program import Program
from anygrad.compiler.targets import source_of
from anygrad.compiler.targets.warming import heat_of
from anygrad.errors import ArgumentError, RetraceWarning
from anygrad.tracing import LIFTED
from anygrad.tracing.frames import lines_to_the_user

__all__ = ["Compiled", "compile"]

_NOT_CALLED = (
    *(inspect.iscoroutinefunction, inspect.isgeneratorfunction),
    inspect.isasyncgenfunction,
)

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

    Warns
    -----
    RetraceWarning
        Once, if ``f`` runs uncompiled or is recorded again and again; tells what changes.

    Notes
    -----
    What ``f`` reads besides its arguments (globals, closures, attributes, defaults) is compared
    before every replay, and ``f`` is recorded anew where it has changed; of an array beyond 16 KB,
    that is seen if it is another one or its memory was overwritten as a whole. Where Python
    decides by a value, the way it took is a condition of the replay. A function that changes
    something, draws random numbers from NumPy, Python or torch, or finds names through `eval` runs
    uncompiled. Text made of a value, `print` included, is such a condition too. What comes from
    elsewhere is that of the recording: time, files, environment.

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
        if donate == () and static == ():
            return f
        f = f.function
    if isinstance(f, staticmethod | classmethod):
        message = (
            f"compile(f): got a {type(f).__name__}; expected a function. Put @{type(f).__name__} "
            "above @ag.compile."
        )
        raise ArgumentError(message)
    if any(kind(f) for kind in _NOT_CALLED):
        message = (
            f"compile(f): got {name_of(f)}, a coroutine or generator; expected a function that "
            "runs when it is called. Compile the functions that it calls."
        )
        raise ArgumentError(message)
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
        self._special = bool(static)
        self._kinds: dict[Any, Kind] = {}
        self._integers = Integers()
        self._warned: set[str] = set()
        self._wasted = 0
        self._lock = threading.Lock()
        self._derived: Derived | None = None
        try:
            functools.update_wrapper(self, f, updated=())  # the attributes are its own
        except (AttributeError, TypeError):
            self.__name__ = name_of(f)
        self.__dict__.pop("__wrapped__", None)
        self.__qualname__ = f"compile({name_of(f)})"

    def __repr__(self) -> str:
        kinds, programs = self.counts()
        known = [counted(programs, "program"), counted(kinds, "kind")]
        return f"<{self.__qualname__}: {' for '.join(known)} of arguments>"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else types.MethodType(self, owner)

    def __reduce__(self) -> Any:
        found: Any = sys.modules.get(getattr(self.function, "__module__", None) or "")
        name = name_of(self.function)
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (Compiled, (self.function, self._donate, self._static))

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.function)

    def __call__(self, *args: Any, **kw: Any) -> Any:
        """Replay, or record."""
        token = compiling()
        if token is None:
            return self.function(*args, **kw)
        if not kw and not self._special:
            key: list[Any] = [token]
            for x in args:
                read = key_of(type(x))
                if read is None:
                    break
                key.append(read(x))
            else:
                kind = self._kinds.get(tuple(key))
                if kind is not None:
                    return kind.run(self, args, args, kw)
        held, args, kw, leaves, treedef = self._taken_apart(args, kw)
        if not LIFTED.isdisjoint(map(type, leaves)):
            return self._traced(leaves, treedef, held, (orders(args), orders(kw)))
        return self._kind(token, held, args, kw, leaves, treedef).run(self, leaves, args, kw)

    def ir(self, *args: Any, **kw: Any) -> Program:
        """The program for these arguments, as it is replayed; printing it shows its nodes."""
        return self._path(args, kw).program

    def source(self, *args: Any, **kw: Any) -> str:
        """The text of the function that is replayed for these arguments."""
        return source_of(self._path(args, kw).print())

    def kernels(self, *args: Any, **kw: Any) -> tuple[str, ...]:
        """The texts of the kernels that these arguments get once they are hot.

        Parameters
        ----------
        *args, **kw
            The arguments of a call.

        Returns
        -------
        tuple of str
            For LLVM where the arrays are NumPy's, in CUDA C++ where they are CuPy's; none for other
            libraries, without llvmlite, and with the setting ``kernels="off"``.

        Raises
        ------
        ArgumentError, TraceError
            As the call itself.
        """
        heat = heat_of(self._path(args, kw).print())
        return () if heat is None else heat.texts

    def explain(self, *args: Any, **kw: Any) -> Explanation:
        """Tell what becomes of the function for these arguments, which are left as they are.

        Parameters
        ----------
        *args, **kw
            The arguments of a call. What is not yet recorded for them is recorded now.

        Returns
        -------
        Explanation
            Printing it shows operations, guards, groups and what is in none and why, the bytes that
            are moved and have to be, and the source; each of them is an attribute, too.

        Raises
        ------
        ArgumentError, TraceError
            As the call itself.

        Examples
        --------
        >>> import numpy as np
        >>> import anygrad as ag
        >>> slope = ag.compile(ag.grad(lambda x: np.sum(np.sin(x) * x)))
        >>> told = slope.explain(np.zeros(2))
        >>> told.guards, told.paths, told.bytes_least
        ((), 1, 32)
        """
        return explain(self, args, kw)

    def counts(self) -> tuple[int, int]:
        """The number of kinds of arguments that are known, and of programs for them."""
        kinds = list(self._kinds.values())
        return len(kinds), sum(len(kind.paths) for kind in kinds)

    def clear(self) -> None:
        """Forget every program, and give back the memory that is kept for them."""
        with self._lock:
            self._kinds.clear()
            self._integers.clear()
            self._wasted = 0
            self._derived = None

    def _path(self, args: tuple[Any, ...], kw: dict[str, Any]) -> Path:
        """The path that these arguments take; recorded now if it is new."""
        kind, found = self.locate(args, kw)
        if found is None:
            why = kind.eager or kind.refused or "it went another way when it was asked again"
            message = (
                f"{self.__qualname__}: got a call that is not replayed: {why}; expected one that "
                "is. Call it as it is, or compile what it calls."
            )
            raise ArgumentError(message)
        return found

    def locate(self, args: tuple[Any, ...], kw: dict[str, Any]) -> tuple[Kind, Path | None]:
        """What is kept for these arguments, and the path that they take; None if it is no use.

        The arguments are left as they are, those that are donated too.
        """
        held, args, kw, leaves, treedef = self._taken_apart(args, kw)
        kind = self._kind(environment()[1], held, args, kw, leaves, treedef)
        leaves = kind.spared(leaves)
        found = kind.find(leaves)
        if found is None:
            args, kw = trees.unflatten(treedef, leaves)
            kind.run(self, leaves, args, kw)
            found = kind.find(leaves)
        return kind, found

    def _traced(self, leaves: list[Any], treedef: Any, held: dict[Any, Any], known: Any) -> Any:
        """Within a transformation, what is recorded is the derivative of the function."""
        if self._derived is None:
            self._derived = Derived(self.function, compile)
        return self._derived(self, leaves, treedef, held, known)

    def _taken_apart(self, args: Any, kw: Any) -> Any:
        """Static arguments by place, the others in two forms: as given, and as leaves."""
        held: dict[Any, Any] = {}
        if self._special:
            held, args, kw = self._static.split(args, kw)
        leaves, treedef = trees.flatten((args, kw))
        return held, args, kw, leaves, treedef

    def _kind(
        self, token: int, held: Any, args: Any, kw: Any, leaves: list[Any], treedef: Any
    ) -> Kind:
        """What is kept for these arguments; made now if they are of a new kind."""
        key = list(map(leaf_key, leaves))
        if not kw and not self._special and len(leaves) == len(args):
            head: tuple[Any, ...] = (token,)
            if not all(map(operator.is_, leaves, args)):
                head = (treedef, orders(args), token)
        else:
            head = (treedef, orders(args), orders(kw), token)
            if held:
                head = (*head, freeze("compile", held))
        found = self._kinds.get((*head, *key))
        if found is not None:
            return found
        other = self._integers.replaced((head, len(key)), key, leaves)
        if other is not None:
            found = self._kinds.get((*head, *other))
            if found is not None:
                return found
        with self._lock:
            return self._new_kind(head, key, held, args, kw, leaves, treedef)

    def _new_kind(
        self, head: Any, key: list[Any], held: Any, args: Any, kw: Any, leaves: Any, treedef: Any
    ) -> Kind:
        inputs = [not is_static(x) for x in leaves]
        changing = self._integers.count((head, len(key)), leaves)
        for n in changing:
            inputs[n], key[n] = True, int
        whole = (*head, *key)
        found = self._kinds.get(whole)
        if found is not None:
            return found
        given = self._donate.leaves(args, kw) if self._donate else [False] * len(leaves)
        flags = [d and can_be_given(x) for d, x in zip(given, leaves, strict=True)]
        flags = [d for d, is_input in zip(flags, inputs, strict=True) if is_input]
        donated = frozenset([n for n, d in enumerate(flags) if d])
        found = Kind(inputs, held, treedef, donated, whole, (head, len(key)), changing)
        names = names_of(self.function, args, kw)
        for name, x in zip(names, leaves, strict=True):
            why = why_eager(x)
            if why:
                found.eager = f"{name} is {why}"
                if is_static(x):
                    self.warn(
                        "arguments", f"runs uncompiled: {found.eager}. Pass arrays and numbers."
                    )
        self._bound(head, key, names)
        if self._wasted > KINDS and not found.eager:
            found.eager = "its arguments are of a new kind in too many calls"
            self.warn(
                "new kinds",
                f"runs uncompiled for arguments of new kinds: {self._wasted} kinds were met once "
                f"only{_difference(head, key, names, list(self._kinds))}.",
            )
        self._kinds[whole] = found
        return found

    def pin(self, kind: Kind) -> None:
        """Take integers for static again: the way of the function depends on their values."""
        with self._lock:
            self._integers.pin(kind.where, kind.ints)
            self._kinds.pop(kind.key, None)

    def _bound(self, head: Any, key: list[Any], names: list[str]) -> None:
        """Keep few kinds: those that were used since the last look stay."""
        kinds = self._kinds
        while len(kinds) >= KINDS:
            oldest = next(iter(kinds))
            kind = kinds.pop(oldest)
            if kind.replays:
                kind.replays = 0
                kinds[oldest] = kind
            else:
                self._wasted += 1
        if len(kinds) == SUSPICIOUS:
            what = _difference(head, key, names, list(kinds))
            self.warn(
                "many kinds",
                f"was recorded for more than {SUSPICIOUS} kinds of arguments, which takes time and "
                f"memory{what}. Pad arrays to a few shapes, and pass numbers that change as floats "
                "or arrays.",
            )

    def warn(self, topic: str, what: str) -> None:
        """Say something, of each topic once."""
        if topic not in self._warned:
            self._warned.add(topic)
            message = f"{self.__qualname__}: {what}"
            warnings.warn(message, RetraceWarning, stacklevel=lines_to_the_user())


def _difference(head: Any, key: list[Any], names: list[str], kinds: list[Any]) -> str:
    """In which argument a new kind differs from the last one, in words."""
    for other in reversed(kinds):
        if other[: len(head)] == head and len(other) == len(head) + len(key):
            pairs = zip(names, other[len(head) :], key, strict=True)
            return next(
                (f"; {n} was {show_key(a)}, and is {show_key(b)}" for n, a, b in pairs if a != b),
                "",
            )
    return "; the structure of the arguments changes"
