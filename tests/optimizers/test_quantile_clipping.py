import numpy as np
import pytest

from anygrad import trees
from anygrad.backends import device_of
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    accumulate,
    apply_if_finite,
    chain,
    clip_by_global_norm,
    clip_by_quantile,
    clip_by_zscore,
    dynamic_loss_scale,
    info,
    sgd,
)
from tests.support import assert_close, forbid_host_copies, to_host

NORMS = [4.0, 1.0, 9.0, 2.0, 6.0, 0.5, 7.0]


def run(xp, clip, norms, dtype=None):
    """Gradients of these norms: what is left of each, and the last state."""
    params = {"w": xp.zeros((2,), dtype=dtype or xp.float64), "b": xp.zeros((), dtype=dtype)}
    state = clip.init(params)
    lengths = []
    for norm in norms:
        w = xp.asarray([0.6 * norm, 0.0], dtype=params["w"].dtype)
        b = xp.asarray(-0.8 * norm, dtype=params["w"].dtype)
        with forbid_host_copies():
            updates, state = clip.update({"w": w, "b": b}, state, params)
        lengths.append(-float(to_host(updates["b"])) / 0.8)
    return lengths, state


@pytest.mark.parametrize("quantile", [0.0, 0.1, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("window", [1, 3, 100])
def test_limit_is_the_quantile_of_the_last_norms(xp, quantile, window):
    lengths, state = run(xp, clip_by_quantile(quantile, window=window), NORMS)
    limits = [
        np.quantile(NORMS[max(0, n - window) : n], quantile) for n in range(1, len(NORMS) + 1)
    ]
    expected = np.minimum(NORMS, limits)
    np.testing.assert_allclose(lengths, expected, rtol=1e-14)
    assert_close(state["threshold"], np.asarray(limits[-1]))
    assert_close(info(state).norm, np.asarray(7.0))
    assert state["history"].shape == (window,)
    assert device_of(state["history"]) == xp.device


@pytest.mark.parametrize("bad", [np.inf, np.nan])
@pytest.mark.parametrize("policy", ["propagate", "zero", "skip"])
def test_norm_that_is_not_finite_does_not_enter(xp, bad, policy):
    clip = clip_by_quantile(0.5, nonfinite=policy)
    lengths, _ = run(xp, clip, [4.0, bad, 2.0, 8.0])
    # of 4, 2, 8; under "zero" the bad one has norm 0 and enters
    np.testing.assert_allclose(lengths[2:], [2.0, 3.0] if policy == "zero" else [2.0, 4.0])
    assert np.isnan(lengths[1]) == (policy == "propagate")


@pytest.mark.parametrize("clip", [clip_by_quantile(0.5), clip_by_zscore(warmup=2)])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_one_bad_element_makes_all_nan_unless_told_otherwise(xp, clip, bad):
    params = [xp.zeros((2,)), xp.zeros(())]
    updates, _ = clip.update([xp.asarray([1.0, bad]), xp.asarray(1.0)], clip.init(params), params)
    assert all(np.isnan(to_host(leaf)).all() for leaf in updates)


def test_skipped_step_is_left_out(xp):
    optimizer = chain(clip_by_quantile(0.5, nonfinite="skip"), sgd(1.0, momentum=0.5))
    params = xp.asarray([0.0])
    state = optimizer.init(params)
    for g in (np.nan, -4.0, np.nan):
        params, state = optimizer.step(params, xp.asarray([g]), state)
    assert_close(params, np.asarray([4.0]))
    assert info(state).first_bad() == ""


def test_norm_beyond_the_dtype_is_brought_to_the_limit(xp):
    clip = clip_by_quantile(0.5)
    params = xp.zeros((2,), dtype=xp.float32)
    state = clip.init(params)
    for values in ([3.0, 4.0], [3e38, 3e38]):
        updates, state = clip.update(xp.asarray(values, dtype=xp.float32), state, params)
    assert np.isinf(to_host(info(state).norm))
    assert_close(updates, np.full(2, 5.0 / np.sqrt(2.0), dtype=np.float32))


@pytest.mark.parametrize(
    ("keywords", "match"),
    [
        ({"quantile": 1.5}, r"clip_by_quantile\(quantile\): got 1.5; .*\[0, 1\]"),
        ({"window": 0}, r"clip_by_quantile\(window\): got 0; .*>= 1"),
    ],
)
def test_numbers_are_checked(keywords, match):
    with pytest.raises(ArgumentError, match=match):
        clip_by_quantile(**keywords)


LEFT_OUT = {
    "apply_if_finite": lambda inner: apply_if_finite(inner, 9),
    "dynamic_loss_scale": lambda inner: dynamic_loss_scale(inner, initial=1.0),
    "skip": lambda inner: chain(clip_by_global_norm(1e9, nonfinite="skip"), inner),
}


@pytest.mark.parametrize("around", LEFT_OUT.values(), ids=LEFT_OUT)
@pytest.mark.parametrize("clip", [clip_by_quantile(0.5, window=2), clip_by_zscore(0.5, warmup=2)])
def test_step_that_is_left_out_from_outside_enters_nothing(xp, around, clip):
    optimizer = around(chain(clip, sgd(1.0)))
    params, ends = xp.asarray([0.0]), []
    for norms in ([np.nan, np.nan, 1.0, 2.0, np.nan, 4.0], [1.0, 2.0, 4.0]):
        p, state = params, optimizer.init(params)
        for norm in norms:
            with forbid_host_copies():
                p, state = optimizer.step(p, xp.asarray([norm]), state)
        own = state.get("inner", state)[clip.name]
        kept = ("history", "mean", "std", "seen", "threshold")
        ends.append((p, [own[name] for name in kept if name in own]))
    assert_close(ends[0], trees.map(to_host, ends[1]))


def test_first_norm_after_steps_left_out_is_the_limit(xp):
    optimizer = apply_if_finite(chain(clip_by_quantile(0.5), sgd(1.0)), 9)
    params = xp.asarray([0.0])
    state = optimizer.init(params)
    for g in (np.nan, np.nan, 1.0):
        params, state = optimizer.step(params, xp.asarray([g]), state)
    assert_close(params, np.asarray([-1.0]))


@pytest.mark.parametrize("clip", [clip_by_quantile(0.5), clip_by_zscore(warmup=2)])
def test_accumulated_step_of_nothing_enters_nothing(xp, clip):
    skip = clip_by_global_norm(1e9, nonfinite="skip")
    optimizer = chain(skip, accumulate(chain(clip, sgd(1.0)), 2))
    params = xp.asarray([0.0])
    state = optimizer.init(params)
    for g in (np.nan, np.nan, 1.0, np.nan):
        params, state = optimizer.step(params, xp.asarray([g]), state)
    assert float(to_host(state["accumulate"]["inner"][clip.name]["seen"])) == 1.0
