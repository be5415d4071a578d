"""`explain`: what in a function has a twin, and which other functions of the user's are reached."""

from __future__ import annotations

import builtins
import types
from typing import Any, NamedTuple

from anygrad.errors import ArgumentError, describe
from anygrad.tracing.rebinding.entry import rebind
from anygrad.tracing.rebinding.loads import UNTOUCHED
from anygrad.tracing.rebinding.names import METHODS
from anygrad.tracing.rebinding.rewriting import Site, sites
from anygrad.tracing.rebinding.twins import twin


class Replaced(NamedTuple):
    """One name in a function: its line, how it is written, and what it is while differentiated."""

    line: int
    written: str
    meaning: str


class Explanation(NamedTuple):
    """What `explain` found; print it, or look at its parts.

    Attributes
    ----------
    name : str
        The function, with file and line.
    replaced : tuple of Replaced
        Names of it that have a twin.
    reached : tuple of Explanation
        The user's own functions that it calls by name, which run rebound as well.
    """

    name: str
    replaced: tuple[Replaced, ...]
    reached: tuple[Explanation, ...]

    def __str__(self) -> str:
        return "\n".join(self._lines(""))

    def _lines(self, indent: str) -> list[str]:
        lines = [f"{indent}{self.name}"]
        width = max((len(part.written) for part in self.replaced), default=0)
        for part in self.replaced:
            lines.append(f"{indent}  line {part.line}: {part.written:{width}}  {part.meaning}")
        if not self.replaced:
            lines.append(f"{indent}  nothing is replaced: NumPy hands over all it does")
        for other in self.reached:
            lines += other._lines(indent + "  ")
        return lines


def explain(f: Any) -> Explanation:
    """Say which names of a function have a twin while it is differentiated, without running it.

    Parameters
    ----------
    f : callable
        A Python function or method, a partial of one, or an object that is called.

    Returns
    -------
    Explanation
        Its ``str`` lists the lines; names that only a value decides (methods of an argument) are
        looked up when the line runs and are not listed.

    Raises
    ------
    ArgumentError
        If ``f`` is no Python function.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> def area(x):
    ...     corners = np.array([x[0], x[1]])
    ...     return float(x[2]) * np.sum(corners)
    >>> for part in ag.explain(area).replaced:
    ...     print(part.written, "-", part.meaning)
    np.array - makes arrays of traced numbers, or arrays that they can be written into
    float - passes a traced number on
    np.sum - takes lists of traced numbers
    """
    function = _function(f)
    if function is None:
        message = f"explain(f): got {describe(f)}; expected a Python function of your own."
        raise ArgumentError(message)
    return _explained(function, set())


def _function(f: Any) -> types.FunctionType | None:
    if isinstance(f, types.FunctionType):
        return f
    if isinstance(f, types.MethodType):
        return _function(f.__func__)
    inner = getattr(f, "func", None)
    if inner is not None:
        return _function(inner)
    call = getattr(type(f), "__call__", None)  # noqa: B004 - the function itself is wanted
    return call if isinstance(call, types.FunctionType) else None


def _explained(f: types.FunctionType, seen: set[Any]) -> Explanation:
    seen.add(f.__code__)
    name = f"{f.__qualname__} ({f.__code__.co_filename}:{f.__code__.co_firstlineno})"
    replaced, reached = [], []
    for site in _all_sites(f.__code__):
        found = _resolved(site, f)
        if isinstance(found, types.FunctionType) and rebind(found) is not found:
            if found.__code__ not in seen:
                reached.append(_explained(found, seen))
            continue
        meaning = _meaning(site, found, f)
        if meaning:
            replaced.append(Replaced(site.line, _written(site), meaning))
    for held in _closure(f):
        is_new = isinstance(held, types.FunctionType) and held.__code__ not in seen
        if is_new and rebind(held) is not held:
            reached.append(_explained(held, seen))
    return Explanation(name, tuple(dict.fromkeys(replaced)), tuple(reached))


def _all_sites(code: types.CodeType) -> list[Site]:
    found = sites(code)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found += _all_sites(const)
    return sorted(found, key=lambda site: site.line)


def _closure(f: types.FunctionType) -> list[Any]:
    held = []
    for cell in f.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
    return held


def _resolved(site: Site, f: types.FunctionType) -> Any:
    """What the name means now, if that is known without running anything."""
    known = {**vars(builtins), **f.__globals__}
    known.update(zip(f.__code__.co_freevars, _closure(f), strict=False))
    if site.kind == "global":
        return known.get(site.name)
    if site.receiver is None or site.kind == "call":
        return None
    owner = known.get(site.receiver.removeprefix("global "))
    return getattr(owner, site.name, None) if isinstance(owner, types.ModuleType) else None


def _meaning(site: Site, found: Any, f: types.FunctionType) -> str | None:
    if site.kind == "import":
        return "imports names as their twins"
    if found is None:
        if site.kind == "attribute" and site.called and site.name in METHODS:
            return "of an array: takes traced arguments"
        return None
    if type(found) in UNTOUCHED:
        return None
    made = twin(found, f.__globals__, site.called)
    if made is found:
        return None
    home = getattr(getattr(made, "__code__", made), "co_filename", type(made).__module__)
    return next((text for part, text in _MEANINGS.items() if part in home), "runs rebound")


_MEANINGS = {
    "arrays": "makes arrays of traced numbers, or arrays that they can be written into",
    "numbers": "passes a traced number on",
    "libraries": "takes lists of traced numbers",
}
"""By the file that a twin comes from."""


def _written(site: Site) -> str:
    if site.kind == "import":
        return f"from {site.name} import"
    if site.kind == "global":
        return site.name
    owner = (site.receiver or "").removeprefix("global ")
    return f"{owner}.{site.name}"
