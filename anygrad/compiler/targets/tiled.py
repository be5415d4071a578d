"""A group of elementwise operations, written as a loop over tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anygrad.compiler.program import Node, Ref
from anygrad.compiler.targets.spaces import as_flat, layout
from anygrad.compiler.targets.tiles import Tiles, join
from anygrad.compiler.targets.writers import ADD, writer_of

if TYPE_CHECKING:
    from anygrad.compiler.targets.buffered import Buffered

__all__ = ["print_tiles"]


def print_tiles(writing: Buffered, position: int, tiles: Tiles) -> None:
    """Write the loop, what is prepared for it, and what is made of its reductions."""
    Loop(writing, position, tiles).write()


class Loop:
    """One loop while it is written."""

    def __init__(self, writing: Buffered, position: int, tiles: Tiles):
        self.writing, self.position, self.tiles = writing, position, tiles
        self.printer, self.specs, self.group = writing.printer, writing.specs, tiles.group
        self.lines: list[str] = []
        self.named: dict[int, str] = {}  # values as they are called within the loop
        self.scratch: dict[int, int] = {}  # values -> the buffers in which their tiles lie
        self.used: dict[int, Any] = {}  # buffers -> their layouts
        self.free: dict[Any, list[int]] = {}
        self.last = {int(r): k for k, n in enumerate(self.group.nodes) for r in n.uses()}

    def write(self) -> None:
        """Write all of it."""
        printer, group = self.printer, self.group
        before, closing = [], []
        for ref in group.operands:
            text = printer.operand(ref)
            if ref in self.tiles.cut:
                before.append(f"f{int(ref)} = {self._flat(text)}")
                self.lines.append(f"x{int(ref)} = f{int(ref)}[i:j]")
                text = f"x{int(ref)}"
            self.named[int(ref)] = text
        delayed = self._open_results()
        for k, node in enumerate(group.body):
            self._write_node(k, node, closing, delayed)
        for k, node in enumerate(group.reductions, len(group.body)):
            reduce = printer.name(ADD, "reduce")
            printer.add(f"p{int(node.number)} = []")
            self.lines.append(
                f"p{int(node.number)}.append({reduce}({self._text(node.operands[0])}))"
            )
            self._release(k)
        for line in before:
            printer.add(line)
        printer.add(f"for i, j in {printer.name(self.tiles.bounds, 'bounds')}:")
        cuts = [f"t{b} = b{b}[:j - i]" for b in self.used]
        for line in [*cuts, *self.lines, *closing]:
            printer.add(f"    {line}")
        for node in group.reductions:
            self._join(node)
        for made, buffers in self.free.items():
            for b in buffers:
                self.writing.give(made, b)

    def _open_results(self) -> set[int]:
        """Make the arrays of the results; which of them are filled at the end of each tile only."""
        writing, delayed = self.writing, set()
        for ref in self.group.results:
            number = int(ref)
            home, out = writing.homes.get(number), None
            if home is not None and self._may_write(home):
                out = f"v{home}"
                if self.last.get(home, -1) > self._last_place(ref):
                    delayed.add(number)
            if out is None:
                out = writing.place(self.position, number, True) or writing.make(number)
            writing.name(number, out)
            self.printer.add(f"g{number} = {self._flat(self.printer.operand(ref))}")
            self.lines.append(f"o{number} = g{number}[i:j]")
        return delayed

    def _may_write(self, home: int) -> bool:
        """Whether a tile of a donated array is needed for the same tile of the group at most."""
        if not self.writing.is_over(self.position, home, False):
            return False
        memory = self.writing.memory
        readers = [ref for ref in self.group.operands if memory[ref] == home]
        return all(ref == home and ref in self.tiles.cut for ref in readers)

    def _last_place(self, ref: Ref) -> int:
        """The last place in the body where an array may be read that is written for a result."""
        body = self.group.body
        place = next(k for k, node in enumerate(body) if node.number == ref)
        writer = writer_of(body[place], self.specs)
        return place - (writer is not None and writer.separate)

    def _write_node(self, k: int, node: Node, closing: list[str], delayed: set[int]) -> None:
        writer = writer_of(node, self.specs)
        assert writer is not None
        number, texts = int(node.number), [self._text(x) for x in writer.operands]
        if number in self.group.results and number not in delayed:
            out = f"o{number}"
        else:
            if writer.aligned:
                self._release(k)
            out = f"t{self._take(number)}"
        self.lines += writer.lines(self.printer, texts, out)
        self.named[number] = out
        self._release(k)
        if number in delayed:
            closing.append(f"o{number}[...] = {out}")
            self.scratch.pop(number)  # kept until the end of the tile
        elif number not in self.last and number in self.scratch:
            self._free(number)

    def _release(self, k: int) -> None:
        """Let go of the tiles that the k-th node reads last."""
        for number in [n for n in self.scratch if self.last.get(n) == k]:
            self._free(number)

    def _free(self, number: int) -> None:
        buffer = self.scratch.pop(number)
        self.free.setdefault(self.used[buffer], []).append(buffer)

    def _take(self, number: int) -> int:
        dtype = np.dtype(self.specs[number].dtype)
        shape = (self.tiles.largest,) if self.tiles.flat else self._rows()
        strides = np.empty(shape, dtype).strides
        made = layout(shape, dtype, strides)
        assert made is not None
        free = self.free.get(made)
        buffer = free.pop() if free else self.writing.take(made)
        self.used.setdefault(buffer, made)
        self.scratch[number] = buffer
        return buffer

    def _rows(self) -> tuple[int, ...]:
        return (self.tiles.largest, *self.group.shape[1:])

    def _join(self, node: Node) -> None:
        number = int(node.number)
        name, bounds = self.printer.name(join, "join"), self.printer.name(self.tiles.bounds)
        text = f"{name}(p{number}, {bounds})"
        if node.name == "mean":
            kind = self.printer.name(np.dtype(self.specs[number].dtype).type, "kind")
            count = self.printer.name(np.intp(self.group.size), "count")
            text = f"{kind}({text} / {count})"
        self.printer.add(f"v{number} = {text}")
        self.writing.name(number, f"v{number}")

    def _flat(self, text: str) -> str:
        if not self.tiles.flat or len(self.group.shape) == 1:
            return text
        return f"{self.printer.name(as_flat, 'as_flat')}({text})"

    def _text(self, x: Any) -> str:
        found = self.named.get(x) if type(x) is Ref else None
        return found if found is not None else self.printer.operand(x)
