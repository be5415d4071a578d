"""`compile` as its users meet it: options, donation, what is kept and what is let go of."""

import copy
import gc
import inspect
import linecache
import pickle
import tracemalloc
import warnings
import weakref

import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import backend_of
from anygrad.compiler.donating import separated
from anygrad.errors import ArgumentError, RetraceWarning, TraceError

X = np.array([1.0, 2.0, 3.0])


@ag.compile
def doubled(x):
    """Twice the argument."""
    return x * 2.0


class Scaler:
    factor = 3.0

    def __init__(self, by):
        self.by = by

    @ag.compile
    def scale(self, x):
        return x * self.by

    @staticmethod
    @ag.compile
    def negate(x):
        return -x

    @classmethod
    @ag.compile
    def tripled(cls, x):
        return x * cls.factor


def step(p, g, rate=0.1):
    return {name: p[name] - rate * g[name] for name in p}


def programs():
    return sum(name.startswith("<anygrad program") for name in linecache.cache)


# Use ----------------------------------------------------------------------------------------------


def test_it_replays():
    runs = []

    def f(x):
        runs.append  # noqa: B018
        return np.sin(x) * 2.0

    compiled = ag.compile(f)
    for k in range(4):
        np.testing.assert_array_equal(compiled(X * k), f(X * k))
    assert sum(kind.replays for kind in compiled._kinds.values()) == 3


def test_it_decorates_functions_and_methods():
    np.testing.assert_array_equal(doubled(X), X * 2.0)
    one, two = Scaler(2.0), Scaler(4.0)
    for _ in range(2):
        np.testing.assert_array_equal(one.scale(X), X * 2.0)
        np.testing.assert_array_equal(two.scale(X), X * 4.0)
        np.testing.assert_array_equal(Scaler.scale(one, X), X * 2.0)
        np.testing.assert_array_equal(one.negate(X), -X)
        np.testing.assert_array_equal(Scaler.tripled(X), X * 3.0)


def test_it_keeps_name_text_and_signature():
    assert doubled.__name__ == "doubled"
    assert doubled.__doc__ == "Twice the argument."
    assert doubled.__module__ == __name__
    assert "doubled" in repr(doubled)
    assert list(inspect.signature(ag.compile(step, donate="p")).parameters) == ["p", "g", "rate"]


def test_compiling_twice_is_compiling_once():
    assert ag.compile(doubled) is doubled
    again = ag.compile(doubled, donate=0)
    assert again is not doubled
    assert again.function is doubled.function


@pytest.mark.parametrize("kind", ["coroutine", "generator", "staticmethod", "number"])
def test_what_cannot_be_compiled_is_refused(kind):
    async def coroutine(x):
        return x

    def generator(x):
        yield x

    given = {
        "coroutine": coroutine,
        "generator": generator,
        "staticmethod": staticmethod(np.sin),
        "number": 3.0,
    }[kind]
    with pytest.raises(ArgumentError, match=r"compile\(f\)"):
        ag.compile(given)


def test_pickles_and_copies():
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    assert copy.copy(doubled) is doubled
    assert copy.deepcopy(doubled) is doubled
    made = ag.compile(step, donate="p")
    made({"w": X.copy()}, {"w": X})
    again = pickle.loads(pickle.dumps(made))
    p = {"w": X.copy()}
    found = again(p, {"w": X})
    assert found["w"] is p["w"]
    np.testing.assert_array_equal(found["w"], X - 0.1 * X)
    np.testing.assert_array_equal(copy.deepcopy(made)({"w": X.copy()}, {"w": X})["w"], X - 0.1 * X)


def test_it_runs_uncompiled_where_the_settings_say_so():
    compiled = ag.compile(lambda x: x * 2.0)
    with ag.use_settings(fuse=False):
        compiled(X)
    assert not compiled._kinds


def test_clear_forgets():
    compiled = ag.compile(lambda x: x * 2.0)
    compiled(X)
    compiled.clear()
    assert not compiled._kinds
    np.testing.assert_array_equal(compiled(X), X * 2.0)


def test_looking_at_a_program_leaves_arguments_alone():
    compiled = ag.compile(lambda x, y: x * 2.0 + y, donate=0)
    x = X.copy()
    for _ in range(2):
        assert "multiply" in str(compiled.ir(x, X))
        compiled.source(x, X)
        np.testing.assert_array_equal(x, X)


def test_a_function_that_writes_into_its_argument_is_refused_and_keeps_it():
    def f(x):
        x[0] = 100.0
        return x

    x = X.copy()
    for _ in range(2):
        with pytest.raises(TraceError, match="writes into its argument"):
            ag.compile(f)(x)
    np.testing.assert_array_equal(x, X)


def test_results_alias_nothing():
    constant = np.array([5.0, 6.0])

    def f(x):
        y = x * 2.0
        return x, x[1:], x.reshape(3, 1), constant, y, y, x.T, np.broadcast_to(x, (2, 3))

    compiled, x = ag.compile(f), X.copy()
    first = compiled(x)
    for found in (first, compiled(x), compiled(x)):
        for k, array in enumerate(found):
            assert not np.shares_memory(array, x)
            assert not np.shares_memory(array, constant)
            assert array.flags.writeable or k == 7
        found[4][...] = -1.0
        found[3][...] = -1.0
    np.testing.assert_array_equal(compiled(x)[3], [5.0, 6.0])
    np.testing.assert_array_equal(compiled(x)[4], X * 2.0)


# Donation -----------------------------------------------------------------------------------------


def test_every_call_writes_into_donated_memory_the_first_too():
    compiled = ag.compile(lambda p, g: p - 0.1 * g, donate="p")
    p = X.copy()
    kept, expected = p, X
    for _ in range(4):
        expected = expected - 0.1 * X
        p = compiled(p, X)
        assert p is kept
        np.testing.assert_array_equal(p, expected)


def test_leaves_take_their_own_memory():
    compiled = ag.compile(step, donate=0)
    p = {"a": X.copy(), "b": X.copy() * 2}
    for _ in range(3):
        expected = step(p, p)
        found = compiled(p, {name: x.copy() for name, x in p.items()})
        assert found["a"] is p["a"]
        assert found["b"] is p["b"]
        for name in p:
            np.testing.assert_array_equal(found[name], expected[name])


def two_outputs(x, y):
    return x + 2.0 * y, x - y


OVERLAPS = {
    "the same twice": lambda x: (x, x),
    "a view": lambda x: (x, x[:]),
    "shifted": lambda x: (x[:-1], x[1:]),
    "shifted back": lambda x: (x[1:], x[:-1]),
    "reversed": lambda x: (x, x[::-1]),
    "interleaved": lambda x: (x[::2], x[1::2]),
    "of a buffer": lambda x: (np.frombuffer(x.data), x),
    "read-only": lambda x: (frozen(x), x.copy()),
    "apart": lambda x: (x, x.copy()),
    "broadcast": lambda x: (np.broadcast_to(x[:1], x.shape), x.copy()),
    "a view of its own rows": lambda x: (np.ndarray((3, 2), float, x, 0, (8, 8)), np.ones((3, 2))),
    "strided over itself": lambda x: (
        np.lib.stride_tricks.as_strided(x, (3, 2), (8, 8)),
        np.ones((3, 2)),
    ),
}


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("donate", [0, 1, (0, 1)], ids=["first", "second", "both"])
@pytest.mark.parametrize("name", OVERLAPS)
def test_donated_memory_that_overlaps_gives_the_same_results(name, donate):
    compiled = ag.compile(two_outputs, donate=donate)
    for _ in range(3):
        base = np.arange(1.0, 9.0)
        expected = two_outputs(*OVERLAPS[name](base.copy()))
        x, y = OVERLAPS[name](base)
        before = [x.copy(), y.copy()]
        found = compiled(x, y)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
        for k, array in enumerate((x, y)):
            if k not in np.atleast_1d(donate) or (name == "read-only" and k == 0):
                np.testing.assert_array_equal(array, before[k])
        assert not np.shares_memory(found[0], found[1])


def test_memory_that_is_nobody_elses_is_not_copied():
    whole = np.arange(12.0)
    x, y, z = whole[:6], whole[6:], np.ones(6)
    for given, donated in (([z, x], {0}), ([x, y], {0, 1}), ([x.reshape(2, 3), y], {0})):
        assert separated(given, frozenset(donated)) is given
    empty = whole[2:2]
    assert separated([x, empty, y], frozenset((0, 2)))[0] is x


def test_overlaps_are_found_among_many_arrays():
    random = np.random.default_rng(0)
    for _ in range(50):
        whole = np.zeros(40, np.int8)
        given = []
        for _ in range(8):
            low, high = np.sort(random.integers(0, 41, 2))
            given.append(whole[low:high][:: random.choice([-2, -1, 1, 3])])
        expected = {
            n
            for n, x in enumerate(given)
            if any(np.may_share_memory(x, y) for k, y in enumerate(given) if k != n)
        }
        copied = separated(given, frozenset(range(8)))
        assert {n for n in range(8) if copied[n] is not given[n]} == expected


def test_arrays_in_memory_of_others_are_not_compared_in_pairs():
    given = [np.frombuffer(bytearray(8), np.uint8) for _ in range(3000)]
    assert separated(given, frozenset(range(3000))) is given


def test_memory_that_must_not_be_written_is_copied_before():
    x, y = frozen(X), X.copy()
    given = separated([x, y], frozenset((0, 1)))
    assert given[0].flags.writeable
    assert given[0] is not x
    assert given[1] is y


def test_a_donated_argument_that_is_returned_twice():
    compiled = ag.compile(lambda x: (x, x, x * 1.0), donate=0)
    for _ in range(2):
        x = X.copy()
        found = compiled(x)
        for array in found:
            np.testing.assert_array_equal(array, X)
        assert sum(array is x for array in found) == 1
        assert not any(np.shares_memory(a, b) for k, a in enumerate(found) for b in found[k + 1 :])


def test_results_that_swap_donated_memory():
    compiled = ag.compile(lambda x, y: (y, x), donate=(0, 1))
    for _ in range(3):
        a, b = compiled(X.copy(), -X)
        np.testing.assert_array_equal(a, -X)
        np.testing.assert_array_equal(b, X)


def test_subclasses_are_not_written_into(tmp_path):
    memmap = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=3)
    memmap[...] = X
    compiled = ag.compile(lambda x: x * 2.0, donate=0)
    for _ in range(2):
        assert type(compiled(memmap)) is type(memmap * 2.0)
        np.testing.assert_array_equal(memmap, X)


def test_donation_by_every_library(quick_xp):
    x = quick_xp.asarray([1.0, 2.0])
    compiled = ag.compile(lambda x, y: x * 2.0 + y, donate=0)
    for _ in range(2):
        given = quick_xp.asarray(x, copy=True)
        found = compiled(given, x)
        np.testing.assert_array_equal(ag.to_numpy(found), [3.0, 6.0])
        if backend_of(x).writable and getattr(getattr(x, "flags", None), "writeable", True):
            assert found is given


# Calls within calls -------------------------------------------------------------------------------


def test_a_compiled_function_calls_another():
    inner = ag.compile(lambda x: np.sin(x) * 2.0)
    outer = ag.compile(lambda x: inner(x) + inner(x * 2.0))
    for _ in range(2):
        np.testing.assert_array_equal(outer(X), np.sin(X) * 2.0 + np.sin(X * 2.0) * 2.0)


def test_a_compiled_function_calls_itself():
    @ag.compile
    def powers(x, n):
        return x if n == 0 else x * powers(x, n - 1)

    for n in (0, 3, 5, 3, 0):
        np.testing.assert_array_equal(powers(X, n), X ** (n + 1))


def test_a_compiled_function_calls_itself_on_plain_arrays():
    @ag.compile
    def f(x, n):
        constant = f(np.ones(3), n - 1) if n > 0 else 1.0
        return x * 2.0 + constant

    def expected(x, n):
        return x * 2.0 + (expected(np.ones(3), n - 1) if n > 0 else 1.0)

    for n in (2, 3, 2):
        np.testing.assert_array_equal(f(X, n), expected(X, n))


def test_an_inner_function_that_closes_over_a_value_of_the_outer_one():
    def f(x):
        return ag.compile(lambda y: y * x)(np.ones(3)) + 1.0

    compiled = ag.compile(f)
    for k in (1.0, 2.0):
        np.testing.assert_array_equal(compiled(X * k), f(X * k))


def test_a_closed_over_traced_value_is_no_constant():
    def f(x):
        inner = ag.compile(lambda y: np.sum(y * x))
        return inner(np.ones(3)) + inner(np.ones(3))

    for k in (1.0, 2.0):
        np.testing.assert_array_equal(ag.grad(f)(X * k), [2.0, 2.0, 2.0])


# What is let go of --------------------------------------------------------------------------------


def test_a_compiled_function_that_is_deleted_frees_its_programs():
    def use():
        constant = np.ones(1000)
        compiled = ag.compile(lambda x: x * constant[0] + np.sum(constant))
        for _ in range(2):  # printed at the first replay
            compiled(X)
            compiled(np.ones(2))
        assert programs() == before + 2
        return weakref.ref(constant), weakref.ref(compiled)

    gc.collect()
    before = programs()
    gone = use()
    gc.collect()
    assert programs() == before
    assert [ref() for ref in gone] == [None, None]


def test_programs_of_evicted_kinds_are_freed(monkeypatch):
    monkeypatch.setattr("anygrad.compiler.compiled.KINDS", 5)
    gc.collect()
    before = programs()
    compiled = ag.compile(lambda x: x * 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in range(1, 10):
            compiled(np.zeros(n))
            compiled(np.zeros(n))
    gc.collect()
    assert before < programs() <= before + 5
    del compiled


def test_a_failed_recording_keeps_nothing():
    def f(x):
        raise ValueError("no")

    compiled = ag.compile(f)
    x = np.ones(3)
    gone = weakref.ref(x)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            compiled(x)
    del x
    gc.collect()
    assert gone() is None
    assert not any(kind.paths for kind in compiled._kinds.values())


def test_arguments_and_results_are_not_kept():
    compiled = ag.compile(lambda x: (x, np.sin(x), x[0]))
    for _ in range(2):
        x = np.ones(100)
        found = compiled(x)
        gone = [weakref.ref(x), *map(weakref.ref, found[:2])]
        del x, found
        gc.collect()
        assert [ref() for ref in gone] == [None] * 3


@pytest.mark.parametrize("case", ["plain", "guards", "globals", "gradient", "donated"])
def test_memory_is_steady(case):
    state = {"rate": 1.0}

    def guarded(x):
        return x * 2.0 if x[0] > 0 else x * 3.0

    f, options = {
        "plain": (lambda x: np.sin(x) * 2.0, {}),
        "guards": (guarded, {}),
        "globals": (lambda x: x * state["rate"], {}),
        "gradient": (ag.grad(lambda x: np.sum(x * x)), {}),
        "donated": (lambda x: x * 2.0, {"donate": 0}),
    }[case]
    compiled = ag.compile(f, **options)
    compiled.__call__(X.copy())

    def calls(n):
        for k in range(n):
            state["rate"] = float(k % 7)
            compiled(X if k % 2 and case != "donated" else -X)

    calls(20)
    tracemalloc.start()
    try:
        calls(100)
        first = tracemalloc.get_traced_memory()[0]
        calls(700)
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert grown < 7000  # ten bytes a call


@pytest.mark.slow
def test_memory_is_steady_over_10_000_calls():
    def f(x, rate):
        return np.sum(x * rate) if x[0] > 0 else np.sum(x**2)

    compiled = ag.compile(ag.value_and_grad(f))
    tracemalloc.start()
    try:
        sizes = []
        for k in range(10_000):
            compiled(X if k % 3 else -X, 0.1 * k)
            if k % 2500 == 2499:
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[0] < 5000


def test_a_warning_is_given_once_and_points_to_the_user():
    def f(x):
        return x * np.random.rand()  # noqa: NPY002

    compiled = ag.compile(f)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for n in (3, 3, 3, 2, 2, 2):
            compiled(np.ones(n))
    assert [w.category for w in warned] == [RetraceWarning]
    assert warned[0].filename == __file__


def test_results_of_the_first_call_share_no_memory_with_each_other():
    def f(x):
        y = x * 2.0
        return y, y, y[1:], y.reshape(1, 3)

    compiled = ag.compile(f)
    for _ in range(2):
        found = compiled(np.ones(3))
        for k, a in enumerate(found):
            assert not any(np.shares_memory(a, b) for b in found[:k])


def test_what_is_the_same_for_all_is_returned():
    assert ag.compile(lambda x: (x, ...))(1.0)[1] is ...
