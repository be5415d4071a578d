"""Schedules within compiled functions: asked in every run, without another recording."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError
from tests.compiler.loops import assert_same_bits

RATES = {
    "cosine": ag.schedules.cosine(0.1, 10),
    "joined": ag.schedules.constant(0.5).then(ag.schedules.linear(0.5, 0.0, 4), after=3),
    "of a function": ag.schedules.Schedule("halves", lambda step: 0.5**step),
}


@pytest.mark.parametrize("as_step", [int, np.asarray, np.int64])
@pytest.mark.parametrize("name", RATES)
def test_a_step_that_changes_is_not_recorded_anew(name, as_step):
    def descend(x, step):
        rate = RATES[name](step)
        return x - rate * np.sign(x), rate

    compiled = ag.compile(descend)
    for k in range(12):
        x = np.asarray([1.0, -2.0], np.float32) * k
        assert_same_bits(compiled(x, as_step(k)), descend(x, as_step(k)))
    assert compiled.counts()[1] <= 3


def test_what_a_schedule_refuses_is_refused_in_every_run():
    compiled = ag.compile(lambda x, step: x * RATES["cosine"](step))
    for _ in range(3):
        compiled(np.ones(2), np.asarray(1))
        with pytest.raises(ArgumentError, match="cosine"):
            compiled(np.ones(2), np.asarray(-1))
