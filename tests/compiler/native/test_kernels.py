"""Kernels give what NumPy gives: every operation, in every type, for every special value."""

import itertools

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad.compiler.targets.native.choosing import why_no_kernel
from anygrad.compiler.targets.native.mathematics import FUNCTIONS
from anygrad.ops import ROWS
from anygrad.tracing import TRACED
from tests.compiler.native.running import (
    DTYPES,
    INTEGERS,
    REALS,
    assert_runs,
    in_kernels,
    pairs,
    specials,
    wild,
)

ONE = (
    *("sqrt", "square", "reciprocal", "negative", "positive", "abs", "conj", "floor", "ceil"),
    *("trunc", "round", "sign", "signbit", "isnan", "isinf", "isfinite", "logical_not"),
    "bitwise_invert",
)
TWO = (
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "copysign", "equal"),
    *("not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or"),
    *("logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor"),
)


def taken(names, *args):
    """The rows that NumPy computes of these operands."""
    found = []
    for name in names:
        try:
            with np.errstate(all="ignore"):
                getattr(TRACED, name)(*args)
        except (TypeError, OverflowError, ag.errors.AnygradError):
            continue
        found.append(name)
    return found


def apply(names):
    return lambda *xs: tuple([getattr(TRACED, name)(*xs) for name in names])


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_of_one_operand(dtype):
    x = np.concatenate([specials(dtype), wild(100, dtype)])
    names = taken(ONE, x)
    assert_runs(apply(names), x)
    print(dtype, set(names) - set(in_kernels(apply(names), x)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_of_two_operands(dtype):
    a, b = pairs(dtype, dtype)
    names = taken(TWO, a, b)
    assert_runs(apply(names), a, b)
    print(dtype, set(names) - set(in_kernels(apply(names), a, b)))


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(DTYPES, 2)))
def test_operations_of_two_types(first, second):
    a, b = pairs(first, second)
    names = taken(TWO, a, b)
    found = in_kernels(apply(names), a, b)
    assert_runs(apply(names), a, b, kernels=bool(found))
    print(set(names) - set(found))
