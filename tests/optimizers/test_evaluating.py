import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    accumulate,
    adam,
    asgd,
    averaged,
    chain,
    clip_by_global_norm,
    evaluation_params,
    freeze,
    from_formula,
    lookahead,
    masked,
    monitored,
    schedule_free_adamw,
    schedule_free_sgd,
    sgd,
)
from anygrad.optimizers.slots import zeros
from tests.support import assert_close, forbid_host_copies, to_host


def make(xp):
    # named like what is looked for
    return {"average": xp.asarray([1.0, 2.0]), "z": {"slow": xp.asarray(3.0)}}


def run(optimizer, params, steps=3):
    state = optimizer.init(params)
    for _ in range(steps):
        params, state = optimizer.step(params, params, state)
    return params, state


def velocity(xp, g, v):
    return -g, v + g


@pytest.mark.parametrize(
    "optimizer",
    [
        adam(0.1),
        sgd(0.1),
        chain(clip_by_global_norm(1.0), adam(0.1)),
        accumulate(monitored(adam(0.1)), 2),
        from_formula(velocity, slots={"v": zeros}),
    ],
)
def test_others_have_the_parameters_themselves(xp, optimizer):
    params, state = run(optimizer, make(xp))
    assert evaluation_params(params, state) is params


@pytest.mark.parametrize(
    ("optimizer", "slot", "path"),
    [
        (averaged(adam(0.1), 0.9), "average", ()),
        (lookahead(adam(0.1)), "slow", ()),
        (asgd(0.1, t0=0), "average", ()),
        (chain(clip_by_global_norm(1.0), asgd(0.1, t0=0)), "average", ("asgd",)),
        (
            accumulate(chain(clip_by_global_norm(1.0), lookahead(adam(0.1))), 2),
            "slow",
            ("inner", "lookahead"),
        ),
        (monitored(averaged(chain(clip_by_global_norm(1.0), adam(0.1)))), "average", ("inner",)),
    ],
)
def test_slot_of_a_nested_state_is_found(xp, optimizer, slot, path):
    params, state = run(optimizer, make(xp))
    with forbid_host_copies():
        found = evaluation_params(params, state)
    for name in path:
        state = state[name]
    expected = {"average": state[slot]["average"], "z": {"slow": state[slot]["z"]["slow"]}}
    assert_close(found["average"], to_host(expected["average"]))
    assert_close(found["z"]["slow"], to_host(expected["z"]["slow"]))
    assert np.abs(to_host(found["average"]) - to_host(params["average"])).max() > 1e-3


@pytest.mark.parametrize("factory", [schedule_free_sgd, schedule_free_adamw])
def test_schedule_free_parameters_are_recovered(xp, factory):
    optimizer = factory(0.1, b1=0.75)
    params, state = run(optimizer, {"w": xp.asarray([1.0, -2.0])})
    y, z = to_host(params["w"]), to_host(state["z"]["w"])
    found = evaluation_params(params, state)
    assert_close(found, {"w": (y - 0.25 * z) / 0.75})
    assert_close(evaluation_params(params, {"schedule_free": state}), {"w": to_host(found["w"])})


def test_schedule_free_first_step_by_hand(xp):
    # z = 1 - 0.5; x = z for the first weight is all; y = b1 x + (1 - b1) z
    optimizer = schedule_free_sgd(0.5, b1=0.5)
    params = xp.asarray([1.0])
    params, state = optimizer.step(params, xp.asarray([1.0]), optimizer.init(params))
    assert_close(evaluation_params(params, state), np.asarray([0.5]))


def test_frozen_leaves_are_those_of_the_parameters(xp):
    for optimizer in (
        chain(freeze("z/*"), averaged(adam(0.1), 0.9)),
        masked(averaged(adam(0.1), 0.9), "average"),
    ):
        params, state = run(optimizer, make(xp))
        found = evaluation_params(params, state)
        assert found["z"]["slow"] is params["z"]["slow"]
        assert np.abs(to_host(found["average"]) - to_host(params["average"])).max() > 1e-3


def test_bare_array(xp):
    params, state = run(lookahead(sgd(0.5), 2), xp.asarray([8.0]), 3)
    # 4, 2 -> slow 5; 2.5
    assert_close(params, np.asarray([2.5]))
    assert_close(evaluation_params(params, state), np.asarray([5.0]))


def test_two_parts_are_refused():
    optimizer = averaged(lookahead(sgd(0.5), 2), 0.5)
    params, state = run(optimizer, np.asarray([8.0]), 1)
    with pytest.raises(ArgumentError, match=r"with 'average' and 'slow'; expected one part.*inner"):
        evaluation_params(params, state)
    assert_close(evaluation_params(params, state["inner"]), np.asarray([8.0]))


def test_what_is_no_state_is_refused():
    with pytest.raises(ArgumentError, match=r"evaluation_params\(state\): got 3; expected a dict"):
        evaluation_params(np.ones(1), 3)


def test_parts_for_different_leaves_are_put_together(xp):
    optimizer = chain(
        masked(schedule_free_sgd(0.1, b1=0.75), "average"),
        masked(schedule_free_adamw(0.1, b1=0.75), "z/*"),
    )
    params, state = run(optimizer, make(xp))
    alone = run(schedule_free_sgd(0.1, b1=0.75), {"average": make(xp)["average"]})
    found = evaluation_params(params, state)
    expected = evaluation_params(*alone)
    assert_close(found["average"], to_host(expected["average"]))
    assert np.abs(to_host(found["z"]["slow"]) - to_host(params["z"]["slow"])) > 1e-4


def test_advice_names_the_parts():
    optimizer = chain(clip_by_global_norm(1.0), asgd(0.1), lookahead(sgd(0.1)))
    params, state = run(optimizer, np.asarray([8.0]), 1)
    with pytest.raises(ArgumentError, match=r"meant: state\['asgd'\] or state\['lookahead'\]\."):
        evaluation_params(params, state)
