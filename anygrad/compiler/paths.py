"""One way through a function: its program, printed, and when it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.compiler.arguments import fill, names_of
from anygrad.compiler.capturing import Capture
from anygrad.compiler.donating import homes, write
from anygrad.compiler.program import Program
from anygrad.compiler.randomness import Randomness
from anygrad.compiler.recording import Recording, record
from anygrad.compiler.simplifying import simplify
from anygrad.compiler.surroundings import Surroundings
from anygrad.compiler.targets import print_program
from anygrad.trees.structure import LEAF

__all__ = ["Path", "Refusal", "make_path"]


class Refusal(NamedTuple):
    """Why there is no path: ``why`` in words; ``repeats`` if a replay would only lack something.

    What ``repeats`` is a side effect or a source of other values; else the record is of no use.
    """

    why: str
    repeats: bool = True


class Path:
    """A program that holds as long as its guards and its surroundings do.

    Attributes
    ----------
    program : Program
        As it was recorded and simplified.
    run : callable or None
        ``run(*inputs)``; None until it is printed, for many functions are never called again.
    rebuild : callable
        Makes the result of the outputs.
    surroundings : Surroundings
        What was read besides the arguments.
    passes : tuple of (str, int)
        The number of nodes after each pass.
    """

    __slots__ = ("_donated", "passes", "program", "rebuild", "run", "surroundings")

    def __init__(
        self,
        program: Program,
        donated: frozenset[int],
        rebuild: Callable[[Any], Any],
        surroundings: Surroundings,
        passes: tuple[tuple[str, int], ...] = (),
    ):
        self.program, self.rebuild = program, rebuild
        self.surroundings, self.passes = surroundings, passes
        self._donated = donated
        self.run: Callable[..., Any] | None = None

    def print(self) -> Callable[..., Any]:
        """What is run, printed if it was not yet."""
        if self.run is None:
            self.run = print_program(self.program, self._donated)
        return self.run


def make_path(
    function: Callable[..., Any],
    kind: Any,
    leaves: list[Any],
    given: list[Any],
    args: tuple[Any, ...],
    kw: dict[str, Any],
) -> tuple[Path | None, Any, Refusal | None]:
    """Record: the path, the result of this call, and why there is no path if there is none."""
    treedef, inputs = kind.treedef, kind.inputs

    def rebuild(captured: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        rest = iter(captured)
        full = [next(rest) if is_input else x for x, is_input in zip(leaves, inputs, strict=True)]
        return fill(kind.held, *trees.unflatten(treedef, full))

    names = names_of(function, args, kw)
    chosen = tuple([name for name, is_input in zip(names, inputs, strict=True) if is_input])
    others = [*zip(names, leaves, strict=True), *((str(k), x) for k, x in kind.held.items())]
    surroundings = _known(kind) or Surroundings(
        function, [(name, x) for name, x in others if not hasattr(x, "shape")]
    )
    if surroundings.fleeting:
        args, kw = fill(kind.held, args, kw)
        return None, function(*args, **kw), Refusal(surroundings.fleeting)
    randomness, level = Randomness(surroundings.generators), Capture()
    try:
        recording = record(function, given, rebuild, chosen, level)
    except BaseException:
        surroundings.release(level)
        raise
    changed, drawn = surroundings.changed(), randomness.drawn()
    result = _given_back(recording, given, kind.donated)
    if changed:
        surroundings.release(level)
        return None, result, Refusal(f"changes {changed} while it runs")
    if drawn:
        return None, result, Refusal(f"draws random numbers from {drawn}")
    if recording.refused:
        # a traced value is there in this call only
        refusal = Refusal(recording.refused, False)
        return None, result, None if "traced value" in recording.refused else refusal
    counts = [("recorded", len(recording.program.nodes))]
    program = simplify(recording.program, counts)
    made = rebuilder(recording.treedef)
    return Path(program, kind.donated, made, surroundings, tuple(counts)), result, None


def _known(kind: Any) -> Surroundings | None:
    """Those of another path, if they are still the same; so they are compared once for all."""
    for path in kind.paths:
        if not path.surroundings.changed():
            return path.surroundings
    return None


def _given_back(recording: Recording, given: list[Any], donated: frozenset[int]) -> Any:
    """The result of the first call, in the memory of donated arguments as in all later ones."""
    places = homes(recording.program, donated) if donated else {}
    if not places:
        return recording.result
    found = trees.leaves(recording.result)
    for k, home in places.items():
        found[k] = write(given[home], found[k])
    return trees.unflatten(recording.treedef, found)


def rebuilder(treedef: Any) -> Callable[[Any], Any]:
    """How outputs become the result."""
    if treedef is LEAF:
        return _only
    return treedef.unflatten


def _only(outputs: tuple[Any, ...]) -> Any:
    return outputs[0]
