"""What ``scan`` keeps of a step for the next call, and what it does not."""

import gc
import threading
import weakref

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.scanning.steps import Step
from tests.compiler.loops import assert_same_bits, plain_scan

R = np.random.default_rng(0)
ROWS = R.normal(size=(5, 3))
WEIGHT = R.normal(size=3)
TABLE = {"rate": 0.5}


def of_globals(c, x):
    c = np.tanh(c * WEIGHT + x) * TABLE["rate"]
    return c, np.sum(c * c)


def branching(c, x):
    c = c * 0.9 + x if np.sum(c) > 0 else np.sin(c) - x
    return c, np.sum(c)


def factoring(c, x):
    try:
        lower = np.linalg.cholesky(np.eye(2) * x[0])
    except np.linalg.LinAlgError:
        lower = np.zeros((2, 2))
    return c + lower, np.sum(lower)


def drawing(c, x):
    return c + np.random.normal(), x  # noqa: NPY002


@pytest.fixture
def recordings(monkeypatch):
    """How often a step was run by Python."""
    found, record = [], Step.record
    monkeypatch.setattr(Step, "record", lambda *args: (found.append(0), record(*args))[1])
    return found


CALLS = {
    "values": lambda f, c: f(c),
    "gradient": lambda f, c: ag.grad(lambda c: np.sum(f(c)[1]))(c),
    "tangent": lambda f, c: ag.jvp(lambda c: np.sum(f(c)[1]), (c,), (c,)),
    "hessian": lambda f, c: ag.hessian(lambda c: np.sum(f(c)[1]))(c),
}


@pytest.mark.parametrize("checkpoint", [False, 2])
@pytest.mark.parametrize("name", CALLS)
def test_a_later_call_replays_and_sees_what_has_changed(name, checkpoint, recordings):
    call = CALLS[name]

    def scanned(c):
        return ag.scan(of_globals, c, ROWS, checkpoint=checkpoint)

    def looped(c):
        return plain_scan(of_globals, c, ROWS)

    call(scanned, np.ones(3))
    del recordings[:]
    for _ in range(3):
        start = R.normal(size=3)
        found, expected = call(scanned, start), call(looped, start)
        for a, b in zip(ag.trees.leaves(found), ag.trees.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    assert not recordings
    before = WEIGHT.copy()
    try:
        for change in (lambda: WEIGHT.__imul__(2.0), lambda: TABLE.update(rate=0.25)):
            change()
            found, expected = call(scanned, np.ones(3)), call(looped, np.ones(3))
            for a, b in zip(ag.trees.leaves(found), ag.trees.leaves(expected), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    finally:
        WEIGHT[:] = before
        TABLE["rate"] = 0.5


def test_other_ways_are_recorded_in_later_calls():
    for start in (np.ones(3), -np.ones(3) * 4.0, np.zeros(3)):
        for rows in (ROWS, -ROWS, ROWS[:2]):
            assert_same_bits(ag.scan(branching, start, rows), plain_scan(branching, start, rows))


def test_an_error_that_the_step_catches_is_one_of_its_ways():
    for rows in (np.asarray([[1.0], [-2.0], [3.0]]), np.asarray([[-1.0], [2.0]])):
        for _ in range(3):
            found = ag.scan(factoring, np.zeros((2, 2)), rows)
            assert_same_bits(found, plain_scan(factoring, np.zeros((2, 2)), rows))


def test_numbers_as_carry_keep_the_dtype_that_the_step_gives():
    step = lambda c, x: (c * x, c)
    for start in (1.0, 2.0, 1, 2):
        for rows in (np.ones(3, np.float32), np.ones(3)):
            found = ag.scan(step, start, rows)
            assert_same_bits(found, plain_scan(step, rows.dtype.type(start), rows))


def test_random_numbers_are_drawn_anew_in_each_call():
    found = [ag.scan(drawing, 0.0, np.ones(2))[0] for _ in range(4)]
    assert len(set(found)) == 4


def test_arrays_that_a_step_closes_over_are_let_go():
    def run():
        held = np.ones(3)
        weight = np.tile(held, 2)[:3]
        ag.scan(lambda c, x: (c * weight + x, None), held, ROWS)
        return weakref.ref(weight)

    found = [run() for _ in range(40)]
    gc.collect()
    assert sum(ref() is not None for ref in found) == 0


def test_a_traced_value_in_the_closure_is_differentiated_each_time():
    def loss(w, run):
        return np.sum(run(lambda c, x: (np.tanh(c * w + x), np.sum(c)), np.ones(3), ROWS)[0])

    for k in range(4):
        w = np.ones(3) * k
        expected = ag.grad(lambda w: loss(w, plain_scan))(w)
        np.testing.assert_allclose(ag.grad(lambda w: loss(w, ag.scan))(w), expected, rtol=1e-12)


def test_threads_share_what_is_kept():
    starts = R.normal(size=(8, 3))
    expected = [plain_scan(branching, start, ROWS) for start in starts]
    wrong = []

    def work(k):
        for _ in range(20):
            found = ag.scan(branching, starts[k], ROWS)
            wrong.extend([k] * (found[0].tobytes() != expected[k][0].tobytes()))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("fuse", [True, False])
def test_no_step_at_all_of_a_step_that_cannot_be_recorded(fuse):
    def step(c, x):
        return c * float(ag.value(c)[0]), {"sum": np.sum(c), "three": 3, "row": x}

    with ag.use_settings(fuse=fuse):
        carry, ys = ag.scan(step, np.ones(2), np.ones((0, 4), np.float32))
    assert carry.tolist() == [1.0, 1.0]
    assert {key: (y.shape, str(y.dtype)) for key, y in ys.items()} == {
        "sum": ((0,), "float64"),
        "three": ((0,), "int64"),
        "row": ((0, 4), "float32"),
    }
