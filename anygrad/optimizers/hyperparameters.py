"""Hyperparameters: their ranges, schedules, groups by path pattern, and the defaults of peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, TypeAlias

from anygrad.errors import ArgumentError, describe, suggest
from anygrad.ranges import FINITE, NOT_NEGATIVE, Range, check_number

__all__ = ["Groups", "Hyperparameter", "Hyperparameters", "Peers", "choose"]

Hyperparameter: TypeAlias = float | Callable[[int], float]
"""A number, or a schedule ``step -> number`` with ``step`` counted from 0."""

Groups: TypeAlias = Iterable[tuple[str, Mapping[str, Any]]]
"""``[(pattern, {hyperparameter: value}), ...]``; the first pattern that matches a leaf's path
wins."""

FRACTION = Range(0, 1)
BELOW_ONE = Range(0, 1, open_high=True)

RANGES: dict[str, Range] = {
    "b1": BELOW_ONE,
    "b2": BELOW_ONE,
    "dampening": FRACTION,
    "decay": BELOW_ONE,
    "eps": NOT_NEGATIVE,
    "eps_root": NOT_NEGATIVE,
    "initial_accumulator": NOT_NEGATIVE,
    "learning_rate": NOT_NEGATIVE,
    "lr_decay": NOT_NEGATIVE,
    "momentum": FRACTION,
    "weight_decay": NOT_NEGATIVE,
}
"""Where each known hyperparameter must lie; any other may be any finite number."""

AT_INIT = {"initial_accumulator"}
"""Used once, when the state is made, so that a schedule would have no meaning."""

Peers: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The peers that an optimizer can follow, each with the values in which it differs from ours."""


@dataclass(frozen=True)
class Hyperparameters:
    """The checked hyperparameters of one optimizer, for leaves in a group and for all others.

    Attributes
    ----------
    where : str
        Name of the optimizer, for messages.
    rows : tuple of dict
        Row 0 holds the values for leaves that no pattern matches, the others those of each group.
    patterns : tuple of str
        Pattern of each row after the first.
    """

    where: str
    rows: tuple[dict[str, Any], ...]
    patterns: tuple[str, ...] = ()
    _rows_of: dict = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def check(
        cls,
        where: str,
        values: Mapping[str, Any],
        groups: Groups,
        like: Mapping[str, Any] | None = None,
    ) -> Hyperparameters:
        """Check values and groups once, when the optimizer is made.

        A name whose value in ``like`` (without it, in ``values``) is a bool is a switch.
        """
        like = values if like is None else like
        base = {name: _checked(where, name, value, like) for name, value in values.items()}
        rows, patterns = [base], []
        for entry in groups:
            pattern, overrides = _check_entry(where, entry, base)
            changed = {n: _checked(where, n, value, like) for n, value in overrides.items()}
            rows.append({**base, **changed})
            patterns.append(pattern)
        return cls(where, tuple(rows), tuple(patterns))

    def at(self, step: int) -> Sequence[Mapping[str, Any]]:
        """Rows for one step: every schedule replaced by its value, a Python float."""
        if self.is_constant:
            return self.rows
        return [
            {name: _value_at(self.where, name, value, step) for name, value in row.items()}
            for row in self.rows
        ]

    def uses(self, name: str) -> bool:
        """Whether any row has a value other than the number 0 (or False)."""
        return any(callable(row[name]) or bool(row[name]) for row in self.rows)

    @cached_property
    def is_constant(self) -> bool:
        """Whether no value follows a schedule."""
        return not any(callable(value) for row in self.rows for value in row.values())

    def assign(self, structure: Any, list_paths: Callable[[], Sequence[str]]) -> list[int]:
        """Row of each leaf; remembered by tree structure, since paths take time to list."""
        if not self.patterns:
            return [0] * structure.num_leaves
        found = self._rows_of.get(structure)
        if found is None:
            found = self._rows_of[structure] = [self._row_of(path) for path in list_paths()]
        return found

    def _row_of(self, path: str) -> int:
        matches = (n for n, pattern in enumerate(self.patterns, 1) if fnmatchcase(path, pattern))
        return next(matches, 0)

    def check_patterns(self, paths: Sequence[str]) -> None:
        """Refuse a pattern that matches no leaf: most likely a slip of the pen."""
        for pattern in self.patterns:
            if any(fnmatchcase(path, pattern) for path in paths):
                continue
            some = ", ".join(paths[:5]) + (", ..." if len(paths) > 5 else "")
            message = (
                f"{self.where}(groups): got pattern {pattern!r}, which matches no parameter; "
                f"expected a pattern of paths such as {some}. {suggest(pattern, paths)}"
            )
            raise ArgumentError(message.rstrip())


def choose(
    where: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    peers: Peers,
    compat: str | None,
    groups: Groups,
) -> Hyperparameters:
    """Fill the arguments that are None with ours, or with those of a peer, and check them all.

    Parameters
    ----------
    where : str
        Name of the optimizer.
    given : mapping
        What the caller passed; None stands for "not given".
    defaults : mapping
        Our values; None means that there is no usual one.
    peers : mapping
        The peers that this optimizer can follow, by name; each with the values in which it differs
        from ours.
    compat : str or None
        Whose defaults to take.
    groups : list of (pattern, dict)
        As the caller passed them.

    Returns
    -------
    Hyperparameters
        A value for every name.

    Raises
    ------
    ArgumentError
        If ``compat`` is no peer of this optimizer, a value without default is missing, or one is
        outside its range.
    """
    if compat is not None and compat not in list(peers):
        names = " or ".join(map(repr, sorted(peers))) or "for it has no peer"
        message = (
            f"{where}(compat): got {compat!r}; expected None, {names}. {suggest(compat, peers)}"
        )
        raise ArgumentError(message.rstrip())
    defaults = {**defaults, **peers.get(compat or "", {})}
    chosen = {n: defaults[n] if value is None else value for n, value in given.items()}
    for name, value in chosen.items():
        if value is None:
            owner = f"{compat} has" if compat else "there is"
            message = (
                f"{where}({name}): got nothing; expected a number or a schedule, for {owner} no "
                f"default. Try {where}({name}=0.01)."
            )
            raise ArgumentError(message)
    return Hyperparameters.check(where, chosen, groups, like=defaults)


def _checked(where: str, name: str, value: Any, like: Mapping[str, Any]) -> Any:
    """``value`` as a float, a bool for a switch, or the schedule that it is."""
    if isinstance(like[name], bool):
        if isinstance(value, bool):
            return value
        message = f"{where}({name}): got {describe(value)}; expected True or False."
        raise ArgumentError(message)
    if not callable(value):
        return _check_value(where, name, value, _advice(name, value, like))
    if name in AT_INIT:
        message = f"{where}({name}): got a schedule; expected a number, for it is used only once."
        raise ArgumentError(message)
    return value


def _check_value(where: str, name: str, value: Any, advice: str = "") -> float:
    return check_number(f"{where}({name})", value, RANGES.get(name, FINITE), advice)


def _advice(name: str, value: Any, like: Mapping[str, Any]) -> str:
    if name == "learning_rate" and "maximize" in like:
        return "To climb rather than descend, pass maximize=True."
    default = like[name]
    # without defaults, the values are compared with themselves
    known = isinstance(default, (int, float)) and default is not value
    return f"The default is {default:g}." if known else ""


def _value_at(where: str, name: str, value: Any, step: int) -> Any:
    if not callable(value):
        return value
    number: Any = value(step)
    try:
        return _check_value(where, name, float(number))
    except (TypeError, ValueError) as error:
        message = (
            f"{where}({name}): got {describe(number)} from the schedule at step {step}; expected "
            f"{RANGES.get(name, FINITE)}."
        )
        raise ArgumentError(message) from error


def _check_entry(where: str, entry: Any, known: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if (
        not isinstance(entry, (tuple, list))
        or len(entry) != 2
        or not isinstance(entry[0], str)
        or not isinstance(entry[1], Mapping)
    ):
        message = (
            f"{where}(groups): got {describe(entry)}; expected a pair of a path pattern and a "
            "dict. Write groups=[('*/bias', dict(weight_decay=0.0))]."
        )
        raise ArgumentError(message)
    pattern, overrides = entry
    for name in overrides:
        if name not in known:
            message = (
                f"{where}(groups): got {name!r} for {pattern!r}; expected one of "
                f"{', '.join(known)}. {suggest(name, known)}"
            )
            raise ArgumentError(message.rstrip())
    return pattern, overrides
