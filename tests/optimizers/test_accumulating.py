import numpy as np
import pytest

from anygrad import schedules, trees
from anygrad.errors import ArgumentError, ShapeError
from anygrad.optimizers import (
    accumulate,
    adam,
    chain,
    clip_by_global_norm,
    info,
    lookahead,
    polyak_sgd,
    sgd,
)
from tests.support import assert_close, forbid_host_copies, to_host

# sums and mean are exact: multiples of 1/64, four of them
GRADS = np.asarray([[0.25, -1.5, 3.0], [1.0, 0.5, -2.75], [-0.125, 2.0, 0.5], [0.0, -4.0, 1.25]])
START = [1.0, -2.0, -0.0]


def test_parameters_stay_to_the_bit_until_the_last_call(xp):
    optimizer = accumulate(adam(0.1), 4)
    params = {"w": xp.asarray(START), "s": xp.asarray(-0.0)}
    state = optimizer.init(params)
    before = trees.map(lambda p: to_host(p).tobytes(), params)
    for number, g in enumerate(GRADS[:3], 1):
        with forbid_host_copies():
            grads = {"w": xp.asarray(g), "s": xp.asarray(1.0)}
            params, state = optimizer.step(params, grads, state)
        assert trees.map(lambda p: to_host(p).tobytes(), params) == before
        assert int(state["micro_step"]) == number
        assert int(info(state).step) == 0
    params, state = optimizer.step(params, {"w": xp.asarray(GRADS[3]), "s": xp.asarray(1.0)}, state)
    assert trees.map(lambda p: to_host(p).tobytes(), params) != before
    assert (int(state["micro_step"]), int(info(state).step)) == (0, 1)
    assert_close(state["sum"], {"w": np.zeros(3), "s": np.asarray(0.0)})


@pytest.mark.parametrize("make", [lambda: sgd(0.5), lambda: adam(0.1)])
def test_step_is_that_of_the_large_batch_to_the_bit(xp, make):
    optimizer, whole = accumulate(make(), 4), make()
    params = expected = xp.asarray(START)
    state, other = optimizer.init(params), whole.init(params)
    for _ in range(3):
        for g in GRADS:
            params, state = optimizer.step(params, xp.asarray(g), state)
        expected, other = whole.step(expected, xp.asarray(GRADS.mean(axis=0)), other)
        assert to_host(params).tobytes() == to_host(expected).tobytes()
    assert_close(state["inner"], trees.map(to_host, other))


def test_mean_of_three_is_that_of_the_large_batch_to_rounding(xp):
    optimizer = accumulate(sgd(1.0), 3)
    params = xp.asarray(START)
    state = optimizer.init(params)
    rng = np.random.default_rng(3)
    grads = rng.normal(size=(3, 3))
    for g in grads:
        params, state = optimizer.step(params, xp.asarray(g), state)
    assert_close(params, np.asarray(START) - grads.mean(axis=0))


def test_half_precision_is_added_up_in_single(xp):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    half = xp.module.float16
    optimizer = accumulate(sgd(1.0), 4)
    params = xp.asarray([0.0], dtype=half)
    state = optimizer.init(params)
    assert state["sum"].dtype == xp.float32
    # 2048 + 1 is 2048 in float16; the sum of all is 2051, its mean 512.75, which float16 has not
    for g in (2048.0, 1.0, 1.0, 1.0):
        params, state = optimizer.step(params, xp.asarray([g], dtype=half), state)
    assert_close(state["inner"]["master"], np.asarray([-512.75], dtype=np.float32))
    assert params.dtype == half


def test_schedule_goes_on_once_in_a_step():
    optimizer = accumulate(sgd(schedules.step(1.0, 0.5, 1)), 2)
    params = np.asarray([0.0])
    state = optimizer.init(params)
    seen = []
    for _ in range(6):
        params, state = optimizer.step(params, np.asarray([1.0]), state)
        seen.append(float(params[0]))
    assert seen == [0.0, -1.0, -1.0, -1.5, -1.5, -1.75]


def test_mean_of_the_values_goes_on(xp):
    optimizer = accumulate(polyak_sgd(max_learning_rate=10.0), 2)
    params = xp.asarray([1.0, 1.0])
    state = optimizer.init(params)
    for value in (4.0, xp.asarray(10.0)):
        params, state = optimizer.step(params, xp.asarray([1.0, 1.0]), state, value=value)
    # 1 - value / |g|^2, with the mean of both values
    assert_close(params, np.asarray([-2.5, -2.5]))


def test_calls_that_are_left_out_do_not_count_in_the_mean(xp):
    optimizer = chain(clip_by_global_norm(100.0, nonfinite="skip"), accumulate(sgd(1.0), 3))
    params = xp.asarray([0.0])
    state = optimizer.init(params)
    for g in (1.0, np.nan, 3.0):
        params, state = optimizer.step(params, xp.asarray([g]), state)
    assert_close(params, np.asarray([-2.0]))


def test_step_of_nothing_is_left_out(xp):
    skip = clip_by_global_norm(100.0, nonfinite="skip")
    optimizer = chain(skip, accumulate(sgd(1.0, momentum=0.5), 2))
    params = xp.asarray([0.0])
    state = optimizer.init(params)
    for g in (1.0, 1.0, np.inf, np.nan):
        params, state = optimizer.step(params, xp.asarray([g]), state)
    assert_close(params, np.asarray([-1.0]))
    assert_close(state["accumulate"]["inner"]["b"], np.asarray([1.0]))


def test_donated_sums_are_written_in_place(xp):
    optimizer = accumulate(sgd(1.0), 2)
    params = xp.module.asarray(xp.asarray(START), copy=True)
    state = optimizer.init(params)
    memory = state["sum"]
    for g in GRADS:
        params, state = optimizer.step(params, xp.asarray(g), state, donate=True)
        assert state["sum"] is memory or not xp.writable
    assert_close(params, np.asarray(START) - (GRADS.sum(axis=0)) / 2)


def test_one_step_of_one_call_is_the_transform(xp):
    params = xp.asarray(START)
    one, plain = accumulate(adam(0.1), 1), adam(0.1)
    got, _ = one.step(params, xp.asarray(GRADS[0]), one.init(params))
    assert_close(got, to_host(plain.step(params, xp.asarray(GRADS[0]), plain.init(params))[0]))


def test_wrappers_around_count_calls_and_inside_count_steps():
    inside, around = accumulate(lookahead(sgd(1.0), 2), 3), lookahead(accumulate(sgd(1.0), 3), 2)
    params = np.asarray([0.0])
    for optimizer, expected in ((inside, 2), (around, 6)):
        state, p = optimizer.init(params), params
        for _ in range(6):
            p, state = optimizer.step(p, np.asarray([1.0]), state)
        ahead = state["inner"] if optimizer is inside else state
        assert int(ahead["count"]) == expected


@pytest.mark.parametrize("steps", [0, 1.5, True])
def test_steps_are_checked(steps):
    with pytest.raises(ArgumentError, match=r"accumulate\(steps\): got .*expected an integer >= 1"):
        accumulate(sgd(1.0), steps)


@pytest.mark.parametrize("steps", [1, 3])
def test_values_make_the_step_of_the_large_batch(xp, steps):
    optimizer, whole = accumulate(polyak_sgd(), steps), polyak_sgd()
    params = expected = {"w": xp.asarray(START)}
    state, other = optimizer.init(params), whole.init(params)
    values = np.asarray([0.5, 1.25, 2.0])
    for _ in range(2):
        for value, g in zip(values[:steps], GRADS, strict=False):
            with forbid_host_copies():
                grads = {"w": xp.asarray(g)}
                params, state = optimizer.step(params, grads, state, value=xp.asarray(value))
        grads = {"w": xp.asarray(GRADS[:steps].mean(axis=0))}
        value = float(values[:steps].mean())
        expected, other = whole.step(expected, grads, other, value=value)
        assert_close(params, trees.map(to_host, expected))
    assert_close(state["value"], np.asarray(0.0))


@pytest.mark.parametrize("bad", [np.nan, 1.0])
def test_value_of_a_call_left_out_does_not_count(xp, bad):
    skip = clip_by_global_norm(100.0, nonfinite="skip")
    optimizer = chain(skip, accumulate(polyak_sgd(max_learning_rate=10.0), 3))
    params = xp.asarray([0.0])
    state = optimizer.init(params)
    for g, value in ((1.0, 2.0), (np.nan, bad), (1.0, 4.0)):
        params, state = optimizer.step(params, xp.asarray([g]), state, value=value)
    assert_close(params, np.asarray([-3.0]))


def test_value_of_a_batch_is_refused():
    optimizer = accumulate(polyak_sgd(), 2)
    params = np.asarray([0.0])
    with pytest.raises(ShapeError, match=r"accumulate.step\(value\): got shape \(2,\); .*its mean"):
        optimizer.step(params, params, optimizer.init(params), value=np.ones(2))


def test_updates_of_single_numbers_are_arrays(xp):
    optimizer = accumulate(sgd(1.0), 2)
    params = xp.asarray(1.0)
    state = optimizer.init(params)
    for _ in range(2):
        updates, state = optimizer.update(xp.asarray(1.0), state, params)
        assert type(updates) is type(params)
        assert updates.dtype == params.dtype
