import numpy as np
import pytest

from anygrad import trees
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    adam,
    adamw,
    add_weight_decay,
    apply_if_finite,
    chain,
    clip_by_global_norm,
    freeze,
    info,
    masked,
    sgd,
)
from tests.support import assert_close, forbid_host_copies, to_host


def make(xp):
    return {
        "encoder": {"w": xp.asarray([3.0, -0.0]), "b": xp.asarray(1.0)},
        "head": [xp.asarray([1.0, 2.0]), xp.asarray([4.0])],
    }


def test_frozen_parameters_stay_to_the_bit(xp):
    optimizer = chain(freeze("encoder/*"), clip_by_global_norm(1.0), adamw(0.1))
    params = make(xp)
    stepped, state = optimizer.step(params, params, optimizer.init(params))
    before, after = to_host(params["encoder"]["w"]), to_host(stepped["encoder"]["w"])
    assert before.tobytes() == after.tobytes()
    assert_close(stepped["encoder"]["b"], np.asarray(1.0))
    assert trees.paths(state["adamw"]["m"]) == ["head/0", "head/1"]


def test_frozen_gradients_count_in_no_norm(xp):
    params = make(xp)
    for optimizer in (
        chain(freeze("encoder/*"), clip_by_global_norm(1.0), sgd(1.0)),
        chain(freeze("encoder/w"), freeze("encoder/b"), clip_by_global_norm(1.0), sgd(1.0)),
    ):
        _, state = optimizer.step(params, params, optimizer.init(params))
        assert_close(info(state).norm, np.asarray(21.0**0.5))


def test_what_stands_before_the_freeze_sees_everything(xp):
    optimizer = chain(clip_by_global_norm(1.0), freeze("encoder/*"), sgd(1.0))
    params = make(xp)
    stepped, state = optimizer.step(params, params, optimizer.init(params))
    norm = (21.0 + 10.0) ** 0.5
    assert_close(info(state).norm, np.asarray(norm))
    assert_close(stepped["head"][1], np.asarray([4.0 - 4.0 / norm]))


@pytest.mark.parametrize("parts", [(freeze("encoder/*"), adam(0.1)), (adam(0.1), freeze("e*"))])
def test_other_leaves_step_as_if_alone(xp, parts):
    params = make(xp)
    both, alone = chain(*parts), adam(0.1)
    state, other = both.init(params), alone.init(params["head"])
    stepped, heads = params, params["head"]
    for _ in range(3):
        with forbid_host_copies():
            stepped, state = both.step(stepped, stepped, state)
        heads, other = alone.step(heads, heads, other)
    assert_close(stepped["head"], trees.map(to_host, heads))
    assert_close(stepped["encoder"], trees.map(to_host, params["encoder"]))


def test_freezing_is_associative():
    params = make(np)
    a, b, c = freeze("encoder/w"), clip_by_global_norm(0.5), adam(0.1)
    flat = chain(a, b, c)
    expected, state = flat.step(params, params, flat.init(params))
    for nested in (chain(chain(a, b), c), chain(a, chain(b, c))):
        got, other = nested.step(params, params, nested.init(params))
        assert_close(got, expected)
        assert_close(other, state)


def test_transform_reaches_only_what_matches(xp):
    decay = masked(add_weight_decay(0.5), "*/w", "head/1")
    params = make(xp)
    grads = trees.map(xp.zeros_like, params)
    updates, _ = decay.update(grads, decay.init(params), params)
    expected = {
        "encoder": {"w": np.asarray([1.5, 0.0]), "b": np.asarray(0.0)},
        "head": [np.zeros(2), np.asarray([2.0])],
    }
    assert_close(updates, expected)


def test_masked_clip_scales_only_what_it_measures(xp):
    optimizer = chain(masked(clip_by_global_norm(1.0), "head/*"), sgd(1.0))
    params = make(xp)
    stepped, state = optimizer.step(params, params, optimizer.init(params))
    assert_close(info(state).norm, np.asarray(21.0**0.5))
    assert_close(stepped["encoder"]["b"], np.asarray(0.0))
    assert_close(stepped["head"][1], np.asarray([4.0 - 4.0 / 21.0**0.5]))


def test_skipped_step_of_a_masked_clip_skips_what_follows(xp):
    optimizer = chain(masked(clip_by_global_norm(1.0, nonfinite="skip"), "head/*"), sgd(1.0))
    params = make(xp)
    grads = {**params, "head": [xp.asarray([np.nan, 1.0]), xp.asarray([1.0])]}
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert_close(stepped["head"], trees.map(to_host, params["head"]))


@pytest.mark.parametrize("make_part", [freeze, lambda *names: masked(sgd(0.1), *names)])
def test_pattern_that_matches_nothing(make_part):
    with pytest.raises(
        ArgumentError, match=r"\(patterns\): got pattern 'encodr/\*', which matches no"
    ):
        chain(make_part("encodr/*"), sgd(0.1)).init(make(np))
    with pytest.raises(ArgumentError, match=r"\(patterns\): got nothing; expected patterns"):
        make_part()
    with pytest.raises(ArgumentError, match=r"\(patterns\): got 3; expected patterns"):
        make_part(3)


def test_skip_inside_a_mask_leaves_out_nothing_outside(xp):
    optimizer = chain(
        masked(sgd(0.1, momentum=0.9), "b"), masked(apply_if_finite(sgd(0.1), 3), "a")
    )
    params = {"a": xp.asarray([1.0]), "b": xp.asarray([1.0])}
    grads = {"a": xp.asarray([np.nan]), "b": xp.asarray([1.0])}
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert_close(stepped, {"a": np.asarray([1.0]), "b": np.asarray([0.9])})


def test_leaves_that_are_no_numbers_can_be_frozen():
    optimizer = chain(freeze("mask"), sgd(0.1))
    params = {"mask": np.asarray([True, False]), "w": np.ones(2)}
    grads = {"mask": np.asarray([False, False]), "w": np.ones(2)}
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert stepped["mask"].tolist() == [True, False]
