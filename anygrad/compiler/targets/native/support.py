"""What kernels call besides vector code: spreading operands out, and sums in NumPy's own order.

NumPy adds up n numbers in a tree of halves: up to 128 of them by eight running sums, more of them
as the sum of the sums of two parts, the first of which is as long as half of them, rounded down to
a multiple of eight. Kernels follow it, so that a sum has the same bits.
"""

from __future__ import annotations

import functools

import numpy as np

from anygrad.compiler.targets.native.values import TYPES

__all__ = ["SUPPORT", "text"]

_SPREAD = """
; count elements from the start-th on, in the order of the axes, one after the other:
; what = number of axes, then their lengths and steps in bytes, the quickest first
define void @spread{bytes}(ptr %to, ptr %from, ptr %what, i64 %start, i64 %count) nounwind {{
entry:
  %axes = load i64, ptr %what
  %ln = getelementptr i64, ptr %what, i64 1
  %inner = load i64, ptr %ln
  %sn = getelementptr i64, ptr %what, i64 2
  %step = load i64, ptr %sn
  %packed = icmp eq i64 %step, {bytes}
  %end = add i64 %start, %count
  br label %run
run:
  %at = phi i64 [%start, %entry], [%next, %ran]
  %out = phi ptr [%to, %entry], [%outn, %ran]
  %q0 = udiv i64 %at, %inner
  %w0 = mul i64 %q0, %inner
  %r0 = sub i64 %at, %w0
  %f0 = mul i64 %r0, %step
  %one = icmp ugt i64 %axes, 1
  br i1 %one, label %axis, label %found
axis:
  %k = phi i64 [1, %run], [%kn, %axis]
  %q = phi i64 [%q0, %run], [%qn, %axis]
  %f = phi i64 [%f0, %run], [%fn, %axis]
  %k2 = shl i64 %k, 1
  %k3 = add i64 %k2, 1
  %pn = getelementptr i64, ptr %what, i64 %k3
  %n = load i64, ptr %pn
  %k4 = add i64 %k2, 2
  %ps = getelementptr i64, ptr %what, i64 %k4
  %s = load i64, ptr %ps
  %qn = udiv i64 %q, %n
  %w = mul i64 %qn, %n
  %r = sub i64 %q, %w
  %o = mul i64 %r, %s
  %fn = add i64 %f, %o
  %kn = add i64 %k, 1
  %km = icmp ult i64 %kn, %axes
  br i1 %km, label %axis, label %found
found:
  %offset = phi i64 [%f0, %run], [%fn, %axis]
  %left = sub i64 %end, %at
  %row = sub i64 %inner, %r0
  %short = icmp ult i64 %row, %left
  %m = select i1 %short, i64 %row, i64 %left
  %first = getelementptr i8, ptr %from, i64 %offset
  br i1 %packed, label %whole, label %each
whole:
  %size = mul i64 %m, {bytes}
  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %first, i64 %size, i1 false)
  br label %ran
each:
  %i = phi i64 [0, %found], [%in, %each]
  %pi = phi ptr [%first, %found], [%pin, %each]
  %x = load i{bits}, ptr %pi, align 1
  %po = getelementptr i{bits}, ptr %out, i64 %i
  store i{bits} %x, ptr %po, align 1
  %pin = getelementptr i8, ptr %pi, i64 %step
  %in = add i64 %i, 1
  %more = icmp ult i64 %in, %m
  br i1 %more, label %each, label %ran
ran:
  %next = add i64 %at, %m
  %outn = getelementptr i{bits}, ptr %out, i64 %m
  %again = icmp ult i64 %next, %end
  br i1 %again, label %run, label %done
done:
  ret void
}}
"""

_SUM = """
define internal {t} @tree.{name}(ptr %x, i64 %n) nounwind {{
entry:
  %few = icmp ult i64 %n, 8
  br i1 %few, label %slow, label %many
slow:
  %s0 = phi {t} [{start}, %entry], [%s1, %adds]
  %i0 = phi i64 [0, %entry], [%i1, %adds]
  %m0 = icmp ult i64 %i0, %n
  br i1 %m0, label %adds, label %slowdone
adds:
  %ps = getelementptr {t}, ptr %x, i64 %i0
  %xs = load {t}, ptr %ps, align 1
  %s1 = fadd {t} %s0, %xs
  %i1 = add i64 %i0, 1
  br label %slow
slowdone:
  ret {t} %s0
many:
  %long = icmp ugt i64 %n, 128
  br i1 %long, label %halves, label %eight
halves:
  %h = lshr i64 %n, 1
  %h8 = and i64 %h, -8
  %left = call {t} @tree.{name}(ptr %x, i64 %h8)
  %xr = getelementptr {t}, ptr %x, i64 %h8
  %nr = sub i64 %n, %h8
  %right = call {t} @tree.{name}(ptr %xr, i64 %nr)
  %both = fadd {t} %left, %right
  ret {t} %both
eight:
  %v0 = load <8 x {t}>, ptr %x, align 1
  %n8 = and i64 %n, -8
  br label %loop
loop:
  %i = phi i64 [8, %eight], [%in, %next]
  %v = phi <8 x {t}> [%v0, %eight], [%vn, %next]
  %c = icmp ult i64 %i, %n8
  br i1 %c, label %next, label %joined
next:
  %p = getelementptr {t}, ptr %x, i64 %i
  %y = load <8 x {t}>, ptr %p, align 1
  %vn = fadd <8 x {t}> %v, %y
  %in = add i64 %i, 8
  br label %loop
joined:
  %a = shufflevector <8 x {t}> %v, <8 x {t}> poison, <4 x i32> <i32 0, i32 2, i32 4, i32 6>
  %b = shufflevector <8 x {t}> %v, <8 x {t}> poison, <4 x i32> <i32 1, i32 3, i32 5, i32 7>
  %ab = fadd <4 x {t}> %a, %b
  %d = shufflevector <4 x {t}> %ab, <4 x {t}> poison, <2 x i32> <i32 0, i32 2>
  %e = shufflevector <4 x {t}> %ab, <4 x {t}> poison, <2 x i32> <i32 1, i32 3>
  %de = fadd <2 x {t}> %d, %e
  %g = extractelement <2 x {t}> %de, i32 0
  %k = extractelement <2 x {t}> %de, i32 1
  %gk = fadd {t} %g, %k
  br label %rest
rest:
  %sr = phi {t} [%gk, %joined], [%srn, %restadd]
  %ir = phi i64 [%n8, %joined], [%irn, %restadd]
  %cr = icmp ult i64 %ir, %n
  br i1 %cr, label %restadd, label %all
restadd:
  %pr = getelementptr {t}, ptr %x, i64 %ir
  %xx = load {t}, ptr %pr, align 1
  %srn = fadd {t} %sr, %xx
  %irn = add i64 %ir, 1
  br label %rest
all:
  ret {t} %sr
}}
define void @sum.{name}(ptr %x, i64 %n, ptr %to) nounwind {{
  %s = call {t} @tree.{name}(ptr %x, i64 %n)
  %all = fadd {t} {start}, %s
  store {t} %all, ptr %to, align 1
  ret void
}}
"""

_EXTREME = """
define void @{op}.{name}(ptr %x, i64 %n, ptr %to) nounwind {{
entry:
  %main = and i64 %n, -32
  %x0 = load {t}, ptr %x, align 1
  %h0 = insertelement <32 x {t}> poison, {t} %x0, i32 0
  %v0 = shufflevector <32 x {t}> %h0, <32 x {t}> poison, <32 x i32> zeroinitializer
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%in, %next]
  %v = phi <32 x {t}> [%v0, %entry], [%vn, %next]
  %c = icmp ult i64 %i, %main
  br i1 %c, label %next, label %across
next:
  %p = getelementptr {t}, ptr %x, i64 %i
  %y = load <32 x {t}>, ptr %p, align 1
  %gt = fcmp {cmp} <32 x {t}> %v, %y
  %m = select <32 x i1> %gt, <32 x {t}> %v, <32 x {t}> %y
  %un = fcmp uno <32 x {t}> %v, %v
  %vn = select <32 x i1> %un, <32 x {t}> %v, <32 x {t}> %m
  %in = add i64 %i, 32
  br label %loop
across:
  %la = alloca [32 x {t}], align 64
  store <32 x {t}> %v, ptr %la, align 64
  br label %lanes
lanes:
  %j = phi i64 [0, %across], [%jn, %lane]
  %s = phi {t} [%x0, %across], [%sn, %lane]
  %cj = icmp ult i64 %j, 32
  br i1 %cj, label %lane, label %rest
lane:
  %pj = getelementptr {t}, ptr %la, i64 %j
  %yj = load {t}, ptr %pj
  %gj = fcmp {cmp} {t} %s, %yj
  %mj = select i1 %gj, {t} %s, {t} %yj
  %uj = fcmp uno {t} %s, %s
  %sn = select i1 %uj, {t} %s, {t} %mj
  %jn = add i64 %j, 1
  br label %lanes
rest:
  %r = phi i64 [%main, %lanes], [%rn, %one]
  %sr = phi {t} [%s, %lanes], [%srn, %one]
  %cr = icmp ult i64 %r, %n
  br i1 %cr, label %one, label %done
one:
  %pr = getelementptr {t}, ptr %x, i64 %r
  %yr = load {t}, ptr %pr, align 1
  %gr = fcmp {cmp} {t} %sr, %yr
  %mr = select i1 %gr, {t} %sr, {t} %yr
  %ur = fcmp uno {t} %sr, %sr
  %srn = select i1 %ur, {t} %sr, {t} %mr
  %rn = add i64 %r, 1
  br label %rest
done:
  store {t} %sr, ptr %to, align 1
  ret void
}}
"""

_TRUTH = """
define void @{op}.bool(ptr %x, i64 %n, ptr %to) nounwind {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%in, %next]
  %s = phi i8 [{start}, %entry], [%sn, %next]
  %c = icmp ult i64 %i, %n
  br i1 %c, label %next, label %done
next:
  %p = getelementptr i8, ptr %x, i64 %i
  %y = load i8, ptr %p, align 1
  %sn = {op2} i8 %s, %y
  %in = add i64 %i, 1
  br label %loop
done:
  store i8 %s, ptr %to, align 1
  ret void
}}
"""

_FLOATS = ("float64", "float32")

SUPPORT = (
    *[f"spread{size}" for size in (1, 2, 4, 8)],
    *[f"{op}.{name}" for op in ("sum", "max", "min") for name in _FLOATS],
    *("any.bool", "all.bool"),
)
"""The functions, by name."""


@functools.cache
def text() -> str:
    """The module; the same for all kernels of a process."""
    # what this NumPy adds all numbers to: it decides about the sum of nothing but -0.0
    start = repr(float(np.add.reduce(np.array([-0.0]))))
    parts = ["declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"]
    parts += [_SPREAD.format(bytes=size, bits=8 * size) for size in (1, 2, 4, 8)]
    for name in _FLOATS:
        parts.append(_SUM.format(t=TYPES[name], name=name, start=start))
        for op, cmp in (("max", "ogt"), ("min", "olt")):
            parts.append(_EXTREME.format(op=op, name=name, t=TYPES[name], cmp=cmp))
    parts.append(_TRUTH.format(op="any", start=0, op2="or"))
    parts.append(_TRUTH.format(op="all", start=1, op2="and"))
    return "\n".join(parts)
