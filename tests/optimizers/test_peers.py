"""Float64 trajectories of PyTorch and optax, as peers/generate.py wrote them with versions."""

import json
from pathlib import Path

import numpy as np
import pytest

from anygrad import schedules
from anygrad.optimizers import OPTIMIZERS
from anygrad.optimizers.factories import declaration_of

PEERS = json.loads(Path(__file__).with_name("peers").joinpath("trajectories.json").read_text())
ROWS = PEERS["trajectories"]


def label(row):
    return "-".join([row["peer"], row["optimizer"], *row["given"]])


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_compat_follows_the_peer_to_twelve_digits(row):
    given = dict(row["given"])
    if isinstance(given.get("learning_rate"), dict):
        given["learning_rate"] = schedules.step(**given["learning_rate"])
    optimizer = OPTIMIZERS[row["optimizer"]](**given, compat=row["peer"])
    params = np.asarray(PEERS["start"])
    state = optimizer.init(params)
    for step, g in enumerate(PEERS["gradients"], 1):
        params, state = optimizer.step(params, np.asarray(g), state)
        if str(step) in row["points"]:
            expected = np.asarray(row["points"][str(step)])
            np.testing.assert_allclose(params, expected, rtol=1e-12, atol=1e-12)


def test_every_optimizer_is_compared_with_each_of_its_peers():
    seen = {(row["peer"], row["optimizer"]) for row in ROWS}
    assert seen == {
        (peer, name) for name, make in OPTIMIZERS.items() for peer in declaration_of(make).peers
    }
