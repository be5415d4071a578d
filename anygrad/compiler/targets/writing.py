"""A program while its text is written: what lies where, and how long it is needed.

What is the same for all libraries is here; a target says how a step becomes lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from anygrad.compiler.accumulating import Sum
from anygrad.compiler.donating import homes
from anygrad.compiler.liveness import kept_by_nodes, last_uses, memories, pinned
from anygrad.compiler.program import Node, Program, Ref, Spec
from anygrad.compiler.segments import Join
from anygrad.compiler.targets.plain import FREED_FROM, print_return
from anygrad.compiler.targets.printing import Printer
from anygrad.compiler.targets.spaces import Layout, layout
from anygrad.compiler.targets.steps import Step
from anygrad.compiler.targets.writers import releases

__all__ = ["Names", "Writing", "releases_of"]

LEAVING = ("guard", "call")
"""Nodes that may find out that the program does not hold."""
HARMLESS = Sum, Join
"""What ``call`` nodes call that finds out nothing, and keeps nothing."""


class Writing:
    """A program while its text is written.

    Attributes
    ----------
    steps : list of Step
        What is carried out, in order.
    memory : dict
        For each value the one whose memory it lies in.
    last : dict
        For each piece of memory the last step that needs it.
    pinned : frozenset of int
        The memory that must be new in every run.
    homes : dict
        By number of a result, the donated input that it may be written into at once.
    """

    def __init__(self, program: Program, donated: frozenset[int], steps: list[Step]):
        self.program, self.donated, self.steps = program, donated, steps
        self.specs = program.specs
        self.printer = Names()
        self.memory = memories(program, self.is_view)
        self.prepare()
        self.last = last_uses(program, [step.nodes for step in steps], self.memory)
        self.pinned = pinned(program, self.memory, releases_of)
        self._ending: dict[int, list[int]] = {}
        for root, end in self.last.items():
            self._ending.setdefault(end, []).append(root)
        self.given = frozenset(map(int, program.inputs))
        self._inside: dict[int, list[int]] = {}  # memory -> the values that lie in it
        for number, root in self.memory.items():
            self._inside.setdefault(root, []).append(number)
        self.homes = self._direct_homes()
        # a run that is left, to be recorded anew, must find the arguments as they were
        leaving = [k for k, step in enumerate(self.steps) if _leaves(step.nodes[0])]
        self._decided = max(leaving, default=-1)

    def prepare(self) -> None:
        """What a target has to know before lives are computed."""

    def is_view(self, node: Node) -> bool:
        """Whether the result of a node lies in the memory of its first operand."""
        raise NotImplementedError

    def print_step(self, position: int, step: Step) -> None:
        """Write the lines of a step."""
        raise NotImplementedError

    def let_go(self, root: int) -> bool:
        """Take back memory that nothing needs any more; whether the target keeps it."""
        return False

    def build(self) -> Callable[..., Any]:
        """The function."""
        for position, step in enumerate(self.steps):
            self.print_step(position, step)
            self._end(position)
        print_return(self.printer, self.program, self.donated, self.elements())
        self.finish()
        return self.printer.build(", ".join(f"v{int(ref)}" for ref in self.program.inputs))

    def elements(self) -> frozenset[int]:
        """Outputs that lie in one array and need not be copied; see `print_return`."""
        return frozenset()

    def finish(self) -> None:
        """What comes before and after all lines."""

    def layout(self, number: int) -> Layout | None:
        """How to make an array like a value."""
        spec = self.specs[number]
        return layout(spec.shape, spec.dtype, spec.strides)

    def is_over(self, position: int, home: int, separate: bool) -> bool:
        """Whether nothing reads a donated array, or leaves the program, after this step."""
        if position < self._decided:
            return False
        return self.last.get(home, -1) < position + (not separate)

    def sole_readers(self, rows: Iterable[Iterable[Any]]) -> dict[int, int]:
        """For each piece of memory the only one of some rows that reads it, or -1."""
        found: dict[int, int] = {}
        for k, operands in enumerate(rows):
            for x in operands:
                if type(x) is Ref:
                    root = self.memory[x]
                    found[root] = k if found.setdefault(root, k) == k else -1
        return found

    def name(self, number: int, name: str) -> None:
        """Give a value its name; what is returned is called by its number."""
        self.printer.called[number] = name

    def _direct_homes(self) -> dict[int, int]:
        found = {}
        kept = kept_by_nodes(self.program, self.memory, releases_of)
        times = Counter(int(x) for x in self.program.outputs if type(x) is Ref)
        joins = {node.number for node in self.program.nodes if type(node.function) is Join}
        for k, home in homes(self.program, self.donated).items():
            number, spec = int(self.program.outputs[k]), self.specs[home]
            own = self.specs[number]
            single = times[number] == 1
            made = self.memory[number] == number and number not in self.given
            made = made and number not in joins
            alike = spec.strides == own.strides and own.size > 0
            if single and made and alike and home not in kept:
                found[number] = home
        return found

    def _end(self, position: int) -> None:
        """Let go of what this step needed last."""
        dropped, called = [], self.printer.called
        for root in self._ending.get(position, ()):
            if self.let_go(root):
                continue
            if root not in self.given and _is_large(self.specs[root]):
                dropped += [n for n in self._inside[root] if called.get(n) == f"v{n}"]
        if dropped:
            self.printer.add(f"del {', '.join(f'v{n}' for n in dropped)}")


class Names(Printer):
    """A printer that calls values by names that change.

    Attributes
    ----------
    called : dict
        The names, by number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.called: dict[int, str] = {}

    def operand(self, x: Any) -> str:
        """How an operand is written."""
        return self.called.get(x, f"v{int(x)}") if type(x) is Ref else Printer.operand(self, x)


def releases_of(node: Node) -> bool:
    """Whether nothing but the result outlives a node."""
    return type(node.function) in HARMLESS or releases(node)


def _leaves(node: Node) -> bool:
    return node.name in LEAVING and type(node.function) not in HARMLESS


def _is_large(spec: Spec) -> bool:
    return spec.kind == "array" and spec.size * 8 >= FREED_FROM
