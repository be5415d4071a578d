"""Trees whose leaves lie on two devices: each is computed where it lies, and little is moved."""

import contextlib
from unittest import mock

import numpy as np
import pytest

from anygrad import clipping, trees
from tests.optimizers.devices.counted import STEPS, leaves_of, loss_for, on_gpu
from tests.support import to_host

pytestmark = pytest.mark.usefixtures("lookalike")


@contextlib.contextmanager
def moving():
    """The devices between which arrays are copied inside the block, and their shapes."""
    from tests.support.lookalike_cupy.arrays import ndarray
    from tests.support.lookalike_cupy.devices import current_id

    found, copy = [], ndarray.copy

    def noted(self, *args, **keywords):
        if self.device.id != current_id():
            found.append((self.device.id, current_id(), self.shape))
        return copy(self, *args, **keywords)

    with mock.patch.object(ndarray, "copy", noted):
        yield found


def spread(tree):
    """Leaves on the first and the second device in turn."""
    return {name: on_gpu(x, k % 2) for k, (name, x) in enumerate(tree.items())}


def grads_of(params, step=0):
    return {name: 0.3 * p - 0.1 * (step + 1) for name, p in params.items()}


def assert_spread(tree):
    assert [x.device.id for x in tree.values()] == [k % 2 for k in range(len(tree))]


def run(make, params, place, steps=4):
    """Parameters after some steps, and what the last ones moved."""
    optimizer, moved = make(), []
    given = place(params)
    state = optimizer.init(given)
    for step in range(steps):
        with moving() as found:
            given, state = optimizer.step(
                given, place(grads_of(params, step)), state, **loss_for(optimizer)
            )
        moved.append(found)
    return given, state, moved


@pytest.mark.parametrize("name", STEPS)
def test_steps_on_two_devices_equal_those_on_one_to_the_bit(name):
    few, many = leaves_of(6), leaves_of(14)
    one, one_state, nothing = run(STEPS[name], many, on_gpu)
    two, two_state, moved = run(STEPS[name], many, spread)
    assert_spread(two)
    assert not any(nothing)
    for a, b in zip(trees.leaves((one, one_state)), trees.leaves((two, two_state)), strict=True):
        assert to_host(a).tobytes() == to_host(b).tobytes()
    # as often for many leaves as for few
    _, _, of_few = run(STEPS[name], few, spread)
    assert list(map(len, moved)) == list(map(len, of_few))
    assert all(shape in ((), (7,)) for found in moved for _, _, shape in found)


@pytest.mark.parametrize("name", ["clip_by_global_norm + adam", "monitored adam", "lamb"])
def test_updates_lie_where_their_leaves_do(name):
    params = leaves_of(6)
    optimizer, given = STEPS[name](), spread(params)
    updates, _ = optimizer.update(spread(grads_of(params)), optimizer.init(given), given)
    assert_spread(updates)
    donated, _ = optimizer.step(given, spread(grads_of(params)), optimizer.init(given), donate=True)
    assert_spread(donated)
    wanted, _ = optimizer.step(
        on_gpu(params), on_gpu(grads_of(params)), optimizer.init(on_gpu(params))
    )
    assert all(np.array_equal(to_host(donated[k]), to_host(wanted[k])) for k in params)


# peaks and sums of squares come, the power of two goes; divisor and factor of the scale go
CLIPS = {
    "global_norm": (clipping.global_norm, 3),
    "global_norm, p = 1": (lambda g: clipping.global_norm(g, ord=1), 3),
    "global_norm, p = 3": (lambda g: clipping.global_norm(g, ord=3), 5),
    "global_norm, p = inf": (lambda g: clipping.global_norm(g, ord=float("inf")), 3),
    "clip_by_global_norm": (lambda g: clipping.clip_by_global_norm(g, 0.5), 5),
    "normalize": (clipping.normalize, 5),
    "zero": (lambda g: clipping.clip_by_global_norm(g, 0.5, nonfinite="zero"), 6),
    "skip": (lambda g: clipping.clip_by_global_norm(g, 0.5, nonfinite="skip"), 6),
    "clip_by_norm": (lambda g: clipping.clip_by_norm(g, 0.5), 0),
    "clip_by_block_rms": (lambda g: clipping.clip_by_block_rms(g, 0.5), 0),
    "clip_by_value": (lambda g: clipping.clip_by_value(g, 0.5), 0),
    "normalize_leaves": (clipping.normalize_leaves, 0),
    "clip_adaptively": (lambda g: clipping.clip_adaptively(g, g, 0.1), 0),
    "measure": (lambda g: clipping.measure(g, 0.5).finite, 3),
}


@pytest.mark.parametrize("name", CLIPS)
def test_clips_move_a_value_once_for_a_device(name):
    clip, moves = CLIPS[name]
    for count in (4, 12):
        grads = leaves_of(count)
        with moving() as found:
            two = clip(spread(grads))
        assert len(found) == moves, found
        one = clip(on_gpu(grads))
        for a, b in zip(trees.leaves(one), trees.leaves(two), strict=True):
            assert to_host(a).tobytes() == to_host(b).tobytes()


def test_the_first_bad_leaf_is_found_with_one_copy():
    flags = {f"x{k}": np.asarray(k != 9) for k in range(12)}
    with moving() as found:
        assert clipping.first_bad(spread(flags)) == "x9"
    assert len(found) == 1


def test_what_is_moved_together_has_one_dtype():
    grads = leaves_of(4) | {"x": np.float32([3.0]), "y": np.float32([4.0])}
    assert to_host(clipping.global_norm(spread(grads))) == to_host(
        clipping.global_norm(on_gpu(grads))
    )


def test_a_copy_lasts_no_longer_than_what_it_was_made_for(lookalike):
    from anygrad.trees.placing import copied_once, move

    x, there = on_gpu(np.asarray([1.0])), on_gpu(np.asarray([0.0]), 1)
    with moving() as found:
        with copied_once():
            with copied_once():
                first = move(x, there)
            assert move(x, there) is first
        x += 1.0
        second = move(x, there)
    assert len(found) == 2
    assert to_host(second) == 2.0
