"""CuPy's record: what is missing is said in a sentence; arrays go to the device asked for."""

import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import BACKENDS, describe_backends
from anygrad.backends import cupy as record
from anygrad.errors import BackendError, MissingPackageError

CUPY = BACKENDS["cupy"]


class RuntimeFailure(RuntimeError):
    """CuPy's own error of the CUDA runtime."""


def runtime(count, driver=13000):
    """A CUDA runtime that finds ``count`` devices, or fails with ``count``."""

    def count_devices():
        if isinstance(count, str):
            raise RuntimeFailure(count)
        return count

    return types.SimpleNamespace(
        getDeviceCount=count_devices,
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: 13020,
        getDeviceProperties=lambda index: {"name": f"GPU number {index}".encode()},
    )


@pytest.fixture
def machine(monkeypatch):
    """Pretend that this machine's CUDA runtime is another."""

    def set_up(*args):
        pretended = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime(*args)))
        monkeypatch.setattr(record, "_cupy", lambda: pretended)

    return set_up


def test_devices_are_listed_by_index_and_name(machine):
    machine(2)
    assert CUPY.devices() == ["0: GPU number 0", "1: GPU number 1"]


@pytest.mark.parametrize(
    ("found", "driver", "words"),
    [
        ("cudaErrorInsufficientDriver: too old", 0, "no NVIDIA driver"),
        ("cudaErrorInsufficientDriver: too old", 12020, "CUDA up to 12.2.*built for 13.2.*CUDA 12"),
        ("cudaErrorNoDevice: none", 13000, "no GPU is visible.*CUDA_VISIBLE_DEVICES"),
        (0, 13000, "no GPU is visible"),
    ],
)
def test_the_reason_why_it_is_unusable_is_a_sentence(machine, found, driver, words):
    machine(found, driver)
    with pytest.raises(BackendError, match=words) as caught:
        CUPY.devices()
    assert str(caught.value).startswith("backend 'cupy': ")
    assert str(caught.value).endswith(".")


def test_an_absent_package_is_described_with_its_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # import cupy fails as if it were not there
    monkeypatch.setattr(record, "_driver_version", lambda: 12040)
    row = next(row for row in describe_backends() if row["name"] == "cupy")
    assert "cupy is not installed" in row["problem"]
    assert "[cuda12]" in row["install"]
    assert row["install"] in row["problem"]
    with pytest.raises(MissingPackageError, match=r"\[cuda12\]"):
        ag.use_backend("cupy")


@pytest.mark.parametrize(
    ("driver", "extra"), [(0, "cuda13"), (12080, "cuda12"), (13000, "cuda13"), (14000, "cuda13")]
)
def test_the_extra_fits_the_driver(monkeypatch, driver, extra):
    monkeypatch.setattr(record, "_driver_version", lambda: driver)
    assert record.extra_for_driver() == extra


@pytest.mark.parametrize("device", [2, -1, True, "cuda:0", 0.0])
def test_a_device_that_is_not_there_is_refused(machine, device):
    machine(2)
    pretended = record._cupy()
    pretended.cuda.Device = type("Device", (), {})
    with pytest.raises(BackendError, match=r"device: got .*; expected an index from 0 to 1"):
        CUPY.find_device(device)


def test_nothing_is_imported_before_it_is_needed():
    """Importing anygrad and asking about NumPy arrays leaves the other libraries alone."""
    code = (
        "import sys, numpy, anygrad, anygrad.trees, anygrad.backends as b\n"
        "b.backend_of(1.0), anygrad.asarray([1.0]), anygrad.trees.norm(numpy.ones(2))\n"
        "heavy = {'cupy', 'torch', 'jax', 'array_api_strict', 'scipy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)), 'numpy.f2py' in sys.modules)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert out.stdout.strip() == "[] False"


def test_arrays_go_to_the_device_and_back(cupy):
    with ag.use_backend("cupy", device=0):
        x = ag.asarray([1.0, 2.0])
        y = ag.asarray(np.asarray([3], dtype=np.int32), dtype="float32")
    assert type(x) is cupy.ndarray
    assert x.dtype == "float64"
    assert y.dtype == "float32"
    assert CUPY.device_of(x) == cupy.cuda.Device(0)
    np.testing.assert_array_equal(ag.to_numpy(x), [1.0, 2.0])
    assert CUPY.to_device(x, CUPY.find_device(0)) is x


def test_a_cupy_array_is_not_read_on_the_host(cupy):
    x = cupy.ones(3)
    with pytest.raises(ag.errors.HostTransferError, match=r"'cupy'.*ag\.to_numpy"):
        ag.asarray(x)
    with pytest.raises(ag.errors.MixedBackendError, match=r"cupy.*numpy"):
        ag.namespace(x, np.ones(3))
