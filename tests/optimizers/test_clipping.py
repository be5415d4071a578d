import numpy as np
import pytest

from anygrad import clipping, trees
from anygrad.errors import ArgumentError, NonFiniteError
from anygrad.optimizers import (
    chain,
    clip_adaptively,
    clip_by_block_rms,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_quantile,
    clip_by_value,
    clip_by_zscore,
    info,
    normalize,
    normalize_leaves,
    sgd,
)
from tests.support import assert_close, forbid_host_copies, to_host

VALUES = [[6.0, -8.0], [0.3, 0.0]]


FUNCTIONS = [
    (clip_by_value(0.5), lambda g, p: clipping.clip_by_value(g, 0.5)),
    (clip_by_value(0.5, low=-0.1), lambda g, p: clipping.clip_by_value(g, 0.5, low=-0.1)),
    (clip_by_norm(0.5), lambda g, p: clipping.clip_by_norm(g, 0.5)),
    (clip_by_norm(0.5, ord=1), lambda g, p: clipping.clip_by_norm(g, 0.5, ord=1)),
    (clip_by_block_rms(0.5), lambda g, p: clipping.clip_by_block_rms(g, 0.5)),
    (clip_by_global_norm(0.5), lambda g, p: clipping.clip_by_global_norm(g, 0.5)[0]),
    (
        clip_by_global_norm(0.5, ord=np.inf),
        lambda g, p: clipping.clip_by_global_norm(g, 0.5, ord=np.inf)[0],
    ),
    (clip_adaptively(0.1), lambda g, p: clipping.clip_adaptively(g, p, 0.1)),
    (clip_adaptively(0.1, eps=5.0), lambda g, p: clipping.clip_adaptively(g, p, 0.1, eps=5.0)),
    (normalize(), lambda g, p: clipping.normalize(g)[0]),
    (normalize(ord=1, eps=0.5), lambda g, p: clipping.normalize(g, ord=1, eps=0.5)[0]),
    (normalize_leaves(), lambda g, p: clipping.normalize_leaves(g)),
    (normalize_leaves(eps=0.5), lambda g, p: clipping.normalize_leaves(g, eps=0.5)),
]


@pytest.mark.parametrize(("transform", "function"), FUNCTIONS)
def test_transform_is_the_function(xp, transform, function):
    grads = [xp.asarray(value) for value in VALUES]
    params = [xp.zeros((2,)), xp.zeros((2,))]
    updates, _ = transform.update(grads, transform.init(params), params)
    expected = [to_host(leaf) for leaf in function(grads, params)]
    assert_close(updates, expected)
    optimizer = chain(transform, sgd(1.0))
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert_close(stepped, [-leaf for leaf in expected])


def test_gradients_are_clipped_on_the_device_where_they_lie(lookalike):
    # a pending scale that no formula takes up; copies of it would lie on the current device
    with lookalike.cuda.Device(1):
        there = lookalike.asarray([3.0, -4.0])
    grads = [there, lookalike.asarray([0.0])]
    skip = clip_by_global_norm(0.5, nonfinite="skip")
    for clip in (clip_by_global_norm(0.5), skip, chain(skip, skip)):
        state = clip.init(grads)
        updates, after = clip.update(grads, state, grads)
        assert [leaf.device.id for leaf in updates] == [1, 0]
        assert_close(updates, [np.asarray([0.3, -0.4]), np.asarray([0.0])])
        assert {leaf.device.id for leaf in trees.leaves([state, after])} == {1}


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_policies_of_the_function_hold(xp, bad):
    params = xp.zeros((2,))
    grads = xp.asarray([bad, 2.0])

    def stepped(policy):
        optimizer = chain(clip_by_global_norm(1.0, nonfinite=policy), sgd(1.0))
        return to_host(optimizer.step(params, grads, optimizer.init(params))[0])

    assert np.isnan(stepped("propagate")).all()
    assert stepped("zero").tolist() == [0.0, -1.0]
    assert stepped("skip").tolist() == [0.0, 0.0]
    with pytest.raises(NonFiniteError, match="in grads; expected finite"):
        stepped("raise")


def test_gradients_beyond_the_square_root_of_the_range_are_followed(xp):
    optimizer = chain(clip_by_global_norm(1.0), sgd(1.0))
    params = xp.zeros((2,), dtype=xp.float32)
    grads = xp.asarray([3e38, 3e38], dtype=xp.float32)
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert_close(stepped, np.full(2, -np.sqrt(0.5), dtype=np.float32))


MAKE = [
    *(clip_by_value, clip_by_norm, clip_by_global_norm, clip_by_block_rms, clip_adaptively),
    clip_by_zscore,
]


@pytest.mark.parametrize("make", MAKE)
def test_limit_is_checked_when_the_transform_is_made(make):
    with pytest.raises(
        ArgumentError, match=rf"{make.__name__}\(.*\): got 0.0; expected a number > 0"
    ):
        make(0.0)


def test_policy_is_checked_when_the_transform_is_made():
    with pytest.raises(ArgumentError, match=r"nonfinite\): got 'drop'"):
        clip_by_global_norm(1.0, nonfinite="drop")


@pytest.mark.parametrize(
    "make", [clip_by_quantile, clip_by_zscore, normalize, normalize_leaves, clip_by_norm]
)
def test_policy_is_one_of_four(make):
    required = {"max_norm": 1.0} if make is clip_by_norm else {}
    with pytest.raises(ArgumentError, match=rf"{make.__name__}\(nonfinite\): got 'drop'"):
        make(**required, nonfinite="drop")


def test_state_of_a_clip_of_each_leaf(xp):
    params = {"w": xp.zeros((2,)), "b": xp.zeros((1,)), "e": xp.zeros((0,))}
    clip = clip_by_norm(2.0)
    grads = {"w": xp.asarray([6.0, -8.0]), "b": xp.asarray([np.nan]), "e": xp.zeros((0,))}
    start = clip.init(params)
    with forbid_host_copies():
        _, state = clip.update(grads, start, params)
        told = info(state)
    assert_close(told.norms["w"], np.asarray(10.0))
    assert_close(told.scales["w"], np.asarray(0.2))
    flags = {"b": np.asarray(False), "e": np.asarray(True), "w": np.asarray(True)}
    assert_close(told.finite, flags)
    kinds = [(leaf.dtype, leaf.shape, type(leaf)) for leaf in trees.leaves(start)]
    assert [(leaf.dtype, leaf.shape, type(leaf)) for leaf in trees.leaves(state)] == kinds


def test_joint_norm_of_a_clip_of_each_leaf(xp):
    params = [xp.zeros((2,)), xp.zeros(())]
    grads = [xp.asarray([6.0, -8.0]), xp.asarray(24.0)]
    for clip, norm in ((clip_by_norm(2.0), 26.0), (clip_by_norm(2.0, ord=1), 38.0)):
        _, state = clip.update(grads, clip.init(params), params)
        assert_close(info(state).norm, np.asarray(norm))


def test_scale_of_normalized_gradients(xp):
    params = xp.zeros((2,))
    part = normalize(eps=3.0)
    _, state = part.update(xp.asarray([3.0, 4.0]), part.init(params), params)
    assert_close((info(state).norm, info(state).scale), (np.asarray(5.0), np.asarray(0.125)))


def test_first_bad_leaf_is_named_where_it_raises():
    params = {"a": np.zeros(2), "b": np.zeros(2)}
    grads = {"a": np.zeros(2), "b": np.asarray([1.0, np.nan])}
    for part in (
        normalize(nonfinite="raise"),
        normalize_leaves(nonfinite="raise"),
        clip_by_norm(1.0, nonfinite="raise"),
        clip_by_quantile(nonfinite="raise"),
        clip_by_zscore(nonfinite="raise"),
    ):
        with pytest.raises(NonFiniteError, match=rf"{part.name}\(grads\): got nan in grads\['b'\]"):
            part.update(grads, part.init(params), params)
