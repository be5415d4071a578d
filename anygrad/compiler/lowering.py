"""Values that carry tangents or batches along, as the plain arrays that they are made of.

So a function of such values becomes a function of plain arrays, which can be recorded: it opens
levels of the same kinds, and puts the values together again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from anygrad import trees
from anygrad.autodiff.batching import Batch
from anygrad.autodiff.forward import Forward
from anygrad.autodiff.inputs import call, name_of
from anygrad.compiler.arguments import fill
from anygrad.errors import TraceError
from anygrad.tracing import LIFTED, Level

__all__ = [
    "Layout",
    "Misplaced",
    "Pattern",
    "apart_from",
    "carries",
    "levels_of",
    "lowered",
    "refuse_written",
    "together",
]

Layout = Any
"""0 for a value as it is; for one of a level its number, the layout of what lies below and, in
forward mode, of the tangent, None for a zero."""


class Pattern:
    """What is fixed of the arguments of a lowered function, as one object that can be hashed.

    Attributes
    ----------
    key : tuple
        What it is compared by.
    treedef : PyTreeSpec
        The structure of the arguments.
    layouts : tuple
        One for each leaf.
    levels : tuple
        The class of each level, and the length of its batch.
    held : dict
        Static arguments, by place.
    """

    __slots__ = ("_hash", "held", "key", "layouts", "levels", "treedef")

    def __init__(self, treedef: Any, layouts: Any, levels: Any, held: Any, frozen: Any):
        self.treedef, self.layouts, self.levels, self.held = treedef, layouts, levels, held
        self.key = (treedef, layouts, levels, frozen)
        self._hash = hash(self.key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.key == other.key


class Misplaced(Exception):
    """A value has ones of later levels in it: the function closes over a traced value."""


def levels_of(leaves: Sequence[Any]) -> list[Level]:
    """All levels that values are of, the one opened first in front."""
    found: set[Level] = set()
    waiting = [x for x in leaves if type(x) in LIFTED]
    while waiting:
        x: Any = waiting.pop()
        found.add(x.t)
        waiting += [part for part in _parts(x) if type(part) in LIFTED]
    return sorted(found, key=_number)


def _parts(x: Any) -> tuple[Any, ...]:
    return (x.v, x.i) if type(x.t) is Forward else (x.v,)


def _number(level: Level) -> int:
    return level.number


def apart_from(x: Any, numbers: dict[Level, int], plain: list[Any]) -> Layout:
    """Add what a value is made of, below these levels, to ``plain``; gives its layout."""
    k = numbers.get(x.t) if type(x) in LIFTED else None
    if k is None:
        plain.append(x)
        return 0
    x.t.check_readable(x)
    below = apart_from(x.v, numbers, plain)
    if type(x.t) is not Forward:
        return (k, below)
    return (k, below, None if x.i is None else apart_from(x.i, numbers, plain))


def together(layout: Layout, levels: Sequence[Level], plain: Iterator[Any]) -> Any:
    """The value that has this layout, on these levels."""
    if layout == 0:
        return next(plain)
    level = levels[layout[0]]
    v: Any = together(layout[1], levels, plain)
    i: Any = None
    if len(layout) == 3 and layout[2] is not None:
        i = together(layout[2], levels, plain)
    for part in (v, i):
        if type(part) in LIFTED and part.t.number >= level.number:
            raise Misplaced
    return level.wrap(v, i)


def lowered(f: Callable[..., Any]) -> Callable[[Pattern, list[Any]], Any]:
    """The function of a pattern and plain arrays: how the results are laid out, and their parts."""

    def evaluate(pattern: Pattern, plain: list[Any]) -> Any:
        made = [kind() if size is None else kind(size) for kind, size in pattern.levels]
        levels: list[Level] = made
        for level in levels:
            level.origin = f"compile({name_of(f)})"
        parts = iter(plain)
        leaves = [together(layout, levels, parts) for layout in pattern.layouts]
        args, kw = fill(pattern.held, *trees.unflatten(pattern.treedef, leaves))
        before = [(x, x.v, x.i) for x in leaves if type(x) in LIFTED]
        y = call(f, args, kw)
        refuse_written(f, before)
        for level in reversed(levels):
            level.close()
        results, outdef = trees.flatten(y)
        numbers = {level: k for k, level in enumerate(levels)}
        found: list[Any] = []
        layouts = tuple([apart_from(x, numbers, found) for x in results])
        return Results(outdef, layouts), found

    evaluate.__name__ = evaluate.__qualname__ = name_of(f)
    return evaluate


class Results:
    """How results are laid out; the same for all runs of one program."""

    __slots__ = ("layouts", "treedef")

    def __init__(self, treedef: Any, layouts: tuple[Layout, ...]):
        self.treedef, self.layouts = treedef, layouts

    def __hash__(self) -> int:
        return hash((self.treedef, self.layouts))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Results):
            return False
        return self.treedef == other.treedef and self.layouts == other.layouts


def refuse_written(f: Callable[..., Any], before: list[tuple[Any, Any, Any]]) -> None:
    """Raise if a function wrote into an argument, which a replay would leave as it is."""
    if any(x.v is not v or x.i is not i for x, v, i in before):
        message = (
            f"compile({name_of(f)}): got a function that writes into its argument, which a "
            "compiled one leaves as it is. Write into a copy, xp.asarray(x, copy=True), and return "
            "it."
        )
        raise TraceError(message)


def carries(level: Level) -> bool:
    """Whether values of a level carry all that is known of them along."""
    return type(level) is Forward or type(level) is Batch
