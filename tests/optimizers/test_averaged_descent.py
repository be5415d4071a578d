import numpy as np
import pytest

from anygrad import schedules
from anygrad.optimizers import asgd
from tests.optimizers.test_peers import EVERY_ROW, difference, follow, label
from tests.support import assert_close

ROWS = [row for row in EVERY_ROW if "average" in row]


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_average_is_that_of_the_peer(row):
    for step, _, state in follow(row):
        if str(step) in row["average"]:
            assert difference(state["average"], row["average"][str(step)]) <= 1e-12


def test_each_group_has_its_own_rate():
    optimizer = asgd(0.1, lambd=0.5, groups=[("b", {"learning_rate": 0.2, "lambd": 0.0})])
    params = {"a": np.asarray(1.0), "b": np.asarray(1.0)}
    state = optimizer.init(params)
    assert_close(state["eta"], np.asarray([0.1, 0.2]))
    _, state = optimizer.step(params, params, state)
    assert_close(state["eta"], np.asarray([0.1 / 1.05**0.75, 0.2]))


def test_rate_of_a_schedule_acts_one_step_late():
    optimizer = asgd(schedules.step(0.1, 0.5, 1), lambd=0.0)
    params = np.asarray([0.0])
    state = optimizer.init(params)
    steps = []
    for _ in range(3):
        update, state = optimizer.update(np.asarray([1.0]), state, params)
        steps.append(update.item())
    assert_close(steps, [-0.1, -0.1, -0.05])
