import numpy as np
import pytest

from anygrad import schedules, trees
from anygrad.errors import ArgumentError
from anygrad.optimizers import schedule_free_adamw, schedule_free_sgd
from tests.optimizers.test_peers import EVERY_ROW, difference, follow, label
from tests.support import assert_close

ROWS = [row for row in EVERY_ROW if "evaluation" in row and "precision" not in row]
BOTH = [schedule_free_sgd, schedule_free_adamw]
both = pytest.mark.parametrize("make", BOTH, ids=lambda make: make.__name__)


def average_of(y, state):
    """The point x to evaluate at, from parameters and state alone."""
    b1 = float(state["b1"][0])
    return trees.map(lambda y, z: (y - (1 - b1) * z) / b1, y, state["z"])


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_average_is_that_of_the_peer(row):
    for step, params, state in follow(row):
        if str(step) in row["evaluation"]:
            found = average_of(params, state)
            assert difference(found, row["evaluation"][str(step)]) <= 1e-12


@both
def test_average_before_the_first_step_is_the_start(make):
    y = {"w": np.asarray([1.0, -2.0])}
    assert_close(average_of(y, make(0.1, b1=0.7).init(y)), y)


@both
def test_average_has_equal_weights_at_a_constant_rate(make):
    optimizer = make(0.1, b1=0.6)
    y = np.asarray([1.0, -2.0])
    state, zs = optimizer.init(y), []
    for _ in range(5):
        y, state = optimizer.step(y, 2 * y, state)
        zs.append(state["z"])
        assert_close(average_of(y, state), np.mean(zs, axis=0))


def test_weights_follow_the_largest_rate():
    optimizer = schedule_free_sgd(schedules.step(0.4, 0.5, 1))  # 0.4, 0.2, 0.1
    y = np.asarray([1.0])
    state = optimizer.init(y)
    for _ in range(3):
        y, state = optimizer.step(y, y, state)
    assert_close(state["weight_sum"], np.asarray([3 * 0.4**2]))
    assert_close(state["max_learning_rate"], np.asarray([0.4]))


@both
def test_groups_share_b1_whatever_they_match(make):
    optimizer = make(0.1, b1=0.7, groups=[("*", {"learning_rate": 0.2})])
    y = {"w": np.asarray([1.0])}
    _, state = optimizer.step(y, y, optimizer.init(y))
    assert_close(state["b1"], np.asarray([0.7, 0.7]))


@both
@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"b1": 0.0}, r"\(b1\): got 0.0; expected a number in \(0, 1\)"),
        ({"b1": schedules.constant(0.9)}, r"\(b1\): got a schedule; expected a number"),
        ({"groups": [("w", {"b1": 0.5})]}, r"\(groups\): got b1=0.5 for 'w'; expected 0.9 for all"),
        ({"warmup_steps": -1}, r"\(warmup_steps\): got -1; expected an integer >= 0"),
    ],
)
def test_what_the_average_cannot_be_computed_with(make, keywords, message):
    with pytest.raises(ArgumentError, match=make.__name__ + message):
        make(0.1, **keywords)
