import inspect

import numpy as np
import pytest

from anygrad import schedules
from anygrad.backends import device_of
from anygrad.errors import ArgumentError
from anygrad.optimizers import (
    Info,
    adam,
    chain,
    clip_by_global_norm,
    from_formula,
    info,
    scale,
    sgd,
)
from tests.support import assert_close, forbid_host_copies


def test_tells_step_and_rate_of_the_last_step():
    optimizer = sgd(schedules.step(0.8, 0.5, 1))
    params = np.ones(1)
    state = optimizer.init(params)
    told = [info(state)]
    for _ in range(3):
        params, state = optimizer.step(params, params, state)
        told.append(info(state))
    assert [int(fact.step) for fact in told] == [0, 1, 2, 3]
    assert [float(fact.learning_rate) for fact in told] == [0.8, 0.8, 0.4, 0.2]
    assert (told[0].norm, told[0].scale) == (None, None)


def test_tells_norm_and_scale_of_a_chain_that_clips(xp):
    optimizer = chain(clip_by_global_norm(1.0), adam(0.1))
    params = {"norm": xp.asarray([1.0, 2.0]), "step": xp.asarray(3.0)}
    state = optimizer.init(params)
    assert_close(info(state).norm, np.asarray(0.0))
    assert_close(info(state).scale, np.asarray(1.0))
    grads = {"norm": xp.asarray([3.0, 0.0]), "step": xp.asarray(4.0)}
    with forbid_host_copies():
        _, state = optimizer.step(params, grads, state)
        told = info(state)
    assert_close(told.norm, np.asarray(5.0))
    assert_close(told.scale, np.asarray(0.2))
    assert device_of(told.norm) == device_of(told.scale) == xp.device
    assert_close((told.step, told.learning_rate), (np.asarray(1), np.asarray(0.1)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_norm_has_one_dtype_from_the_start(xp, dtype):
    optimizer = clip_by_global_norm(1.0)
    params = [xp.asarray(2.0, dtype=getattr(xp, dtype)), xp.zeros((0,), dtype=getattr(xp, dtype))]
    state = optimizer.init(params)
    _, after = optimizer.update(params, state, params)
    real = xp.float64 if dtype == "float64" else xp.float32
    facts = [told for s in (state, after) for told in (info(s).norm, info(s).scale)]
    assert [fact.dtype for fact in facts] == [real] * 4
    assert all(type(fact) is type(params[1]) for fact in facts)
    assert [fact.shape for fact in facts] == [()] * 4


def test_parameters_named_like_facts_are_no_facts():
    params = {"step": np.ones(1), "learning_rate": np.ones(1)}
    optimizer = chain(scale(0.5), sgd(0.1, momentum=0.9))
    assert int(info(optimizer.init(params)).step) == 0


def test_what_is_no_state_is_refused():
    with pytest.raises(ArgumentError, match=r"info\(state\): got 3; expected a dict"):
        info(3)


def test_state_without_facts_tells_none():
    assert info(scale(0.5).init(np.ones(1))) == Info()
    assert set(Info()) == {None}


@pytest.mark.parametrize(
    "formula", [lambda xp, g, v: (-g, v + g), lambda xp, g, norm: (-g, norm + g)]
)
def test_slots_that_look_like_parts_are_no_facts(formula):
    slots = list(inspect.signature(formula).parameters)[2:]
    optimizer = from_formula(formula, slots=slots, name="own")
    params = {"step": np.ones(2), "norm": np.ones(1), "learning_rate": np.ones(1)}
    assert info(chain(optimizer, scale(2.0)).init(params)) == Info()
    state = chain(clip_by_global_norm(1.0), optimizer).init(params)
    assert float(info(state).norm) == 0.0
    assert info(state).step is None
