"""Settings that this process has from outside do not reach the tests of settings."""

import os

import pytest

import anygrad.backends  # noqa: F401  (registers the names that the setting takes)
from anygrad.config import reload_settings


@pytest.fixture(autouse=True)
def clean_settings(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("ANYGRAD_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    reload_settings()
    yield
    monkeypatch.undo()
    reload_settings()
