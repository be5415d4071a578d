import numpy as np
import pytest

from anygrad import trees
from anygrad.errors import ArgumentError
from anygrad.optimizers import prodigy
from tests.support import assert_close, to_host


def test_estimate_is_over_the_whole_tree(xp):
    apart = {"a": xp.asarray([1.0, -2.0]), "b": [xp.asarray(3.0)]}
    together = xp.asarray([1.0, -2.0, 3.0])
    optimizer = prodigy(estim_lr0=0.01)
    results = []
    for params in (apart, together):
        state = optimizer.init(params)
        for _ in range(8):
            params, state = optimizer.step(params, trees.map(lambda p: 2 * p, params), state)
        results.append((params, state))
    (one, one_state), (other, other_state) = results
    assert_close([*to_host(one["a"]), to_host(one["b"][0])], list(to_host(other)))
    assert_close(one_state["d"], to_host(other_state["d"]))
    assert float(to_host(one_state["d"])) > 0.01  # it grows


def test_zero_gradients_at_the_start_leave_the_estimate():
    optimizer = prodigy(estim_lr0=0.01)
    params = np.asarray([1.0, -2.0])
    params, state = optimizer.step(params, 0 * params, optimizer.init(params))
    assert_close(params, np.asarray([1.0, -2.0]))
    assert_close(state["d_next"], np.asarray(0.01))
    for _ in range(8):
        params, state = optimizer.step(params, 2 * params, state)
    assert state["d"] > 0.01


def test_estimate_never_falls():
    optimizer = prodigy(estim_lr0=0.1)
    params, state = np.asarray([1.0]), optimizer.init(np.asarray([1.0]))
    last = 0.0
    for step in range(30):
        params, state = optimizer.step(params, 2 * params * (-1) ** step, state)
        assert state["d"] >= last
        last = state["d"]


def test_default_of_b3_follows_b2():
    params = np.asarray([1.0, -2.0])
    results = []
    for keywords in ({}, {"b3": None}, {"b3": 0.95**0.5}):
        optimizer = prodigy(b2=0.95, estim_lr0=0.01, **keywords)
        p, state = params, optimizer.init(params)
        for _ in range(5):
            p, state = optimizer.step(p, 2 * p, state)
        results.append((p, state))
    assert_close(results[1], results[0])
    assert_close(results[2], results[0])


def test_groups_may_decay_otherwise_but_not_learn_otherwise():
    prodigy(groups=[("b", {"weight_decay": 0.1})])
    with pytest.raises(ArgumentError, match=r"prodigy\(groups\): got learning_rate=0.5 for 'b'"):
        prodigy(groups=[("b", {"learning_rate": 0.5})])
    with pytest.raises(ArgumentError, match=r"prodigy\(b3\): got 1.0; expected a number in \[0, 1"):
        prodigy(b3=1.0)
