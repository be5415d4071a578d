"""A program for CuPy arrays: kernels where they pay, CuPy's own operations for the rest.

Everything is asked for in order on the current stream; nothing in a replay waits for the device
but guards, which Python decides by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anygrad.backends.cupy import CUPY
from anygrad.backends.numpy import NUMPY
from anygrad.compiler.program import Node, Program, Ref
from anygrad.compiler.targets import cupy
from anygrad.compiler.targets.cuda.choosing import Kernel
from anygrad.compiler.targets.cuda.launching import launch_of
from anygrad.compiler.targets.cuda.many import Many
from anygrad.compiler.targets.cuda.plans import Plan, Stream
from anygrad.compiler.targets.dtypes import name_of
from anygrad.compiler.targets.plain import guard_text, method_text, text_of
from anygrad.compiler.targets.steps import Step, in_order
from anygrad.compiler.targets.writers import is_view
from anygrad.compiler.targets.writing import Writing

__all__ = ["is_launching", "print_launching", "where_to_run"]

NUMBERS = {"float64": "float", "int64": "int", "complex128": "complex", "bool": "bool"}
METHODS = {"sum": "None, None, ", "mean": "None, None, ", "max": "None, ", "min": "None, "}
"""Reductions as CuPy's methods, with what stands between the axis and ``keepdims``."""


def is_launching(program: Program) -> bool:
    """Whether the arrays of a program are CuPy's, but for those that stay on the host."""
    found = {id(s.library): s.library for s in program.specs.values() if s.kind == "array"}
    libraries = list(found.values())
    return CUPY in libraries and all(one in (CUPY, NUMPY) for one in libraries)


def print_launching(
    program: Program, donated: frozenset[int], kernels: Sequence[Kernel]
) -> Callable[..., Any]:
    """Make the function ``replay(*leaves)``: the outputs in a tuple, or `MISSED`.

    Its attribute ``__anygrad_texts__`` has the texts of the kernels.
    """
    writing = Launching(program, donated, kernels)
    run = writing.build()
    run.__anygrad_texts__ = tuple(writing.texts)  # type: ignore[attr-defined]
    return run


def where_to_run(program: Program) -> int | None:
    """The place of an argument on whose device the program runs; None if there is none."""
    places = [k for k, ref in enumerate(program.inputs) if _is_array(program, ref)]
    return places[0] if places else None


def _is_array(program: Program, ref: Ref) -> bool:
    spec = program.specs.get(int(ref))  # guards have none
    return spec is not None and spec.kind == "array" and spec.library is CUPY


class Launching(Writing):
    """A program while it is written for CuPy.

    Attributes
    ----------
    texts : list of str
        What is compiled.
    """

    def __init__(self, program: Program, donated: frozenset[int], kernels: Sequence[Kernel]):
        self.texts: list[str] = []
        self._columns: dict[tuple[int, ...], str] = {}  # what many leaves give -> its array
        self._taken = {int(node.number) for one in kernels for node in one.nodes}
        made_at_once = [Step(one.nodes, None, None, one) for one in kernels]
        super().__init__(program, donated, _host_first(program, in_order(program, made_at_once)))

    def prepare(self) -> None:
        """Find the memory that kernels read."""
        kernels = [node for step in self.steps if step.kernel is not None for node in step.nodes]
        self._read_by_kernels = {self.memory[ref] for node in kernels for ref in node.uses()}

    def is_view(self, node: Node) -> bool:
        """Whether CuPy gives a view; a kernel never does."""
        return int(node.number) not in self._taken and is_view(node)

    def print_step(self, position: int, step: Step) -> None:
        """Write a kernel, or a node."""
        if isinstance(step.kernel, Many):
            self._print_many(position, step.kernel)
        elif step.kernel is not None:
            self._print_kernel(position, step.kernel)
        else:
            self._print_node(step.nodes[0])

    def elements(self) -> frozenset[int]:
        """Elements of new arrays, such as a flag for each leaf: a copy would be a launch for each.

        All outputs that lie in such an array are elements of it, and none comes twice.
        """
        given = set(self.given)
        inside: dict[int, list[Ref]] = {}
        for x in self.program.outputs:
            if type(x) is Ref:
                inside.setdefault(self.memory[x], []).append(x)
        made = {int(node.number): node for node in self.program.nodes}
        found: set[int] = set()
        for root, refs in inside.items():
            keys = [_element_of(made.get(ref), root) for ref in refs]
            if root not in given and None not in keys and len(set(keys)) == len(keys):
                found.update(map(int, refs))
        return frozenset(found)

    def _print_kernel(self, position: int, plan: Plan) -> None:
        given = [self._read(x) for x in plan.reads]
        given += [self._room(position, ref, plan, k) for k, ref in enumerate(plan.group.results)]
        given += [self._make(int(one.node.number)) for one in plan.reductions]
        launch = launch_of(plan)
        self.texts += launch.texts
        self.printer.add(f"{self.printer.name(launch.call, 'launch')}({', '.join(given)})")

    def _print_many(self, position: int, many: Many) -> None:
        printer = self.printer
        owners = self.sole_readers([x.what for x in one.reads] for one in many.plans)
        own = [k for k, is_own in enumerate(many.own) if is_own]
        reads = [[self._read(one.reads[k]) for k in own] for one in many.plans]
        arrays = {k: _array_of([row[at] for row in reads]) for at, k in enumerate(own)}
        indexed = {k: name for k, name in arrays.items() if name}
        rows = self._rows_for(many)
        writes = [
            [
                self._room(position, ref, one, k, owners, leaf)
                for k, ref in enumerate(one.group.results)
                if k not in rows
            ]
            for leaf, one in enumerate(many.plans)
        ]
        homes: list[int | None] = [None] * len(many.first.writes)
        for at, k in enumerate(k for k in range(len(homes)) if k not in rows):
            homes[k] = _home_of(reads, writes, at)
        many = many._replace(indexed=frozenset(indexed), rows=frozenset(rows))
        given = [self._read(x) for x in many.shared]
        given += [indexed[k] for k in sorted(indexed)] + [rows[k] for k in sorted(rows)]
        made = [home for k, home in enumerate(homes) if k not in rows]
        for row, written in zip(reads, writes, strict=True):
            given += [x for x, k in zip(row, own, strict=True) if k not in indexed]
            given += [x for x, home in zip(written, made, strict=True) if home is None]
        launch = launch_of(many, homes)
        self.texts += launch.texts
        call = f"{printer.name(launch.call, 'launch')}({', '.join(given)})"
        if not many.first.reductions:
            printer.add(call)
            return
        names = []
        for k in range(len(many.first.reductions)):
            numbers = tuple([int(one.reductions[k].node.number) for one in many.plans])
            names.append(f"q{numbers[0]}")
            self._name_column(numbers, names[-1])
        printer.add(f"{', '.join(names)}, = {call}")

    def _rows_for(self, many: Many) -> dict[int, str]:
        """Make one array for results of shape (), which would be an array for each leaf."""
        found: dict[int, str] = {}
        for k in range(len(many.first.writes)):
            refs = [one.group.results[k] for one in many.plans]
            if any(self.specs[x].shape or int(x) in self.homes for x in refs):
                continue
            name, layout = f"q{int(refs[0])}", ((len(refs),), self.specs[refs[0]].dtype, (0,))
            make = self.printer.name(cupy.make, "make")
            self.printer.add(f"{name} = {make}({self.printer.name(layout, 'layout')})")
            self._name_column(tuple(map(int, refs)), name)
            found[k] = name
        return found

    def _name_column(self, numbers: tuple[int, ...], array: str) -> None:
        """Values of shape () are elements of an array."""
        self._columns[numbers] = array
        for leaf, number in enumerate(numbers):
            self.name(number, f"{array}[{leaf}]")

    def _read(self, x: Stream) -> str:
        """What a kernel is given; numbers in the type that its parameter has."""
        text = self.printer.operand(x.what)
        if not x.is_number:
            return text
        spec = self.specs[x.what]
        if spec.kind == "scalar":
            return f"{self.printer.name(spec.dtype.type, 'kind')}({text})"
        return f"{NUMBERS[x.dtype]}({text})"

    def _room(
        self,
        position: int,
        ref: Ref,
        plan: Plan,
        k: int,
        owners: dict[int, int] | None = None,
        leaf: int = 0,
    ) -> str:
        """The array for a result: a donated one, or a new one."""
        home = self.homes.get(int(ref))
        alone = home is not None and (owners is None or owners.get(self.memory[home], leaf) == leaf)
        if home is not None and alone and self._may_write(position, home, plan, k):
            self.name(int(ref), f"v{home}")
            return f"v{home}"
        return self._make(int(ref))

    def _may_write(self, position: int, home: int, plan: Plan, k: int) -> bool:
        """Whether an element of a donated array is read for the same element of results only."""
        if not self.is_over(position, home, False):
            return False
        memory, own = self.memory, plan.writes[k].strides
        readers = [x for x in plan.reads if type(x.what) is Ref and memory[x.what] == home]
        return all(x.what == home and x.strides == own for x in readers)

    def _make(self, number: int) -> str:
        """Write the line that makes a new array for a result; gives its name."""
        layout = self.layout(number)
        assert layout is not None
        make = self.printer.name(cupy.make, "make")
        self.printer.add(f"v{number} = {make}({self.printer.name(layout, 'layout')})")
        self.name(number, f"v{number}")
        return f"v{number}"

    def _print_node(self, node: Node) -> None:
        number = int(node.number)
        if node.name == "guard":
            self.printer.add(guard_text(self.printer, node))
            return
        column = self._column(node)
        if column is not None:
            self.name(number, column)
            return
        text = self._short_text(node) or text_of(self.printer, node, self.specs)
        self.printer.add(f"v{number} = {text}")
        self.name(number, f"v{number}")
        self._check_strides(number)

    def _check_strides(self, number: int) -> None:
        """See to it that CuPy laid a result out as it did while recording: kernels rely on that."""
        made = self.layout(number) if self.memory[number] == number else None
        if made is None or number not in self._read_by_kernels or self.specs[number].size < 2:
            return
        relaid, layout = self.printer.name(cupy.relaid, "relaid"), self.printer.name(made, "layout")
        strides = self.specs[number].strides
        self.printer.add(
            f"if v{number}.strides != {strides}: v{number} = {relaid}(v{number}, {layout})"
        )

    def _column(self, node: Node) -> str | None:
        """The array that a stack of all that many leaves give is already."""
        if node.name != "stack" or node.number in self.program.returned:
            return None
        arrays = node.operands
        if node.keywords.get("axis", 0) != 0 or not all(type(x) is Ref for x in arrays):
            return None
        return self._columns.get(tuple(map(int, arrays)))

    def _short_text(self, node: Node) -> str | None:
        """CuPy's own method, where the table of rows has a function around it."""
        first = node.operands[0] if node.operands else None
        if type(first) is not Ref or not _is_array(self.program, first):
            return None
        x, kw = self.printer.operand(first), node.keywords
        method = method_text(self.printer, node, x)
        if method is not None:
            return method
        floats = name_of(self.specs[first].dtype) in ("float32", "float64")
        if node.name in METHODS and floats and set(kw) == {"axis", "keepdims"}:
            axis, keepdims = kw["axis"], kw["keepdims"]
            return f"{x}.{node.name}({axis!r}, {METHODS[node.name]}{keepdims!r})"
        return None


def _host_first(program: Program, steps: list[Step]) -> list[Step]:
    """The steps with those first that compute and ask on the host alone.

    A run that is left is left before anything is launched, and donated memory can be written.
    """
    of_host = {int(ref) for ref in program.inputs if not _is_array(program, ref)}
    first, rest = [], []
    for step in steps:
        node = step.nodes[0]
        alone = step.kernel is None and not _is_array(program, node.number)
        if alone and node.name != "call" and all(int(ref) in of_host for ref in node.uses()):
            of_host.add(int(node.number))
            first.append(step)
        else:
            rest.append(step)
    return [*first, *rest]


def _element_of(node: Node | None, root: int) -> int | None:
    """The place of an element in an array along its first axis; None for any other view."""
    if node is None or node.name != "getitem" or node.operands[0] != root:
        return None
    key = node.keywords["key"]
    first = key[0] if type(key) is tuple and key[1:] in ((), (Ellipsis,)) else key
    return first if type(first) is int and first >= 0 else None


def _array_of(names: list[str]) -> str:
    """The array whose elements these are, one after the other; empty if there is none."""
    array = names[0].removesuffix("[0]")
    elements = [f"{array}[{k}]" for k in range(len(names))]
    return array if names == elements else ""


def _home_of(reads: list[list[str]], writes: list[list[str]], k: int) -> int | None:
    """The column of what is read whose place a column of results takes in every leaf."""
    for column in range(len(reads[0])):
        if all(own[column] == made[k] for own, made in zip(reads, writes, strict=True)):
            return column
    return None
