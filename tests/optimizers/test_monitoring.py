import numpy as np
import pytest

from anygrad import trees
from anygrad.backends import device_of
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    adam,
    apply_if_finite,
    chain,
    clip_by_global_norm,
    clip_by_norm,
    info,
    monitored,
    sgd,
)
from tests.support import HiddenHostCopy, assert_close, forbid_host_copies, to_host


def make(xp):
    return {"decoder": {"w": xp.asarray([3.0, 0.0]), "b": xp.asarray(4.0)}, "empty": xp.zeros((0,))}


def gradients(xp, bad=0.0):
    w = xp.asarray([6.0, bad])
    return {"decoder": {"w": w, "b": xp.asarray(-8.0)}, "empty": xp.zeros((0,))}


def test_norms_by_hand(xp):
    optimizer = monitored(chain(clip_by_global_norm(5.0), sgd(0.5)))
    params = make(xp)
    state = optimizer.init(params)
    told = info(state)
    norms = (told.norm, told.param_norm, told.update_norm)
    assert_close(norms, (np.asarray(0.0),) * 3)
    with forbid_host_copies():
        params, state = optimizer.step(params, gradients(xp), state)
        told = info(state)
    # gradients 10, parameters 5, updates 0.5 * 5
    norms = (told.norm, told.param_norm, told.update_norm)
    assert_close(norms, (np.asarray(10.0), np.asarray(5.0), np.asarray(2.5)))
    assert all(device_of(norm) == xp.device for norm in norms)
    assert_close(told.finite, trees.map(lambda p: np.asarray(True), params))
    assert told.first_bad() is None
    assert bool(to_host(told.clipped)) is True
    assert_close(told.scale, np.asarray(0.5))


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_first_bad_leaf_is_named(xp, bad):
    optimizer = monitored(apply_if_finite(sgd(0.5), 5))
    params = make(xp)
    with forbid_host_copies():
        _, state = optimizer.step(params, gradients(xp, bad), optimizer.init(params))
        told = info(state)
    assert told.first_bad() == "decoder/w"
    assert_close(told.finite["decoder"], {"b": np.asarray(True), "w": np.asarray(False)})
    assert_close(told.update_norm, np.asarray(0.0))
    assert not np.isfinite(to_host(told.norm))


def test_only_first_bad_waits_for_the_device(xp):
    if xp.name not in ("strict", "cupy-lookalike"):
        pytest.skip(f"{xp.name} has no stand-in that notices")
    optimizer = monitored(sgd(0.5))
    state = optimizer.init(make(xp))
    with forbid_host_copies():
        assert info(state).clipped is None
        with pytest.raises(HiddenHostCopy):
            info(state).first_bad()


@pytest.mark.parametrize("clip", [clip_by_global_norm(9.0), clip_by_norm(7.0)])
def test_clips_tell_the_bad_leaf_too(xp, clip):
    optimizer = chain(clip, adam(0.1))
    params = make(xp)
    state = optimizer.init(params)
    assert info(state).first_bad() is None
    _, state = optimizer.step(params, gradients(xp, np.nan), state)
    assert info(state).first_bad() == "decoder/w"


def test_clipped_is_told_from_the_scale(xp):
    params = make(xp)
    for clip, expected in (
        (clip_by_global_norm(9.0), True),
        (clip_by_global_norm(11.0), False),
        (clip_by_norm(7.0), True),
        (clip_by_norm(8.5), False),
    ):
        optimizer = chain(clip, sgd(0.1))
        state = optimizer.init(params)
        assert bool(to_host(info(state).clipped)) is False
        _, state = optimizer.step(params, gradients(xp), state)
        with forbid_host_copies():
            clipped = info(state).clipped
        assert bool(to_host(clipped)) is expected
        assert clipped.shape == ()
        assert device_of(clipped) == xp.device
        assert_close(info(state).norm, np.asarray(10.0))


def test_without_flags_there_is_no_bad_leaf():
    with pytest.raises(ArgumentError, match=r"Info.first_bad\(\): got .*Put monitored"):
        info(adam(0.1).init(np.ones(2))).first_bad()


def test_parameters_named_like_measurements_are_none():
    params = {name: np.ones(1) for name in ("norm", "finite", "scale", "inner", "norms")}
    told = info(monitored(sgd(0.1, momentum=0.9)).init(params))
    assert (told.scale, told.norms, told.clipped) == (None, None, None)
    assert told.norm.shape == ()
    assert set(told.finite) == set(params)
