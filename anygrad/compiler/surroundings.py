"""What a function reads besides its arguments, as it was while the function was recorded.

A program holds as long as all of it is what it was: names by identity, numbers and strings by
value, containers by what they hold, NumPy arrays by a fingerprint as well, which
`anygrad.tracing.snapshots` describes; arrays of other libraries by identity, and where the library
counts them by the number of writes.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Callable, Iterable
from typing import Any

from anygrad.compiler.reach import ATOMS, FIXED, MISSING, Reach, Slots, contents
from anygrad.tracing import LIFTED, unbuffered
from anygrad.tracing.snapshots import fingerprint

__all__ = ["Surroundings"]


class Surroundings:
    """What was found, as it was.

    Attributes
    ----------
    watched : bool
        Whether there is anything to compare.
    generators, iterators : list of (str, object)
        What gives another value whenever it is asked.
    """

    def __init__(self, f: Callable[..., Any], others: Iterable[tuple[str, Any]] = ()):
        reach = Reach([("", f), *others])
        self._fixed: list[tuple[Any, Any, Any, tuple[str, ...], str]] = []
        self._values: list[list[Any]] = []
        self._sizes: list[tuple[Any, int, str]] = []
        for label, space, names, own in list(reach.spaces.values()):
            self._note(label, space, sorted(names))
            if own:
                self._sizes.append((space, len(space), label))
        self._functions = [
            (f, f.__code__, f.__defaults__, f.__kwdefaults__, label)
            for label, f in reach.functions.values()
        ]
        self._cells = [[cell, _content(cell), label] for label, cell in reach.cells.values()]
        self._containers = [[x, contents(x), label] for label, x in reach.containers.values()]
        self._arrays = [(x, fingerprint(x), label) for label, x in reach.arrays.values()]
        self.generators = list(reach.generators.values())
        self.iterators = list(reach.iterators.values())
        parts = (self._fixed, self._values, self._sizes, self._cells, self._containers)
        self.watched = any(parts) or bool(self._arrays or self._functions)

    def _note(self, label: str, space: Any, names: list[str]) -> None:
        fixed = []
        for name in names:
            value = space.get(name, MISSING)
            if type(value) in FIXED and not isinstance(space, Slots):
                fixed.append(name)
            else:
                self._values.append([space, name, value, f"{label}.{name}".lstrip(".")])
        if fixed:
            get = operator.itemgetter(*fixed)
            self._fixed.append((get, space, get(space), tuple(fixed), label))

    @property
    def names(self) -> tuple[str, ...]:
        """What is watched besides functions and modules, by name."""
        labels = [entry[-1] for entry in (*self._values, *self._cells, *self._containers)]
        labels += [label for *_, label in self._arrays]
        return tuple(dict.fromkeys(label for label in labels if label))

    def changed(self) -> str:
        """What is not as it was, in words; empty if all is."""
        for get, space, before, names, label in self._fixed:
            try:
                same = get(space) == before  # tells by identity what has no value of its own
            except (KeyError, ValueError):
                same = False
            if not same:
                return _named(label, space, before, names)
        for entry in self._values:
            space, name, before, label = entry
            now = space.get(name, MISSING)
            if now is not before:
                if not alike(now, before):
                    return label
                entry[2] = now
        for f, code, defaults, keywords, label in self._functions:
            if f.__code__ is not code or f.__defaults__ is not defaults:
                return f"the code or defaults of {label or 'the function'}"
            if f.__kwdefaults__ is not keywords:
                return f"the defaults of {label or 'the function'}"
        for entry in self._cells:
            cell, before, label = entry
            now = _content(cell)
            if now is not before:
                if not alike(now, before):
                    return label
                entry[1] = now
        for entry in self._containers:
            held, before, label = entry
            now = contents(held)
            if len(now) != len(before):
                return label
            if not all(map(operator.is_, now, before)):
                if not all(map(alike, now, before)):
                    return label
                entry[1] = now
        for space, size, label in self._sizes:
            if len(space) != size:
                return f"the attributes of {label or 'the function'}"
        for x, before, label in self._arrays:
            if fingerprint(x) != before:
                return label
        return ""

    def release(self, level: Any) -> None:
        """Put plain values in place of those of ``level`` that the function has stored."""
        for space, name, _, _ in self._values:
            _put(space, name, level)
        for space, _, _ in self._sizes:
            for name in list(space):
                _put(space, name, level)
        for cell, _, _ in self._cells:
            now = _content(cell)
            plain = _plain(now, level)
            if plain is not now:
                cell.cell_contents = plain
        for held, _, _ in self._containers:
            _plain(held, level)


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


def _named(label: str, space: Any, before: Any, names: tuple[str, ...]) -> str:
    values = before if len(names) > 1 else (before,)
    for name, value in zip(names, values, strict=True):
        if space.get(name, MISSING) is not value:
            return f"{label}.{name}".lstrip(".")
    return label


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return MISSING


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
