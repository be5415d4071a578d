"""The harness catches what it is there for: each test plants one fault and expects a failure."""

import dataclasses

import numpy as np
import pytest

from anygrad.clipping import measuring
from anygrad.ops import ROWS
from anygrad.tracing import operations
from tests.parity.comparing import BY_NAME, compare
from tests.support import HiddenHostCopy, open_namespace

CLIP = BY_NAME["clipping.clip_by_global_norm"]


def plant_rule(monkeypatch, name, rule):
    """Give a row another rule, in the quick way and in the general one."""
    row = dataclasses.replace(ROWS[name], rules=(rule,))
    operation = operations.closure_of(row)
    monkeypatch.setitem(ROWS, name, row)
    monkeypatch.setattr(operations.TRACED, name, operation)
    from anygrad.tracing import namespace

    monkeypatch.setitem(namespace.STANDARD, name, operation)


@pytest.mark.off_host
def test_a_norm_read_on_the_host(xp, monkeypatch):
    scaled_norm = measuring.scaled_norm

    def reading(found, *rest):
        divisor, ratio, finite = scaled_norm(found, *rest)
        float(ratio)  # the fault: waits for the device
        return divisor, ratio, finite

    compare(CLIP, xp, "float64")
    monkeypatch.setattr(measuring, "scaled_norm", reading)
    with pytest.raises(HiddenHostCopy):
        compare(CLIP, xp, "float64")


@pytest.mark.off_host
def test_a_rule_that_goes_through_numpy(xp, monkeypatch):
    compare(BY_NAME["vjp"], xp, "float64")
    plant_rule(monkeypatch, "exp", lambda xp, t, y, _x: t * np.asarray(y))
    with pytest.raises((HiddenHostCopy, TypeError, RuntimeError)):
        compare(BY_NAME["vjp"], xp, "float64")


@pytest.mark.off_host
def test_a_keyword_that_cupy_does_not_take(xp, monkeypatch):
    def selective(found, *rest):
        leaf = found[0]
        xp.module.sum(leaf, where=leaf == leaf)  # the fault: NumPy alone takes it
        return scaled_norm(found, *rest)

    scaled_norm = measuring.scaled_norm
    monkeypatch.setattr(measuring, "scaled_norm", selective)
    with pytest.raises(TypeError, match="where"):
        compare(CLIP, xp, "float64")


@pytest.mark.off_host
def test_a_name_that_only_numpy_has(xp, monkeypatch):
    plant_rule(monkeypatch, "exp", lambda xp, t, y, _x: t * xp.nan_to_num_of_numpy(y))
    with pytest.raises(AttributeError, match="nan_to_num_of_numpy"):
        compare(BY_NAME["vjp"], xp, "float64")


def test_a_result_in_another_dtype_or_modified_inputs():
    xp = open_namespace("numpy")
    wide = dataclasses.replace(
        BY_NAME["grad"], call=lambda xp, a: BY_NAME["grad"].call(xp, a).astype(np.float64)
    )
    with pytest.raises(AssertionError, match="dtype"):
        _compare_with_true(wide, xp, "float32")

    def writing(xp, a):
        found = BY_NAME["grad"].call(xp, a)
        a.x[...] += 1.0
        return found

    with pytest.raises(AssertionError, match="input modified"):
        _compare_with_true(dataclasses.replace(BY_NAME["grad"], call=writing), xp, "float64")


def test_a_result_off_by_a_billionth():
    xp = open_namespace("numpy")
    wrong = dataclasses.replace(
        BY_NAME["grad"], call=lambda xp, a: BY_NAME["grad"].call(xp, a) * (1 + 1e-9)
    )
    with pytest.raises(AssertionError, match="differs by"):
        _compare_with_true(wrong, xp, "float64")


def _compare_with_true(routine, xp, dtype):
    """Compare a spoilt routine with what the right one gives."""
    from tests.parity import comparing

    right = comparing.on_numpy(BY_NAME["grad"], dtype)
    original = comparing.on_numpy
    try:
        comparing.on_numpy = lambda *_: right
        return compare(routine, xp, dtype)
    finally:
        comparing.on_numpy = original
