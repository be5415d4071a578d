"""What a numerical derivative with an error bar says, in numbers and in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import namespace_of, to_host
from anygrad.backends.types import Array, Tree

__all__ = ["Estimate", "Flags"]

SENTENCES = {
    "singular": "the slope grows without bound, or f jumps: there is no derivative",
    "kink": "f has a kink here; the value lies between the slopes of both sides",
    "one_sided": "f was evaluated on one side only: the other is out of bounds or not finite",
    "noisy": "f is noisier than its precision",
}
UNKNOWN = "f is not finite here or beside, raises there, or has no room within bounds: no bar"
SHOWN = 5
"""Elements that a sentence is printed for; of the others the number is."""


class Flags:
    """What is special about each element; trees of boolean arrays like the value.

    Attributes
    ----------
    kink : tree
        Slopes to the left and right differ, at every step; the bar covers half the difference.
    singular : tree
        Slopes grow without bound as the step falls, or f jumps; the bar is inf.
    one_sided : tree
        f was evaluated on one side only.
    noisy : tree
        f is noisier than the rounding of its dtype explains.
    """

    def __init__(self, found: Any, like: Any) -> None:
        self._found, self._like = found, like

    def __getattr__(self, name: str) -> Tree:
        if name not in SENTENCES:
            message = f"Flags has no attribute {name!r}; it has {', '.join(SENTENCES)}."
            raise AttributeError(message)
        return self._like.marks(getattr(self._found, name))

    def __repr__(self) -> str:
        return f"Flags({', '.join(f'{n}={getattr(self, n)}' for n in SENTENCES)})"


class Estimate:
    """A numerical derivative with an error bar; printed, it reads as sentences.

    Attributes
    ----------
    value : tree of arrays
        The derivative.
    error : tree of real arrays
        The bar. Measured on the suites of ``benchmarks/accuracy``, the true derivative lies within
        it for 99.5 % of the elements of smooth functions and 97 % where f is noisy. Less often,
        93 to 98 %, where f rounds its argument, as ``cos(3 x)`` does at x = 100. inf where there is
        no derivative.
    step : tree of real arrays
        The largest step that was used, in the units of ``x``.
    noise : tree of real arrays
        Standard deviation of f from point to point, its rounding at least. Where f is smooth it is
        an upper limit, since few points were enough.
    second : tree of arrays or None
        The second derivative along the same line, from the same points, without a bar; nan where f
        was evaluated on one side only. None for derivatives of second and higher order.
    flags : Flags
        ``flags.kink``, ``.singular``, ``.one_sided``, ``.noisy``: trees of boolean arrays.
    evaluations, calls : int
        At how many points f was evaluated, and in how many calls.
    evaluation : {"stacked", "vmap", "loop", "elements", "numbers"}
        The way in which it was.
    """

    def __init__(self, found: Any, like: Any, call: Any, way: str, order: int) -> None:
        """Take what the ladder found; ``like`` arranges it when it is asked for."""
        self._found, self._like, self._order = found, like, order
        self.evaluations, self.calls, self.evaluation = call.evaluations, call.calls, way
        self.value = like.values(found.finding.value)
        self.flags = Flags(found, like)

    @cached_property
    def error(self) -> Tree:
        """The bar."""
        return self._like.sizes(self._found.finding.error)

    @cached_property
    def step(self) -> Tree:
        """The largest step used."""
        return self._like.largest(self._found.finding.step)

    @cached_property
    def noise(self) -> Tree:
        """Standard deviation of f."""
        return self._like.levels(self._found.finding.noise)

    @cached_property
    def second(self) -> Tree | None:
        """The second derivative along the same line, for order 1."""
        return self._like.curvatures(self._found.finding.other) if self._order == 1 else None

    @property
    def sentences(self) -> list[str]:
        """Say what to know about single elements, a sentence for each of the first few."""
        found = []
        error = self._found.finding.error
        unknown = ~namespace_of(error).isfinite(error) & ~self._found.singular
        marked = {sentence: getattr(self.flags, name) for name, sentence in SENTENCES.items()}
        for sentence, tree in {**marked, UNKNOWN: self._like.marks(unknown)}.items():
            places = list(_places(tree))
            found += [f"{place}: {sentence}" for place in places[:SHOWN]]
            if len(places) > SHOWN:
                found.append(f"and {len(places) - SHOWN} more elements: {sentence}")
        return found

    def __str__(self) -> str:
        worst = max(
            (float(np.max(_host(e), initial=0.0)) for e in trees.leaves(self.error)), default=0.0
        )
        counted = f"{self.evaluations} evaluations in {self.calls} calls ({self.evaluation})"
        head = f"{_show(self.value)} +- {_show(self.error)}; largest bar {worst:.1e}, {counted}."
        return "\n".join([head, *(sentence + "." for sentence in self.sentences)])

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"


def _places(tree: Tree) -> Iterator[str]:
    for path, leaf in zip(trees.paths(tree), trees.leaves(tree), strict=True):
        marked = _host(leaf)
        for index in np.argwhere(marked):
            shown = ", ".join(map(str, index.tolist()))
            yield trees.show_path("value", path) + (f"[{shown}]" if shown else "")


def _show(tree: Tree) -> str:
    """Short arrays in full, others by shape."""
    leaves = trees.leaves(tree)
    if len(leaves) == 1 and _host(leaves[0]).size <= 6:
        with np.printoptions(precision=6):
            return str(_host(leaves[0]))
    size = sum(_host(leaf).size for leaf in leaves)
    return f"{size} elements"


def _host(leaf: Array) -> Any:
    return np.asarray(to_host(leaf))
