"""Kernels to be called, and what they are called with."""

import numpy as np

from anygrad.compiler.targets.llvmlite import assemble, load
from anygrad.compiler.targets.native.entries import Signature, Slot, make_entry

F8 = np.dtype(np.float64)
KERNELS = """
; y[i] = a * x[i] in the range; the table holds x, y, a, and what is given back
define i64 @scale(ptr %table, i64 %start, i64 %stop) {
begin:
  %x = load ptr, ptr %table
  %y.at = getelementptr i64, ptr %table, i64 1
  %y = load ptr, ptr %y.at
  %a.at = getelementptr i64, ptr %table, i64 2
  %a = load double, ptr %a.at
  %answer.at = getelementptr i64, ptr %table, i64 3
  %answer = load i64, ptr %answer.at
  br label %next
next:
  %i = phi i64 [%start, %begin], [%i.1, %item]
  %done = icmp sge i64 %i, %stop
  br i1 %done, label %end, label %item
item:
  %x.at = getelementptr double, ptr %x, i64 %i
  %in = load double, ptr %x.at
  %out = fmul double %a, %in
  %to.at = getelementptr double, ptr %y, i64 %i
  store double %out, ptr %to.at
  %i.1 = add i64 %i, 1
  br label %next
end:
  ret i64 %answer
}

; out[0] = the sum of the first elements; the table holds out, then arrays
define i64 @total(ptr %table, i64 %start, i64 %stop) {
begin:
  %to = load ptr, ptr %table
  br label %next
next:
  %i = phi i64 [%start, %begin], [%i.1, %item]
  %sum = phi double [0.0, %begin], [%sum.1, %item]
  %done = icmp sge i64 %i, %stop
  br i1 %done, label %end, label %item
item:
  %x.at = getelementptr i64, ptr %table, i64 %i
  %x = load ptr, ptr %x.at
  %in = load double, ptr %x
  %sum.1 = fadd double %sum, %in
  %i.1 = add i64 %i, 1
  br label %next
end:
  store double %sum, ptr %to
  ret i64 0
}

; Waits until `stop` calls are in it at once, then y[0] = a; 1 if they never came. The table holds
; the counter, y, a.
define i64 @meet(ptr %table, i64 %start, i64 %stop) {
begin:
  %counter = load ptr, ptr %table
  %before = atomicrmw add ptr %counter, i64 1 seq_cst
  br label %next
next:
  %left = phi i64 [%start, %begin], [%left.1, %wait]
  %here = load atomic i64, ptr %counter seq_cst, align 8
  %all = icmp sge i64 %here, %stop
  br i1 %all, label %met, label %wait
wait:
  %left.1 = sub i64 %left, 1
  %never = icmp sle i64 %left.1, 0
  br i1 %never, label %alone, label %next
met:
  %y.at = getelementptr i64, ptr %table, i64 1
  %y = load ptr, ptr %y.at
  %a.at = getelementptr i64, ptr %table, i64 2
  %a = load double, ptr %a.at
  store double %a, ptr %y
  ret i64 0
alone:
  ret i64 1
}
"""
_known = {}


def code():
    """The kernels, made once."""
    if "code" not in _known:
        _known["code"] = load(assemble(KERNELS), ("scale", "total", "meet"))
    return _known["code"]


def scaling(shape=(3, 4), answer=0, releases=False, start=0, stop=None, keeps=(), more=0):
    """The signature of `scale`: reads an array, writes one, takes a number."""
    slots = (Slot("array", 0, F8, shape), Slot("written", 1, F8, shape), Slot("float", 2))
    stop = int(np.prod(shape)) if stop is None else stop
    return Signature(slots, (0, 0, 0, answer) + (0,) * more, start, stop, releases, keeps)


def scale(**options):
    return make_entry(code().addresses["scale"], scaling(**options))


def arrays(shape=(3, 4)):
    return np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), np.full(shape, -7.0)


def misaligned(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)
    y = raw[1:].view(x.dtype).reshape(x.shape)
    y[...] = x
    return y


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


class Other(np.ndarray):
    pass


class Number:
    """Runs something when it is made a number."""

    def __init__(self, value=2.0, then=lambda: None):
        self.value, self.then = value, then

    def __float__(self):
        self.then()
        return self.value


def failing():
    raise LookupError("no number today")
