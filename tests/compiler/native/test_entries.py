"""Entries call kernels with what these were made for, and with nothing else."""

import contextlib
import gc
import os
import pickle
import subprocess
import sys
import sysconfig
import threading
import tracemalloc
import warnings
import weakref
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from anygrad.compiler.targets.llvmlite import assemble, load
from anygrad.compiler.targets.native import entries, layouts, quick
from anygrad.compiler.targets.native.assembly import NAMES, entry_text
from anygrad.compiler.targets.native.entries import (
    Signature,
    Slot,
    make_entry,
    make_filler,
    make_matcher,
    run,
)

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


@pytest.fixture(params=["quick", "plain"])
def way(request, monkeypatch):
    monkeypatch.setattr(entries, "is_quick", lambda: request.param == "quick")
    return request.param


@pytest.fixture
def reported():
    """Warnings do not stop anything: what `sys` says of forks in threads is not looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


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


def test_builtins_can_be_made_here():
    usual = sys.implementation.name == "cpython" and sys.byteorder == "little"
    if not usual or sys.maxsize < 2**32 or sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("not a Python that the machine code is for")
    assert quick.is_quick()
    assert type(scale()) is type(len)


@pytest.mark.parametrize("releases", [False, True])
def test_kernel_gets_arrays_and_numbers(way, releases):
    x, y = arrays()
    assert scale(releases=releases)(x, y, 2.5) is None
    assert (y == 2.5 * x).all()


def test_what_a_kernel_answers_is_told(way):
    x, y = arrays()
    assert scale(answer=1)(x, y, 2.0) is True
    assert (y == 2 * x).all()
    assert scale(answer=1 << 40)(x, y, 2.0) is True


def test_range_is_the_one_of_the_signature(way):
    x, y = arrays()
    assert scale(start=2, stop=5)(x, y, 3.0) is None
    expected = np.full(12, -7.0)
    expected[2:5] = 3 * x.ravel()[2:5]
    assert (y.ravel() == expected).all()


def test_constants_stay_in_the_table_from_call_to_call(way):
    entry, (x, y) = scale(answer=-1), arrays()
    for a in (1.0, -1.0, 0.0):
        assert entry(x, y, a) is True
        assert (y == a * x).all()


OTHERS = {
    "shape": lambda x: np.ones((4, 3)),
    "more axes": lambda x: x[None],
    "fewer axes": lambda x: x.ravel(),
    "length": lambda x: np.ones((3, 5)),
    "strides": lambda x: np.asfortranarray(x),
    "step": lambda x: np.ones((3, 8))[:, ::2],
    "backwards": lambda x: x[::-1],
    "broadcast": lambda x: np.broadcast_to(x[0], x.shape),
    "size of elements": lambda x: x.astype(np.float32),
    "kind of elements": lambda x: x.astype(np.int64),
    "complex": lambda x: x.astype(complex),
    "objects": lambda x: x.astype(object),
    "order of bytes": lambda x: x.astype(">f8"),
    "structured": lambda x: x.view([("a", "f8")]),
    "dates": lambda x: x.astype("M8[s]"),
    "subclass": lambda x: x.view(Other),
    "alignment": misaligned,
    "list": lambda x: x.tolist(),
    "number": lambda x: 1.0,
    "scalar": lambda x: np.float64(1.0),
    "none": lambda x: None,
    "type": lambda x: np.ndarray,
}


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_other_arrays_are_refused_and_nothing_is_written(way, other, place):
    given = [*arrays(), 2.0]
    given[place] = other(given[place])
    before = pickle.dumps(given)
    entry = scale()
    assert entry(*given) is False
    assert pickle.dumps(given) == before
    x, y = arrays()
    assert entry(x, y, 2.0) is None  # and it goes on
    assert (y == 2 * x).all()


def test_what_is_written_has_to_be_writeable(way):
    x, y = arrays()
    assert scale()(x, frozen(y), 2.0) is False
    assert scale()(frozen(x), y, 2.0) is None
    assert (y == 2 * x).all()


def test_number_of_arguments_has_to_fit(way):
    x, y = arrays()
    for given in ((), (x,), (x, y), (x, y, 2.0, 2.0), (x, y, 2.0, x, y)):
        assert scale()(*given) is False
    assert (y == -7).all()
    with pytest.raises(TypeError):
        scale()(x, y, a=2.0)


def test_equal_types_of_elements_need_not_be_one_object(way):
    y = np.full((3, 4), -7.0)
    for x in (
        pickle.loads(pickle.dumps(arrays()[0])),
        arrays()[0].view(np.dtype("f8", metadata={"a": 1})),
        arrays()[0].view(F8.newbyteorder("<")),
    ):
        assert x.dtype is not F8
        assert scale()(x, y, 2.0) is None
        assert (y == 2 * arrays()[0]).all()
    for first, second in ("lq", "LQ", "ql"):
        matches = make_matcher([Slot("array", 0, np.dtype(first), (2,))])
        other = pickle.loads(pickle.dumps(np.ones(2, second)))
        assert matches([np.ones(2, first)])
        assert matches([np.ones(2, second)]) == matches([other])
        assert matches([other]) == (np.dtype(first) == np.dtype(second))


def test_strides_that_do_not_matter_are_not_compared(way):
    row = np.arange(4.0)
    odd = np.lib.stride_tricks.as_strided(row, (1, 4), (1234, 8))
    y = np.empty((1, 4))
    assert scale(shape=(1, 4))(odd, y, 3.0) is None
    assert (y == 3 * row).all()
    empty = np.empty((0, 3), order="F")
    assert scale(shape=(0, 3))(empty, np.empty((0, 6))[:, ::2], 1.0) is None
    assert scale(shape=(0, 3))(empty, np.empty((0, 4)), 1.0) is False


def test_any_strides_can_be_asked_for(way):
    whole = np.arange(48.0).reshape(2, 4, 6)
    for x in (whole[:, ::2], whole.T, whole[::-1, :, 1:], whole[0, 0, 0:1], whole[1, 1, 1, ...]):
        matches = make_matcher([Slot("array", 0, F8, x.shape, x.strides)])
        assert matches([x])
        assert matches([x.copy("C")]) == (x.copy("C").strides == x.strides or x.size == 1)


def test_arrays_without_axes(way):
    x, y = np.array(3.0), np.array(0.0)
    assert scale(shape=())(x, y, 2.0) is None
    assert y == 6
    assert scale(shape=())(3.0, y, 2.0) is False


@pytest.mark.parametrize(
    "number",
    [
        2.5,
        -1.0,
        -0.0,
        float("inf"),
        7,
        -1,
        2**53 + 1,
        True,
        np.float32(0.1),
        np.float16(0.1),
        np.longdouble(1) / 3,
        np.int8(-1),
        np.uint64(2**63),
        np.bool_(True),
        Fraction(1, 3),
        Number(-1.0),
        type("Real", (float,), {})(4.5),
        type("Index", (), {"__index__": lambda self: 3})(),
    ],
    ids=lambda x: f"{type(x).__name__}",
)
def test_numbers_are_what_python_makes_of_them(way, number):
    x, y = np.ones(1), np.zeros(1)
    assert scale(shape=(1,))(x, y, number) is None
    assert y.tobytes() == np.float64(float(number)).tobytes()


@pytest.mark.parametrize(
    "other",
    [
        *(None, "1.0", b"1", 1j, np.complex64(1), np.complex128(1), np.clongdouble(1), [1.0]),
        *(np.array(1.0), np.ones(1), np.str_("1"), object(), float),
    ],
    ids=lambda x: f"{type(x).__name__}",
)
def test_what_is_no_number_is_refused(way, other):
    x, y = arrays()
    assert scale()(x, y, other) is False
    assert (y == -7).all()


def failing():
    raise LookupError("no number today")


@pytest.mark.parametrize(
    ("number", "error"), [(10**400, OverflowError), (Number(then=failing), LookupError)]
)
def test_errors_of_a_number_are_passed_on(way, number, error):
    entry, (x, y) = scale(), arrays()
    for _ in range(3):
        with pytest.raises(error):
            entry(x, y, number)
        assert (y == -7).all()
    assert entry(x, y, 2.0) is None
    assert (y == 2 * x).all()


def test_numbers_come_first_so_that_arrays_do_not_change_afterwards(way):
    entry, (x, y) = scale(), arrays()
    small = np.ones((3, 4))
    shrink = Number(then=lambda: small.resize((1, 1), refcheck=False))
    assert entry(small, y, shrink) is False
    assert (y == -7).all()
    grow = Number(then=lambda: small.resize((3, 4), refcheck=False))
    assert entry(small, y, grow) is None
    del x


def test_an_entry_may_be_called_within_its_own_call(way):
    entry, (x, y) = scale(), arrays()
    inner = np.zeros((3, 4))
    found = []

    def again():
        found.append(entry(x + 1, inner, 5.0))
        found.append(entry(x, x, None))
        with contextlib.suppress(LookupError):
            entry(x, x, Number(then=failing))

    for _ in range(3):
        assert entry(x, y, Number(2.0, again)) is None
        assert (y == 2 * x).all()
        assert (inner == 5 * (x + 1)).all()
    assert found == [None, False] * 3


def test_an_entry_may_go_while_it_is_called(way):
    gone = []
    held = [scale(keeps=(Kept(gone),))]
    x, y = arrays()

    def drop():
        held.clear()
        assert not gone

    assert held[0](x, y, Number(2.0, drop)) is None
    assert (y == 2 * x).all()
    assert gone


class Kept:
    """Tells when it goes."""

    def __init__(self, gone):
        weakref.finalize(self, gone.append, True)


def test_code_goes_with_its_last_entry(way):
    mine = load(assemble(KERNELS), ("scale",))
    watched = weakref.ref(mine)
    signature = scaling(keeps=(mine,))
    made = [make_entry(mine.addresses["scale"], signature), make_filler(signature)]
    del mine, signature
    x, y = arrays()
    assert made[0](x, y, 2.0) is None
    made.pop()
    assert watched() is not None
    assert made[0](x, y, 3.0) is None
    made.pop()
    assert watched() is None


def test_an_entry_that_holds_itself_is_collected(way):
    gone, ring = [], []
    ring.append(scale(keeps=(Kept(gone), ring)))
    del ring
    gc.collect()
    assert gone


def test_many_arguments(way):
    count = 40_000 if way == "quick" else 4_000
    leaves = [np.array([float(k % 7)]) for k in range(count)]
    out = np.zeros(1)
    slots = (Slot("written", 0, F8, (1,)), *[Slot("array", k + 1, F8, (1,)) for k in range(count)])
    signature = Signature(slots, (0,) * (count + 1), 1, count + 1, False, ())
    entry = make_entry(code().addresses["total"], signature)
    assert entry(out, *leaves) is None
    assert out[0] == sum(k % 7 for k in range(count))
    out[0] = -7.0
    leaves[-1] = np.ones(2)
    assert entry(out, *leaves) is False
    assert entry(out, *leaves[:-1]) is False
    assert out[0] == -7


def test_threads_run_one_entry_at_once(way):
    slots = (Slot("written", 0, np.dtype(np.int64), (1,)), Slot("written", 1, F8, ()))
    signature = Signature((*slots, Slot("float", 2)), (0, 0, 0), 10**9, 3, True, ())
    entry = make_entry(code().addresses["meet"], signature)
    for _ in range(5):
        counter = np.zeros(1, np.int64)
        outs = [np.zeros(()) for _ in range(3)]
        found = []

        def call(k, counter=counter, outs=outs, found=found):
            found.append(entry(counter, outs[k], k + 1.0))

        threads = [threading.Thread(target=call, args=(k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [None] * 3
        assert [float(x) for x in outs] == [1, 2, 3]


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


def test_threads_do_not_mix_their_arguments(way):
    entry = scale(releases=True, shape=(50,))
    wrong = []

    def call(k):
        x, y = np.full(50, float(k)), np.zeros(50)
        for n in range(300):
            if entry(x, y, float(n)) is not None or (y != k * n).any():
                wrong.append((k, n))

    threads = [threading.Thread(target=call, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def counts(*objects):
    return [sys.getrefcount(x) for x in (*objects, None, True, False)]


def test_references_are_given_back(way):
    x, y = arrays()
    entry, again = scale(), scale(answer=1)
    a, bad, number = 2.25, Number(then=failing), Number()
    matches = make_matcher([Slot("array", 0, F8, (3, 4))] * 2)
    fill, table = make_filler(scaling()), np.zeros(4, np.uint64)
    pair = [x, y]

    def use():
        entry(x, y, a)
        again(x, y, a)
        entry(x, y, number)
        entry(x, y, None)
        entry(y, x.T, a)
        entry(x)
        fill(table, x, y, a)
        fill(table, x, y)
        matches(pair)
        matches(x)
        with contextlib.suppress(LookupError):
            entry(x, y, bad)

    watched = (x, y, a, bad, number, table, pair, entry, again, F8, np.ndarray)
    use()
    before = counts(*watched)
    for _ in range(1000):
        use()
    after = counts(*watched)
    assert [n for n in map(int.__sub__, after, before) if abs(n) > 20] == []


def test_memory_is_given_back(way):
    # with tables of 64 kB: 10,000 of them that stay would be 640 MB
    resource = pytest.importorskip("resource")
    entry, (x, y) = scale(more=8000), arrays()
    calls = 100 if way == "plain" else 3000  # three tables each are made in a call within a call

    def within():
        entry(x, y, 3.0)
        entry(x, y, None)
        with contextlib.suppress(LookupError):
            entry(x, y, Number(then=failing))

    number = Number(2.0, within)

    def use():
        entry(x, y, number)

    use()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    for _ in range(calls):
        use()
    grown = tracemalloc.get_traced_memory()[0] - start
    tracemalloc.stop()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20_000
    assert peak / (1024 if sys.platform != "darwin" else 2**20) < 100


def test_entries_are_not_pickled(way):
    matches = make_matcher([Slot("array", 0, F8, ())])
    for made in (scale(), make_filler(scaling()), matches):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(made)


def test_descriptors_are_not_written_by_accident():
    entry = quick.quick_entry(code().addresses["scale"], scaling())
    with pytest.raises(ValueError, match="read-only"):
        entry.__self__[0] = 0  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_entries_go_on_in_a_forked_process(way, reported):
    entry, (x, y) = scale(releases=True), arrays()
    assert entry(x, y, 2.0) is None
    child = os.fork()
    if not child:
        good = entry(x, y, 3.0) is None and (y == 3 * x).all() and scale()(x, y, 1.0) is None
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (y == 2 * x).all()


ANEW = """
import pickle, sys
import numpy as np
from anygrad.compiler.targets.native.entries import Slot, is_quick, make_matcher
assert is_quick()
matches = make_matcher([Slot("array", 0, np.dtype(float), (3,))])
assert matches([pickle.loads(sys.stdin.buffer.read())])
assert not matches([np.ones(4)])
"""


def test_entries_are_made_anew_in_a_process_of_its_own():
    command = [sys.executable, "-X", "faulthandler", "-c", ANEW]
    subprocess.run(command, input=pickle.dumps(np.ones(3)), check=True)


def test_threads_share_one_call(way):
    shape = (1000,)
    x, y = arrays(shape)
    fill = make_filler(scaling(shape=shape, answer=1))
    table = np.full(4, 99, np.uint64)
    assert fill(table, x, y, 2.0) is True
    assert list(table[:2]) == [x.ctypes.data, y.ctypes.data]
    assert list(table.view(np.float64)[2:3]) == [2.0]
    assert table[3] == 1
    found = []

    def work(start):
        found.append(run(code().addresses["scale"], table, start, start + 250))

    threads = [threading.Thread(target=work, args=(k,)) for k in (0, 250, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1, 1, 1]
    assert (y[:750] == 2 * x[:750]).all()
    assert (y[750:] == -7).all()


def test_tables_that_do_not_fit_are_refused(way):
    fill, (x, y) = make_filler(scaling()), arrays()
    words = np.zeros(8, np.uint64)
    for table in (
        np.zeros(3, np.uint64),
        np.zeros(5, np.uint64),
        np.zeros(4, np.int64),
        np.zeros((4, 1), np.uint64),
        words[::2],
        frozen(np.zeros(4, np.uint64)),
        misaligned(np.zeros(4, np.uint64)),
        np.zeros(4, np.uint64).view(Other),
        [0, 0, 0, 0],
        None,
    ):
        assert fill(table, x, y, 2.0) is False
    assert not words.any()
    table = words[:4]
    assert fill() is False
    assert fill(table) is False
    assert fill(table, x, y) is False
    assert fill(table, x, y, 2.0, 2.0) is False
    assert fill(table, x.T, y, 2.0) is False
    with pytest.raises(LookupError):
        fill(table, x, y, Number(then=failing))
    assert fill(table, x, y, 2.0) is True


def test_leaves_are_recognised(way):
    count = 20_000 if way == "quick" else 2_000
    shapes = [(k % 3 + 1, 2) for k in range(count)]
    kinds = [F8, np.dtype(np.float32)]
    leaves = [np.zeros(shape, kinds[k % 2]) for k, shape in enumerate(shapes)]
    slots = [Slot("array", 0, x.dtype, x.shape) for x in leaves]
    matches = make_matcher(slots)
    assert matches(leaves) is True
    assert matches(tuple(leaves)) is True
    for k in (0, count // 2, count - 1):
        others = list(leaves)
        others[k] = others[k].copy().view(Other)
        assert matches(others) is False
    assert matches(leaves[:-1]) is False
    assert matches([*leaves, leaves[0]]) is False


def test_only_lists_and_tuples_are_looked_into(way):
    class Listed(list):
        pass

    x = np.ones(2)
    matches = make_matcher([Slot("array", 0, F8, (2,))])
    for leaves in (Listed([x]), type("Pair", (tuple,), {})((x,)), {0: x}, x, None, iter([x]), "a"):
        assert matches(leaves) is False
    assert make_matcher([])([]) is True
    assert make_matcher([])(()) is True
    assert make_matcher([])([x]) is False
    with pytest.raises(TypeError):
        matches()
    with pytest.raises(TypeError):
        matches([x], [x])


def test_owners_of_their_memory_are_told_from_views(way):
    x = np.ones((2, 2))
    slots = [Slot("array", 0, F8, (2, 2))] * 2
    first = make_matcher(slots, [True, False])
    assert first([x, x.view()])
    assert not first([x.view(), x])
    assert not first([x[...], x])
    assert not first([frozen(x), x])
    assert first([x, frozen(x)])
    assert not first([np.frombuffer(bytearray(32)).reshape(2, 2), x])
    written = make_matcher([slots[0]._replace(kind="written")])
    assert written([x.view()])
    assert not written([frozen(x)])


def test_both_ways_take_the_same():
    known = [x for x in layouts.samples() if quick.classes_of(x.dtype)]
    given = [*layouts.samples(), *[pickle.loads(pickle.dumps(x)) for x in layouts.samples()]]
    for x in known:
        for kind, owned in (("array", False), ("written", False), ("array", True)):
            slots = [Slot(kind, 0, x.dtype, x.shape, x.strides)]
            one = quick.quick_matcher(slots, [owned])
            other = entries.PlainMatcher(slots, [owned])
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
    "count": ("icmp eq i64 %length, %count", "icmp sge i64 %length, %count"),
}


@pytest.mark.parametrize(("old", "new"), WRONG.values(), ids=WRONG)
def test_wrong_machine_code_is_not_used(monkeypatch, old, new):
    text = entry_text()
    assert text.count(old) == 1
    broken = load(assemble(text.replace(old, new)), NAMES)
    monkeypatch.setattr(quick, "_code", lambda: broken)
    assert not quick._is_working()


@pytest.mark.parametrize("name", layouts.LAYOUT)
def test_another_layout_is_noticed(monkeypatch, name):
    assert layouts.is_as_expected()
    moved = {**layouts.LAYOUT, name: layouts.LAYOUT[name] - (1 if name.endswith("order") else 8)}
    monkeypatch.setattr(layouts, "LAYOUT", moved)
    assert not layouts.is_as_expected()


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


def test_a_python_without_the_lock_is_not_the_one(monkeypatch):
    monkeypatch.setattr(layouts.sysconfig, "get_config_var", lambda name: 1)
    assert not layouts.is_as_expected()


@pytest.mark.parametrize(
    ("slot", "word"),
    [
        (Slot("array", 4, F8), "place"),
        (Slot("array", -1, F8), "place"),
        (Slot("int", 0), "kind"),
        (Slot("array", 0), "dtype"),
        (Slot("array", 0, np.dtype(complex)), "dtype"),
        (Slot("array", 0, np.dtype(">f8")), "dtype"),
        (Slot("array", 0, np.dtype(np.longdouble)), "dtype"),
        (Slot("written", 0, F8, (2,), ()), "strides"),
    ],
)
def test_slots_that_make_no_sense_are_told(way, slot, word):
    signature = Signature((slot,), (0,) * 4, 0, 0, False, ())
    for make in (lambda: make_entry(1, signature), lambda: make_filler(signature)):
        with pytest.raises(ValueError, match=word):
            make()
    if word != "place":
        with pytest.raises(ValueError, match=word):
            make_matcher([slot])
    with pytest.raises(ValueError, match="number"):
        make_matcher([Slot("float", 0)])
    with pytest.raises(ValueError, match="owned"):
        make_matcher([Slot("array", 0, F8)], [])
