"""Float64 trajectories of PyTorch and optax, as peers/generate.py wrote them with versions.

Every hyperparameter set of PyTorch's own optimizer tests is among them.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from anygrad import schedules
from anygrad.optimizers import OPTIMIZERS
from anygrad.optimizers.rules.factories import declaration_of

FOLDER = Path(__file__).with_name("peers")
PEERS = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in ("optax", "torch")}
PROBLEM = json.loads((FOLDER / "problem.json").read_text())
GRADIENTS = {leaf: np.asarray(values) for leaf, values in PROBLEM["gradients"].items()}
EVERY_ROW = [row for peer in PEERS.values() for row in peer["trajectories"]]
WRAPPERS = ("lookahead", "sam")  # their tests follow the peer's rows
# Where a peer computes in float32 or bfloat16 whatever the dtype, the row beside it was made with
# that one cast taken out of the peer's code.
ROWS = [row for row in EVERY_ROW if row["optimizer"] not in WRAPPERS and "precision" not in row]
# PyTorch's switch is a factory of its own here.
ROWS += [
    {
        **row,
        "optimizer": "amsgrad",
        "given": {k: v for k, v in row["given"].items() if k != "amsgrad"},
    }
    for row in ROWS
    if row["optimizer"] == "adam" and row["given"].get("amsgrad")
]


def label(row):
    return "-".join([row["peer"], row["optimizer"], *row["given"]])


def translate(row):
    """Keywords of our factory: schedules and pairs are written down as JSON has them."""
    given = dict(row["given"])
    for name in ("learning_rate", "scaling"):
        if isinstance(given.get(name), dict):
            given[name] = schedules.step(**given[name])
    return {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}


def follow(row):
    """Our steps on the peer's problem: the parameters after each, and the state."""
    optimizer = OPTIMIZERS[row["optimizer"]](**translate(row), compat=row["peer"])
    params = {leaf: np.asarray(PROBLEM["start"][leaf]) for leaf in row["leaves"]}
    state = optimizer.init(params)
    for step, value in enumerate(PROBLEM["values"]):
        grads = {leaf: GRADIENTS[leaf][step] for leaf in row["leaves"]}
        params, state = optimizer.step(params, grads, state, value=value)
        yield step + 1, params, state


def difference(params, expected):
    """Largest difference, relative where values are large and absolute where they are small."""
    return max(
        float(np.max(np.abs(params[leaf] - np.asarray(want)) / (1 + np.abs(np.asarray(want)))))
        for leaf, want in expected.items()
    )


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_compat_follows_the_peer_to_twelve_digits(row):
    seen = 0
    for step, params, _ in follow(row):
        if str(step) in row["points"]:
            assert difference(params, row["points"][str(step)]) <= 1e-12
            seen += 1
    assert seen == len(row["points"]) >= 9


def test_every_optimizer_is_compared_with_each_of_its_peers():
    seen = {(row["peer"], row["optimizer"]) for row in ROWS}
    assert seen == {
        (peer, name) for name, make in OPTIMIZERS.items() for peer in declaration_of(make).peers
    }


@pytest.mark.parametrize("row", [row for row in EVERY_ROW if "precision" in row], ids=label)
def test_peer_that_rounds_differs_by_its_rounding_only(row):
    """The defect that the rows beside these are free of: a cast to fewer digits."""
    worst = max(
        difference(params, row["points"][str(step)])
        for step, params, _ in follow(row)
        if str(step) in row["points"]
    )
    unit = {"float32": 2**-24, "bfloat16": 2**-9}[row["precision"]]
    assert 1e-12 < worst < 100 * unit
