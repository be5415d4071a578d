"""The settings of this process and of its environment do not reach the tests of backends."""

import pytest

from anygrad.config import reload_settings


@pytest.fixture(autouse=True)
def default_settings(monkeypatch, tmp_path):
    for name in ("BACKEND", "DEVICE", "DTYPE"):
        monkeypatch.delenv(f"ANYGRAD_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    reload_settings()
    yield
    reload_settings()
