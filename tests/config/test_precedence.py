"""Argument > with-block > process > environment > file > default, for every setting and pair."""

import dataclasses
import itertools
import sys

import pytest

from anygrad.backends import BACKENDS
from anygrad.config import Settings, configure, origins, reload_settings, settings, use_settings
from anygrad.errors import SettingsError

# Three values of each setting that differ from its default and from each other where it has so
# many: a source of lower rank, one of higher rank.
VALUES = {
    "backend": ("strict", "cupy"),
    "device": ("cuda:1", 3),
    "dtype": ("float32", "float64"),
    "warn_unused": (False, True),
    "rebind": (False, True),
    "debug_nans": ("nan", "all"),
    "deterministic": (True, False),
    "fuse": (False, True),
    "kernels": ("off", "always"),
    "contract": (False, True),
    "kernel_cache": ("off", "kept"),
    "threads": (1, 2),
    "progress": ("on", "off"),
}
SOURCES = ("default", "file", "environment", "process", "block", "argument")
ORIGINS = {
    "default": "default",
    "file": "file",
    "environment": "environment",
    "process": "configure",
    "block": "with-block",
}
PAIRS = [(name, low, high) for name in VALUES for low, high in itertools.combinations(SOURCES, 2)]


def test_every_setting_is_in_the_table():
    assert set(VALUES) == {field.name for field in dataclasses.fields(Settings)}


def written(value):
    """A value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.fixture
def give(monkeypatch, tmp_path):
    """Set one setting by one source; gives the block to enter, and the argument to pass."""

    def set_by(source, name, value):
        if source == "file":
            (tmp_path / "anygrad.toml").write_text(f"{name} = {written(value)}")
        elif source == "environment":
            monkeypatch.setenv(f"ANYGRAD_{name.upper()}", str(value))
        if source in ("file", "environment"):
            reload_settings()

    return set_by


@pytest.mark.parametrize(("name", "low", "high"), PAIRS)
def test_the_higher_source_wins_whatever_the_lower_says(name, low, high, give):
    first, second = VALUES[name]
    for source, value in ((low, first), (high, second)):
        give(source, name, value)
    process = {source: v for source, v in ((low, first), (high, second)) if source == "process"}
    if process:
        configure(**{name: process["process"]})
    block = {low: first, high: second}.get("block")
    argument = {low: first, high: second}.get("argument")
    with use_settings(**({name: block} if "block" in (low, high) else {})):
        found = settings(**({name: argument} if "argument" in (low, high) else {}))
        assert getattr(found, name) == second
        if high != "argument":
            assert origins()[name].startswith(ORIGINS[high])


@pytest.mark.parametrize("name", VALUES)
def test_without_any_source_the_default_holds(name):
    assert getattr(settings(), name) == getattr(Settings(), name)
    assert origins()[name] == "default"


@pytest.mark.parametrize(
    ("source", "text"),
    [("keyword", None), ("environment", None), ("file", "bakcend = 'numpy'")],
)
def test_a_misspelt_setting_is_named_with_the_nearest(source, text, monkeypatch, tmp_path):
    if source == "file":
        (tmp_path / "anygrad.toml").write_text(text)
    if source == "environment":
        monkeypatch.setenv("ANYGRAD_BAKCEND", "numpy")
    reload_settings()
    with pytest.raises(SettingsError, match=r"(?i)bakcend.*did you mean '?(ANYGRAD_)?backend"):
        settings(**({"bakcend": "numpy"} if source == "keyword" else {}))


def test_a_wrong_value_names_the_source_it_came_from(monkeypatch, tmp_path):
    (tmp_path / "anygrad.toml").write_text("dtype = 'float16'")
    reload_settings()
    with pytest.raises(SettingsError, match=r"anygrad\.toml.*dtype.*float16"):
        settings()
    (tmp_path / "anygrad.toml").unlink()
    monkeypatch.setenv("ANYGRAD_DTYPE", "float16")
    reload_settings()
    with pytest.raises(SettingsError, match=r"ANYGRAD_DTYPE.*float16"):
        settings()


def test_files_execute_nothing(tmp_path):
    """Reading a file opens it and nothing else: no import, no exec, no process, no writing."""
    (tmp_path / "anygrad.toml").write_text(
        "device = '''__import__(\"os\").system(\"touch executed\")'''\n"
    )
    events = []
    watched = ("exec", "compile", "os.system", "subprocess.Popen", "socket.connect", "os.exec")

    def hook(event, arguments):
        if listening and event in watched and "tomllib" not in str(arguments[:1]):
            events.append((event, str(arguments)[:80]))

    listening = []
    sys.addaudithook(hook)
    reload_settings()
    settings()  # tomllib is imported by now
    reload_settings()
    listening.append(True)
    found = settings().device
    listening.clear()
    assert events == []
    assert found == '__import__("os").system("touch executed")'  # a string, as it stands
    assert not (tmp_path / "executed").exists()


def test_a_decorated_method_has_the_block_and_a_class_is_refused():
    class Model:
        @use_settings(dtype="float32")
        def dtype(self):
            return settings().dtype

    assert Model().dtype() == "float32"
    assert settings().dtype == "float64"
    with pytest.raises(SettingsError, match=r"use_settings.*class.*Model"):
        use_settings(dtype="float32")(Model)
    with pytest.raises(SettingsError, match=r"use_settings.*got 3"):
        use_settings(dtype="float32")(3)


def test_backends_have_no_setting_that_names_none():
    assert set(VALUES["backend"]) <= set(BACKENDS)
