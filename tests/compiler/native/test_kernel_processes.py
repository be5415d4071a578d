"""Kernels in threads and processes, when they are made, and what happens when they cannot be."""

import multiprocessing
import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

from tests.support.forking import forked, needs_fork

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad.compiler.targets import llvmlite, warming
from anygrad.compiler.targets.native import storage, threads
from tests.compiler.native.running import count, heat_for, quietly, wild
from tests.compiler.targets.bits import assert_same_bits


def step(x, y):
    z = x * 3 - y
    return z, np.maximum(z, x) / (1 + y * y), np.sum(z * z)


def elements(x, y):
    z = x * 3 - y
    return z, np.maximum(z, x) / (1 + y * y)


def rows(x):
    y = x * x - 1
    return np.sum(y, axis=1), np.max(np.abs(y), axis=1)


def always(f, *args):
    """The function with kernels, also where it is called with other settings."""
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(f)
        quietly(compiled, *args)
        assert count(compiled, *args)

    def call(*args):
        with ag.use_settings(kernels="always"):
            return compiled(*args)

    return call


@pytest.fixture
def two_processors(monkeypatch):
    """Kernels are shared by two threads, however few processors there are and small they be."""
    monkeypatch.setattr(threads, "_usable", lambda: 2)
    monkeypatch.setattr(threads, "PART", 1000.0)
    monkeypatch.setattr("anygrad.compiler.targets.native.making.PART", 1000.0)


def test_threads_call_one_function_at_once():
    x, y = wild(20_000), wild(20_000, seed=1)
    compiled, wanted, wrong = always(step, x, y), step(x, y), []

    def work(k):
        for _ in range(20):
            mine = (x, y) if k % 2 else (y, x)
            expected = wanted if k % 2 else step(y, x)
            found = compiled(*mine)
            if any(a.tobytes() != b.tobytes() for a, b in zip(found, expected, strict=True)):
                wrong.append(k)

    started = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert not wrong


@pytest.mark.usefixtures("two_processors")
def test_the_number_of_threads_changes_no_bit():
    cases = [(step, (wild(20_001), wild(20_001, seed=1)))]
    cases += [(elements, (wild(n), wild(n, seed=1))) for n in (20_000, 50_001, 65_536)]
    cases += [(rows, (wild(shape),)) for shape in ((1001, 37), (3, 20_000))]
    leaves = [wild(n, seed=n) for n in (5, 70_000, 300, 8000)]
    cases.append((lambda *xs: [2 * x - x * x for x in xs], leaves))
    for f, args in cases:
        for number in (1, 2):
            with ag.use_settings(threads=number):
                assert threads.processors() == number
                compiled = always(f, *args)
                for given in ([1 - x for x in args], args):  # nothing is left of the run before
                    assert_same_bits(compiled(*given), f(*given))
    assert threads._pools


@pytest.mark.usefixtures("two_processors")
def test_an_argument_that_is_too_large_for_any_of_the_threads():
    x = np.linspace(-3.0, 3.0, 30_000)
    for place in (0, 14_000, 16_000, -1):
        y = x.copy()
        y[place] = 1e300
        compiled = always(lambda x: (np.sin(x), np.cos(x) + x), y)
        assert_same_bits(compiled(y), (np.sin(y), np.cos(y) + y))


@needs_fork
@pytest.mark.usefixtures("two_processors")
def test_a_forked_process_goes_on():
    x, y = wild(60_000), wild(60_000, seed=1)
    compiled, wanted = always(elements, x, y), elements(x, y)
    assert_same_bits(compiled(x, y), wanted)
    assert threads._pools  # threads of the parent are alive

    def child():
        assert_same_bits(compiled(x, y), wanted)
        f = lambda x, y: elements(y, x + 1)
        assert_same_bits(always(f, x, y)(x, y), f(x, y))

    assert forked(child) == 0
    assert_same_bits(compiled(x, y), wanted)


def _of_another_process(x, y):
    return always(step, x, y)(x, y)


@pytest.mark.slow
def test_spawned_processes_give_the_same_bits():
    x, y = wild(5000), wild(5000, seed=1)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for found in pool.starmap(_of_another_process, [(x, y)] * 4):
            assert_same_bits(found, step(x, y))


ONE_SHOT = """
import sys
import numpy as np
import anygrad as ag

x = np.linspace(0.0, 1.0, 50)
f = ag.compile(lambda x: np.sum(x * 3 - x * x))
for _ in range(3):
    assert f(x) == np.sum(x * 3 - x * x)
assert "llvmlite" not in sys.modules, "imported for three calls"
for _ in range({calls}):
    f(x)
assert "llvmlite" in sys.modules, "not imported"
assert "if kernel_" in f.source(x), f.source(x)
"""


def test_what_is_called_a_few_times_imports_no_compiler():
    f = lambda x: np.sum(x * 3 - x * x)
    x = np.linspace(0.0, 1.0, 50)
    made_at = heat_for(ag.compile(f), x).made_at
    assert made_at > 1000
    environment = {k: v for k, v in os.environ.items() if k != "ANYGRAD_KERNELS"}
    script = ONE_SHOT.format(calls=made_at)
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, timeout=100)


def test_kernels_come_with_the_call_that_makes_a_program_hot(tmp_path):
    x, y = wild(100_000), wild(100_000, seed=1)
    f = lambda x, y: step(x, y + 0.125)
    with ag.use_settings(kernels="auto", kernel_cache=str(tmp_path / "kernels")):
        compiled, wanted = ag.compile(f), f(x, y)
        compiled(x, y)
        heat, before = heat_for(compiled, x, y), storage.statistics()
        left = heat.replays
        assert left > 3
        for number in range(left):
            assert (heat.hot, heat.replays) == (None, left - number)
            assert_same_bits(quietly(compiled, x, y), wanted)
        assert heat.hot
        assert heat.replays == 0
        assert storage.statistics().made > before.made
        assert_same_bits(quietly(compiled, x, y), wanted)
        assert count(compiled, x, y) == 1


def broken(*args):
    msg = "out of order"
    raise RuntimeError(msg)


def test_a_compiler_that_fails_warns_once(monkeypatch):
    monkeypatch.setattr(storage, "assemble", broken)
    monkeypatch.setattr(warming, "_warned", set())
    x = wild(50)
    with (
        ag.use_settings(kernels="always", kernel_cache="off"),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        for k in (3.25, 4.25, 5.25):
            f = lambda x, k=k: (x * k - x, x + k)
            compiled = ag.compile(f)
            for _ in range(3):
                assert_same_bits(compiled(x), f(x))
            assert not count(compiled, x)
    told = [str(one.message) for one in caught]
    assert len(told) == 1
    assert "kernels: got RuntimeError from the compiler: out of order" in told[0]
    assert "kernels='off'" in told[0]


@pytest.mark.parametrize("setting", ["always", "auto"])
@pytest.mark.parametrize("missing", ["llvmlite", "fma"])
def test_without_a_compiler_numpy_does_it_in_silence(missing, setting, monkeypatch):
    if missing == "llvmlite":
        monkeypatch.setattr(warming, "reason_against", lambda: "llvmlite is not installed")
    else:
        monkeypatch.setattr(warming, "is_usable", lambda: False)
    monkeypatch.setattr(warming, "replay_time", lambda _program: 1.0)
    monkeypatch.setattr(storage, "assemble", broken)
    x, y = wild(50), wild(50, seed=1)
    with ag.use_settings(kernels=setting), warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = ag.compile(step)
        for _ in range(6):
            assert_same_bits(compiled(x, y), step(x, y))
        assert not count(compiled, x, y)


def test_what_is_missing_is_found_out(monkeypatch):
    for function in (llvmlite.reason_against, llvmlite._machine):
        monkeypatch.setattr(llvmlite, function.__name__, function.__wrapped__)
    assert llvmlite.is_usable()
    target = llvmlite._target_machine

    def without_fma(llvm):
        machine, name, features = target(llvm)
        features["fma"] = False
        return machine, name, features

    monkeypatch.setattr(llvmlite, "_target_machine", without_fma)
    if llvmlite._machine()[1].triple.startswith("x86_64"):
        assert not llvmlite.is_usable()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "not installed" in llvmlite.reason_against()
    assert not llvmlite.is_usable()
