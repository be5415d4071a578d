"""Compiled functions that several threads, tasks and calls inside calls use at once."""

import asyncio
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.kinds import PATHS

THREADS = 8


@pytest.fixture(autouse=True)
def switched_often():
    """Let threads take turns after every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def hammer(work):
    """Run ``work(number)`` in all threads, begun together; raise what one has raised."""
    gate = threading.Barrier(THREADS)

    def run(number):
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def loss(x, y):
    z = np.tanh(x) * y
    if np.sum(z) > 0:
        z = z * 2.0
    if x[0] > y[0]:
        z = z - x
    return np.sum(z * z)


def test_threads_share_shapes_and_guards():
    compiled = ag.compile(ag.value_and_grad(loss))
    eager = ag.value_and_grad(loss)

    def work(number):
        rng = np.random.default_rng(number)
        for k in range(25):
            n = 1 + (number + k) % 4
            x, y = rng.normal(size=n), rng.normal(size=n)
            for a, b in zip(compiled(x, y), eager(x, y), strict=True):
                np.testing.assert_array_equal(a, b)

    hammer(work)
    assert len(compiled._kinds) == 4
    for kind in compiled._kinds.values():
        assert len(kind.paths) <= 4
        assert not kind.eager


def test_threads_that_record_the_same_at_once_keep_it_once():
    gate = threading.Barrier(THREADS)

    def f(x):
        gate.wait(20.0)  # all of them are recording now
        return np.sin(x) * 2.0

    compiled = ag.compile(f)
    x = np.ones(3)
    hammer(lambda number: compiled(x * number))
    kind = next(iter(compiled._kinds.values()))
    assert len(kind.paths) == 1
    np.testing.assert_array_equal(compiled(x), np.sin(x) * 2.0)


def test_threads_donate_their_own_arrays():
    compiled = ag.compile(lambda p, g: (p - 0.1 * g, p * g), donate=0)

    def work(number):
        p, g = np.full(50, float(number)), np.full(50, 2.0)
        for _ in range(60):
            expected = p - 0.1 * g, p * g
            q, product = compiled(p, g)
            assert q is p
            np.testing.assert_array_equal(q, expected[0])
            np.testing.assert_array_equal(product, expected[1])

    hammer(work)


def test_results_of_threads_are_apart():
    compiled = ag.compile(lambda x: (np.exp(x) * 2.0 + x, np.cos(x) - x))

    def work(number):
        x = np.full(200, 0.01 * number)
        kept = [compiled(x) for _ in range(40)]
        expected = np.exp(x) * 2.0 + x, np.cos(x) - x
        for found in kept:
            np.testing.assert_array_equal(found[0], expected[0])
            np.testing.assert_array_equal(found[1], expected[1])

    hammer(work)


def test_clearing_and_evicting_meanwhile(monkeypatch):
    monkeypatch.setattr("anygrad.compiler.compiled.KINDS", 4)
    compiled = ag.compile(lambda x, n: x * 2.0 + n)

    def work(number):
        for k in range(30):
            x = np.ones(1 + (number * 7 + k) % 9)
            np.testing.assert_array_equal(compiled(x, k), x * 2.0 + k)
            if number == 0 and k % 5 == 0:
                compiled.clear()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hammer(work)


def test_settings_of_a_thread_do_not_reach_another():
    compiled = ag.compile(lambda x: x * 2.0)

    def work(number):
        for _ in range(30):
            with ag.use_settings(fuse=bool(number % 2)):
                np.testing.assert_array_equal(compiled(np.ones(2)), [2.0, 2.0])

    hammer(work)
    assert len(compiled._kinds) == 1


def test_an_error_in_one_thread_stays_there():
    def f(x):
        if x[0] < 0:
            raise ValueError("negative")
        return x * 2.0

    compiled = ag.compile(f)

    def work(number):
        sign = -1.0 if number % 2 else 1.0
        for _ in range(20):
            if sign < 0:
                with pytest.raises(ValueError, match="negative"):
                    compiled(np.full(2, sign))
            else:
                np.testing.assert_array_equal(compiled(np.full(2, sign)), [2.0, 2.0])

    hammer(work)
    assert len(next(iter(compiled._kinds.values())).paths) < PATHS


def test_tasks_take_turns():
    compiled = ag.compile(ag.grad(lambda x, k: np.sum(x * x) * k if k > 2.0 else np.sum(x) * k))

    async def work(k):
        for n in range(1, 5):
            x = np.arange(float(n))
            expected = 2.0 * x * k if k > 2.0 else np.full(n, k)
            np.testing.assert_allclose(compiled(x, k), expected, rtol=1e-15)
            await asyncio.sleep(0)

    async def together():
        await asyncio.gather(*[work(float(k)) for k in range(5)])

    asyncio.run(together())
    assert len(compiled._kinds) == 4


def test_a_global_that_another_thread_changes_is_seen_after_that():
    state = {"rate": 1.0}
    compiled = ag.compile(lambda x: x * state["rate"])
    x = np.ones(2)
    with ThreadPoolExecutor(1) as other:
        for rate in (1.0, 2.0, 1.0, 3.0):
            other.submit(state.__setitem__, "rate", rate).result()
            np.testing.assert_array_equal(compiled(x), x * rate)
