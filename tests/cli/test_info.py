"""``anygrad info`` shows what works on this machine, why the rest does not, and every setting."""

import dataclasses
import re

import llvmlite
import numpy as np
import pytest

from anygrad import cli
from anygrad.backends import BACKENDS
from anygrad.backends import cupy as cupy_record
from anygrad.cli import COMMANDS, SUMMARIES, info, main
from anygrad.config import Settings, configure, reload_settings
from anygrad.errors import BackendError


@pytest.fixture(autouse=True)
def default_settings(monkeypatch, tmp_path):
    for field in dataclasses.fields(Settings):
        monkeypatch.delenv(f"ANYGRAD_{field.name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)
    reload_settings()
    yield
    reload_settings()


def lines_of(capsys):
    assert main(["info"]) == 0
    return capsys.readouterr().out.splitlines()


def test_every_backend_and_setting_has_a_line(capsys):
    lines = lines_of(capsys)
    for name in [*BACKENDS, *(field.name for field in dataclasses.fields(Settings))]:
        assert any(line.split()[:1] == [name] for line in lines)
    numpy_line = next(line for line in lines if line.split()[:1] == ["numpy"])
    assert numpy_line.split() == ["numpy", np.__version__, "cpu"]


def test_what_makes_machine_code_has_a_line(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ANYGRAD_KERNEL_CACHE", str(tmp_path))
    reload_settings()
    lines = lines_of(capsys)
    start = lines.index("kernels")
    assert lines[start + 1].startswith(f"  llvmlite {llvmlite.__version__}, LLVM ")
    assert lines[start + 2] == f"  kept in {tmp_path}"


def test_without_llvmlite_the_line_that_installs_it_is_shown(capsys, monkeypatch):
    monkeypatch.setattr(info, "reason_against", lambda: "llvmlite is not installed")
    monkeypatch.setattr(info, "described", lambda: "none: llvmlite is not installed")
    lines = lines_of(capsys)
    start = lines.index("kernels")
    assert lines[start + 1] == "  none: llvmlite is not installed"
    assert "pip install" in lines[start + 2]


def test_an_unusable_backend_says_why(capsys, monkeypatch):
    def absent():
        raise BackendError("backend 'cupy': the reason.")

    monkeypatch.setattr(cupy_record, "_cupy", absent)
    line = next(line for line in lines_of(capsys) if line.split()[:1] == ["cupy"])
    assert "unusable: backend 'cupy': the reason." in line


def test_each_setting_tells_its_value_and_origin(capsys, monkeypatch, tmp_path):
    (tmp_path / "anygrad.toml").write_text('progress = "off"')
    monkeypatch.setenv("ANYGRAD_WARN_UNUSED", "no")
    reload_settings()
    configure(dtype="float32")
    text = "\n".join(lines_of(capsys))
    assert re.search(r"backend +numpy +default", text)
    assert re.search(rf"progress +off +file {re.escape(str(tmp_path))}/anygrad\.toml", text)
    assert re.search(r"warn_unused +False +environment ANYGRAD_WARN_UNUSED", text)
    assert re.search(r"dtype +float32 +configure", text)


def test_wrong_settings_are_reported_in_place(capsys, monkeypatch):
    monkeypatch.setenv("ANYGRAD_DTYPE", "half")
    reload_settings()
    assert main(["info"]) == 1
    out = capsys.readouterr().out
    assert "wrong: environment ANYGRAD_DTYPE(dtype): got 'half'" in out
    assert "numpy" in out  # the backends are there all the same


def test_a_chosen_backend_that_cannot_be_used_is_flagged(capsys, monkeypatch):
    def absent():
        raise BackendError("backend 'cupy': the reason.")

    monkeypatch.setattr(cupy_record, "_cupy", absent)
    monkeypatch.setenv("ANYGRAD_BACKEND", "cupy")
    reload_settings()
    assert main(["info"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert "wrong: backend 'cupy', chosen by environment ANYGRAD_BACKEND, cannot be used" in last


def test_a_chosen_device_that_is_not_there_is_flagged(capsys):
    configure(device=3)
    assert main(["info"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert "wrong: device: got 3; expected 'cpu'" in last
    assert last.endswith("chosen by configure.")


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert name in out


def test_a_refusal_is_one_line_and_status_one(capsys, monkeypatch):
    def refuse(arguments):
        raise BackendError("backend: got 'x'.")

    monkeypatch.setattr(cli.import_module(COMMANDS["info"]), "run", refuse)
    assert main(["info"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "anygrad info: backend: got 'x'.\n"
    assert captured.out == ""


def test_commands_are_imported_only_when_asked_for(capsys, monkeypatch):
    monkeypatch.setitem(COMMANDS, "demo", "anygrad.no_such_module")
    lines_of(capsys)


def test_every_command_has_a_summary():
    assert list(COMMANDS) == list(SUMMARIES)
