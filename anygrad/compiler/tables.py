"""Tables: groups that do the same to many arrays, carried out as one operation on all of them.

An optimizer does the same to hundreds of parameters of all shapes. Each of them is a group of its
own; those whose bodies differ in nothing but the arrays are the rows of one table, which a target
carries out at a cost that hardly depends on their number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from anygrad.compiler.grouping import Group
from anygrad.compiler.program import Node, Program, Ref, show
from anygrad.compiler.simplifying import frozen

__all__ = ["Row", "Table", "rows_of", "tables_of"]


class Row(NamedTuple):
    """A group as a row of a table: what it reads of its own, and what it gives.

    Attributes
    ----------
    group : Group
        Without reductions.
    operands : tuple of Ref
        The arrays of its shape, column by column.
    body : tuple
        What it does, in the same words for all rows of a table.
    """

    group: Group
    operands: tuple[Ref, ...]
    body: tuple[Any, ...]

    @property
    def results(self) -> tuple[Ref, ...]:
        """What it gives, column by column."""
        return self.group.results


class Table(NamedTuple):
    """Rows with the same body; none of them reads what another one gives.

    Attributes
    ----------
    rows : tuple of Row
        In the order of the program.
    """

    rows: tuple[Row, ...]

    @property
    def program(self) -> Program:
        """Where the values are described."""
        return self.rows[0].group.program

    @property
    def body(self) -> tuple[Node, ...]:
        """The operations, as the first row has them."""
        return self.rows[0].group.body

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The operations of all rows."""
        return tuple([node for row in self.rows for node in row.group.body])

    @property
    def operands(self) -> tuple[tuple[Ref, ...], ...]:
        """The columns that are read, each with an array for every row."""
        return tuple(zip(*[row.operands for row in self.rows], strict=True))

    @property
    def results(self) -> tuple[tuple[Ref, ...], ...]:
        """The columns that are given."""
        return tuple(zip(*[row.results for row in self.rows], strict=True))

    @property
    def shared(self) -> tuple[Ref, ...]:
        """What every row reads: numbers, and arrays without axes."""
        own = set(self.rows[0].operands)
        return tuple([ref for ref in self.rows[0].group.operands if ref not in own])

    def __str__(self) -> str:
        specs, sizes = self.program.specs, [row.group.size for row in self.rows]
        lines = [f"table of {len(sizes)} leaves with {min(sizes)} to {max(sizes)} elements"]
        lines += [f"  each of {_column(column, specs)}" for column in self.operands]
        lines += [f"  all of {ref!r}: {specs[ref]}" for ref in self.shared]
        lines += [f"  {show(node, specs)}" for node in self.body]
        lines += [f"  gives {_column(column, specs)}" for column in self.results]
        return "\n".join(lines)


def tables_of(rows: Iterable[Row], at_least: int = 2) -> tuple[Table, ...]:
    """The tables of ``at_least`` so many rows.

    A cycle cannot arise: rows are of one level (see `grouping`), and what depends on a group is in
    a higher one.
    """
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault((row.group.level, row.body), []).append(row)
    return tuple([Table(tuple(rows)) for rows in found.values() if len(rows) >= at_least])


def rows_of(groups: Iterable[Group]) -> list[Row]:
    """Those of some groups that may be rows: what they read has their shape, or none at all."""
    return [row for row in map(_row_of, groups) if row is not None]


def _row_of(group: Group) -> Row | None:
    specs, shape = group.program.specs, group.shape
    own: list[Ref] = []
    for ref in group.operands:
        spec = specs[ref]
        if spec.kind == "array" and spec.shape == shape:
            own.append(ref)
        elif spec.shape or spec.kind == "many":
            return None
    places: dict[int, Any] = {ref: ("column", k, specs[ref].dtype) for k, ref in enumerate(own)}
    body = []
    for k, node in enumerate(group.body):
        told = []
        for x in node.operands:
            if type(x) is Ref:
                told.append(places.get(x, x))
            elif getattr(x, "size", 1) != 1 or type(x) in (tuple, list):
                return None
            else:
                told.append(frozen(x))
        kw = tuple([(name, frozen(x)) for name, x in sorted(node.keywords.items())])
        body.append((node.name, tuple(told), kw))
        places[node.number] = ("made", k)
    given = tuple([places[ref] for ref in group.results])
    return Row(group, tuple(own), (*body, given))


def _column(column: tuple[Ref, ...], specs: dict[int, Any]) -> str:
    name = getattr(specs[column[0]].dtype, "name", specs[column[0]].dtype)
    middle = ["..."] if len(column) > 3 else []
    return f"{name} {', '.join([*map(repr, column[:2]), *middle, *map(repr, column[2:][-1:])])}"
