import json
import math

import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.training import History
from tests.support import forbid_host_copies


def filled(xp):
    history = History()
    for step in range(5):
        history.record(step, loss=xp.asarray(1.0 / (step + 1)), learning_rate=0.5)
    history.record(4, accuracy=xp.asarray(0.75))
    return history


def test_columns_are_read_as_float64_of_the_host(xp):
    history = filled(xp)
    assert history.losses.dtype == np.float64
    assert history.losses.tolist() == [1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert history.steps.tolist() == [0, 1, 2, 3, 4]
    assert history["accuracy"].tolist() == [0.75]
    assert history.steps_of("accuracy").tolist() == [4]
    assert history.learning_rates.tolist() == [0.5] * 5
    assert history.gradient_norms.size == 0
    assert len(history) == 5


def test_recording_never_waits_for_the_device(xp):
    with forbid_host_copies():
        history = filled(xp)
    assert history.losses.size == 5


def test_float32_values_keep_their_value(xp):
    history = History()
    history.record(0, loss=xp.asarray(0.1, dtype=xp.float32))
    assert history.losses[0] == float(np.float32(0.1))


def test_columns_may_mix_numbers_and_arrays(xp):
    history = History()
    history.record(0, rate=0.5)
    history.record(1, rate=xp.asarray(0.25))
    history.record(2, rate=xp.asarray(0.125, dtype=xp.float32))
    assert history["rate"].tolist() == [0.5, 0.25, 0.125]


def test_none_is_left_out():
    history = History()
    history.record(0, loss=1.0, gradient_norm=None)
    assert history.names == ["loss"]
    assert "gradient_norm" not in history


def test_a_copy_has_the_pending_values_and_goes_its_own_way(xp):
    history = filled(xp)
    with forbid_host_copies():
        copy = history.copy()
        copy.record(5, loss=xp.asarray(0.0), accuracy=1.0)
    assert copy.losses.tolist() == [*history.losses.tolist(), 0.0]
    assert copy["accuracy"].tolist() == [0.75, 1.0]
    assert history["accuracy"].tolist() == [0.75]
    assert copy.steps.tolist() == [*history.steps.tolist(), 5]


def test_reading_between_records_loses_nothing():
    history = History()
    for step in range(6):
        history.record(step, loss=np.asarray(float(step)))
        assert history.losses.tolist() == [float(s) for s in range(step + 1)]


def test_a_saved_history_loads_as_it_was(tmp_path):
    history = filled(np)
    history.record(5, loss=math.inf)
    history.record(6, loss=math.nan)
    history.notes.append((3, "a sentence"))
    history.save(tmp_path / "history.json")
    loaded = History.load(tmp_path / "history.json")
    np.testing.assert_array_equal(loaded.losses, history.losses)
    assert loaded.to_dict().keys() == history.to_dict().keys()
    assert loaded["accuracy"].tolist() == [0.75]
    assert loaded.notes == [(3, "a sentence")]
    loaded.record(7, loss=0.5)
    assert loaded.losses[-1] == 0.5


def test_the_file_is_standard_json(tmp_path):
    history = History()
    history.record(0, loss=math.nan)
    history.record(1, loss=-math.inf)
    history.save(tmp_path / "history.json")

    def refuse(constant):
        pytest.fail(f"{constant} is not JSON")

    data = json.loads((tmp_path / "history.json").read_text(), parse_constant=refuse)
    assert data["columns"]["loss"]["values"] == ["nan", "-inf"]


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "history.json"
    filled(np).save(path)
    before = path.read_bytes()

    def fail(handle):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        History().save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text").write_text("not JSON")
    with pytest.raises(ArgumentError, match="not JSON"):
        History.load(tmp_path / "text")
    (tmp_path / "other").write_text('{"a": 1}')
    with pytest.raises(ArgumentError, match=r"History\.to_dict"):
        History.load(tmp_path / "other")


def test_an_unknown_column_names_the_nearest():
    history = History()
    history.record(0, loss=1.0, accuracy=0.5)
    with pytest.raises(ArgumentError, match="Did you mean 'accuracy'"):
        history["acuracy"]
