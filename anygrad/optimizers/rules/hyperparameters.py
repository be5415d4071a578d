"""Hyperparameters: their ranges, schedules, and groups by path pattern."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from anygrad.backends import namespace_of
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array
from anygrad.errors import ArgumentError, describe, suggest
from anygrad.optimizers.rules.allowed import COMMON, Allowed, Maybe, check_value
from anygrad.optimizers.rules.leaves import is_half
from anygrad.optimizers.rules.patterns import check_matches, matches
from anygrad.ranges import FINITE, check_number

__all__ = ["Groups", "Hyperparameter", "Hyperparameters"]

Hyperparameter: TypeAlias = float | Callable[[int], float]
"""A number, or a schedule ``step -> number`` with ``step`` counted from 0."""

Groups: TypeAlias = Iterable[tuple[str, Mapping[str, Any]]]
"""``[(pattern, {hyperparameter: value}), ...]``; the first pattern that matches a leaf's path
wins."""


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
    allowed : dict
        What each value may be; a finite number where nothing is said.
    defaults : dict
        The usual values, where there are such; what equals them is not printed.
    """

    where: str
    rows: tuple[dict[str, Any], ...]
    patterns: tuple[str, ...] = ()
    allowed: Mapping[str, Allowed] = field(default_factory=dict, repr=False, compare=False)
    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _rows_of: dict = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def check(
        cls,
        where: str,
        values: Mapping[str, Any],
        groups: Groups,
        like: Mapping[str, Any] | None = None,
        allowed: Mapping[str, Allowed] | None = None,
    ) -> Hyperparameters:
        """Check values and groups once, when the optimizer is made.

        A name whose value in ``like`` (without it, in ``values``) is a bool or a word is a switch,
        and one whose value there is a pair takes a pair of numbers.
        """
        defaults = {} if like is None else like
        like = values if like is None else like
        may = {**COMMON, **(allowed or {})}

        def checked(given: Mapping[str, Any]) -> dict[str, Any]:
            return {n: check_value(where, n, v, like, may.get(n, FINITE)) for n, v in given.items()}

        base = checked(values)
        rows, patterns = [base], []
        for entry in groups:
            pattern, overrides = _check_entry(where, entry, base)
            rows.append({**base, **checked(overrides)})
            patterns.append(pattern)
        return cls(where, tuple(rows), tuple(patterns), may, defaults)

    def at(self, step: int) -> Sequence[Mapping[str, Any]]:
        """Rows for one step: every schedule replaced by its value, a Python float."""
        if self.is_constant:
            return self.rows
        return [
            {name: self._value_at(name, value, step) for name, value in row.items()}
            for row in self.rows
        ]

    @cached_property
    def scheduled(self) -> tuple[tuple[int, str], ...]:
        """Where schedules stand: row and name."""
        named = [(k, name) for k, row in enumerate(self.rows) for name in row]
        return tuple([(k, name) for k, name in named if callable(self.rows[k][name])])

    def told(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The values of all schedules among the rows of one step."""
        return [rows[k][name] for k, name in self.scheduled]

    def fill(self, values: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """Rows with these values in the place of schedules."""
        if not self.scheduled:
            return self.rows
        rows = [dict(row) for row in self.rows]
        for (k, name), value in zip(self.scheduled, values, strict=True):
            rows[k][name] = value
        return rows

    def _value_at(self, name: str, value: Any, step: int) -> Any:
        if not callable(value):
            return value
        number: Any = value(step)
        allowed = self.allowed.get(name, FINITE)
        allowed = allowed.of if isinstance(allowed, Maybe) else allowed
        try:
            if isinstance(number, (str, bool)) or tuple(getattr(number, "shape", ())):
                raise TypeError(describe(number))
            return check_number(f"{self.where}({name})", float(number), allowed)  # type: ignore
        except (TypeError, ValueError) as error:
            message = (
                f"{self.where}({name}): got {describe(number)} from the schedule at step {step}; "
                f"expected {allowed}."
            )
            raise ArgumentError(message) from error

    def check_same(self, names: Iterable[str], why: str) -> None:
        """Refuse groups with other values of what holds for the whole tree."""
        for row, pattern in zip(self.rows[1:], self.patterns, strict=True):
            for name in names:
                if row[name] != self.rows[0][name]:
                    message = (
                        f"{self.where}(groups): got {name}={_show(row[name])} for {pattern!r}; "
                        f"expected {_show(self.rows[0][name])} for all parameters, {why}."
                    )
                    raise ArgumentError(message)

    def uses(self, name: str) -> bool:
        """Whether any row has a value other than the number 0 (or False)."""
        return any(callable(row[name]) or bool(row[name]) for row in self.rows)

    def __str__(self) -> str:
        """What was chosen otherwise than usual, as it is written in a call."""
        row, *others = self.rows
        usual = self.defaults
        shown = {n: v for n, v in row.items() if n not in usual or n == "learning_rate"}
        shown |= {n: v for n, v in row.items() if n in usual and v != usual[n]}
        given = [f"{n}={_show(v)}" for n, v in row.items() if n in shown]
        given += [f"groups={list(self.patterns)}"] if others else []
        return ", ".join(given)

    @cached_property
    def is_constant(self) -> bool:
        """Whether no value follows a schedule."""
        return not self.scheduled

    def assign(self, structure: Any, list_paths: Callable[[], Sequence[str]]) -> list[int]:
        """Row of each leaf; remembered by tree structure, since paths take time to list."""
        if not self.patterns:
            return [0] * structure.num_leaves
        found = self._rows_of.get(structure)
        if found is None:
            found = self._rows_of[structure] = [self._row_of(path) for path in list_paths()]
        return found

    def check_precision(self, leaves: Sequence[Array], assigned: Sequence[int]) -> None:
        """Refuse an ``eps`` that is 0, or nearly, in the dtype a leaf is computed in.

        Of a schedule, that of the first step is looked at.
        """
        used: dict[int, dict[Any, Array]] = {}
        for p, row in zip(leaves, assigned, strict=True):
            used.setdefault(row, {})[p.dtype] = p
        rows = self.at(0)
        given = {
            (row, name, value)
            for row in used
            for name, value in rows[row].items()
            if "eps" in name.rstrip("0123456789").split("_")
            and isinstance(value, float)
            and value > 0
        }
        for row, name, value in given:
            for p in used[row].values():
                xp = namespace_of(p)
                dtype = xp.float32 if is_half(p) else p.dtype
                smallest = float(float_limits(xp, dtype).smallest_normal)
                shown = "float32" if is_half(p) else p.dtype
                if value < smallest:
                    message = (
                        f"{self.where}({name}): got {value:g}, which is lost in {shown}; expected "
                        f"0 or at least {smallest:.2g}. Raise it, or use wider parameters."
                    )
                    raise ArgumentError(message)

    def _row_of(self, path: str) -> int:
        found = (n for n, pattern in enumerate(self.patterns, 1) if matches(path, pattern))
        return next(found, 0)

    def check_patterns(self, paths: Sequence[str]) -> None:
        """Refuse a pattern that matches no leaf: most likely a slip of the pen."""
        check_matches(f"{self.where}(groups)", self.patterns, paths)


def _show(value: Any) -> str:
    """Show a number or a schedule; a function by its name, without its address."""
    return value.__name__ if inspect.isfunction(value) else repr(value)


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
