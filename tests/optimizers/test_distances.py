import numpy as np
import pytest

from anygrad import trees
from anygrad.errors import ArgumentError
from anygrad.optimizers import chain, clip_by_global_norm, dog, dowg
from tests.support import assert_close, to_host

BOTH = [dog, dowg]
both = pytest.mark.parametrize("make", BOTH, ids=lambda make: make.__name__)
GROUPS = [("b", {"weight_decay": 0.0})]


def run(optimizer, params, state, steps):
    for _ in range(steps):
        params, state = optimizer.step(params, trees.map(lambda p: 2 * p, params), state)
    return params, state


@both
def test_norms_are_over_the_whole_tree(xp, make):
    apart = {"a": xp.asarray([1.0, -2.0]), "b": [xp.asarray(3.0)]}
    together = xp.asarray([1.0, -2.0, 3.0])
    optimizer = make()
    one, one_state = run(optimizer, apart, optimizer.init(apart), 5)
    other, other_state = run(optimizer, together, optimizer.init(together), 5)
    assert_close([*to_host(one["a"]), to_host(one["b"][0])], list(to_host(other)))
    for name in ("r", "n", "eta"):
        assert_close(one_state[name], to_host(other_state[name]))


@both
def test_squares_of_float32_do_not_overflow(make):
    params = np.asarray([3e30, 4e30], dtype=np.float32)
    optimizer = make()
    stepped, state = optimizer.step(params, params, optimizer.init(params))
    assert np.isfinite(stepped).all()
    assert 0 < state["eta"] < np.inf


@both
def test_decay_of_each_group_enters_the_norm(make):
    params = {"a": np.asarray([1.0, -2.0]), "b": np.asarray([3.0])}
    optimizer = make(weight_decay=0.5, groups=GROUPS)
    plain = make()
    grads = trees.map(lambda p: 2 * p, params)
    decayed = {"a": 2.5 * params["a"], "b": grads["b"]}
    got = optimizer.step(params, grads, optimizer.init(params))
    assert_close(got, plain.step(params, decayed, plain.init(params)))


@both
def test_groups_may_not_part_what_acts_on_the_whole_tree(make):
    with pytest.raises(ArgumentError, match=make.__name__ + r"\(groups\): got eps=0.1 for 'b'; .*"):
        make(groups=[("b", {"eps": 0.1})])


@pytest.mark.parametrize(
    ("init_step", "message"),
    [
        (0.1, r"dog\(init_step\): got 0.1; expected a pair .*'heuristic', 'distance'.*number > 0"),
        (("size", 0.1), r"dog\(init_step\): got \('size', 0.1\); expected a pair of one of"),
        (("distance", 0.0), r"dog\(init_step\): got 0.0; expected a number > 0"),
    ],
)
def test_first_step_that_is_none(init_step, message):
    with pytest.raises(ArgumentError, match=message):
        dog(init_step=init_step)


@both
def test_tree_without_leaves_stays(make):
    optimizer = make()
    assert optimizer.step({}, {}, optimizer.init({}))[0] == {}


@pytest.mark.parametrize("first", [0.0, np.nan], ids=["zero", "skipped"])
def test_first_rate_is_that_of_the_first_step_that_moves(xp, first):
    rate = dog(init_step=("learning_rate", 0.5))
    optimizer = chain(clip_by_global_norm(1e9, nonfinite="skip"), rate)
    params = xp.asarray([1.0])
    state = optimizer.init(params)
    for g in (first, first, 1.0):
        params, state = optimizer.step(params, xp.asarray([g]), state)
    assert_close(params, np.asarray([0.5]))
    params, state = optimizer.step(params, xp.asarray([1.0]), state)
    assert_close(params, np.asarray([0.5 - 0.5 / np.sqrt(2.0 + 1e-8)]))
