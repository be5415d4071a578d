import numpy as np
import pytest

from anygrad import clipping, trees
from anygrad.errors import ArgumentError, NonFiniteError
from anygrad.optimizers import chain, clip_by_global_norm, clip_by_norm, clip_by_value, sgd
from tests.support import assert_close, to_host

VALUES = [[6.0, -8.0], [0.3, 0.0]]


@pytest.mark.parametrize(
    ("transform", "function"),
    [
        (clip_by_value(0.5), lambda grads: clipping.clip_by_value(grads, 0.5)),
        (clip_by_norm(0.5), lambda grads: clipping.clip_by_norm(grads, 0.5)),
        (clip_by_global_norm(0.5), lambda grads: clipping.clip_by_global_norm(grads, 0.5)[0]),
    ],
)
def test_transform_is_the_function(xp, transform, function):
    grads = [xp.asarray(value) for value in VALUES]
    updates, _ = transform.update(grads, transform.init(grads), grads)
    expected = [to_host(leaf) for leaf in function(grads)]
    assert_close(updates, expected)
    optimizer = chain(transform, sgd(1.0))
    params = [xp.zeros((2,)), xp.zeros((2,))]
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


@pytest.mark.parametrize("make", [clip_by_value, clip_by_norm, clip_by_global_norm])
def test_limit_is_checked_when_the_transform_is_made(make):
    with pytest.raises(
        ArgumentError, match=rf"{make.__name__}\(.*\): got 0.0; expected a number > 0"
    ):
        make(0.0)


def test_policy_is_checked_when_the_transform_is_made():
    with pytest.raises(ArgumentError, match=r"nonfinite\): got 'drop'"):
        clip_by_global_norm(1.0, nonfinite="drop")
