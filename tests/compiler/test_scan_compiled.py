"""In a compiled function a loop is one operation, and so is its way back."""

import threading

import numpy as np
import pytest

import anygrad as ag
from tests.compiler.loops import assert_close, assert_same_bits, plain_scan

R = np.random.default_rng(0)
XS = R.normal(size=(40, 3))


def loss(scan):
    def f(w, start):
        def step(c, x):
            c = np.tanh(c * w + x)
            return c, np.sum(c**2) * np.sum(w)

        carry, ys = scan(step, start, XS)
        return np.sum(carry) + np.sum(ys * ys)

    return f


def names(program):
    return [node.name for node in program.nodes]


@pytest.mark.parametrize("checkpoint", [False, 8])
def test_it_is_not_unrolled(checkpoint):
    f = loss(lambda step, init, xs: ag.scan(step, init, xs, checkpoint=checkpoint))
    w = np.ones(3) * 0.5
    assert names(ag.compile(f).ir(w, w)).count("call") == 1
    program = ag.compile(ag.value_and_grad(f, (0, 1))).ir(w, w)
    assert names(program).count("call") == 2
    assert len(program.nodes) < 60


def test_cotangents_that_nobody_wants_are_not_computed():
    def f(w, xs):
        return np.sum(ag.scan(lambda c, x: (np.sin(c * w + x), None), w, xs)[0])

    def results_of_the_way_back(argnums):
        nodes = ag.compile(ag.grad(f, argnums)).ir(np.ones(3), XS).nodes
        last = [node.number for node in nodes if node.name == "call"][-1]
        return len([node for node in nodes if node.name == "part" and node.operands[0] == last])

    assert results_of_the_way_back(0) == 2  # for the first carry, and for what is closed over
    assert results_of_the_way_back((0, 1)) == 3


def test_replays_agree_with_the_loop():
    w = R.normal(size=(5, 3))
    value, plain = ag.compile(loss(ag.scan)), loss(plain_scan)
    both, eager = (
        ag.compile(ag.value_and_grad(loss(ag.scan), (0, 1))),
        ag.value_and_grad(plain, (0, 1)),
    )
    for row in w:
        assert_same_bits(value(row, row), plain(row, row))
        assert_close(both(row, row), eager(row, row))


def flipping(scan):
    def f(w, xs):
        def step(c, x):
            c = c + x * w
            if c > 1.0:
                return c * w * 0.5, c
            if c < -1.0:
                return -c * w, c * w**2
            return c, c * c

        carry, ys = scan(step, 0.0, xs)
        return carry * np.sum(ys)

    return f


def test_branches_that_flip_in_replays_are_followed():
    found, expected = (ag.value_and_grad(flipping(s)) for s in (ag.scan, plain_scan))
    found = ag.compile(found)
    for k in range(16):
        w, xs = R.normal(), R.normal(size=12) * (k % 4)
        a, b = found(w, xs), expected(w, xs)
        assert a[0] == b[0]
        assert_close(a[1], b[1])


def hoisting(scan):
    def f(w, xs):
        def step(c, x):
            if c > 1.0:
                return c * np.exp(w), c  # computed from what is closed over alone
            return c + x, c * w

        return np.sum(scan(step, 0.0, xs)[1])

    return f


@pytest.mark.parametrize("donate", [(), "xs"])
def test_a_new_branch_that_reads_new_values_records_the_whole_function_again(donate):
    found, expected = (ag.value_and_grad(hoisting(s)) for s in (ag.scan, plain_scan))
    found = ag.compile(found, donate=donate)
    for scale in (0.01, 1.0, 0.01, 5.0):
        assert_close(found(0.3, np.ones(6) * scale), expected(0.3, np.ones(6) * scale))


def test_results_of_one_call_are_not_those_of_the_next():
    f = ag.compile(lambda w: ag.scan(lambda c, x: (c * w, c), w, length=4))
    first = f(np.ones(3))
    kept = [x.copy() for x in first]
    second = f(np.full(3, 2.0))
    assert_same_bits(list(first), kept)
    assert not np.shares_memory(first[1], second[1])


def test_threads_share_a_compiled_loop():
    f, plain = ag.compile(ag.grad(flipping(ag.scan))), ag.grad(flipping(plain_scan))
    inputs = [(R.normal(), R.normal(size=12)) for _ in range(8)]
    expected = [plain(*given) for given in inputs]
    failures = []

    def work():
        for _ in range(2):
            for given, right in zip(inputs, expected, strict=True):
                if abs(f(*given) - right) > 1e-12 * abs(right) + 1e-12:
                    failures.append(given)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_an_optimizer_runs_in_a_loop():
    def train(scan, w):
        def step(state, x):
            w, m = state
            g = ag.grad(lambda w: np.sum((w * x - 1.0) ** 2))(w)
            m = 0.9 * m + g
            return (w - 0.05 * m, m), np.sum(g * g)

        return scan(step, (w, 0.0 * w), XS)

    assert_same_bits(
        ag.compile(lambda w: train(ag.scan, w))(np.ones(3)), train(plain_scan, np.ones(3))
    )


def test_fuse_false_runs_the_loop_itself():
    calls = []

    def step(c, x):
        calls.append(1)
        return c + x, c

    with ag.use_settings(fuse=False):
        ag.scan(step, np.float64(0.0), np.ones(5))
    assert len(calls) == 5
