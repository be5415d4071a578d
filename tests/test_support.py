"""The harness itself: it must see what it is there to see."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import anygrad as ag
from tests.support import (
    HiddenHostCopy,
    allow_host_copies,
    assert_close,
    forbid_host_copies,
    namespaces,
    to_host,
    tolerance,
)
from tests.support.strict_device import CPU


def test_new_arrays_lie_on_the_test_device_in_float64(xp):
    made = [
        xp.asarray([1.0, 2.0]),
        xp.zeros((2, 3)),
        xp.ones(3),
        xp.full(2, 1.5),
        xp.empty(1),
        xp.arange(3.0),
        xp.linspace(0.0, 1.0, 5),
        xp.eye(2),
    ]
    assert all(x.dtype == xp.float64 for x in made)
    assert all(x.device == xp.device for x in made)
    assert xp.asarray([1.0], dtype=xp.float32).dtype == xp.float32
    assert xp.zeros(2, dtype=xp.float32).dtype == xp.float32


def test_arrays_from_numpy_are_accepted_and_copied(xp):
    source = np.arange(6.0).reshape(2, 3)
    x = xp.asarray(source)
    assert_close(x, source)
    source[0, 0] = 100.0
    if xp.name == "numpy-readonly":
        assert to_host(x)[0, 0] == 0.0


def test_read_only_arrays_refuse_writing(xp):
    if xp.name != "numpy-readonly":
        pytest.skip("other backends allow writing")
    with pytest.raises(ValueError, match="read-only"):
        xp.zeros(3)[0] = 1.0


READS = {
    "float": float,
    "int": int,
    "bool": bool,
    "if": lambda x: 1 if x > 0 else 0,
    "max": lambda x: max(x, x + 1),
    "item": lambda x: x.item() if hasattr(x, "item") else float(x),
    "repr": repr,
    "f-string": lambda x: f"{x}",
}


@pytest.mark.off_host
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reading_a_value_on_the_host_is_refused(xp, read):
    with pytest.raises(HiddenHostCopy):
        read(xp.asarray(1.0))
    with allow_host_copies():
        read(xp.asarray(1.0))


SHAPED_BY_VALUES = {
    "mask": lambda xp, x: x[x > 0],
    "nonzero": lambda xp, x: xp.nonzero(x),
    "unique": lambda xp, x: xp.unique_values(x),
    "repeat": lambda xp, x: xp.repeat(x, xp.asarray([1, 2])),
}


@pytest.mark.off_host
@pytest.mark.parametrize("call", SHAPED_BY_VALUES.values(), ids=SHAPED_BY_VALUES)
def test_shapes_that_depend_on_values_are_refused(xp, call):
    with pytest.raises((HiddenHostCopy, RuntimeError, IndexError)):
        call(xp, xp.asarray([1.0, 2.0]))


@pytest.mark.off_host
def test_elements_that_depend_on_values_are_no_read(xp):
    x = xp.asarray([1.0, 2.0])
    with forbid_host_copies():
        xp.where(x > 1, x, xp.zeros_like(x))
        xp.sum(xp.astype(x > 1, xp.float64))


@pytest.mark.off_host
def test_implicit_numpy_arrays_are_refused(xp):
    with pytest.raises((RuntimeError, TypeError)):
        np.asarray(xp.ones(3))


@pytest.mark.off_host
def test_mixing_with_numpy_arrays_is_refused(xp):
    with pytest.raises(TypeError):
        xp.ones(3) + np.ones(3)


@pytest.mark.off_host
def test_explicit_copies_pass_unless_forbidden(xp):
    x = xp.asarray([1.0, 2.0])
    assert_close(ag.to_numpy(x), np.asarray([1.0, 2.0]))
    with forbid_host_copies(), pytest.raises(HiddenHostCopy):
        ag.to_numpy(x)


@pytest.mark.off_host
def test_a_read_by_code_that_is_no_backend_is_refused(xp):
    with pytest.raises(HiddenHostCopy):
        xp.ones(2).get() if xp.backend == "cupy" else xp.asarray(xp.ones(2), device=CPU)


def test_tolerance_follows_dtype_and_size():
    assert tolerance("float64") < 1e-13 < tolerance("float32")
    assert tolerance("float64", 100) == 10 * tolerance("float64")
    assert tolerance("int64") == 0.0
    assert tolerance("complex64") == tolerance("float32")


def test_assert_close_compares_structure_shape_dtype_and_value(xp):
    x = xp.asarray([1.0, 2.0])
    assert_close({"a": [x, None]}, {"a": [np.asarray([1.0, 2.0]), None]})
    assert_close(x, [1, 2])
    assert_close(x, np.asarray([1.0, 2.0 + 1e-14]))
    wrong = [
        {"a": x},
        np.asarray([1.0, 2.0], dtype=np.float32),
        np.asarray([[1.0, 2.0]]),
        np.asarray([1.0, 2.0 + 1e-12]),
        np.asarray([1.0, np.nan]),
    ]
    for expected in wrong:
        with pytest.raises(AssertionError):
            assert_close(x, expected)
    with pytest.raises(AssertionError):
        assert_close((x,), [x])
    with pytest.raises(AssertionError):
        assert_close(x, x, dtype=xp.float32)


def run_pytest(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/test_support.py", *options],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("option", [["--require-gpu"], ["--backend", "cupy"]], ids=str)
def test_a_missing_gpu_is_a_failure_where_one_is_asked_for(option):
    reason = namespaces.reason_missing("cupy")
    if reason is None:
        pytest.skip("there is a GPU")
    done = run_pytest(*option)
    assert done.returncode == 4
    assert reason in done.stderr


@pytest.mark.slow
def test_a_chosen_backend_runs_alone():
    listed = run_pytest("--backend", "strict").stdout
    assert "test_new_arrays_lie_on_the_test_device_in_float64[strict]" in listed
    assert "[numpy" not in listed
    assert "test_tolerance_follows_dtype_and_size" not in listed
