"""NumPy without new memory: results are written into arrays that are kept from run to run.

Values that are results, or that a function called by the program might keep, are made anew in every
run; all others lie in a workspace, in which values that are not needed at the same time share
arrays. A run takes a workspace from a pool and puts it back, so that threads do not meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from anygrad.backends.numpy import NUMPY
from anygrad.compiler.liveness import pinned
from anygrad.compiler.program import Node, Program, Ref, refs_of
from anygrad.compiler.segments import Join
from anygrad.compiler.targets.joined import places_of, print_join, room_of_piece
from anygrad.compiler.targets.native.printing import print_kernel
from anygrad.compiler.targets.plain import guard_text, method_text, text_of
from anygrad.compiler.targets.spaces import Layout, fresh, space_for
from anygrad.compiler.targets.steps import Step, steps_of
from anygrad.compiler.targets.tabled import print_chunks
from anygrad.compiler.targets.tiled import print_tiles
from anygrad.compiler.targets.views import Views
from anygrad.compiler.targets.writers import ADD, Writer, is_view, writer_of
from anygrad.compiler.targets.writing import Writing, releases_of
from anygrad.ops.indexing import is_basic

__all__ = ["Buffered", "is_buffered", "print_buffered"]


def is_buffered(program: Program) -> bool:
    """Whether all arrays of a program are NumPy's, as far as the program knows."""
    specs = [spec for spec in program.specs.values() if spec.kind in ("array", "scalar")]
    return bool(specs) and all(spec.library is NUMPY for spec in specs)


def print_buffered(
    program: Program,
    donated: frozenset[int] = frozenset(),
    kernels: Sequence[tuple[Any, Any]] = (),
) -> Callable[..., Any]:
    """Make the function ``replay(*leaves)``: the outputs in a tuple, or `MISSED`.

    ``kernels`` are pairs of what a kernel computes and what calls it.
    """
    return Buffered(program, donated, kernels).build()


class Buffered(Writing):
    """A program while it is written for NumPy.

    Attributes
    ----------
    buffers : list of Layout
        The arrays of the workspace, ``b0``, ``b1``, ...
    cuts : list of callable
        Each is given them once, and what it makes of them is ``k0``, ``k1``, ...
    places : dict
        By number, the pieces that are written into the memory of what they are pieces of.
    placed : set
        Those that have been.
    """

    def __init__(
        self,
        program: Program,
        donated: frozenset[int],
        kernels: Sequence[tuple[Any, Any]] = (),
    ):
        self._hot = bool(kernels)
        self.placed: set[int] = set()
        self.buffers: list[Layout] = []
        self.cuts: list[Callable[..., Any]] = []
        self._views = Views(self.cuts)
        self._held: dict[int, int] = {}  # memory -> its buffer
        self._free: dict[Layout, list[int]] = {}
        super().__init__(program, donated, steps_of(program, kernels))

    def prepare(self) -> None:
        """Find the pieces, whose memory is that of what they are pieces of."""
        kept = pinned(self.program, self.memory, releases_of)
        self.places = places_of(self.program, self.memory, kept)

    def print_step(self, position: int, step: Step) -> None:
        """Write a kernel, tiles, chunks, or a node."""
        if step.kernel is not None and step.entry is not None:
            print_kernel(self, position, step.kernel, step.entry)
        elif step.tiles is not None:
            print_tiles(self, position, step.tiles)
        elif step.chunks is not None:
            print_chunks(self, position, step.chunks)
        else:
            self._print_node(position, step.nodes[0])

    def let_go(self, root: int) -> bool:
        """Give a buffer back."""
        if root not in self._held:
            return False
        buffer = self._held.pop(root)
        self.give(self.buffers[buffer], buffer)
        return True

    def take(self, made: Layout) -> int:
        """The number of a buffer that nothing needs now."""
        free = self._free.get(made)
        if free:
            return free.pop()
        self.buffers.append(made)
        return len(self.buffers) - 1

    def give(self, made: Layout, buffer: int) -> None:
        """Let a buffer be used again."""
        self._free.setdefault(made, []).append(buffer)

    def place(self, position: int, number: int, separate: bool = False) -> str | None:
        """The array that a result is to be written into: a donated one, or one of the workspace.

        None if the result is to be new. With ``separate`` it is none that this step reads.
        """
        if number in self.places:
            return room_of_piece(self, number)
        home, made = self.homes.get(number), self.layout(number)
        if home is not None and made is not None and self.is_over(position, home, separate):
            return f"v{home}"
        return None if made is None else self.take_for(number, made)

    def take_for(self, number: int, made: Layout) -> str | None:
        """A buffer for a value; None if it must be new."""
        root = self.memory[number]
        if root in self.pinned or root != number:
            return None
        self._held[number] = self.take(made)
        return f"b{self._held[number]}"

    def view(self, array: str, name: str, key: Any) -> str:
        """The name of a part of an array, which is cut out once if the array is a buffer."""
        if self._views.holds(array):
            return self._views.part(array, key)
        self.printer.add(f"{name} = {array}[{self.printer.operand(key)}]")
        return name

    def make(self, number: int) -> str:
        """Write the line that makes a new array for a result; gives its name."""
        made, name = self.layout(number), self.printer.name
        assert made is not None
        self.printer.add(f"v{number} = {name(fresh, 'fresh')}({name(made, 'layout')})")
        return f"v{number}"

    def is_view(self, node: Node) -> bool:
        """Whether NumPy gives a view."""
        if self.specs[node.number].kind != "array" and node.name != "part":
            return False
        return is_view(node) and writer_of(node, self.specs) is None

    def _print_node(self, position: int, node: Node) -> None:
        add, number = self.printer.add, int(node.number)
        if node.name == "guard":
            add(guard_text(self.printer, node))
            return
        if type(node.function) is Join:
            print_join(self, node)
            return
        if node.name == "getitem" and self._is_cut(node):
            base = self.printer.operand(node.operands[0])
            self.name(number, self.view(base, f"v{number}", node.keywords["key"]))
            return
        writer = writer_of(node, self.specs)
        if writer is not None:
            texts = [self.printer.operand(x) for x in writer.operands]
            out = self._taken_over(position, node, writer)
            out = out or self.place(position, number, writer.separate)
            if out is not None:
                for line in writer.lines(self.printer, texts, out):
                    add(line)
                self.name(number, out)
                return
        add(f"v{number} = {self._short_text(node) or text_of(self.printer, node, self.specs)}")
        self.name(number, f"v{number}")

    def _is_cut(self, node: Node) -> bool:
        """Whether a node shows a part of a buffer, the same in every run."""
        base, key = node.operands[0], node.keywords["key"]
        if not self._hot or type(base) is not Ref or self.specs[node.number].kind != "array":
            return False
        kept = self._views.holds(self.printer.operand(base))
        return kept and is_basic(key) and not list(refs_of(key))

    def _taken_over(self, position: int, node: Node, writer: Writer) -> str | None:
        """The buffer of an operand that is not needed any more, for the result."""
        number = int(node.number)
        if number in self.pinned or number in self.homes or self.memory[number] != number:
            return None
        candidates = writer.operands if writer.aligned else ()
        if writer.separate:
            candidates = (writer.operands[0 if writer.kind == "set" else 2],)
        for x in candidates:
            if type(x) is not Ref or x not in self._held or self.last[x] != position:
                continue
            others = [y for y in node.uses() if y != x and self.memory[y] == x]
            if self.layout(x) == self.layout(number) and not others:
                self._held[number] = self._held.pop(int(x))
                return f"b{self._held[number]}"
        return None

    def _short_text(self, node: Node) -> str | None:
        """NumPy's own call, where the table of rows has a function around it."""
        first = node.operands[0] if node.operands else None
        if type(first) is not Ref or self.specs[first].kind != "array":
            return None
        x, kw = self.printer.operand(first), node.keywords
        method = method_text(self.printer, node, x)
        if method is not None:
            return method
        if node.name == "mean" and set(kw) == {"axis", "keepdims"}:
            return self._mean(node, x)
        if node.name == "sum" and set(kw) == {"axis", "keepdims"}:
            name = self.printer.name(ADD, "reduce")
            return f"{name}({x}, {kw['axis']!r}, None, None, {kw['keepdims']!r})"
        return None

    def _mean(self, node: Node, x: str) -> str | None:
        """A mean as NumPy computes it, without the functions in Python that it takes to get there.

        The number of elements is an integer of NumPy, so that it divides as it does there.
        """
        spec, source = self.specs[node.number], self.specs[node.operands[0]]
        if source.dtype not in (np.float32, np.float64) or not source.size or not source.shape:
            return None
        axis, keepdims = node.keywords["axis"], node.keywords["keepdims"]
        count = self.printer.name(np.intp(source.size // max(spec.size, 1)), "count")
        total = f"{self.printer.name(ADD, 'reduce')}({x}, {axis!r}, None, None, {keepdims!r})"
        if spec.kind == "scalar":
            return f"{self.printer.name(np.dtype(spec.dtype).type, 'kind')}({total} / {count})"
        divide, free = self.printer.name(np.true_divide, "divide"), "casting='unsafe'"
        return f"{divide}(s := {total}, {count}, s, {free})"

    def finish(self) -> None:
        """Take a workspace from the pool, and put it back."""
        if not self.buffers:
            return
        printer, pool = self.printer, list[Any]()
        kept = printer.name(pool, "pool")
        make = printer.name(space_for(self.buffers, self.cuts), "space")
        names = ", ".join(
            [
                *(f"b{k}" for k in range(len(self.buffers))),
                *(f"k{k}" for k in range(len(self.cuts))),
            ]
        )
        # asking whether the pool is empty would not help: another thread may come first
        head = [f"try: w = {kept}.pop()", f"except IndexError: w = {make}()", f"{names}, = w"]
        body = ["try:", *[f"    {line}" for line in printer.lines], f"finally: {kept}.append(w)"]
        printer.lines = [*head, *body]
