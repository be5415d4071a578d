"""The differentiated leaves: lifted onto a tape, and their gradients put together again."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from anygrad import trees
from anygrad.autodiff.inputs import check_libraries, check_primal, name_of
from anygrad.backends import is_mutable
from anygrad.backends.dtypes import is_bfloat16
from anygrad.config import settings
from anygrad.errors import UnusedInputWarning
from anygrad.tracing import LIFTED, Tape, names_for
from anygrad.tracing.frames import lines_to_the_user


@dataclass(slots=True)
class Variables:
    """The differentiated leaves and their nodes, and how results become a tree like theirs."""

    leaves: list[Any]
    nodes: list[int]
    treedef: Any
    traced: Any
    where: str
    roots: list[tuple[str, Any]]
    single: bool = False

    def names(self) -> list[str]:
        """The leaves as the user would write them: ``args[0]['w']``."""
        return [trees.show_path(name, p) for name, tree in self.roots for p in trees.paths(tree)]

    def rebuild(self, leaves: list[Any]) -> Any:
        """Put one result per leaf into the structure of the inputs."""
        tree = trees.unflatten(self.treedef, leaves)
        return tree[0] if self.single else tree


def lift(tape: Tape, where: str, primal: Any, roots: list[tuple[str, Any]]) -> Variables:
    """Put the leaves of a tree onto a tape; ``roots`` are its parts by name, for messages."""
    leaves, treedef = trees.flatten(primal)
    leaves = [check_primal(where, x, roots, k) for k, x in enumerate(leaves)]
    if len(leaves) > 1:
        check_libraries(where, leaves, roots)
    traced = [tape.variable(x) for x in leaves]
    if len(tape.kin) > 1 and tape.plain:
        tape.plain = len({id(names_for(x)) for x in leaves}) == 1
    nodes = [r.i for r in traced]
    return Variables(leaves, nodes, treedef, trees.unflatten(treedef, traced), where, roots)


def finish(inputs: Variables, found: list[Any], seeds: list[Any]) -> list[Any]:
    """Gradients as arrays of their own, zeros where nothing arrived.

    None is a view or a seed, and no two are one array: the caller may write into each.
    """
    seen = {id(seed) for seed in seeds}
    done = []
    for x, g in zip(inputs.leaves, found, strict=True):
        if g is None:
            g = names_for(x).zeros_like(x)
        elif g.dtype is not x.dtype and is_bfloat16(x.dtype):  # a Python float makes it float32
            g = names_for(g).astype(g, dtype=x.dtype)
        if type(g) in LIFTED:
            g = g.t.apart(g, x) if g.t.records else g
        else:
            g = _apart(g, seen) if is_mutable(g) else _like_leaf(g, x)
        done.append(g)
    return done


def _apart(g: Any, seen: set[int]) -> Any:
    flags = getattr(g, "flags", None)
    if id(g) in seen or flags is None or not flags.owndata:
        g = names_for(g).asarray(g, copy=True)
    seen.add(id(g))
    return g


def _like_leaf(g: Any, x: Any) -> Any:
    """A NumPy scalar as the 0-d array that the leaf is."""
    return names_for(g).asarray(g) if is_mutable(x) else g


_warned: set[tuple[Any, tuple[str, ...]]] = set()


def warn_unused(where: str, f: Any, names: list[str], found: list[Any]) -> None:
    """Once per function: an input without influence is more often a mistake than meant."""
    unused = tuple(name for name, g in zip(names, found, strict=True) if g is None)
    if not unused or not settings().warn_unused:
        return
    key = (getattr(f, "__code__", type(f)), unused)
    if key in _warned:
        return
    _warned.add(key)
    message = (
        f"{where}({name_of(f)}): the result does not depend on {', '.join(unused)}; its derivative "
        "is zero. If that is meant, set warn_unused=False (ag.use_settings)."
    )
    warnings.warn(message, UnusedInputWarning, stacklevel=lines_to_the_user())
