"""One step written down: its program, and how results are put together from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import numpy as np

from anygrad import trees
from anygrad.clipping.silence import LISTENERS
from anygrad.compiler.donating import homes, separated, write
from anygrad.compiler.program import Program, Ref
from anygrad.compiler.recording import record
from anygrad.compiler.simplifying import simplify
from anygrad.compiler.targets import MISSED, print_program
from anygrad.optimizers.rules.leaves import WRITES
from anygrad.tracing.level import LIFTED
from anygrad.trees.templates import Builder, builder

__all__ = ["MISSED", "Path", "make_path"]


class Path(NamedTuple):
    """A program for one way through the code: what runs it, and how results are put together.

    Attributes
    ----------
    program : Program
        Its outputs are those that are no argument passed on.
    run : callable
        The program, printed.
    choose : callable
        Takes outputs and arguments in a row, and gives the leaves of the result.
    treedef : PyTreeSpec
        The structure of the result.
    pairs : tuple of pairs
        Output, and the argument whose memory it takes.
    late : tuple of pairs
        Those of them where the program itself does not write, such as constants.
    donated : frozenset of int
        The arguments in whose memory the program computes.
    taken : callable
        Takes the arguments, and gives those of them that are NumPy's.
    silent : bool
        Whether NumPy was told to keep quiet.
    build : callable
        Takes the arguments and the rest of the outputs in a row, and gives the result.
    rest : int
        The number of outputs that come first and lie in arguments.
    """

    program: Program
    run: Callable[..., Any]
    choose: Callable[[Any], Sequence[Any]]
    treedef: Any
    pairs: tuple[tuple[int, int], ...]
    late: tuple[tuple[int, int], ...]
    donated: frozenset[int]
    taken: Callable[[Any], Sequence[Any]]
    silent: bool
    build: Builder
    rest: int

    def replay(self, leaves: list[Any], own: bool = False, writeable: bool = False) -> Any:
        """The result, or `MISSED` where another way has to be gone.

        ``own`` tells that each leaf is an array with memory of its own, ``writeable`` that it can
        be written. The list of leaves is used up, unless the result is `MISSED`.
        """
        direct = not self.donated or (
            own and (writeable or all(map(_writeable, self.taken(leaves))))
        )
        given = leaves if direct else separated(leaves, self.donated)
        if self.silent:
            with np.errstate(all="ignore"):
                out = self.run(*given)
        else:
            out = self.run(*given)
        if out is MISSED:
            return MISSED
        if not direct or self.late:
            return self.put_together(out, leaves, self.late)
        leaves += out[self.rest :]  # those before are leaves already
        return self.build(leaves)

    def put_together(self, out: Sequence[Any], leaves: Sequence[Any], pairs: Any) -> Any:
        """The result, after outputs were written where they belong."""
        if pairs:
            out = list(out)
            for place, argument in pairs:
                out[place] = write(leaves[argument], out[place])
        return trees.unflatten(self.treedef, self.choose((*out, *leaves)))

    def writes_into(self, arguments: frozenset[int]) -> bool:
        """Whether some of these arguments are written."""
        return bool(arguments) and not arguments.isdisjoint([k for _, k in self.pairs])


def make_path(step: Callable[..., Any], leaves: list[Any], treedef: Any) -> tuple[Path, Any]:
    """Record one step: its path, and what it gave of that program's outputs."""
    writes: list[tuple[Any, Any]] = []
    heard: list[str] = []
    tokens = WRITES.set(writes), LISTENERS.set(heard)
    try:
        recording = record(
            step,
            leaves,
            lambda captured: (trees.unflatten(treedef, captured), {}),
            tuple([trees.show_path("args", path) for path in trees.paths(leaves)]),
        )
    finally:
        WRITES.reset(tokens[0])
        LISTENERS.reset(tokens[1])
    if recording.refused:
        raise ValueError(recording.refused)
    program = simplify(recording.program)
    order, chosen, pairs, late = arrange(recording.program, program, writes)
    program = program.with_nodes(program.nodes, [program.outputs[k] for k in order])
    donated = frozenset([argument for _, argument in pairs[: len(pairs) - len(late)]])
    run = print_program(program, donated)
    # arrays of other libraries are never read-only
    taken = _chooser([k for k in sorted(donated) if type(leaves[k]) is np.ndarray])
    silent = bool(heard)
    given, made, written = len(leaves), len(order), homes(program, donated)
    rest = len(written) if set(written) == set(range(len(written))) else 0
    places = {k: given + k - rest for k in range(made)}
    places.update(written)
    places.update({made + argument: argument for argument in range(given)})
    build = builder(recording.treedef, [places[k] for k in chosen])
    treedef, choose = recording.treedef, _chooser(chosen)
    path = Path(program, run, choose, treedef, pairs, late, donated, taken, silent, build, rest)
    found = trees.leaves(recording.result)
    return path, [found[k] for k in order]


_writeable = attrgetter("flags.writeable")

Pairs = tuple[tuple[int, int], ...]


def arrange(
    program: Program, simple: Program, writes: list[tuple[Any, Any]]
) -> tuple[list[int], list[int], Pairs, Pairs]:
    """Put outputs in order: first those that take the memory of an argument, in its order.

    So each finds its own. Arguments that are passed on, as the program has it before it is
    simplified, are left out: the objects themselves are returned.

    Returns
    -------
    order : list of int
        Which outputs come.
    chosen : list of int
        For each leaf of the result its place among them and the arguments, in a row.
    pairs : tuple of pairs
        Output, counted in this order, and the argument whose memory it takes.
    late : tuple of pairs
        The last of them, which are no arrays that the program computes.
    """
    inputs = {int(ref): place for place, ref in enumerate(program.inputs)}
    homes = {
        int(new.i): inputs[int(old.i)]
        for old, new in writes
        if type(old) in LIFTED and type(new) in LIFTED and int(old.i) in inputs
    }
    passed, written, rest = {}, {}, []
    for k, x in enumerate(program.outputs):
        number = int(x) if type(x) is Ref else -1
        if number in inputs:
            passed[k] = inputs[number]
        elif number in homes:
            written[k] = homes[number]
        else:
            rest.append(k)
    sorted_ = sorted(written, key=written.__getitem__)
    first = [k for k in sorted_ if _finds_its_home(simple, k, written[k], inputs)]
    last = sorted(set(sorted_).difference(first), key=written.__getitem__)
    order = [*first, *last, *rest]
    places = {k: place for place, k in enumerate(order)}
    places.update({k: len(order) + argument for k, argument in passed.items()})
    chosen = [places[k] for k in range(len(program.outputs))]
    pairs = tuple([(places[k], written[k]) for k in (*first, *last)])
    return order, chosen, pairs, pairs[len(first) :]


def _finds_its_home(program: Program, place: int, argument: int, inputs: Any) -> bool:
    """Whether the program can compute an output in the memory of an argument."""
    x, home = program.outputs[place], program.specs[program.inputs[argument]]
    if type(x) is not Ref or int(x) in inputs:
        return False
    spec = program.specs[x]
    return (spec.kind, spec.shape, spec.dtype) == ("array", home.shape, home.dtype)


def _chooser(places: list[int]) -> Callable[[Any], Sequence[Any]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda found: [found[place] for place in places]
