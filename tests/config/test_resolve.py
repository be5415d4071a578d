"""Argument > with-block > process > environment > file > default."""

import dataclasses
import threading

import pytest

from anygrad.config import Settings, configure, origins, reload_settings, settings, use_settings
from anygrad.errors import SettingsError


def test_defaults_are_those_of_the_fields():
    assert settings() == Settings()
    assert set(origins().values()) == {"default"}


def test_each_source_wins_over_those_before_it(monkeypatch, tmp_path):
    """One setting a source more each time: the last one holds, and says so."""
    assert settings().device is None

    (tmp_path / "anygrad.toml").write_text("device = 'file'")
    reload_settings()
    assert settings().device == "file"
    assert origins()["device"] == f"file {tmp_path / 'anygrad.toml'}"

    monkeypatch.setenv("ANYGRAD_DEVICE", "environment")
    reload_settings()
    assert settings().device == "environment"
    assert origins()["device"] == "environment ANYGRAD_DEVICE"

    configure(device="process")
    assert settings().device == "process"
    assert origins()["device"] == "configure"

    with use_settings(device="block"):
        assert settings().device == "block"
        assert origins()["device"] == "with-block"
        assert settings(device="argument").device == "argument"
    assert settings().device == "process"


def test_an_argument_of_none_is_not_given():
    with use_settings(dtype="float32"):
        assert settings(dtype=None).dtype == "float32"


def test_a_block_can_set_none():
    configure(device=1)
    with use_settings(device=None):
        assert settings().device is None


def test_configure_reaches_other_threads():
    configure(dtype="float32")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(settings().dtype))
    thread.start()
    thread.join()
    assert seen == ["float32"]


def test_configure_inside_a_block_leaves_the_block_its_own():
    with use_settings(dtype="float32"):
        configure(dtype="float64", progress="off")
        assert settings() == Settings(dtype="float32", progress="off")
        assert origins()["progress"] == "configure"
    assert settings() == Settings(dtype="float64", progress="off")


def test_a_refused_configure_changes_nothing():
    with pytest.raises(SettingsError):
        configure(progress="off", dtype="float16")
    assert settings() == Settings()


def test_reload_forgets_what_was_configured():
    configure(dtype="float32")
    reload_settings()
    assert settings() == Settings()


@pytest.mark.parametrize("set_it", [configure, settings, use_settings])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"bakcend": "numpy"}, "bakcend.*unknown setting.*Did you mean 'backend'"),
        ({"backend": "cuppy"}, "backend.*got 'cuppy'.*'cupy'.*Did you mean 'cupy'"),
        ({"dtype": "float16"}, "dtype.*got 'float16'.*'float32', 'float64'"),
        ({"dtype": 64}, "dtype.*got 64"),
        ({"warn_unused": 1}, "warn_unused.*got 1; expected True or False"),
        ({"progress": True}, "progress.*got True"),
        ({"device": True}, "device.*got True"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_right(set_it, values, words):
    with pytest.raises(SettingsError, match=words) as caught:
        set_it(**values)
    assert str(caught.value).startswith(set_it.__name__)


def test_every_field_says_what_it_is_for():
    for field in dataclasses.fields(Settings):
        assert field.metadata["doc"].endswith(".")


def test_settings_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings().dtype = "float32"
