"""The text of a kernel around its loop: pieces, ends, reductions, and leaves one after the other.

``i64 kernel(ptr table, i64 start, i64 stop)`` computes the elements from start to stop, or, where
something is reduced, those results of reductions. The table has the addresses of operands and
results, then of descriptions of what is spread out, then of the functions of `support`; last comes
the length of the rows that are reduced.

A kernel of many leaves computes the leaves from start to stop. Its table has the operands that all
of them share, then for each leaf the addresses of its own operands and results, and its length.

What is left over after whole vectors is copied into a vector of its own, computed by the same code,
and copied back: so each element has the same bits wherever it stands.
"""

from __future__ import annotations

from typing import NamedTuple

from anygrad.compiler.targets.native.bodies import Stream, body_text, in_memory, streams_of
from anygrad.compiler.targets.native.plans import PIECE, Operand, Plan
from anygrad.compiler.targets.native.reductions import reduce_text
from anygrad.compiler.targets.native.values import Module

__all__ = ["Written", "write"]


class Written(NamedTuple):
    """The text of a kernel, and what its table holds after operands and results.

    Attributes
    ----------
    text : str
        The module.
    spread : tuple of Operand
        Whose descriptions come next.
    called : tuple of str
        The functions of `support` whose addresses come then.
    """

    text: str
    spread: tuple[Operand, ...]
    called: tuple[str, ...]


def write(plan: Plan, lanes: int, many: bool = False) -> Written:
    """The kernel of a plan, on vectors of so many numbers; for ``many`` leaves with such a plan."""
    return Writer(plan, lanes).write(many)


class Writer:
    """One kernel while it is written."""

    def __init__(self, plan: Plan, lanes: int):
        self.plan, self.lanes = plan, lanes
        self.read, self.written = streams_of(plan)
        self.streams = [*self.read, *self.written]
        self.spread = [x for x in self.read if x.is_spread]
        named = [f"spread{x.size}" for x in self.spread]
        for one in plan.reductions:
            dtype = plan.group.program.specs[one.node.operands[0]].dtype.name
            named.append(f"{one.name}.{dtype}")
        self.called = tuple(dict.fromkeys(named))
        self.first = len(plan.operands) + len(plan.results)
        self.scratch = [x for x in self.written if x.place < 0]

    def write(self, many: bool) -> Written:
        """All of it."""
        module = Module(self.lanes)
        body = body_text(self.plan, module)
        for name, more in (("memcpy.p0.p0", "ptr, ptr, i64"), ("memset.p0", "ptr, i8, i64")):
            module.declared[f"declare void @llvm.{name}.i64({more}, i1)"] = None
        self.moved = len(self.plan.shared) if many else 0
        parts = [body, self._piece()]
        if many:
            parts.append(_MANY.format(shared=self.moved, row=len(self.streams) + 1))
        else:
            parts.append(reduce_text(self) if self.plan.reductions else _PLAIN)
        spread = tuple([x.operand for x in self.spread if x.operand is not None])
        return Written(module.text(*parts), spread, self.called)

    def slot(self, name: str, place: int, kind: str = "ptr") -> list[str]:
        """Read a slot of the table."""
        return [
            f"  %{name}.at = getelementptr i64, ptr %table, i64 {place}",
            f"  %{name} = load {kind}, ptr %{name}.at",
        ]

    def put(self, frame: str, k: int, pointer: str) -> list[str]:
        """Write an address into a frame."""
        return [
            f"  %{frame}.{k} = getelementptr ptr, ptr %{frame}, i64 {k}",
            f"  store ptr {pointer}, ptr %{frame}.{k}",
        ]

    def function(self, name: str) -> int:
        """Where the table has the address of a function of `support`."""
        return self.first + len(self.spread) + self.called.index(name)

    def _piece(self) -> str:
        """``i64 piece(shared, table, start, count, scratch)``: whole vectors, and what is over."""
        lanes, total = self.lanes, len(self.streams)
        lines = [
            "define internal i64 @piece(ptr %shared, ptr %table, i64 %start, i64 %count, "
            "ptr %scratch) nounwind noinline {",
            "entry:",
            f"  %frame = alloca [{total} x ptr], align 16",
            f"  %ends = alloca [{total} x ptr], align 16",
        ]
        for k, x in enumerate(self.streams):
            lines.append(f"  %buffer{k} = alloca [{lanes} x {in_memory(x.dtype)}], align 64")
            if x.is_spread:
                lines.append(f"  %wide{k} = alloca [{PIECE} x {in_memory(x.dtype)}], align 64")
        for k, x in enumerate(self.streams):
            if x.place >= 0:
                lines += self.slot(f"base{k}", x.place - self.moved)
            else:
                lines += [
                    f"  %base{k}.at = getelementptr ptr, ptr %scratch, i64 {self.scratch.index(x)}",
                    f"  %base{k} = load ptr, ptr %base{k}.at",
                ]
        spread = [k for k, x in enumerate(self.streams) if x.is_spread]
        for place, k in enumerate(spread, self.first):
            lines += self.slot(f"what{k}", place)
        for name in self.called:
            if name.startswith("spread"):
                lines += self.slot(name, self.function(name))
        lines += [
            f"  %main = and i64 %count, {-lanes}",
            "  %some = icmp ugt i64 %main, 0",
            "  br i1 %some, label %part, label %rest",
            "part:",
            "  %done = phi i64 [0, %entry], [%next, %part]",
            "  %flags = phi i64 [0, %entry], [%both, %part]",
            "  %left = sub i64 %main, %done",
        ]
        if self.spread:
            lines += [
                f"  %long = icmp ugt i64 %left, {PIECE}",
                f"  %m = select i1 %long, i64 {PIECE}, i64 %left",
            ]
        else:
            lines.append("  %m = add i64 %left, 0")
        lines.append("  %from = add i64 %start, %done")
        for k, x in enumerate(self.streams):
            lines += self._point(k, x, "%from", "%done", "%m", f"%wide{k}", "a")
            lines += self.put("frame", k, f"%a{k}")
        lines += [
            "  %flag = call i64 @body(ptr %frame, ptr %shared, i64 %m)",
            "  %both = or i64 %flags, %flag",
            "  %next = add i64 %done, %m",
            "  %more = icmp ult i64 %next, %main",
            "  br i1 %more, label %part, label %rest",
            "rest:",
            "  %before = phi i64 [0, %entry], [%both, %part]",
            "  %over = sub i64 %count, %main",
            "  %any = icmp ugt i64 %over, 0",
            "  br i1 %any, label %end, label %out",
            "end:",
            "  %last = add i64 %start, %main",
        ]
        for k, x in enumerate(self.streams):
            lines += self._end(k, x)
        lines.append(f"  %fend = call i64 @body(ptr %ends, ptr %shared, i64 {lanes})")
        for k, x in enumerate(self.streams):
            if x.operand is None:
                lines.append(_copy(f"%e{k}", f"%buffer{k}", f"%bytes{k}"))
        lines += [
            "  %fall = or i64 %before, %fend",
            "  br label %out",
            "out:",
            "  %result = phi i64 [%before, %rest], [%fall, %end]",
            "  ret i64 %result",
            "}",
            "",
        ]
        return "\n".join(lines)

    def _point(
        self, k: int, x: Stream, where: str, done: str, count: str, wide: str, name: str
    ) -> list[str]:
        """Where a stream goes on; spread out first, if it has to be."""
        if x.is_spread:
            return [
                f"  call void %spread{x.size}(ptr {wide}, ptr %base{k}, ptr %what{k}, "
                f"i64 {where}, i64 {count})",
                f"  %{name}{k} = getelementptr i8, ptr {wide}, i64 0",
            ]
        offset = where if x.place >= 0 else done
        return [f"  %{name}{k} = getelementptr {in_memory(x.dtype)}, ptr %base{k}, i64 {offset}"]

    def _end(self, k: int, x: Stream) -> list[str]:
        """The elements left over of a stream, in a vector of their own."""
        lines = [f"  %bytes{k} = mul i64 %over, {x.size}"]
        if x.operand is not None:
            whole = self.lanes * x.size
            lines.append(
                f"  call void @llvm.memset.p0.i64(ptr %buffer{k}, i8 0, i64 {whole}, i1 false)"
            )
        lines += self._point(k, x, "%last", "%main", "%over", f"%buffer{k}", "e")
        if x.operand is not None and not x.is_spread:
            lines.append(_copy(f"%buffer{k}", f"%e{k}", f"%bytes{k}"))
        return [*lines, *self.put("ends", k, f"%buffer{k}")]


_PLAIN = """define i64 @kernel(ptr %table, i64 %start, i64 %stop) nounwind {
  %count = sub i64 %stop, %start
  %flag = call i64 @piece(ptr %table, ptr %table, i64 %start, i64 %count, ptr null)
  ret i64 %flag
}
"""

_MANY = """define i64 @kernel(ptr %table, i64 %start, i64 %stop) nounwind {{
entry:
  %rows = getelementptr i64, ptr %table, i64 {shared}
  br label %row
row:
  %r = phi i64 [%start, %entry], [%next, %row]
  %flags = phi i64 [0, %entry], [%both, %row]
  %at = mul i64 %r, {row}
  %own = getelementptr i64, ptr %rows, i64 %at
  %ln = getelementptr i64, ptr %own, i64 {row}
  %ln1 = getelementptr i64, ptr %ln, i64 -1
  %count = load i64, ptr %ln1
  %flag = call i64 @piece(ptr %table, ptr %own, i64 0, i64 %count, ptr null)
  %both = or i64 %flags, %flag
  %next = add i64 %r, 1
  %more = icmp ult i64 %next, %stop
  br i1 %more, label %row, label %out
out:
  ret i64 %both
}}
"""


def _copy(to: str, source: str, size: str) -> str:
    return f"  call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {size}, i1 false)"
