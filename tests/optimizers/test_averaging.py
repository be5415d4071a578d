import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    averaged,
    chain,
    clip_by_global_norm,
    evaluation_params,
    sgd,
    stochastic_weight_average,
)
from tests.support import assert_close, forbid_host_copies

# sgd(1.0) on these gradients goes through 2, 6, 4, 8
POINTS = [2.0, 6.0, 4.0, 8.0]
GRADS = [-2.0, -4.0, 2.0, -4.0]


def averages(xp, wrap, dtype=None, donate=False):
    """The average after each step, from 0."""
    optimizer = wrap(sgd(1.0))
    params = xp.asarray([0.0], dtype=dtype or xp.float64)
    state = optimizer.init(params)
    found = [xp.module.asarray(evaluation_params(params, state), copy=True)]
    for g, point in zip(GRADS, POINTS, strict=True):
        with forbid_host_copies():
            grads = xp.asarray([g], dtype=params.dtype)
            params, state = optimizer.step(params, grads, state, donate=donate)
        assert_close(params, [point])
        found.append(xp.module.asarray(evaluation_params(params, state), copy=True))
    return found


@pytest.mark.parametrize("donate", [False, True])
def test_debiased_average_is_the_one_from_zero_over_its_weight(xp, donate):
    # m = m / 2 + p / 2: 1, 3.5, 3.75, 5.875; over 1/2, 3/4, 7/8, 15/16
    found = averages(xp, lambda inner: averaged(inner, 0.5), donate=donate)
    assert_close(found, [[0.0], [2.0], [3.5 / 0.75], [3.75 / 0.875], [5.875 / 0.9375]])


def test_plain_average_starts_as_the_first_sample(xp):
    # 2, (2 + 6) / 2, (4 + 4) / 2, (4 + 8) / 2
    found = averages(xp, lambda inner: averaged(inner, 0.5, debias=False))
    assert_close(found, [[0.0], [2.0], [4.0], [4.0], [6.0]])


def test_every_second_step_is_a_sample(xp):
    found = averages(xp, lambda inner: averaged(inner, 0.75, every=2))
    # before the first sample the last parameters; 6; (6 * 0.75 + 8) / 1.75
    assert_close(found, [[0.0], [2.0], [6.0], [6.0], [12.5 / 1.75]])


def test_decay_of_zero_is_the_last_sample(xp):
    found = averages(xp, lambda inner: averaged(inner, 0.0))
    assert_close(found, [[0.0], *([point] for point in POINTS)])


def test_stochastic_weight_average_is_the_mean(xp):
    found = averages(xp, lambda inner: stochastic_weight_average(inner, 2))
    assert_close(found, [[0.0], [2.0], [6.0], [5.0], [6.0]])
    found = averages(xp, lambda inner: stochastic_weight_average(inner, 1, every=2))
    assert_close(found, [[0.0], [2.0], [2.0], [3.0], [3.0]])


def test_average_of_half_precision_is_kept_in_single(xp):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    optimizer = stochastic_weight_average(sgd(1.0), 1)
    params = xp.asarray([1024.0], dtype=xp.module.float16)
    state = optimizer.init(params)
    for _ in range(2):
        params, state = optimizer.step(params, xp.asarray([-1.0], dtype=params.dtype), state)
    # the mean of 1025 and 1026, which float16 rounds
    assert_close(state["average"], np.asarray([1025.5], dtype=np.float32))
    assert evaluation_params(params, state).dtype == params.dtype


def test_average_is_no_memory_of_the_parameters():
    optimizer = averaged(sgd(1.0), 0.5)
    params = np.asarray([0.0])
    state = optimizer.init(params)
    params += 1.0
    assert state["average"] == 0.0
    params, state = optimizer.step(params, np.asarray([-1.0]), state, donate=True)
    params += 1.0
    assert state["average"] == 2.0


def test_left_out_step_counts_with_parameters_as_they_stayed(xp):
    optimizer = chain(clip_by_global_norm(9.0, nonfinite="skip"), averaged(sgd(1.0), 0.5))
    params = xp.asarray([0.0])
    state = optimizer.init(params)
    for g in (-2.0, np.nan, -4.0):
        params, state = optimizer.step(params, xp.asarray([g]), state)
    # 2, 2, 6 with weights 1, 2, 4
    assert_close(evaluation_params(params, state), np.asarray([30.0 / 7.0]))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: averaged(sgd(1.0), 1.0), r"averaged\(decay\): got 1.0; .*in \[0, 1\)"),
        (lambda: averaged(sgd(1.0), every=0), r"averaged\(every\): got 0; .*>= 1"),
        (lambda: stochastic_weight_average(sgd(1.0), 0), r"average\(start\): got 0; .*>= 1"),
        (lambda: stochastic_weight_average(sgd(1.0), 1, 0), r"average\(every\): got 0; .*>= 1"),
    ],
)
def test_numbers_are_checked(make, match):
    with pytest.raises(ArgumentError, match=match):
        make()


def test_left_out_step_counts_with_the_copies_in_float32(xp):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    skip = clip_by_global_norm(9.0, nonfinite="skip")
    optimizer = chain(skip, stochastic_weight_average(sgd(1e-4), 1))
    params = xp.asarray([1.0], dtype=xp.module.float16)
    state = optimizer.init(params)
    for g in (1.0, np.nan, np.nan):
        params, state = optimizer.step(params, xp.asarray([g], dtype=params.dtype), state)
    average = state["stochastic_weight_average"]["average"]
    assert_close(average, np.asarray([0.9999], dtype=np.float32))
