"""Entries are made in two ways, which do the same; machine code is kept in folders of the tests."""

from collections import Counter
from weakref import WeakValueDictionary

import pytest

from anygrad import config
from anygrad.compiler.targets.native import entries, storage
from tests.compiler.native.keeping import point_to


@pytest.fixture(params=["quick", "plain"])
def way(request, monkeypatch):
    """How entries are made: as builtins of CPython, or in Python."""
    monkeypatch.setattr(entries, "is_quick", lambda: request.param == "quick")
    return request.param


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """The folder, which is not there yet; nothing of these tests reaches the user's own."""
    path = tmp_path / "cache" / "kernels"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(storage, "_counts", Counter())
    monkeypatch.setattr(storage, "_codes", WeakValueDictionary())
    monkeypatch.setattr(storage, "CHECKED", 1 << 300)
    point_to(monkeypatch, path)
    yield path
    monkeypatch.undo()
    config.reload_settings()
