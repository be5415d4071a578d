"""A checkpoint changes no gradient and saves memory; it nests; closures count as arguments."""

import tracemalloc

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import TraceError

X = np.random.default_rng(0).normal(size=5)
W = np.random.default_rng(1).normal(size=(5, 5)) / 2.0


def chain(n, wrap=lambda f: f):
    step = wrap(lambda x: np.tanh(W @ x))

    def f(x):
        for _ in range(n):
            x = step(x)
        return np.sum(x)

    return f


def test_gradients_are_the_same():
    np.testing.assert_array_equal(ag.grad(chain(4, ag.checkpoint))(X), ag.grad(chain(4))(X))
    twice = ag.checkpoint(ag.checkpoint(chain(3)))
    np.testing.assert_array_equal(ag.grad(twice)(X), ag.grad(chain(3))(X))


def test_what_a_function_closes_over_is_differentiated():
    def loss(params, wrap):
        step = wrap(lambda x: np.tanh(params["w"] @ x) * params["s"])
        return np.sum(step(step(X)))

    params = {"w": W, "s": np.asarray(0.5)}
    found = ag.grad(lambda p: loss(p, ag.checkpoint))(params)
    expected = ag.grad(lambda p: loss(p, lambda f: f))(params)
    np.testing.assert_allclose(found["w"], expected["w"], rtol=1e-14)
    np.testing.assert_allclose(found["s"], expected["s"], rtol=1e-14)


def hidden(w, start):
    class Layer:
        weight = w

    layer = Layer()
    return np.sum(ag.checkpoint(lambda x: layer.weight @ x)(start))


def test_a_closure_that_cannot_be_seen_is_an_error_and_no_zero():
    with pytest.raises(TraceError, match="Pass it as an argument"):
        ag.grad(lambda w: hidden(w, w[0]))(W)
    # nothing traced is passed: the part is recorded as usual, and right
    found = ag.grad(lambda w: hidden(w, X))(W)
    np.testing.assert_array_equal(found, np.broadcast_to(X, (5, 5)))


def test_the_function_runs_again_only_where_it_is_pulled_back():
    calls = []

    def step(x):
        calls.append(1)
        return np.sin(x)

    f = ag.checkpoint(step)
    f(X)
    assert len(calls) == 1
    ag.grad(lambda x: np.sum(f(x)))(X)
    assert len(calls) == 3


def peak(f, x):
    ag.grad(f)(x)
    tracemalloc.start()
    ag.grad(f)(x)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found / x.nbytes


def segments(n, length):
    """n segments of `length` steps each, every segment checkpointed."""

    def segment(x):
        for _ in range(length):
            x = np.sin(x) * 1.01
        return x

    part = ag.checkpoint(segment)

    def f(x):
        for _ in range(n):
            x = part(x)
        return np.sum(x)

    return f


def test_memory_grows_as_the_square_root_of_the_depth():
    x = np.random.default_rng(0).normal(size=50_000)
    plain = {n: peak(chain_of_sines(n), x) for n in (16, 64, 256)}
    checked = {n * n: peak(segments(n, n), x) for n in (4, 8, 16)}
    assert plain[256] / plain[16] > 10  # linear: every step is kept
    assert checked[256] / checked[16] < 5  # square root: four times
    assert checked[256] < 0.4 * plain[256]


def chain_of_sines(n):
    def f(x):
        for _ in range(n):
            x = np.sin(x) * 1.01
        return np.sum(x)

    return f


def test_arguments_that_are_no_arrays_and_keywords_pass():
    step = ag.checkpoint(lambda x, name, k=1: x**k if name == "power" else x)
    np.testing.assert_allclose(ag.grad(lambda x: np.sum(step(x, "power", k=3)))(X), 3 * X**2)
