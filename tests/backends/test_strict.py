"""array-api-strict's record: its pretended devices behave as a GPU's would."""

import numpy as np
import pytest

from anygrad.backends import BACKENDS
from anygrad.errors import BackendError
from tests.support import HiddenHostCopy, open_namespace

STRICT = BACKENDS["strict"]


@pytest.fixture
def device():
    return open_namespace("strict").device


def test_devices_are_told_by_name(device):
    assert STRICT.devices()[:2] == ["CPU_DEVICE", "device1"]
    assert STRICT.find_device("device1") == STRICT.find_device(device) == device
    assert STRICT.find_device(None) == STRICT.find_device("CPU_DEVICE")
    with pytest.raises(BackendError, match="got 0; expected one of CPU_DEVICE"):
        STRICT.find_device(0)


def test_the_record_is_the_one_way_to_the_host(device):
    x = STRICT.from_host(np.asarray([1.0, 2.0]), device)
    assert x.device == device
    with pytest.raises(HiddenHostCopy):
        float(x[0])
    np.testing.assert_array_equal(STRICT.to_host(x), [1.0, 2.0])


def test_an_array_of_the_host_comes_to_the_host_too():
    x = STRICT.from_host(np.asarray([1, 2], dtype=np.int16), None)
    assert STRICT.to_host(x).dtype == np.int16


def test_to_device_keeps_values_and_dtype(device):
    x = STRICT.from_host(np.asarray([1.0, 2.0], dtype=np.float32), device)
    y = STRICT.to_device(x, "device2")
    assert y.device == STRICT.find_device("device2")
    assert STRICT.to_host(y).dtype == np.float32
