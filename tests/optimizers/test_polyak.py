import numpy as np
import pytest

from anygrad.errors import ArgumentError, ShapeError
from anygrad.optimizers import chain, clip_by_global_norm, polyak_sgd
from tests.support import assert_close, forbid_host_copies, to_host


def test_quadratic_is_minimised(xp):
    curvature, target = xp.asarray([1.0, 10.0, 3.0]), xp.asarray([0.5, -1.0, 2.0])
    optimizer = polyak_sgd(max_learning_rate=10.0)
    params = {"p": xp.zeros(3)}
    state = optimizer.init(params)
    for _ in range(150):
        away = params["p"] - target
        value = xp.sum(0.5 * curvature * away * away)
        with forbid_host_copies():
            params, state = optimizer.step(params, {"p": curvature * away}, state, value=value)
    assert np.abs(to_host(params["p"]) - to_host(target)).max() < 1e-3


@pytest.mark.parametrize("value", [2.0, np.float32(2.0), np.asarray(2.0)], ids=repr)
def test_value_may_be_a_number_or_an_array_of_the_host(xp, value):
    optimizer = polyak_sgd()
    params = xp.asarray([0.0, 0.0])
    grads = xp.asarray([4.0, 0.0])
    params, state = optimizer.step(params, grads, optimizer.init(params), value=value)
    assert_close(params, np.asarray([-0.5, 0.0]))
    assert_close(state["eta"], np.asarray(0.125))


def test_no_step_where_all_gradients_are_zero():
    optimizer = polyak_sgd()
    params = np.asarray([1.0])
    stepped, state = optimizer.step(params, 0 * params, optimizer.init(params), value=2.0)
    assert_close(stepped, params)
    assert_close(state["eta"], np.asarray(0.0))


def test_squares_of_float32_do_not_overflow():
    params = np.asarray([0.0], dtype=np.float32)
    grads = np.asarray([1e30], dtype=np.float32)
    optimizer = polyak_sgd()
    stepped, _ = optimizer.step(params, grads, optimizer.init(params), value=1e20)
    assert_close(stepped, np.asarray([-1e-10], dtype=np.float32))


def test_value_below_the_least_climbs_or_stands_still():
    params = np.asarray([1.0])
    for variant, expected in (("sps", 1.5), ("sps+", 1.0)):
        optimizer = polyak_sgd(f_min=1.0, variant=variant)
        stepped, _ = optimizer.step(params, 2 * params, optimizer.init(params), value=0.0)
        assert_close(stepped, np.asarray([expected]))


def test_value_reaches_it_through_a_chain():
    optimizer = chain(clip_by_global_norm(10.0), polyak_sgd())
    params = np.asarray([3.0, 4.0])
    stepped, _ = optimizer.step(params, 2 * params, optimizer.init(params), value=25.0)
    assert_close(stepped, np.asarray([1.5, 2.0]))


def test_value_that_is_missing_or_no_number():
    optimizer = polyak_sgd()
    params = np.asarray([1.0, 2.0])
    state = optimizer.init(params)
    with pytest.raises(ArgumentError, match=r"polyak_sgd.step\(value\): got nothing; .*value=loss"):
        optimizer.step(params, params, state)
    with pytest.raises(ShapeError, match=r"polyak_sgd.step\(value\): got shape \(2,\); expected"):
        optimizer.step(params, params, state, value=params)
