"""What a function reads besides its arguments, as it was while the function was recorded.

A program holds as long as all of it is what it was: names by identity, numbers and strings by
value, containers by what they hold, NumPy arrays by a fingerprint as well, which
`anygrad.tracing.snapshots` describes; arrays of other libraries by identity, and where the library
counts them by the number of writes.
"""

from __future__ import annotations

import operator
import types
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from anygrad.compiler.reach import ATOMS, FIXED, MISSING, Reach, Slots, cell_content, contents
from anygrad.tracing import LIFTED, unbuffered
from anygrad.tracing.snapshots import EXACT_BYTES, fingerprint

__all__ = ["Surroundings"]


class Surroundings:
    """What was found, as it was.

    Attributes
    ----------
    watched : bool
        Whether there is anything to compare.
    generators : list of (str, object)
        Of random numbers.
    fleeting : str
        What gives another value whenever it is asked, in words; empty if nothing does.
    """

    def __init__(self, f: Callable[..., Any], others: Iterable[tuple[str, Any]] = ()):
        reach = Reach([("", f), *others])
        self._fixed: list[Group] = []
        self._grouped: list[Group] = []
        self._single: list[list[Any]] = []
        self._sizes: list[tuple[Any, int, str]] = []
        functions = [f for _, f in reach.functions.values()]
        for label, space, names, own in list(reach.spaces.values()):
            self._note(label, space, sorted(names))
            # a function without attributes gets one only from code that writes attributes
            if own and (space or reach.stores or not any(f.__dict__ is space for f in functions)):
                self._sizes.append((space, len(space), label))
        self._functions = [
            (f, f.__code__, f.__defaults__, f.__kwdefaults__, label)
            for label, f in reach.functions.values()
        ]
        self._cells = [[cell, cell_content(cell), label] for label, cell in reach.cells.values()]
        self._containers = [
            [x, contents(x), hasattr(x, "values"), label] for label, x in reach.containers.values()
        ]
        self._arrays = [
            (x, _reader(x), fingerprint(x), label) for label, x in reach.arrays.values()
        ]
        self.generators = list(reach.generators.values())
        self.fleeting = next(
            (
                f"takes from {label}, an iterator, while it runs"
                for label, _ in reach.iterators.values()
            ),
            "",
        )
        if reach.hidden:
            self.fleeting = "finds names through {1}() in {0}".format(*reach.hidden[0])
        if reach.unseeded:
            self.fleeting = f"makes random numbers without a seed in {reach.unseeded[0]}"
        parts = (self._single, self._sizes, self._cells, self._containers, self._arrays)
        self._others = any(parts)
        self.watched = self._others or any((self._fixed, self._grouped, self._functions))

    def _note(self, label: str, space: Any, names: list[str]) -> None:
        fixed, others = [], []
        for name in names:
            value = space.get(name, MISSING)
            if value is MISSING or isinstance(space, Slots):
                self._single.append([space, name, value, f"{label}.{name}".lstrip(".")])
            elif type(value) in FIXED:
                fixed.append(name)
            else:
                others.append(name)
        for chosen, room in ((fixed, self._fixed), (others, self._grouped)):
            if chosen:
                room.append(Group(label, space, chosen))

    @property
    def names(self) -> tuple[str, ...]:
        """What is watched besides functions and modules, by name."""
        labels = [name for group in self._grouped for name in group.labels()]
        labels += [entry[-1] for entry in (*self._single, *self._cells, *self._containers)]
        labels += [entry[-1] for entry in self._arrays]
        return tuple(dict.fromkeys(label for label in labels if label))

    def changed(self) -> str:
        """What is not as it was, in words; empty if all is."""
        try:
            for group in self._fixed:
                if group.read(group.space) != group.before:  # by identity, as they have no value
                    return group.difference()
            for group in self._grouped:
                if not all(map(operator.is_, group.read(group.space), group.before)):
                    label = group.difference()
                    if label:
                        return label
        except (KeyError, ValueError):
            return group.difference()
        for f, code, defaults, keywords, label in self._functions:
            if (
                f.__code__ is not code
                or f.__defaults__ is not defaults
                or f.__kwdefaults__ is not keywords
            ):
                return f"the code or defaults of {label or 'the function'}"
        return self._other_changed() if self._others else ""

    def _other_changed(self) -> str:
        """The same for what can not be read together."""
        for entry in self._single:
            space, name, before, label = entry
            now = space.get(name, MISSING)
            if now is not before:
                if not alike(now, before):
                    return label
                entry[2] = now
        for entry in self._cells:
            cell, before, label = entry
            now = cell_content(cell)
            if now is not before:
                if not alike(now, before):
                    return label
                entry[1] = now
        for entry in self._containers:
            held, before, is_dict, label = entry
            now = [*held, *held.values()] if is_dict else held
            if len(now) != len(before):
                return label
            if not all(map(operator.is_, now, before)):
                now = list(now)
                if not all(map(alike, now, before)):
                    return label
                entry[1] = now
        for space, size, label in self._sizes:
            if len(space) != size:
                return f"the attributes of {label or 'the function'}"
        return self.overwritten()

    def overwritten(self) -> str:
        """The array that has other elements now; empty if none has."""
        for x, read, before, label in self._arrays:
            if read(x) != before:
                return label
        return ""

    def release(self, level: Any) -> None:
        """Put plain values in place of those of ``level`` that the function has stored."""
        for group in self._grouped:
            for name in group.names:
                _put(group.space, name, level)
        for space, name, _, _ in self._single:
            _put(space, name, level)
        for space, _, _ in self._sizes:
            for name in list(space):
                _put(space, name, level)
        for cell, _, _ in self._cells:
            now = cell_content(cell)
            plain = _plain(now, level)
            if plain is not now:
                cell.cell_contents = plain
        for entry in self._containers:
            _plain(entry[0], level)


class Group:
    """Several names of one mapping, read at once.

    Attributes
    ----------
    read : callable
        ``read(space)``: what the names stand for, in a tuple.
    before : tuple
        What they stood for.
    """

    __slots__ = ("before", "label", "names", "read", "space")

    def __init__(self, label: str, space: Any, names: list[str]):
        self.label, self.space, self.names = label, space, names
        # a name that is there twice makes a tuple of what would be a single value
        self.read: Any = operator.itemgetter(*(names if len(names) > 1 else names * 2))
        self.before = self.read(space)

    def labels(self) -> list[str]:
        """The names as the user would write them."""
        return [f"{self.label}.{name}".lstrip(".") for name in self.names]

    def difference(self) -> str:
        """The name that stands for something else; empty if it is as good, and is remembered."""
        now = [self.space.get(name, MISSING) for name in self.names]
        for label, a, b in zip(self.labels(), now, self.before, strict=False):
            if not alike(a, b):
                return label
        self.before = tuple(now if len(now) > 1 else now * 2)
        return ""


def _reader(x: Any) -> Callable[[Any], Any]:
    """What makes the fingerprint; of a small array in one memory block without more ado."""
    if type(x) is np.ndarray and x.flags.c_contiguous and 0 < x.nbytes <= EXACT_BYTES:
        try:
            memory = x.data
            zlib.crc32(memory)
        except (ValueError, TypeError, NotImplementedError):
            return fingerprint
        return lambda _: zlib.crc32(memory)
    return fingerprint


def alike(a: Any, b: Any) -> bool:
    """Whether a value is as good as another for everything that can be computed from it."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if type(a) is tuple:
        return len(a) == len(b) and all(map(alike, a, b))
    if not isinstance(a, ATOMS):
        return False
    if isinstance(a, float | complex):  # nan, and signed zeros; NumPy's are among them
        return repr(a) == repr(b)
    return bool(a == b)


def _put(space: Any, name: str, level: Any) -> None:
    now = space.get(name, MISSING)
    plain = _plain(now, level)
    if plain is not now and not isinstance(space, types.MappingProxyType):
        space[name] = plain


def _plain(x: Any, level: Any) -> Any:
    """A value without the level; lists and dicts are changed in place."""
    kind = type(x)
    if kind in LIFTED:
        x = unbuffered(x)
        return level.lower(x) if type(x) in LIFTED else x
    if isinstance(x, dict | list):
        for k, part in list(x.items() if isinstance(x, dict) else enumerate(x)):
            plain = _plain(part, level)
            if plain is not part:
                x[k] = plain
    elif kind is tuple:
        parts = [_plain(part, level) for part in x]
        if any(map(operator.is_not, parts, x)):
            return tuple(parts)
    return x
