import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import device_of
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    adam,
    averaged,
    chain,
    clip_by_global_norm,
    dynamic_loss_scale,
    info,
    loss_scale,
    sgd,
)
from tests.support import assert_close, forbid_host_copies, to_host


def scales(xp, optimizer, finite):
    """The scale before each step, and after the last one."""
    params = xp.asarray([0.0], dtype=xp.float32)
    state = optimizer.init(params)
    found = [float(to_host(loss_scale(state)))]
    for good in finite:
        grads = xp.asarray([1.0 if good else np.inf], dtype=xp.float32)
        with forbid_host_copies():
            params, state = optimizer.step(params, grads, state)
        found.append(float(to_host(loss_scale(state))))
    assert loss_scale(state).dtype == xp.float32
    assert device_of(loss_scale(state)) == xp.device
    return found


def test_scale_falls_at_once_and_rises_after_the_period(xp):
    optimizer = dynamic_loss_scale(sgd(1.0), initial=8.0, period=3)
    found = scales(xp, optimizer, [1, 1, 0, 1, 1, 1, 1, 1, 1, 0])
    assert found == [8.0, 8.0, 8.0, 4.0, 4.0, 4.0, 8.0, 8.0, 8.0, 16.0, 8.0]


def test_scale_stays_within_its_limits(xp):
    optimizer = dynamic_loss_scale(
        sgd(1.0), initial=4.0, factor=4.0, period=1, minimum=2.0, maximum=32.0
    )
    assert scales(xp, optimizer, [1, 1, 1, 0, 0, 0]) == [4.0, 16.0, 32.0, 32.0, 8.0, 2.0, 2.0]


def test_gradients_arrive_divided(xp):
    optimizer = dynamic_loss_scale(sgd(1.0), initial=1024.0)
    params = {"w": xp.asarray([1.0, 2.0]), "b": xp.asarray(0.5)}
    grads = {"w": xp.asarray([1024.0, 512.0]), "b": xp.asarray(-2048.0)}
    stepped, _ = optimizer.step(params, grads, optimizer.init(params))
    assert_close(stepped, {"w": np.asarray([0.0, 1.5]), "b": np.asarray(2.5)})


def test_clip_inside_sees_gradients_as_they_are(xp):
    optimizer = dynamic_loss_scale(chain(clip_by_global_norm(2.5), sgd(1.0)), initial=1024.0)
    params = xp.asarray([0.0, 0.0])
    grads = xp.asarray([3.0 * 1024.0, 4.0 * 1024.0])
    stepped, state = optimizer.step(params, grads, optimizer.init(params))
    assert_close(info(state).norm, np.asarray(5.0))
    assert_close(stepped, np.asarray([-1.5, -2.0]))


@pytest.mark.parametrize("clips", [False, True])
def test_half_precision_is_divided_in_single(xp, clips):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    half = xp.module.float16
    inner = chain(clip_by_global_norm(1.0), sgd(1.0)) if clips else sgd(1.0)
    optimizer = dynamic_loss_scale(inner, initial=2.0**15)
    params = xp.asarray([0.0], dtype=half)
    # 2^-10 divided by 2^15 is 2^-25: in float16 it is 0
    grads = xp.asarray([2.0**-10], dtype=half)
    _, state = optimizer.step(params, grads, optimizer.init(params))
    inner_state = state["inner"]["sgd"] if clips else state["inner"]
    assert_close(inner_state["master"], np.asarray([-(2.0**-25)], dtype=np.float32))


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_overflow_leaves_out_the_step(xp, bad):
    optimizer = dynamic_loss_scale(adam(0.1), initial=8.0)
    params = xp.asarray([1.0, 2.0], dtype=xp.float32)
    state = optimizer.init(params)
    params, state = optimizer.step(params, params, state)
    m = to_host(state["inner"]["m"])
    grads = xp.asarray([1.0, bad], dtype=xp.float32)
    stepped, state = optimizer.step(params, grads, state)
    assert_close(stepped, to_host(params))
    assert_close(state["inner"]["m"], m)


def test_loss_that_is_scaled_trains_as_one_that_is_not():
    optimizer = dynamic_loss_scale(sgd(0.25), initial=2.0**20, period=2)
    params = expected = np.asarray([1.0, -2.0])
    state = optimizer.init(params)
    for _ in range(5):
        scale = loss_scale(state)
        grads = ag.grad(lambda p, scale=scale: scale * np.sum(p * p))(params)
        params, state = optimizer.step(params, grads, state)
        expected = expected - 0.25 * 2.0 * expected
    assert_close(params, expected)
    assert float(loss_scale(state)) == 2.0**22


def test_scale_is_found_in_a_nested_state():
    params = {"loss_scale": np.ones(1)}
    optimizer = averaged(chain(clip_by_global_norm(1.0), dynamic_loss_scale(adam(0.1))))
    assert float(loss_scale(optimizer.init(params))) == 2.0**15
    with pytest.raises(ArgumentError, match=r"loss_scale\(state\): got .* without a scale"):
        loss_scale(adam(0.1).init(params))
    with pytest.raises(ArgumentError, match=r"loss_scale\(state\): got 3 without a scale"):
        loss_scale(3)


@pytest.mark.parametrize(
    "keywords",
    [{"initial": 0.5}, {"factor": 1.0}, {"period": 0}, {"minimum": 0.0}, {"maximum": 0.5}],
)
def test_numbers_are_checked(keywords):
    (name,) = keywords
    with pytest.raises(ArgumentError, match=rf"dynamic_loss_scale\({name}\): got"):
        dynamic_loss_scale(sgd(0.1), **keywords)
