"""What a transformation keeps, frees and shares; threads and tasks."""

import asyncio
import gc
import threading
import weakref
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

import anygrad as ag
from anygrad.autodiff import grad, vjp
from tests.support import assert_close

X = np.array([0.5, -1.25, 2.0])
Layer = namedtuple("Layer", "w b")


@dataclass
class Model:
    w: np.ndarray
    name: str = field(default="m", metadata={"static": True})


# What is kept, freed, shared ----------------------------------------------------------------------


def test_results_are_arrays_of_their_own():
    a, b = X.copy(), X.copy()
    ga, gb = grad(lambda a, b: np.sum(a + b), (0, 1))(a, b)
    ga += 1.0
    assert_close(gb, np.ones(3))
    _, pullback = vjp(lambda x: x, X)
    u = np.ones(3)
    (g,) = pullback(u)
    g += 1.0
    assert_close(u, np.ones(3))
    g = grad(lambda x: np.sum(x.reshape(3, 1)))(X)
    g *= 2.0
    assert_close(g, np.full(3, 2.0))


def test_inputs_and_read_only_inputs_are_left_alone():
    x = X.copy()
    x.flags.writeable = False
    assert_close(grad(lambda x: np.sum(x * x[::-1]))(x), 2 * X[::-1])


def test_the_tape_frees_what_it_recorded():
    class Marked(np.ndarray):
        pass

    seen = []

    def f(x):
        y = np.exp(x)
        seen.append(weakref.ref(ag.value(y)))
        return np.sum(y * y)

    grad(f)(X)
    gc.collect()
    assert seen[0]() is None


def test_a_constant_factor_does_not_keep_the_other_operand():
    from anygrad.tracing import Tape

    tape = Tape()
    x = tape.variable(X)
    2.0 * x + X
    kept = [part for entry in tape.entries[1:] for part in (entry[4] or ()) if part is X]
    assert kept == []


# Threads and tasks --------------------------------------------------------------------------------


def test_threads_do_not_meet():
    def third(k):
        return grad(grad(lambda t: np.sin(t) * t**3))(1.0 + k)

    ks = [k / 100 for k in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(third, ks)) == [third(k) for k in ks]


def test_a_worker_thread_inside_a_traced_function():
    def f(x):
        box = []
        worker = threading.Thread(target=lambda: box.append(grad(lambda y: y * y * x)(2.0)))
        worker.start()
        worker.join()
        return box[0] * x

    assert grad(f)(3.0) == 24.0  # f = 4 x^2


def test_tasks_do_not_meet():
    async def one(k):
        def f(x):
            return x**k

        await asyncio.sleep(0)
        return grad(f)(2.0)

    async def all_of_them():
        return await asyncio.gather(*(one(float(k)) for k in range(1, 6)))

    assert asyncio.run(all_of_them()) == [k * 2.0 ** (k - 1) for k in range(1, 6)]
