"""An array says which library, namespace and device it belongs to; two of them do not mix."""

import dataclasses

import numpy as np
import pytest

import anygrad as ag
from anygrad.backends import (
    BACKENDS,
    backend_of,
    check_same_device,
    device_of,
    get_backend,
    namespace_of,
    register_backend,
)
from anygrad.errors import ArgumentError, BackendError, MixedBackendError
from tests.support import open_namespace


def strict_array():
    return open_namespace("strict").ones(2)


class Traced:
    """What the floors above promise of their traced arrays, and no more."""

    __anygrad_traced__ = True

    def __init__(self, value):
        self.value = value

    def __anygrad_value__(self):
        return self.value

    def __array_namespace__(self):
        return "the traced namespace"


def test_an_array_tells_its_backend_namespace_and_device(xp):
    x = xp.ones(3)
    for _ in range(2):  # the second time from memory
        assert backend_of(x) is get_backend(xp.backend)
        assert namespace_of(x) is get_backend(xp.backend).load()
    assert device_of(x) == xp.device
    assert ag.namespace(x) is namespace_of(x)


def test_the_namespace_computes_with_the_array(xp):
    x = xp.asarray([1.0, 4.0])
    assert type(namespace_of(x).sqrt(x)) is type(x)


@pytest.mark.parametrize("x", [1.0, 1, 1j, True, None, "text", [1.0], {}, object(), np.ndarray, np])
def test_what_is_no_array_has_no_backend(x):
    assert backend_of(x) is None
    with pytest.raises(BackendError, match="expected an array"):
        namespace_of(x)
    with pytest.raises(BackendError, match=r"device_of\(x\).*expected an array"):
        device_of(x)


def test_numbers_and_none_do_not_count(xp):
    x = xp.ones(2)
    assert namespace_of(2.0, x, None, 1j, x, 3) is namespace_of(x)
    check_same_device("f(x)", 2.0, x, None, x)


def test_no_array_at_all_is_refused():
    with pytest.raises(BackendError, match=r"got nothing.*ag\.asarray"):
        namespace_of()
    with pytest.raises(BackendError, match=r"got 1\.0, None"):
        namespace_of(1.0, None)


def test_two_libraries_do_not_mix():
    for pair in ((np.ones(2), strict_array()), (strict_array(), np.ones(2))):
        with pytest.raises(MixedBackendError) as caught:
            namespace_of(*pair)
        assert "numpy" in str(caught.value)
        assert "strict" in str(caught.value)
        with pytest.raises(MixedBackendError, match=r"^f\(x\): got an array of"):
            check_same_device("f(x)", *pair)


def test_two_devices_do_not_mix():
    xp = open_namespace("strict")
    here, there = xp.ones(2), xp.ones(2, device=xp.Device("device2"), dtype=xp.float32)
    with pytest.raises(MixedBackendError, match=r"device1.*device2"):
        check_same_device("f(x)", here, 1.0, here, there)


def test_numpy_scalars_are_numbers_for_other_libraries():
    x = strict_array()
    assert namespace_of(np.float64(2.0), x) is namespace_of(x)
    check_same_device("f(x)", np.float64(2.0), x)
    assert namespace_of(np.float64(2.0)) is np
    assert backend_of(np.float32(1)) is BACKENDS["numpy"]


def test_subclasses_that_compute_differently_are_not_taken_for_arrays():
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0]])
    for x in (matrix, np.ma.masked_array([1.0, 2.0], [True, False])):
        assert backend_of(x) is None


def test_other_subclasses_of_an_array_are_arrays():
    class Labelled(np.ndarray):
        pass

    assert backend_of(np.ones(2).view(Labelled)) is BACKENDS["numpy"]


def test_a_traced_array_wins_and_belongs_where_its_value_does():
    x = Traced(Traced(strict_array()))
    assert backend_of(x) is BACKENDS["strict"]
    assert device_of(x) == device_of(strict_array())
    assert namespace_of(np.ones(2), x, 1.0) == "the traced namespace"
    assert backend_of(Traced(np.ones(2))) is BACKENDS["numpy"]  # the class alone does not tell


def test_backends_are_sorted_and_unknown_ones_are_named():
    assert list(BACKENDS) == sorted(BACKENDS)
    assert {"cupy", "numpy", "strict"} <= set(BACKENDS)
    with pytest.raises(BackendError, match=r"'cuppy'.*cupy, .*numpy.*Did you mean 'cupy'\?"):
        get_backend("cuppy")
    with pytest.raises(BackendError):
        get_backend(None)


def test_only_a_record_makes_a_backend():
    before = dict(BACKENDS)
    with pytest.raises(ArgumentError, match=r"register_backend\(backend\): got 'toy'.*Backend"):
        register_backend("toy")
    assert before == BACKENDS


def test_a_library_is_added_by_its_record():
    class Foreign:
        device = "somewhere"

    x = Foreign()
    assert backend_of(x) is None
    record = dataclasses.replace(
        BACKENDS["numpy"],
        name="foreign",
        load=lambda: "its namespace",
        owns=lambda kind: kind is Foreign,
        device_of=lambda array: array.device,
        is_scalar=lambda kind: False,
    )
    register_backend(record)
    try:
        assert backend_of(x) is record  # although the class was no array before
        assert namespace_of(x) == "its namespace"
        assert device_of(x) == "somewhere"
        assert list(BACKENDS) == sorted(BACKENDS)
        ag.settings(backend="foreign")  # a value of the setting from now on
        with pytest.raises(ArgumentError, match="'foreign' a second time"):
            register_backend(dataclasses.replace(record))
    finally:
        BACKENDS.pop("foreign")
