import json
from pathlib import Path

import numpy as np
import pytest

from anygrad import trees
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    adam,
    apply_if_finite,
    chain,
    clip_by_global_norm,
    evaluation_params,
    info,
    lookahead,
    masked,
    sgd,
)
from anygrad.optimizers.wrappers.wrapping import states_within
from tests.support import assert_close, forbid_host_copies, to_host

PEERS = Path(__file__).with_name("peers")
PROBLEM = json.loads(PEERS.joinpath("problem.json").read_text())
ROWS = [
    row
    for row in json.loads(PEERS.joinpath("optax.json").read_text())["trajectories"]
    if row["optimizer"] == "lookahead"
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["given"]))
def test_trajectories_of_optax(row):
    given = dict(row["given"])
    inner = sgd(given.pop("learning_rate"), momentum=given.pop("momentum", 0.0))
    optimizer = lookahead(inner, **given)
    params = {name: np.asarray(PROBLEM["start"][name]) for name in row["leaves"]}
    state = optimizer.init(params)
    for step in range(60):
        grads = {name: np.asarray(PROBLEM["gradients"][name][step]) for name in row["leaves"]}
        params, state = optimizer.step(params, grads, state)
        if str(step + 1) in row["points"]:
            slow = evaluation_params(params, state)
            for name in row["leaves"]:
                for got, kept in ((params, "points"), (slow, "slow")):
                    expected = row[kept][str(step + 1)][name]
                    # the promise of the library for double precision
                    np.testing.assert_allclose(got[name], expected, rtol=1e-12, atol=1e-12)


def test_there_are_rows():
    assert len(ROWS) >= 3


@pytest.mark.parametrize("donate", [False, True])
def test_steps_by_hand(xp, donate):
    optimizer = lookahead(sgd(0.5), sync_period=2, slow_step_size=0.25)
    params = {"w": xp.asarray([8.0]), "s": xp.asarray(-16.0)}
    state = optimizer.init(params)
    seen = []
    for _ in range(4):
        with forbid_host_copies():
            params, state = optimizer.step(params, params, state, donate=donate)
        seen.append(float(to_host(params["w"])[0]))
    # 4, 2 -> 8 + (2 - 8) / 4 = 6.5; 3.25, 1.625 -> 6.5 + (1.625 - 6.5) / 4
    assert seen == [4.0, 6.5, 3.25, 5.28125]
    assert_close(state["slow"], {"w": np.asarray([5.28125]), "s": np.asarray(-10.5625)})


def test_meeting_is_kept_in_half_precision(xp):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    # the optimizer keeps copies in float32, which have to follow
    params = xp.asarray([8.0, 1.0], dtype=xp.module.float16)
    wide = xp.asarray([8.0, 1.0], dtype=xp.float32)
    optimizer = lookahead(sgd(0.5, momentum=0.5), 2)
    state, other = optimizer.init(params), optimizer.init(wide)
    for _ in range(7):
        g = xp.asarray([0.25, -0.5], dtype=params.dtype)
        params, state = optimizer.step(params, g, state)
        wide, other = optimizer.step(wide, xp.astype(g, xp.float32), other)
    assert_close(xp.astype(params, xp.float32), wide, scale=2**13)  # float16 against float32


def test_meeting_of_a_left_out_step_is_left_out(xp):
    optimizer = chain(clip_by_global_norm(99.0, nonfinite="skip"), lookahead(sgd(1.0), 2))
    params = xp.asarray([8.0])
    state = optimizer.init(params)
    for g in (2.0, np.nan):
        params, state = optimizer.step(params, xp.asarray([g]), state)
    assert_close(params, np.asarray([6.0]))
    assert_close(state["lookahead"]["slow"], np.asarray([8.0]))


def test_optimizer_starts_anew_where_asked():
    optimizer = lookahead(adam(0.1), 2, reset_state=True)
    params = np.asarray([8.0])
    state = optimizer.init(params)
    steps = []
    for _ in range(5):
        params, state = optimizer.step(params, params, state)
        steps.append(int(state["inner"]["step"]))
    assert steps == [1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("keywords", "match"),
    [
        ({"sync_period": 0}, r"lookahead\(sync_period\): got 0; expected an integer >= 1"),
        ({"slow_step_size": 0.0}, r"lookahead\(slow_step_size\): got 0.0; .*in \(0, 1\]"),
        ({"slow_step_size": 1.5}, r"lookahead\(slow_step_size\): got 1.5; .*in \(0, 1\]"),
    ],
)
def test_numbers_are_checked(keywords, match):
    with pytest.raises(ArgumentError, match=match):
        lookahead(sgd(0.1), **keywords)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sgd(1.0, momentum=0.5),
        lambda: chain(clip_by_global_norm(9.0), sgd(1.0, momentum=0.5)),
        lambda: apply_if_finite(sgd(1.0, momentum=0.5), 9),
        lambda: masked(sgd(1.0, momentum=0.5), "w"),
    ],
)
def test_optimizer_is_not_started_anew_at_a_meeting_left_out(xp, make):
    optimizer = lookahead(make(), 2, reset_state=True)
    skipping = chain(clip_by_global_norm(99.0, nonfinite="skip"), optimizer)
    params = {"w": xp.asarray([8.0])}
    ends = []
    for values in ((2.0, np.nan), (2.0,), (2.0, 2.0)):
        p, state = params, skipping.init(params)
        for g in values:
            with forbid_host_copies():
                p, state = skipping.step(p, {"w": xp.asarray([g])}, state)
        ends.append((p, list(slots_of(state["lookahead"], "b")), state))
    assert_close(ends[0][0], trees.map(to_host, ends[1][0]))
    assert_close(ends[0][1], [{"w": np.asarray([2.0])}])
    assert_close(ends[2][1], [{"w": np.asarray([0.0])}])
    # the host does not know: its numbers start anew at each meeting
    assert int(info(ends[0][2]).step) == int(info(ends[2][2]).step) == 0


def slots_of(state, name):
    for part in states_within(state):
        if name in part:
            yield part[name]


@pytest.mark.parametrize("reset_state", [False, True])
@pytest.mark.parametrize("donate", [False, True])
def test_small_steps_in_half_precision_are_those_of_float32(xp, reset_state, donate):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    optimizer = lookahead(sgd(1e-4), 5, reset_state=reset_state)
    ends = []
    for dtype in (xp.module.float16, xp.float32):
        params = xp.asarray([1.0], dtype=dtype)
        state = optimizer.init(params)
        for _ in range(200):
            g = xp.asarray([1.0], dtype=dtype)
            params, state = optimizer.step(params, g, state, donate=donate)
        ends.append((xp.astype(params, xp.float32), state["slow"]))
    np.testing.assert_allclose(to_host(ends[0][0]), to_host(ends[1][0]), atol=2.0**-11)  # one half
    np.testing.assert_allclose(to_host(ends[0][1]), to_host(ends[1][1]), atol=1e-5)  # float32


def test_copies_of_a_meeting_left_out_stay(xp):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    skip = clip_by_global_norm(99.0, nonfinite="skip")
    optimizer = chain(skip, lookahead(sgd(1e-4), 2))
    params = xp.asarray([1.0], dtype=xp.module.float16)
    state = optimizer.init(params)
    for g in (1.0, np.nan):
        params, state = optimizer.step(params, xp.asarray([g], dtype=params.dtype), state)
    assert_close(state["lookahead"]["inner"]["master"], np.asarray([0.9999], dtype=np.float32))
