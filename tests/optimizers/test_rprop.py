"""What optax 0.2.8 does instead of Rprop, from the trajectories that it wrote."""

import json
from pathlib import Path

import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.optimizers import rprop
from tests.support import assert_close

FOLDER = Path(__file__).with_name("peers")
PROBLEM = json.loads((FOLDER / "problem.json").read_text())
DEFECTS = json.loads((FOLDER / "optax.json").read_text())["defects"]
ROWS = [row for row in DEFECTS if row["optimizer"] == "rprop"]
START = {leaf: np.asarray(value) for leaf, value in PROBLEM["start"].items()}
GRADIENTS = {leaf: np.asarray(values) for leaf, values in PROBLEM["gradients"].items()}


def steps_of(gradients, learning_rate, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0), *, late):
    """Rprop in plain NumPy; if late, each step applies the update of the step before."""
    size, update = np.full_like(gradients[0], learning_rate), np.zeros_like(gradients[0])
    for g in gradients:
        turned = -np.sign(g) * np.sign(update)
        grown = np.clip(size * np.where(turned > 0, etas[1], etas[0]), *step_sizes)
        size = np.where(turned == 0, size, grown)
        before, update = update, np.where(turned < 0, 0.0, -size * np.sign(g))
        yield np.where(turned < 0, 0.0, before) if late else update


def our_steps(gradients, **keywords):
    optimizer = rprop(**keywords)
    params = np.zeros_like(gradients[0])
    state = optimizer.init(params)
    for g in gradients:
        update, state = optimizer.update(g, state, params)
        yield update


def test_steps_of_four_gradients():
    gradients = [np.asarray([g]) for g in (2.0, 3.0, -1.0, -1.0)]
    ours = np.concatenate(list(our_steps(gradients, learning_rate=0.1)))
    assert_close(ours, np.asarray([-0.1, -0.12, 0.0, 0.06]))
    optax = np.concatenate(list(steps_of(gradients, 0.1, late=True)))
    assert_close(optax, np.asarray([0.0, -0.1, 0.0, 0.0]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row["given"]))
def test_optax_makes_each_step_one_too_late(row):
    assert len(ROWS) == 2
    for leaf, start in START.items():
        gradients = GRADIENTS[leaf]
        late = start + np.cumsum(list(steps_of(gradients, **row["given"], late=True)), axis=0)
        ours = list(our_steps(gradients, **row["given"]))
        assert_close(ours, list(steps_of(gradients, **row["given"], late=False)))
        for step, values in row["points"].items():
            assert_close(np.asarray(values[leaf]), late[int(step) - 1])
        assert_close(np.asarray(row["points"]["1"][leaf]), start)  # the first moves nothing
        assert np.abs(ours[0]).max() > 0.0


def test_signs_are_multiplied_and_not_gradients():
    tiny = [np.asarray([1e-30], dtype=np.float32)] * 2  # their product is 0 in float32
    assert_close(
        np.concatenate(list(our_steps(tiny, learning_rate=0.1))), np.float32([-0.1, -0.12])
    )


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"etas": (1.2, 0.5)}, r"rprop\(etas\): got \(1.2, 0.5\); expected a factor < 1, then"),
        ({"etas": 0.5}, r"rprop\(etas\): got 0.5; expected 2 numbers"),
        ({"etas": (-0.5, 1.2)}, r"rprop\(etas\): got -0.5; expected a number > 0"),
        ({"step_sizes": (1.0, 0.1)}, r"rprop\(step_sizes\).*smallest step size, then the largest"),
    ],
)
def test_pairs_that_are_none(keywords, message):
    with pytest.raises(ArgumentError, match=message):
        rprop(**keywords)
