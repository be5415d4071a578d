"""Every step of PyTorch's, optax's, Keras's and pytorch_optimizer's schedules, from a file.

``peers/generate.py`` wrote it, with their versions.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from anygrad import schedules

PEERS = json.loads(Path(__file__).with_name("peers").joinpath("values.json").read_text())
ROWS = PEERS["schedules"]
RATE = PEERS["plateaus"]["initial_rate"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['peer']}: {row['ours']}")
def test_values_are_those_of_the_peer(row):
    schedule = eval(row["ours"], vars(schedules))
    found = [schedule(step) for step in range(len(row["values"]))]
    # PyTorch's recursions round once a step; a value that should be zero is a rounding of 0.3
    np.testing.assert_allclose(found, row["values"], rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("row", PEERS["plateaus"]["rows"], ids=lambda row: str(row["given"]))
def test_factor_follows_that_of_pytorch(row):
    reduce = schedules.plateau(**row["given"])
    state, found = reduce.init(), []
    for metric in row["metrics"]:
        state, factor = reduce.update(state, math.nan if metric is None else metric)
        found.append(RATE * factor)
    np.testing.assert_allclose(found, row["rates"], rtol=1e-12)


def test_every_plateau_drops_at_least_once():
    assert [row["given"] for row in PEERS["plateaus"]["rows"] if min(row["rates"]) == RATE] == [{}]


def test_every_schedule_with_a_peer_is_compared():
    """The one without is that of the Transformer: its paper has numbers, no peer has a function."""
    text = " ".join(row["ours"] for row in ROWS)
    alone = {"inverse_sqrt", "join", "plateau", "plot", "Plateau", "Schedule"}
    names = set(schedules.__all__) - alone
    assert [name for name in sorted(names) if f"{name}(" not in text] == []
