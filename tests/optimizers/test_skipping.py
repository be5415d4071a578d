import numpy as np
import pytest

from anygrad.backends import device_of
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    adam,
    apply_if_finite,
    chain,
    clip_by_global_norm,
    info,
    polyak_sgd,
    sgd,
)
from tests.support import assert_close, forbid_host_copies, to_host


def run(xp, optimizer, values):
    params = {"w": xp.asarray([0.0, 0.0]), "b": xp.asarray(0.0)}
    state = optimizer.init(params)
    for value in values:
        grads = {"w": xp.asarray([1.0, value]), "b": xp.asarray(1.0)}
        with forbid_host_copies():
            params, state = optimizer.step(params, grads, state)
    return params, state


def counts(state):
    return int(to_host(state["skipped"])), int(to_host(state["consecutive"]))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_bad_steps_are_left_out_and_counted(xp, bad):
    params, state = run(xp, apply_if_finite(sgd(1.0), 2), [1.0, bad, bad, 1.0, bad])
    assert_close(params, {"w": np.asarray([-2.0, -2.0]), "b": np.asarray(-2.0)})
    assert counts(state) == (3, 1)
    assert int(info(state).step) == 5
    assert device_of(state["skipped"]) == device_of(state["consecutive"]) == xp.device


def test_too_many_in_a_row_are_let_through(xp):
    optimizer = apply_if_finite(sgd(1.0), 2)
    params, state = run(xp, optimizer, [np.nan, np.nan])
    assert np.isfinite(to_host(params["w"])).all()
    params, state = run(xp, optimizer, [np.nan, np.nan, np.nan])
    assert_close(params["b"], np.asarray(-1.0))
    assert np.isnan(to_host(params["w"])[1])
    assert counts(state) == (2, 3)
    _, state = run(xp, optimizer, [np.nan] * 4)
    assert counts(state) == (2, 4)


def test_none_is_left_out_with_zero(xp):
    params, state = run(xp, apply_if_finite(sgd(1.0), 0), [np.nan])
    assert np.isnan(to_host(params["w"])[1])
    assert counts(state) == (0, 1)


def test_slots_stay(xp):
    _, before = run(xp, apply_if_finite(adam(0.1), 5), [1.0])
    _, after = run(xp, apply_if_finite(adam(0.1), 5), [1.0, np.inf])
    for slot in ("m", "v"):
        expected = {name: to_host(leaf) for name, leaf in before["inner"][slot].items()}
        assert_close(after["inner"][slot], expected)


def test_pending_scale_of_a_clip_in_front_is_kept(xp):
    optimizer = chain(clip_by_global_norm(1.0), apply_if_finite(sgd(1.0), 5))
    params, _ = run(xp, optimizer, [np.sqrt(2.0)])
    assert_close(params["w"], np.asarray([-0.5, -np.sqrt(0.5)]))


def test_number_is_checked():
    with pytest.raises(ArgumentError, match=r"apply_if_finite\(max_consecutive\): got -1; .*>= 0"):
        apply_if_finite(sgd(0.1), -1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("as_array", [False, True])
def test_value_that_is_not_finite_leaves_the_step_out(xp, bad, as_array):
    optimizer = apply_if_finite(polyak_sgd(), 1)
    params = xp.asarray([1.0])
    state = optimizer.init(params)
    for value in (bad, 0.5):
        if as_array:
            value = xp.asarray(value)
        with forbid_host_copies():
            params, state = optimizer.step(params, xp.asarray([1.0]), state, value=value)
    assert_close(params, np.asarray([0.5]))
    assert counts(state) == (1, 0)
