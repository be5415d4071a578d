"""The loop of a kernel over whole vectors: the operations of a group, one after the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anygrad.compiler.grouping import Group
from anygrad.compiler.program import Node, operand_key
from anygrad.compiler.targets.native.instructions import absolute, convert, select
from anygrad.compiler.targets.native.mathematics import FUNCTIONS
from anygrad.compiler.targets.native.operations import Number, functions_of, operate
from anygrad.compiler.targets.native.plans import Operand, Plan
from anygrad.compiler.targets.native.values import TYPES, Emitter, Module, Value, llvm_type

__all__ = ["Stream", "body_text", "bytes_of", "streams_of"]


class Stream(NamedTuple):
    """A row of elements that the loop reads or writes.

    Attributes
    ----------
    what : object
        The value of the program, or a constant.
    dtype : str
        The type of the elements.
    place : int
        Where the table has its address; -1 for what is written for a reduction only.
    operand : Operand or None
        How it is read; None for what is written.
    """

    what: Any
    dtype: str
    place: int
    operand: Operand | None = None

    @property
    def size(self) -> int:
        """The bytes of an element."""
        return bytes_of(self.dtype)

    @property
    def is_spread(self) -> bool:
        """Whether it is read from elsewhere, piece by piece, before the loop reads it."""
        return self.operand is not None and self.operand.how == "spread"


def bytes_of(dtype: str) -> int:
    """The bytes that an element takes in memory."""
    return np.dtype(dtype).itemsize


def in_memory(dtype: str) -> str:
    """LLVM's name of the type of an element in memory."""
    return "i8" if dtype == "bool" else TYPES[dtype]


def streams_of(plan: Plan) -> tuple[list[Stream], list[Stream]]:
    """What the loop reads, and what it writes; see `Plan.operands` for places in the table."""
    read = [
        Stream(one.what, one.dtype, k, one)
        for k, one in enumerate(plan.operands)
        if one.how in ("flat", "spread")
    ]
    specs, count = plan.group.program.specs, len(plan.operands)
    written = [
        Stream(ref, specs[ref].dtype.name, k) for k, ref in enumerate(plan.group.results, count)
    ]
    given = set(plan.group.results)
    sources = dict.fromkeys(one.node.operands[0] for one in plan.reductions)
    written += [Stream(ref, specs[ref].dtype.name, -1) for ref in sources if ref not in given]
    return read, written


def body_text(plan: Plan, module: Module) -> str:
    """The function ``i64 body(frame, table, n)``: n elements, a multiple of the lanes.

    ``frame`` has the addresses of what is read and written, ``table`` begins with the operands that
    are the same for all elements. The result is 1 if an argument of a
    function was beyond the range for which it is made.
    """
    return Body(plan, module).text()


class Body:
    """One loop while it is written."""

    def __init__(self, plan: Plan, module: Module):
        self.plan, self.module = plan, module
        self.read, self.written = streams_of(plan)
        self.head = Emitter(module, "h")
        self.loop = Emitter(module, "v", "loop")
        self.values: dict[int, Value | Number] = {}
        self.huge: dict[str, Value] = {}  # by type, the largest argument so far
        self.limits: dict[str, float] = {}
        self.both = _in_both(plan.group) if "sincos" in FUNCTIONS else frozenset()

    def text(self) -> str:
        """All of it."""
        lanes, loop = self.module.lanes, self.loop
        pointers = self._pointers()
        for k, one in enumerate(self.plan.operands):
            if one.how in ("single", "number"):
                self._load_single(k, one)
        for k, stream in enumerate(self.read):
            self.values[operand_key(stream.what)] = self._load(k, stream)
        for node in self.plan.group.body:
            if int(node.number) not in self.values:
                self.values[int(node.number)] = self._operate(node)
        for k, stream in enumerate(self.written, len(self.read)):
            self._store(k, stream)
        back = loop.block
        lines = [
            "define internal i64 @body(ptr %frame, ptr %table, i64 %n) nounwind noinline {",
            "entry:",
            *pointers,
            *self.head.lines,
            "  br label %loop",
            "loop:",
            f"  %i = phi i64 [0, %entry], [%next, %{back}]",
        ]
        for dtype, last in self.huge.items():
            kind = llvm_type(dtype, lanes)
            lines.append(
                f"  %big.{dtype} = phi {kind} [zeroinitializer, %entry], [{last.text}, %{back}]"
            )
        lines += [*loop.lines, f"  %next = add i64 %i, {lanes}"]
        lines += ["  %more = icmp ult i64 %next, %n", "  br i1 %more, label %loop, label %done"]
        return "\n".join([*lines, "done:", *self._ending(), "}", ""])

    def _pointers(self) -> list[str]:
        lines = []
        for k in range(len(self.read) + len(self.written)):
            lines.append(f"  %q{k} = getelementptr ptr, ptr %frame, i64 {k}")
            lines.append(f"  %p{k} = load ptr, ptr %q{k}")
        return lines

    def _load_single(self, k: int, one: Operand) -> None:
        """A number in all lanes, before the loop."""
        head, lanes = self.head, self.module.lanes
        place = head.line(f"getelementptr i64, ptr %table, i64 {k}")
        if one.how == "number":
            dtype, memory = "float64", "double"
        else:
            dtype, memory = one.dtype, in_memory(one.dtype)
            place = head.line(f"load ptr, ptr {place}")
        x = head.line(f"load {memory}, ptr {place}, align 1")
        vector = f"<{lanes} x {memory}>"
        first = head.line(f"insertelement {vector} poison, {memory} {x}, i32 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        every = head.line(f"shufflevector {vector} {first}, {vector} poison, {zeros}")
        if dtype == "bool":
            every = head.line(f"icmp ne {vector} {every}, zeroinitializer")
        value = Value(head, dtype, every)
        self.values[operand_key(one.what)] = Number(None, value) if one.how == "number" else value

    def _load(self, k: int, stream: Stream) -> Value:
        loop, lanes = self.loop, self.module.lanes
        memory = in_memory(stream.dtype)
        place = loop.line(f"getelementptr {memory}, ptr %p{k}, i64 %i")
        text = loop.line(f"load <{lanes} x {memory}>, ptr {place}, align {stream.size}")
        if stream.dtype == "bool":
            text = loop.line(f"icmp ne <{lanes} x i8> {text}, zeroinitializer")
        return Value(loop, stream.dtype, text)

    def _store(self, k: int, stream: Stream) -> None:
        loop, lanes, value = self.loop, self.module.lanes, self.values[int(stream.what)]
        assert type(value) is Value
        memory, text = in_memory(stream.dtype), value.text
        if stream.dtype == "bool":
            text = loop.line(f"zext {value.type} {text} to <{lanes} x i8>")
        place = loop.line(f"getelementptr {memory}, ptr %p{k}, i64 %i")
        loop.lines.append(f"  store <{lanes} x {memory}> {text}, ptr {place}, align {stream.size}")

    def _operate(self, node: Node) -> Value:
        given = [self._value(x) for x in node.operands]
        self._watch(node, given)
        if node.name in ("sin", "cos") and operand_key(node.operands[0]) in self.both:
            x = given[0]
            if type(x) is Value and x.dtype in ("float64", "float32"):
                return FUNCTIONS["sincos"](x)[node.name == "cos"]
        return operate(node, given, self.plan.group.program.specs)

    def _value(self, x: Any) -> Value | Number:
        found = self.values.get(operand_key(x))
        if found is None:
            return Number(x.item() if hasattr(x, "item") else x)
        if type(found) is Value:
            return (
                found if found.emitter is self.loop else Value(self.loop, found.dtype, found.text)
            )
        return found

    def _watch(self, node: Node, given: list[Value | Number]) -> None:
        """Keep the largest argument of functions that hold up to some size."""
        function = functions_of(node)
        if function is None or not function.largest:
            return
        made = self.plan.group.program.specs[node.number].dtype.name
        for x in given:
            if type(x) is not Value:
                continue
            value = convert(x, made)  # integers, too, are taken in the type of the result
            dtype = value.dtype
            limit = function.largest.get(dtype)
            if limit is None:
                continue
            size = absolute(value)
            finite = select(size < float("inf"), size, 0.0)
            before = self.huge.get(dtype, Value(self.loop, dtype, f"%big.{dtype}"))
            self.huge[dtype] = select(finite > before, finite, before)
            self.limits[dtype] = min(limit, self.limits.get(dtype, limit))

    def _ending(self) -> list[str]:
        """Tell whether an argument was too large."""
        lines, lanes, found = [], self.module.lanes, []
        for dtype, last in self.huge.items():
            kind = llvm_type(dtype, lanes)
            limit = last.lift(self.limits[dtype]).text
            name = f"@llvm.vector.reduce.or.v{lanes}i1"
            self.module.declared[f"declare i1 {name}(<{lanes} x i1>)"] = None
            lines.append(f"  %over.{dtype} = fcmp ogt {kind} {last.text}, {limit}")
            lines.append(f"  %any.{dtype} = call i1 {name}(<{lanes} x i1> %over.{dtype})")
            lines.append(f"  %flag.{dtype} = zext i1 %any.{dtype} to i64")
            found.append(f"%flag.{dtype}")
        if not found:
            return ["  ret i64 0"]
        if len(found) == 2:
            lines.append(f"  %flag = or i64 {found[0]}, {found[1]}")
            found = ["%flag"]
        return [*lines, f"  ret i64 {found[0]}"]


def _in_both(group: Group) -> frozenset[int]:
    """The keys of values whose sine and cosine are wanted, which are computed together."""
    sines, cosines = [
        {operand_key(node.operands[0]) for node in group.body if node.name == name}
        for name in ("sin", "cos")
    ]
    return frozenset(sines & cosines)
