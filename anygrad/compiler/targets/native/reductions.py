"""Reductions of a kernel, along neighbours in memory, in NumPy's order.

Rows that are short are computed several at a time, and then reduced one by one. A long row is cut
into the branches of the tree in which NumPy adds (see `support`), each as long as a piece at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anygrad.compiler.targets.native.bodies import bytes_of, in_memory
from anygrad.compiler.targets.native.plans import PIECE, Reduction
from anygrad.compiler.targets.native.values import TYPES

if TYPE_CHECKING:
    from anygrad.compiler.targets.native.loops import Writer

__all__ = ["reduce_text"]


def reduce_text(writer: Writer) -> str:
    """``tree(table, start, count, to)``: a branch; ``kernel``: row after row."""
    return Reducing(writer).text()


class Reducing:
    """The reductions of a kernel while they are written."""

    def __init__(self, writer: Writer):
        self.writer = writer
        plan = writer.plan
        specs = plan.group.program.specs
        self.ones = [(x, specs[x.node.operands[0]].dtype.name) for x in plan.reductions]
        self.first = len(plan.operands) + len(plan.group.results)

    def text(self) -> str:
        """Both functions."""
        return "\n".join([*self._tree(), "", *self._kernel(), ""])

    def _scratch(self) -> list[str]:
        """Room for what is reduced and not wanted besides."""
        kept = self.writer.scratch
        lines = [f"  %scratch = alloca [{max(len(kept), 1)} x ptr], align 16"]
        for k, x in enumerate(kept):
            lines.append(f"  %kept{k} = alloca [{PIECE} x {in_memory(x.dtype)}], align 64")
            lines += self.writer.put("scratch", k, f"%kept{k}")
        return lines

    def _source(self, k: int, one: Reduction, dtype: str, where: str, offset: str) -> list[str]:
        """``%s<k>``: what is reduced, from an element on; kept for this piece, or a result."""
        ref, kind = one.node.operands[0], in_memory(dtype)
        for j, x in enumerate(self.writer.scratch):
            if x.what == ref:
                return [f"  %s{k} = getelementptr {kind}, ptr %kept{j}, i64 {offset}"]
        stream = next(x for x in self.writer.written if x.what == ref)
        lines = self.writer.slot(f"r{k}", stream.place)
        return [*lines, f"  %s{k} = getelementptr {kind}, ptr %r{k}, i64 {where}"]

    def _tree(self) -> list[str]:
        lines = [
            "define internal i64 @tree(ptr %table, i64 %start, i64 %count, ptr %to) "
            "nounwind noinline {",
            "entry:",
            *self._scratch(),
            f"  %second = alloca [{len(self.ones)} x i64], align 16",
            f"  %long = icmp ugt i64 %count, {PIECE}",
            "  br i1 %long, label %halves, label %leaf",
            "leaf:",
            "  %fl = call i64 @piece(ptr %table, ptr %table, i64 %start, i64 %count, ptr %scratch)",
        ]
        for k, (one, dtype) in enumerate(self.ones):
            lines += self.writer.slot(f"f{k}", self.writer.function(f"{one.name}.{dtype}"))
            lines += self._source(k, one, dtype, "%start", "0")
            lines.append(f"  %t{k} = getelementptr i64, ptr %to, i64 {k}")
            lines.append(f"  call void %f{k}(ptr %s{k}, i64 %count, ptr %t{k})")
        lines += [
            "  ret i64 %fl",
            "halves:",
            "  %half = lshr i64 %count, 1",
            "  %first = and i64 %half, -8",
            "  %rest = sub i64 %count, %first",
            "  %middle = add i64 %start, %first",
            "  %fa = call i64 @tree(ptr %table, i64 %start, i64 %first, ptr %to)",
            "  %fb = call i64 @tree(ptr %table, i64 %middle, i64 %rest, ptr %second)",
        ]
        for k, (one, dtype) in enumerate(self.ones):
            lines += _join(k, one.name, dtype)
        return [*lines, "  %fh = or i64 %fa, %fb", "  ret i64 %fh", "}"]

    def _kernel(self) -> list[str]:
        writer, after = self.writer, len(self.writer.spread) + len(self.writer.called)
        lines = [
            "define i64 @kernel(ptr %table, i64 %start, i64 %stop) nounwind {",
            "entry:",
            *self._scratch(),
            f"  %to = alloca [{len(self.ones)} x i64], align 16",
        ]
        for k in range(len(self.ones)):
            lines += writer.slot(f"y{k}", self.first + k)
        lines += [
            *writer.slot("length", writer.first + after, "i64"),
            f"  %short = icmp ule i64 %length, {PIECE}",
            "  br i1 %short, label %several, label %row",
            "several:",
            f"  %per = udiv i64 {PIECE}, %length",
            "  br label %chunk",
            "chunk:",
            "  %c = phi i64 [%start, %several], [%cn, %chunked]",
            "  %fc = phi i64 [0, %several], [%fcn, %chunked]",
            "  %left = sub i64 %stop, %c",
            "  %fewer = icmp ult i64 %left, %per",
            "  %m = select i1 %fewer, i64 %left, i64 %per",
            "  %cat = mul i64 %c, %length",
            "  %size = mul i64 %m, %length",
            "  %fp = call i64 @piece(ptr %table, ptr %table, i64 %cat, i64 %size, ptr %scratch)",
            "  %fcn = or i64 %fc, %fp",
            "  %cn = add i64 %c, %m",
            "  br label %each",
            "each:",
            "  %j = phi i64 [0, %chunk], [%jn, %each]",
            "  %offset = mul i64 %j, %length",
            "  %where = add i64 %cat, %offset",
            "  %rj = add i64 %c, %j",
        ]
        for k, (one, dtype) in enumerate(self.ones):
            lines += writer.slot(f"f{k}", writer.function(f"{one.name}.{dtype}"))
            lines += self._source(k, one, dtype, "%where", "%offset")
            lines.append(f"  %d{k} = getelementptr {in_memory(dtype)}, ptr %y{k}, i64 %rj")
            lines.append(f"  call void %f{k}(ptr %s{k}, i64 %length, ptr %d{k})")
        lines += [
            "  %jn = add i64 %j, 1",
            "  %jm = icmp ult i64 %jn, %m",
            "  br i1 %jm, label %each, label %chunked",
            "chunked:",
            "  %cm = icmp ult i64 %cn, %stop",
            "  br i1 %cm, label %chunk, label %out",
            "row:",
            "  %r = phi i64 [%start, %entry], [%next, %row]",
            "  %flags = phi i64 [0, %entry], [%both, %row]",
            "  %at = mul i64 %r, %length",
            "  %flag = call i64 @tree(ptr %table, i64 %at, i64 %length, ptr %to)",
            "  %both = or i64 %flags, %flag",
        ]
        for k, (_, dtype) in enumerate(self.ones):
            kind = in_memory(dtype)
            lines += [
                f"  %t{k} = getelementptr i64, ptr %to, i64 {k}",
                f"  %x{k} = load {kind}, ptr %t{k}",
                f"  %z{k} = getelementptr {kind}, ptr %y{k}, i64 %r",
                f"  store {kind} %x{k}, ptr %z{k}, align {bytes_of(dtype)}",
            ]
        return [
            *lines,
            "  %next = add i64 %r, 1",
            "  %more = icmp ult i64 %next, %stop",
            "  br i1 %more, label %row, label %out",
            "out:",
            "  %result = phi i64 [%both, %row], [%fcn, %chunked]",
            "  ret i64 %result",
            "}",
        ]


def _join(k: int, name: str, dtype: str) -> list[str]:
    """Join what two branches gave."""
    kind = in_memory(dtype)
    lines = [
        f"  %ja{k} = getelementptr i64, ptr %to, i64 {k}",
        f"  %jb{k} = getelementptr i64, ptr %second, i64 {k}",
        f"  %a{k} = load {kind}, ptr %ja{k}",
        f"  %b{k} = load {kind}, ptr %jb{k}",
    ]
    if name == "sum":
        lines.append(f"  %j{k} = fadd {kind} %a{k}, %b{k}")
    elif name in ("any", "all"):
        lines.append(f"  %j{k} = {'or' if name == 'any' else 'and'} {kind} %a{k}, %b{k}")
    else:
        compare = "ogt" if name == "max" else "olt"
        lines += [
            f"  %c{k} = fcmp {compare} {TYPES[dtype]} %a{k}, %b{k}",
            f"  %m{k} = select i1 %c{k}, {kind} %a{k}, {kind} %b{k}",
            f"  %u{k} = fcmp uno {kind} %a{k}, %a{k}",
            f"  %j{k} = select i1 %u{k}, {kind} %a{k}, {kind} %m{k}",
        ]
    return [*lines, f"  store {kind} %j{k}, ptr %ja{k}"]
