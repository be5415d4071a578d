"""Environment variables and the settings file: parsed, checked, and never executed."""

import pytest

from anygrad.config import Settings, origins, reload_settings, settings
from anygrad.errors import SettingsError


def read_again():
    reload_settings()
    return settings()


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("YES", True), ("false", False), ("0", False), (" No ", False)],
)
def test_truths_in_the_environment(monkeypatch, text, value):
    monkeypatch.setenv("ANYGRAD_WARN_UNUSED", text)
    assert read_again().warn_unused is value


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("cuda:1", "cuda:1"), ("", None)])
def test_devices_in_the_environment(monkeypatch, text, value):
    monkeypatch.setenv("ANYGRAD_DEVICE", text)
    assert read_again().device == value


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("ANYGRAD_WARN_UNUSED", "perhaps", "ANYGRAD_WARN_UNUSED.*'perhaps'.*true.*no"),
        ("ANYGRAD_DTYPE", "float46", "ANYGRAD_DTYPE.*'float46'.*Did you mean 'float64'"),
        ("ANYGRAD_BACKEND", "nunpy", "ANYGRAD_BACKEND.*'nunpy'.*Did you mean 'numpy'"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch, variable, text, words):
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError, match=words):
        read_again()


@pytest.mark.parametrize("variable", ["ANYGRAD_BACKENDS", "ANYGRAD_BAKCEND", "ANYGRAD_backend"])
def test_a_variable_of_no_setting_is_named_with_the_nearest(monkeypatch, variable):
    monkeypatch.setenv(variable, "")  # as good as not set
    assert read_again() == Settings()
    monkeypatch.setenv(variable, "numpy")
    with pytest.raises(
        SettingsError, match=f"environment {variable}: .*Did you mean 'ANYGRAD_BACKEND'"
    ):
        read_again()


def test_the_environment_is_read_once(monkeypatch):
    assert settings().dtype == "float64"
    monkeypatch.setenv("ANYGRAD_DTYPE", "float32")
    assert settings().dtype == "float64"
    assert read_again().dtype == "float32"


def test_every_setting_can_stand_in_a_file(tmp_path):
    (tmp_path / "anygrad.toml").write_text(
        'backend = "strict"\ndevice = 1\ndtype = "float32"\nwarn_unused = false\nrebind = false\n'
        'debug_nans = "nan"\ndeterministic = true\nfuse = false\nkernels = "off"\n'
        'contract = false\nkernel_cache = "off"\nthreads = 1\nprogress = "off"\n'
    )
    found = (
        "strict",
        1,
        "float32",
        False,
        False,
        "nan",
        True,
        False,
        "off",
        False,
        "off",
        1,
        "off",
    )
    assert read_again() == Settings(*found)


def test_the_project_file_serves_too(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.anygrad]\ndtype = "float32"\n')
    assert read_again().dtype == "float32"
    assert origins()["dtype"] == f"file {tmp_path / 'pyproject.toml'}"


def test_the_own_file_goes_before_the_project_file(tmp_path):
    (tmp_path / "anygrad.toml").write_text('dtype = "float32"')
    (tmp_path / "pyproject.toml").write_text('[tool.anygrad]\ndtype = "float64"\nprogress = "on"')
    assert read_again() == Settings(dtype="float32")


def test_the_nearest_directory_upward_counts(tmp_path, monkeypatch):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "anygrad.toml").write_text('dtype = "float32"')
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'")  # has no settings
    monkeypatch.chdir(below)
    assert read_again().dtype == "float32"
    (tmp_path / "a" / "anygrad.toml").write_text('progress = "off"')
    assert read_again() == Settings(progress="off")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dtype = ", "cannot be read.*expected TOML"),
        ("dtpe = 'float32'", "dtpe.*unknown setting.*Did you mean 'dtype'"),
        ("dtype = 32", "dtype.*got 32"),
        ("warn_unused = 'yes'", "warn_unused.*got 'yes'; expected True or False"),
        ("device = 1.5", "device.*got 1.5"),
        ("[dtype]\nname = 'float32'", "dtype.*got"),
        ("[anygrad]\ndtype = 'float32'", r"Remove the line \[anygrad\]"),
        ("[tool.anygrad]\ndtype = 'float32'", r"Remove the line \[tool\.anygrad\]"),
        ("backend = '__import__(\"os\").abort()'", "backend"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, words):
    path = tmp_path / "anygrad.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=words) as caught:
        read_again()
    assert f"file {path}" in str(caught.value)


@pytest.mark.parametrize("text", ["[tool]\nanygrad = 3", "tool = 3", "[tool.anygrad"])
def test_a_malformed_project_file_is_named(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"pyproject\.toml"):
        read_again()


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "anygrad.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"anygrad\.toml"):
        read_again()
