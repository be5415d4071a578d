"""Builtins are used where they work, and nowhere else."""

import pickle
import sys
import sysconfig
import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from anygrad.compiler.targets.llvmlite import assemble, load
from anygrad.compiler.targets.native import entries, layouts, quick
from anygrad.compiler.targets.native.assembly import NAMES, entry_text
from anygrad.compiler.targets.native.entries import Signature, Slot
from tests.compiler.native.calling import F8, arrays, code, scale, scaling


def test_builtins_can_be_made_here():
    usual = sys.implementation.name == "cpython" and sys.byteorder == "little"
    if not usual or sys.maxsize < 2**32 or sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("not a Python that the machine code is for")
    assert quick.is_quick()
    assert type(scale()) is type(len)


def test_short_work_keeps_other_threads_out():
    slots = (Slot("written", 0, np.dtype(np.int64), (1,)), Slot("written", 1, F8, ()))
    signature = Signature((*slots, Slot("float", 2)), (0, 0, 0), 10**7, 2, False, ())
    entry = quick.quick_entry(code().addresses["meet"], signature)
    found = []
    counter, out = np.zeros(1, np.int64), np.zeros(())
    threads = [
        threading.Thread(target=lambda a=a: found.append(entry(counter, out, a)))
        for a in (1.0, 2.0)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # nobody came to the one, in whose time the other had to wait; that found its trace
    assert sorted(map(str, found)) == ["None", "True"]


def test_descriptors_are_not_written_by_accident():
    entry = quick.quick_entry(code().addresses["scale"], scaling())
    with pytest.raises(ValueError, match="read-only"):
        entry.__self__[0] = 0  # type: ignore[attr-defined]


def test_both_ways_take_the_same():
    known = [x for x in layouts.samples() if quick.classes_of(x.dtype)]
    given = [*layouts.samples(), *[pickle.loads(pickle.dumps(x)) for x in layouts.samples()]]
    for x in known:
        for kind, owned in (("array", False), ("written", False), ("array", True)):
            slots = [Slot(kind, 0, x.dtype, x.shape, x.strides)]
            one = quick.quick_matcher(slots, [owned], False)
            other = entries.PlainMatcher(slots, [owned], False)
            assert [one([y]) for y in given] == [other([y]) for y in given]


WRONG = {
    "flags": ("and i32 %flags, %needed", "or i32 %flags, %needed"),
    "axes": ("icmp eq i32 %nd, %axes", "icmp sle i32 %nd, %axes"),
    "lengths": ("or i64 %a, %c", "or i64 0, %c"),
    "strides": ("or i64 %a, %c", "or i64 %a, 0"),
    "elements": ("br i1 %equal, label %alike, label %no", "br label %alike"),
    "order of bytes": ("icmp ne i8 %order", "icmp sgt i8 %order, 1\n  %unused = icmp ne i8 %order"),
    "pointer": ("store ptr %data, ptr %where.at", "store ptr %x, ptr %where.at"),
    "answer": ("icmp eq i64 %result, 0", "icmp ne i64 %result, 0"),
    "twins": ("icmp eq ptr %earlier, %y", "icmp eq ptr %earlier, null"),
    "marks": ("store i32 %number.own", "store i32 1"),
    "traces of a call": ("store <8 x i64> zeroinitializer, ptr %to.at, align 4", ""),
    "count": ("icmp eq i64 %length, %count", "icmp sge i64 %length, %count"),
}


@pytest.mark.parametrize(("old", "new"), WRONG.values(), ids=WRONG)
def test_wrong_machine_code_is_not_used(monkeypatch, old, new):
    text = entry_text()
    assert text.count(old) == 1
    broken = load(assemble(text.replace(old, new)), NAMES)
    monkeypatch.setattr(quick, "_code", lambda: broken)
    assert not quick._is_working()


@pytest.mark.parametrize("name", ["is_usable", "is_as_expected", "_is_working"])
def test_whatever_is_wrong_entries_are_in_python_then(monkeypatch, name):
    def fail():
        raise RuntimeError

    for answer in (lambda: False, fail):
        monkeypatch.setattr(quick, name, answer)
        monkeypatch.setattr(entries, "is_quick", quick.is_quick.__wrapped__)
        assert not entries.is_quick()
        x, y = arrays()
        assert isinstance(scale(), entries.PlainEntry)
        assert scale()(x, y, 2.0) is None
        assert (y == 2 * x).all()
