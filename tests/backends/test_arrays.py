"""New arrays are made where the settings say; nothing crosses from a device to the host unasked."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import find_dtype
from anygrad.errors import (
    ArgumentError,
    BackendError,
    DTypeError,
    HostTransferError,
    ShapeError,
    TraceError,
)
from tests.support import assert_close, open_namespace


class Traced:
    """What the floors above promise of their traced arrays, and no more."""

    __anygrad_traced__ = True
    shape, dtype = (2,), np.dtype("float64")


def on(xp):
    return ag.use_backend(xp.backend, xp.device)


@pytest.mark.parametrize(
    ("x", "dtype"),
    [
        (1.5, "float64"),
        ([1.0, 2.0], "float64"),
        ([[1, 2.5], [3, 4]], "float64"),
        (1j, "complex128"),
        ((1, 2), "int64"),
        (range(3), "int64"),
        ([True, False], "bool"),
        ([], "float64"),
        ([[], []], "float64"),
        (np.float32(1.5), "float32"),
        ([np.float32(1.5), np.float32(2)], "float32"),
        (np.asarray([1.0, 2.0], dtype=np.float32), "float32"),
        (np.asarray([[1, 2]], dtype=np.int16), "int16"),
    ],
)
def test_numbers_and_numpy_arrays_become_arrays_of_the_backend(xp, x, dtype):
    with on(xp):
        made = ag.asarray(x)
    assert type(made) is type(xp.ones(1))
    assert_close(made, np.asarray(x), dtype=dtype)
    assert ag.backends.device_of(made) == xp.device


@pytest.mark.parametrize(
    ("x", "dtype"), [(1.5, "float32"), ([1.5j, 1], "complex64"), ([1], "int64")]
)
def test_python_floats_take_the_dtype_of_the_settings(xp, x, dtype):
    with ag.use_backend(xp.backend, xp.device, dtype="float32"):
        assert_close(ag.asarray(x), np.asarray(x), dtype=dtype)
        # an array keeps its own
        assert_close(ag.asarray(np.asarray([1.5])), [1.5], dtype="float64")


def test_an_array_of_the_backend_passes_as_it_is(xp):
    x = xp.ones(2, dtype=xp.float32)
    with ag.use_backend(xp.backend):
        assert ag.asarray(x) is x


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32")])
def test_a_dtype_may_be_spelled_in_numpys_ways_or_the_librarys(xp, dtype):
    with on(xp):
        for spelled in (dtype, xp.float32):
            assert_close(ag.asarray([1, 2], dtype=spelled), [1.0, 2.0], dtype="float32")
            assert_close(ag.asarray(xp.ones(2), dtype=spelled), [1.0, 1.0], dtype="float32")


@pytest.mark.parametrize("dtype", ["float46", "sum", str, "str_"])
def test_a_wrong_dtype_is_named(xp, dtype):
    with pytest.raises(DTypeError, match="dtype"):
        find_dtype(open_namespace(xp.name).module, dtype)


def test_a_device_array_is_moved_only_when_asked():
    xp = open_namespace("strict")
    x, second = xp.ones(2), xp.Device("device2")
    with ag.use_backend("strict", "device2"):
        assert ag.asarray(x).device == xp.device  # it follows the array, not the settings
        assert ag.asarray(x, device="device2").device == second
        assert ag.asarray(np.ones(2)).device == second
        assert ag.asarray(1.0, device=xp.device).device == xp.device


def test_an_array_of_another_library_is_refused_by_name():
    x = open_namespace("strict").ones(2)
    for given in (x, [x, x], [[1.0, 2.0], x], (1.0, [x[0], 2.0])):
        with pytest.raises(
            HostTransferError, match=r"asarray\(x\).*'strict'.*'numpy'.*ag\.to_numpy"
        ):
            ag.asarray(given)
    assert_close(ag.asarray(ag.to_numpy(x)), [1.0, 1.0])


def array_with(protocol):
    """An array of a library that has no backend; NumPy could read it all the same."""

    def method(self, *args, **kwargs):
        return np.ones(2)

    return type("Tensor", (), {protocol: method, "__array__": method})()


@pytest.mark.parametrize(
    "protocol", ["__array_namespace__", "__dlpack__", "__cuda_array_interface__", "__array__"]
)
def test_an_array_without_a_backend_is_refused_by_its_class(xp, protocol):
    x = array_with(protocol)
    with on(xp):
        for given in (x, [x, 1.0], [[x]]):
            with pytest.raises(
                BackendError, match=r"asarray\(x\): .*Tensor\), .*no backend.*np\.asarray\(x\)"
            ):
                ag.asarray(given)
        assert_close(ag.asarray(np.asarray(x)), [1.0, 1.0])


def test_a_mask_is_not_dropped():
    with pytest.raises(BackendError, match=r"numpy\.ma\S*\.MaskedArray"):
        ag.asarray(np.ma.masked_array([1.0, 2.0], [True, False]))


def test_a_traced_array_in_a_list_is_refused():
    with pytest.raises(TraceError, match=r"xp\.stack"):
        ag.asarray([1.0, Traced()])


def test_a_ragged_sequence_is_refused():
    with pytest.raises(ShapeError, match="rows differ in length"):
        ag.asarray([[1.0, 2.0], [3.0]])


@pytest.mark.parametrize(
    ("x", "error"),
    [
        ("1.0", DTypeError),
        ([1.0, "a"], DTypeError),
        ({"a": 1.0}, DTypeError),
        (np.asarray(["a"]), DTypeError),
        (np.asarray([object()]), DTypeError),
        (None, ArgumentError),
        ([1.0, None], ArgumentError),
    ],
)
def test_what_is_no_number_is_refused(x, error):
    with pytest.raises(error, match=r"asarray\(x\): got"):
        ag.asarray(x)


def test_an_unknown_device_is_refused_with_those_there_are():
    with pytest.raises(BackendError, match="device: got 3; expected 'cpu'"):
        ag.asarray(1.0, device=3)
    open_namespace("strict")
    with pytest.raises(
        BackendError, match="device: got 'gpu'; expected one of CPU_DEVICE, device1"
    ):
        ag.use_backend("strict", device="gpu")
