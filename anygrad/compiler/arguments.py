"""Which arguments are static and which are donated, by position or by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from anygrad import trees
from anygrad.autodiff.inputs import name_of
from anygrad.errors import ArgumentError, describe

__all__ = ["Chosen", "fill", "freeze", "names_of"]


class Chosen:
    """Arguments picked by position or name, however a call passes them.

    Attributes
    ----------
    positions : frozenset of int
        Positions; for a name, the one that the signature gives it.
    names : frozenset of str
        Names; for a position, the one that the signature gives it.
    """

    def __init__(self, where: str, f: Callable[..., Any], chosen: Any):
        single = isinstance(chosen, int | str)
        given: list[Any] = [chosen] if single else [None]
        if not single and isinstance(chosen, Iterable):
            given = list(chosen)
        if not all(map(_is_place, given)):
            message = (
                f"compile({where}): got {chosen!r}; expected positions, names, or a tuple of them."
            )
            raise ArgumentError(message)
        named, open_ended = _parameters(f)
        for x in given:
            known = x in named if isinstance(x, str) else x < len(named)
            if not known and not open_ended:
                message = (
                    f"compile({where}): got {x!r}, which is no argument of {name_of(f)}; expected "
                    f"some of {', '.join(named)}."
                )
                raise ArgumentError(message)
        positions, names = set(), set()
        for x in given:
            if isinstance(x, str):
                names.add(x)
                positions |= {named.index(x)} if x in named else set()
            else:
                positions.add(x)
                names |= {named[x]} if x < len(named) else set()
        self.positions, self.names = frozenset(positions), frozenset(names)

    def __bool__(self) -> bool:
        return bool(self.positions or self.names)

    def split(
        self, args: tuple[Any, ...], kw: dict[str, Any]
    ) -> tuple[dict[Any, Any], tuple[Any, ...], dict[str, Any]]:
        """The chosen ones by place, and the arguments with None in their stead."""
        held: dict[Any, Any] = {k: args[k] for k in self.positions if k < len(args)}
        held.update({name: kw[name] for name in self.names if name in kw})
        args = tuple([None if k in held else x for k, x in enumerate(args)])
        return held, args, {name: None if name in held else x for name, x in kw.items()}

    def leaves(self, args: tuple[Any, ...], kw: dict[str, Any]) -> list[bool]:
        """For each leaf of the arguments, whether it belongs to a chosen one."""
        flags = []
        for k, x in enumerate(args):
            flags += [k in self.positions] * len(trees.leaves(x))
        for name in sorted(kw):
            flags += [name in self.names] * len(trees.leaves(kw[name]))
        return flags


def freeze(where: str, held: dict[Any, Any]) -> Any:
    """Static values as a part of a key."""
    for place, x in held.items():
        try:
            hash(x)
        except TypeError as error:
            message = (
                f"{where}(static): got {describe(x)} for {place!r}; expected something that can be "
                "hashed: a number, a string, a tuple, a function."
            )
            raise ArgumentError(message) from error
    return tuple(sorted(((str(place), _exact(x)) for place, x in held.items()), key=_place))


def _exact(x: Any) -> Any:
    """A value as a key: 1, 1.0 and True differ, and so do the zeros; nan is itself."""
    if type(x) is tuple:
        return (tuple, *map(_exact, x))
    return (type(x), repr(x) if isinstance(x, float | complex) else x)


def names_of(f: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]) -> list[str]:
    """The leaves of the arguments as the user would write them, in the order of the leaves."""
    known, _ = _parameters(f)
    names = []
    for k, x in enumerate(args):
        root = known[k] if k < len(known) else f"args[{k}]"
        names += [trees.show_path(root, path) for path in trees.paths(x)]
    for name in sorted(kw):
        names += [trees.show_path(name, path) for path in trees.paths(kw[name])]
    return names


def fill(held: dict[Any, Any], args: Any, kw: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Put static values back to their places."""
    if not held:
        return args, kw
    args = tuple([held.get(k, x) for k, x in enumerate(args)])
    return args, {name: held.get(name, x) for name, x in kw.items()}


def _place(entry: tuple[str, Any]) -> str:
    return entry[0]


def _is_place(x: Any) -> bool:
    return isinstance(x, str) or (isinstance(x, int) and not isinstance(x, bool) and x >= 0)


def _parameters(f: Callable[..., Any]) -> tuple[list[str], bool]:
    """The names of the arguments, and whether there may be others."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return [], True
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = [p.name for p in found if p.kind not in several]
    return names, len(names) < len(found)
