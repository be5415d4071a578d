import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anygrad import schedules, trees
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    adam,
    add_weight_decay,
    chain,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    scale,
    sgd,
)
from anygrad.optimizers.flow import Flow
from tests.support import assert_close

PARTS = [
    lambda: clip_by_global_norm(0.7),
    lambda: clip_by_global_norm(0.7, nonfinite="skip"),
    lambda: clip_by_norm(0.4),
    lambda: clip_by_value(0.3),
    lambda: scale(-0.5),
    lambda: scale(schedules.exponential(1.0, 0.5)),
    lambda: add_weight_decay(0.1),
    lambda: sgd(0.1, momentum=0.9),
    lambda: adam(0.1),
    lambda: chain(),
]
part = st.sampled_from(PARTS).map(lambda make: make())
PARAMS = {"w": np.asarray([1.0, -2.0]), "b": np.asarray(0.5)}


def run(optimizer, steps=3):
    params, state = PARAMS, optimizer.init(PARAMS)
    for _ in range(steps):
        params, state = optimizer.step(params, trees.map(lambda p: 0.5 * p - 1.0, params), state)
    return params, state


@settings(max_examples=40)
@given(part, part, part)
def test_chain_is_associative(a, b, c):
    flat = run(chain(a, b, c))
    assert_close(run(chain(a, chain(b, c))), flat)
    assert_close(run(chain(chain(a, b), c)), flat)


@settings(max_examples=40)
@given(part)
def test_empty_chain_is_neutral(a):
    alone = run(chain(a))
    assert_close(run(chain(chain(), a)), alone)
    assert_close(run(chain(a, chain())), alone)


@settings(max_examples=40)
@given(part, part)
def test_chain_is_one_after_the_other(a, b):
    grads = trees.map(lambda p: 0.5 * p - 1.0, PARAMS)
    first, _ = a.update(grads, a.init(PARAMS), PARAMS)
    second, _ = b.update(first, b.init(PARAMS), PARAMS)
    both = chain(a, b)
    assert_close(both.update(grads, both.init(PARAMS), PARAMS)[0], second)


def test_state_is_kept_by_part_name_without_empty_parts():
    optimizer = chain(scale(0.5), clip_by_value(9.0), clip_by_global_norm(1.0), adam(0.1))
    state = optimizer.init(PARAMS)
    assert sorted(state) == ["adam", "clip_by_global_norm"]
    assert sorted(run(optimizer)[1]) == ["adam", "clip_by_global_norm"]
    assert trees.paths(state) == [
        "adam/learning_rate",
        "adam/m/b",
        "adam/m/w",
        "adam/step",
        "adam/v/b",
        "adam/v/w",
        "clip_by_global_norm/finite/b",
        "clip_by_global_norm/finite/w",
        "clip_by_global_norm/norm",
        "clip_by_global_norm/scale",
    ]


def test_parts_of_one_name_are_numbered():
    decays = [schedules.exponential(1.0, 0.5), schedules.exponential(1.0, 0.9)]
    state = chain(scale(decays[0]), sgd(0.1), scale(decays[1])).init(PARAMS)
    assert list(state) == ["scale", "sgd", "scale_2"]


def test_saved_state_fits_a_chain_with_a_clip_put_in_front():
    before = chain(scale(1.0), adam(0.1))
    state = run(before)[1]
    after = chain(clip_by_global_norm(1e9), scale(1.0), adam(0.1))
    grads = {"w": np.asarray([0.1, 0.2]), "b": np.asarray(0.3)}
    assert_close(after.step(PARAMS, grads, state)[0], before.step(PARAMS, grads, state)[0])


def test_clip_in_a_chain_hands_on_a_scale_and_leaves_the_gradients_alone(xp):
    clip = clip_by_global_norm(1.0)
    grads = {"w": xp.asarray([6.0, 8.0]), "b": xp.asarray(0.0)}
    flow, state = clip.rule.advance(Flow(grads), clip.init(grads), grads, False, {})
    assert all(flow.updates[name] is grads[name] for name in grads)
    assert flow.scale is not None
    assert_close(state["scale"], np.asarray(0.1))


def test_two_clips_in_a_row_measure_what_the_first_left():
    optimizer = chain(clip_by_global_norm(5.0), clip_by_global_norm(1.0))
    params = np.zeros(2)
    updates, state = optimizer.update(np.asarray([6.0, 8.0]), optimizer.init(params), params)
    assert_close(updates, np.asarray([0.6, 0.8]))
    assert_close(state["clip_by_global_norm_2"]["norm"], np.asarray(5.0))


def test_part_that_is_no_transform_is_named():
    with pytest.raises(ArgumentError, match=r"chain\(parts\): got <function adam .* at position 1"):
        chain(sgd(0.1), adam)


def test_state_of_another_chain_is_refused():
    state = chain(scale(1.0), adam(0.1)).init(PARAMS)
    other = chain(scale(1.0), sgd(0.1))
    with pytest.raises(
        ArgumentError, match=r"chain\(state\): got a state of adam; expected one of"
    ):
        other.step(PARAMS, PARAMS, state)
    with pytest.raises(ArgumentError, match=r"sgd\(state\): got an empty state; expected step"):
        other.step(PARAMS, PARAMS, {})
    with pytest.raises(
        ArgumentError, match=r"chain\(state\): got None; expected one of scale, sgd"
    ):
        other.step(PARAMS, PARAMS, None)
