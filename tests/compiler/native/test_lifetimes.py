"""What entries hold, and give back: references, memory, code; in threads and in other processes."""

import contextlib
import gc
import pickle
import subprocess
import sys
import threading
import tracemalloc
import warnings
import weakref

import numpy as np
import pytest

from tests.support.forking import forked, needs_fork

pytest.importorskip("llvmlite")

from anygrad.compiler.targets.llvmlite import assemble, load
from anygrad.compiler.targets.native.entries import (
    Signature,
    Slot,
    make_entry,
    make_filler,
    make_matcher,
    run,
)
from tests.compiler.native.calling import F8, KERNELS, Number, arrays, code, failing, scale, scaling


@pytest.fixture
def reported():
    """Warnings do not stop anything: what `sys` says of forks in threads is not looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


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
    gc.freeze()  # what was there before need not be searched
    gone, ring = [], []
    ring.append(scale(keeps=(Kept(gone), ring)))
    del ring
    gc.collect()
    gc.unfreeze()
    assert gone


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
    for _ in range(300):
        use()
    after = counts(*watched)
    assert [n for n in map(int.__sub__, after, before) if abs(n) > 20] == []


def test_memory_is_given_back(way):
    # with tables of 64 kB: 4,500 of them that stay would be 288 MB
    resource = pytest.importorskip("resource")
    entry, (x, y) = scale(more=8000), arrays()
    calls = 100 if way == "plain" else 1500  # three tables each are made in a call within a call

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


@needs_fork
def test_entries_go_on_in_a_forked_process(way, reported):
    entry, (x, y) = scale(releases=True), arrays()
    assert entry(x, y, 2.0) is None

    def child():
        assert entry(x, y, 3.0) is None
        assert (y == 3 * x).all()
        assert scale()(x, y, 1.0) is None

    assert forked(child) == 0
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
