"""Take from a saved state what fits another one, by name, and tell what did not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe, suggest
from anygrad.optimizers.saving.files import read_file
from anygrad.optimizers.saving.named import (
    Value,
    compare,
    describe_leaf,
    like_leaf,
    list_some,
    value_of,
    values_of,
)
from anygrad.trees.structure import LEAF

__all__ = ["Difference", "Restoration", "restore"]

# a slot that comes and goes with the dtype of parameters
OPTIONAL_SLOTS = {"master"}


class Difference(NamedTuple):
    """One leaf that is not the same in the saved state and in ``like``.

    Attributes
    ----------
    path : str
        In ``like``.
    saved, like : str
        Dtype and shape there, ``"float32 of shape (2, 3)"``.
    """

    path: str
    saved: str
    like: str

    def __str__(self) -> str:
        return f"{self.path} is {self.saved}, not {self.like}"


@dataclass(frozen=True)
class Restoration:
    """What `restore` took and what it did not; ``print`` shows it as a short text.

    Attributes
    ----------
    matched : tuple of str
        Paths whose values were taken.
    widened : tuple of Difference
        Those of them that were converted to a wider dtype, which changes no number.
    missing : tuple of str
        Paths that the saved state has not; they keep the values of ``like``.
    mismatched : tuple of Difference
        Paths that the saved state has with another shape or a dtype that would lose digits; they
        keep the values of ``like``.
    left_over : tuple of str
        Paths of the saved state that were not used.
    renamed : tuple of (str, str)
        Starts of paths that were read as others, in the saved state and in ``like``.
    advice : str
        What to do about parts that seem to have another name; else empty.
    """

    matched: tuple[str, ...] = ()
    widened: tuple[Difference, ...] = ()
    missing: tuple[str, ...] = ()
    mismatched: tuple[Difference, ...] = ()
    left_over: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    advice: str = ""

    @property
    def complete(self) -> bool:
        """Whether every leaf was taken and none was left over."""
        return not (self.missing or self.mismatched or self.left_over)

    def __str__(self) -> str:
        total = len(self.matched) + len(self.missing) + len(self.mismatched)
        lines = [f"restored {len(self.matched)} of {total} leaves"]
        lists = {
            "renamed": [f"{old or 'all'} to {new or 'the top'}" for old, new in self.renamed],
            "widened": [f"{d.path} from {d.saved} to {d.like}" for d in self.widened],
            "missing, kept": self.missing,
            "mismatched, kept": [str(difference) for difference in self.mismatched],
            "left over": self.left_over,
        }
        lines += [f"  {title}: {list_some(names)}" for title, names in lists.items() if names]
        return "\n".join([*lines, self.advice] if self.advice else lines)


def restore(
    saved: Tree | str | os.PathLike[str],
    like: Tree,
    *,
    rename: Mapping[str, str] | None = None,
) -> tuple[Tree, Restoration]:
    """Take from a saved state all that fits a new one, by name.

    For an optimizer that is no longer as it was: a clip in front, another part, a parameter more or
    less. A leaf is taken if its path and shape are the same, and its dtype the same or one that is
    widened without loss (float32 to float64, but not back). All others keep the value of ``like``.
    The state of an optimizer alone also fits the one part of a chain that has the same entries, and
    the other way round.

    Parameters
    ----------
    saved : tree, mapping of names to arrays, or path
        A state; a flat dict such as ``trees.to_flat`` or ``np.load`` give; or a file of `save`.
    like : tree of arrays and numbers
        ``optimizer.init(params)`` of the optimizer as it is now.
    rename : mapping of str to str, optional
        Start of a saved path to the start it has now: ``{"adam": "adamw"}``; ``""`` is the whole.

    Returns
    -------
    state : tree
        Structure, shapes, dtypes, libraries and devices of ``like``. Leaves that keep their value
        are those of ``like`` themselves.
    report : Restoration
        What was taken and what was not.

    Raises
    ------
    ArgumentError
        If ``saved`` is nothing of that kind, its file is damaged, or a name to be renamed is not
        there.

    Examples
    --------
    >>> from anygrad.optimizers.saving.restoring import restore
    >>> params = {"w": np.asarray([1.0, -2.0])}
    >>> adam = ag.optimizers.adam(0.1)
    >>> _, state = adam.step(params, params, adam.init(params))
    >>> changed = ag.optimizers.chain(ag.optimizers.normalize(), adam)
    >>> state, report = restore(state, like=changed.init(params))
    >>> print(report)
    restored 4 of 7 leaves
      renamed: all to adam
      missing, kept: normalize/finite/w, normalize/norm, normalize/scale
    """
    leaves, structure = trees.flatten(like)
    paths = [str(path) for path in trees.paths(like)]
    values = _read(saved, paths)
    renamed = _check_rename(rename, values) or _find_rename(values, paths)
    by_path = _rename(values, renamed)
    found: dict[str, list[Any]] = {title: [] for title in ("same", "wider", "bad", "missing")}
    made = []
    for path, leaf in zip(paths, leaves, strict=True):
        verdict, entry = _judge(path, by_path.get(path), leaf)
        found[verdict].append(entry)
        taken = verdict in ("same", "wider")
        made.append(like_leaf(by_path[path][1], leaf) if taken else leaf)
    wider = found["wider"]
    taken = {*found["same"], *(difference.path for difference in wider)}
    used = taken | {difference.path for difference in found["bad"]}
    left_over = [name for path, (name, _) in by_path.items() if path not in used]
    report = Restoration(
        matched=tuple(path for path in paths if path in taken),
        widened=tuple(wider),
        missing=tuple(found["missing"]),
        mismatched=tuple(found["bad"]),
        left_over=tuple(left_over),
        renamed=tuple(renamed.items()),
        advice=_advise(left_over, found["missing"]),
    )
    return trees.unflatten(structure, made), report


def _judge(path: str, named: tuple[str, Value] | None, leaf: Any) -> tuple[str, Any]:
    """Tell what becomes of one leaf of ``like``."""
    if named is None:
        return "missing", path
    verdict = compare(named[1], leaf)
    if verdict == "same":
        return verdict, path
    difference = Difference(path, str(named[1]), describe_leaf(leaf))
    return ("wider" if verdict == "wider" else "bad"), difference


def _read(saved: Any, paths: Iterable[str]) -> dict[str, Value]:
    """Name every leaf of what was saved."""
    if isinstance(saved, (str, os.PathLike)):
        return read_file("restore", saved).values
    if isinstance(saved, Mapping) and not isinstance(saved, dict):
        saved = dict(saved)  # such as np.load gives
    if not isinstance(saved, (dict, list, tuple)) and not trees.leaves(saved):
        message = (
            f"restore(saved): got {describe(saved)}; expected a state, a mapping of names to "
            "arrays, or the path of a file of save."
        )
        raise ArgumentError(message)
    if isinstance(saved, dict) and all(_is_leaf(leaf) for leaf in saved.values()):
        # a flat dict, whose keys are paths; unless it is such a tree, with slashes in its keys
        names = {str(name): leaf for name, leaf in saved.items()}
        if not set(names).isdisjoint(paths) or set(trees.paths(saved)).isdisjoint(paths):
            return {n: value_of("restore(saved)", f"saved[{n!r}]", x) for n, x in names.items()}
    return values_of("restore(saved)", saved)


def _is_leaf(tree: Tree) -> bool:
    return trees.flatten(tree)[1] is LEAF


def _check_rename(rename: Any, values: Mapping[str, Value]) -> dict[str, str]:
    if not isinstance(rename or {}, Mapping):
        message = (
            f"restore(rename): got {describe(rename)}; expected a mapping of the starts of paths. "
            "Write rename={'adam': 'adamw'}."
        )
        raise ArgumentError(message)
    for start in rename or {}:
        if not any(_starts(name, start) for name in values):
            starts = sorted({part for name in values for part in _starts_of(name)})
            message = (
                f"restore(rename): got {start!r}, with which no saved path starts; expected one "
                f"of {list_some(map(repr, starts))}. {suggest(start, starts)}"
            )
            raise ArgumentError(message.rstrip())
    return dict(rename or {})


def _starts(name: str, start: str) -> bool:
    return not start or name == start or name.startswith(f"{start}/")


def _starts_of(name: str) -> list[str]:
    steps = name.split("/")
    return ["/".join(steps[:count]) for count in range(1, len(steps) + 1)]


def _rename(
    values: Mapping[str, Value], renamed: Mapping[str, str]
) -> dict[str, tuple[str, Value]]:
    """Names and values of what was saved, by the path that it has now."""
    by_path: dict[str, tuple[str, Value]] = {}
    for name, value in values.items():
        path = name
        starts = [start for start in renamed if _starts(name, start)]
        if starts:
            start = max(starts, key=len)
            rest = name[len(start) :].removeprefix("/")
            path = "/".join(filter(None, [renamed[start], rest]))
        if path in by_path:
            message = (
                f"restore(rename): got {by_path[path][0]!r} and {name!r} for the same path "
                f"{path!r}; expected one. Leave one of the two out, or rename it too."
            )
            raise ArgumentError(message)
        by_path[path] = (name, value)
    return by_path


def _find_rename(saved: Iterable[str], paths: Iterable[str]) -> dict[str, str]:
    """Tell an optimizer alone from the same one in a chain, where nothing else has a path."""
    saved, paths = set(saved), set(paths)
    if saved & paths:
        return {}
    inner = [name for name, part in _parts(paths).items() if part == _entries(saved)]
    outer = [name for name, part in _parts(saved).items() if part == _entries(paths)]
    if len(inner) + len(outer) != 1:
        return {}
    return {"": inner[0]} if inner else {outer[0]: ""}


def _entries(names: Iterable[str]) -> set[str]:
    """The entries of one part, such as step and the slots."""
    return {name.partition("/")[0] for name in names} - OPTIONAL_SLOTS


def _parts(names: Iterable[str]) -> dict[str, set[str]]:
    """The entries of each part of a chain, by its name."""
    below: dict[str, list[str]] = {}
    for name in names:
        part, _, rest = name.partition("/")
        below.setdefault(part, []).append(rest)
    return {part: _entries(rest) for part, rest in below.items() if all(rest)}


def _advise(left_over: Iterable[str], missing: Iterable[str]) -> str:
    """Offer to rename a part, if one that was left over has the entries of one that is missing."""
    old, new = _parts(left_over), _parts(missing)
    pairs = [(a, b) for a in old for b in new if a != b and old[a] == new[b]]
    if len(pairs) != 1:
        return ""
    return (
        f"{pairs[0][1]} has the entries of {pairs[0][0]}: to take them, pass rename={dict(pairs)}."
    )
