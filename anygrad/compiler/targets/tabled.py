"""A table, written as a loop over chunks of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from anygrad.compiler.program import Node, Ref
from anygrad.compiler.targets.chunks import Chunks
from anygrad.compiler.targets.tiled import Loop
from anygrad.compiler.targets.tiles import Tiles
from anygrad.compiler.targets.writers import writer_of

if TYPE_CHECKING:
    from anygrad.compiler.targets.buffered import Buffered

__all__ = ["print_chunks"]


def print_chunks(writing: Buffered, position: int, chunks: Chunks) -> None:
    """Write the loop, and the names of what it gives."""
    Rows(writing, position, chunks).write()


class Rows(Loop):
    """One loop over chunks while it is written; the first row stands for all."""

    def __init__(self, writing: Buffered, position: int, chunks: Chunks):
        tiles = Tiles(chunks.table.rows[0].group, True, frozenset(), (), chunks.largest)
        super().__init__(writing, position, tiles)
        self.chunks, self.table = chunks, chunks.table
        self.shaped = any(len(row.group.shape) != 1 for row in self.table.rows)
        self.views: dict[int, None] = {}  # buffers of which there is a view for every row
        self.owners = writing.sole_readers(row.group.operands for row in self.table.rows)

    def write(self) -> None:
        """Write all of it."""
        printer, group = self.printer, self.group
        for ref in group.operands:
            self.named[int(ref)] = printer.operand(ref)
        for column in self.table.operands:
            self._gather(column)
        given = dict(zip(group.results, self.table.results, strict=True))
        closing = []
        for k, node in enumerate(group.body):
            self._compute(k, node)
            if node.number in given:
                closing += self._give(node.number, given[node.number])
            if node.number not in self.last:
                self._free(int(node.number))
        self._open()
        for line in self.lines:
            printer.add(f"    {line}")
        for line in closing:
            printer.add(line)
        for made, buffers in self.free.items():
            for b in buffers:
                self.writing.give(made, b)

    def _open(self) -> None:
        """The head of the loop: rows from ``i`` to ``j``, arrays ``t``, and their views ``h``."""
        cuts = self.writing.cuts
        shapes = [row.group.shape for row in self.table.rows]
        cuts.append(Cuts(self.chunks.bounds, shapes, list(self.used), list(self.views)))
        names = ["i", "j", *[f"t{b}" for b in self.used], *[f"h{b}" for b in self.views]]
        self.printer.add(f"for {', '.join(names)} in k{len(cuts) - 1}:")

    def _gather(self, column: tuple[Ref, ...]) -> None:
        number, buffer = int(column[0]), self._take(int(column[0]))
        self.named[number] = f"t{buffer}"
        self.printer.add(f"x{number} = ({self._texts(column)},)")
        if self.shaped:
            self.views[buffer] = None
            self.lines.append(f"for s, x in zip(h{buffer}, x{number}[i:j]): s[...] = x")
        else:
            concatenate = self.printer.name(np.concatenate, "concatenate")
            self.lines.append(f"{concatenate}(x{number}[i:j], 0, t{buffer})")

    def _compute(self, k: int, node: Node) -> None:
        writer = writer_of(node, self.specs)
        assert writer is not None
        texts = [self._text(x) for x in writer.operands]
        if writer.aligned:
            self._release(k)
        out = f"t{self._take(int(node.number))}"
        self.lines += writer.lines(self.printer, texts, out)
        self.named[int(node.number)] = out
        self._release(k)

    def _give(self, number: Ref, column: tuple[Ref, ...]) -> list[str]:
        """Hand out one result of every row; returns the lines that come after the loop."""
        buffer = self.scratch[int(number)]
        self.views[buffer] = None
        places = [self._place(k, int(ref)) for k, ref in enumerate(column)]
        if not any(places):
            self.printer.add(f"q{int(number)} = []")
            self.lines.append(f"q{int(number)} += [s.copy() for s in h{buffer}]")
            for ref in column:
                self.writing.name(int(ref), f"v{int(ref)}")
            return [f"{self._texts(column)}, = q{int(number)}"]
        for ref, place in zip(column, places, strict=True):
            self.writing.name(int(ref), place or self.writing.make(int(ref)))
        self.printer.add(f"d{int(number)} = ({self._texts(column)},)")
        self.lines.append(f"for s, x in zip(h{buffer}, d{int(number)}[i:j]): x[...] = s")
        return []

    def _place(self, k: int, number: int) -> str | None:
        """Memory that is there for a result of the k-th row; None if it is to be new."""
        writing = self.writing
        home = writing.homes.get(number)
        alone = home is not None and self.owners.get(writing.memory[home], k) == k
        if home is not None and alone and writing.is_over(self.position, home, False):
            return f"v{home}"
        return writing.place(self.position, number, True)

    def _texts(self, column: tuple[Ref, ...]) -> str:
        return ", ".join(map(self.printer.operand, column))


class Cuts:
    """Cuts the arrays of a workspace into chunks, and some of them into views for every row."""

    def __init__(
        self,
        bounds: tuple[tuple[int, int], ...],
        shapes: list[tuple[int, ...]],
        used: list[int],
        viewed: list[int],
    ):
        self.bounds, self.shapes, self.used, self.viewed = bounds, shapes, used, viewed

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[tuple[Any, ...]]:
        """For every chunk the rows, the arrays, and the views."""
        found = []
        for i, j in self.bounds:
            shapes = self.shapes[i:j]
            ends = [0, *accumulate(map(_size, shapes))]
            whole = [arrays[b][: ends[-1]] for b in self.used]
            views = [
                [
                    arrays[b][start:end].reshape(shape)
                    for (start, end), shape in zip(pairwise(ends), shapes, strict=True)
                ]
                for b in self.viewed
            ]
            found.append((i, j, *whole, *views))
        return found


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
