"""The backend of new arrays is chosen by name, checked at once, and described with its reason."""

import threading

import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import BACKENDS, describe_backends
from anygrad.errors import BackendError, SettingsError
from tests.support import open_namespace


def test_a_block_switches_backend_device_and_dtype(xp):
    with ag.use_backend(xp.backend, device=xp.device, dtype="float32"):
        assert ag.namespace() is BACKENDS[xp.backend].load()
        assert ag.settings().backend == xp.backend
        made = ag.asarray(1.0)
    assert made.dtype == xp.float32
    assert ag.backends.device_of(made) == xp.device
    assert ag.namespace() is np


def test_use_backend_decorates(xp):
    @ag.use_backend(xp.backend, device=xp.device)
    def make():
        return ag.asarray([1.0])

    assert type(make()) is type(xp.ones(1))


def test_a_backend_does_not_keep_the_device_of_another():
    open_namespace("strict")
    with ag.use_backend("strict", device="device1"), ag.use_backend("numpy"):
        assert ag.settings().device is None
        ag.asarray(1.0)


def test_the_dtype_stays_when_none_is_given():
    with ag.use_settings(dtype="float32"), ag.use_backend("numpy"):
        assert ag.settings().dtype == "float32"


def test_a_block_in_one_thread_leaves_another_alone():
    open_namespace("strict")
    seen = []
    with ag.use_backend("strict"):
        thread = threading.Thread(target=lambda: seen.append(type(ag.asarray(1.0))))
        thread.start()
        thread.join()
    assert seen == [np.ndarray]


def test_unknown_names_are_refused():
    with pytest.raises(BackendError, match=r"'strct'.*Did you mean 'strict'\?"):
        ag.use_backend("strct")
    with pytest.raises(SettingsError, match="dtype"):
        ag.use_backend("numpy", dtype="float16")


def test_the_configured_backend_is_used_and_named_when_unknown(monkeypatch):
    open_namespace("strict")
    ag.configure(backend="strict")
    assert ag.namespace().__name__ == "array_api_strict"


def test_every_backend_is_described():
    rows = describe_backends()
    assert [row["name"] for row in rows] == list(BACKENDS)
    for row in rows:
        assert bool(row["devices"]) != bool(row["problem"])
    row = next(row for row in rows if row["name"] == "numpy")
    assert row == {
        "name": "numpy",
        "version": np.__version__,
        "devices": ["cpu"],
        "problem": "",
        "install": "",
    }
