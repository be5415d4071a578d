"""Kernels give what NumPy gives: every operation, in every type, for every special value."""

import itertools

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import anygrad as ag
from anygrad.compiler.targets.native.choosing import why_no_kernel
from anygrad.ops import ROWS
from anygrad.tracing import TRACED
from tests.compiler.native.running import (
    DTYPES,
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


def left_out(names, *args):
    """What no kernel computes of these."""
    found = set(in_kernels(apply(names), *args))
    return {name for name in names if name not in found}


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_of_one_operand(dtype):
    x = np.concatenate([specials(dtype), wild(100, dtype)])
    names = taken(ONE, x)
    assert_runs(apply(names), x)
    nothing = {"positive", "conj"}  # give the operand itself
    floats = set() if dtype in REALS else {"reciprocal", "isnan", "isinf", "isfinite"}
    floats |= {"round"} if dtype == "bool" else set()
    assert left_out(names, x) - nothing == floats & {*names}


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations_of_two_operands(dtype):
    a, b = pairs(dtype, dtype)
    names = taken(TWO, a, b)
    assert len(names) > (10 if dtype == "bool" else 13)
    assert_runs(apply(names), a, b)
    assert not left_out(names, a, b)


PAIRS = list(itertools.permutations(DTYPES, 2))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(*pair, marks=() if k % 6 == 0 else pytest.mark.slow)
        for k, pair in enumerate(PAIRS)
    ],
)
def test_operations_of_two_types(first, second):
    a, b = pairs(first, second)
    names = taken(TWO, a, b)
    assert_runs(apply(names), a, b, kernels=1)
    assert left_out(names, a, b) <= {
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "equal",
        "not_equal",
        "copysign",
        "divide",
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_casts(dtype):
    x = np.concatenate([specials(dtype), wild(300, dtype)])
    kinds = [d for d in DTYPES if d != dtype and (dtype not in REALS or d in (*REALS, "bool"))]
    f = lambda x: [TRACED.astype(x, dtype=np.dtype(d)) for d in kinds]
    assert_runs(f, x)
    assert in_kernels(f, x) == ["astype"] * len(kinds)


def test_floats_are_cast_to_integers_by_numpy():
    f = lambda x: TRACED.astype(x * 2, dtype=np.dtype(np.int32))
    assert in_kernels(f, np.ones(5)) == []
    swapped = lambda x: TRACED.astype(x * 2, dtype=np.dtype(">f8"))
    assert in_kernels(swapped, np.ones(5)) == []
    assert_runs(swapped, wild(50), kernels=0)


NUMBERS = [
    *(True, 1, -1, 300, 2**31, 2**63, 0.0, -0.0, 0.1, 1e300, 1e39),
    *(70_000.0, 1e-310, 1e-46),
    *(float("nan"), float("-inf"), np.float64(0.1), np.float32(0.1), np.float16(0.1)),
    *(np.int8(3), np.uint64(2**63), np.int64(-5), np.bool_(True), np.array(0.1, np.float32)),
    *(np.array([3.0]), np.array(7, np.int16), np.array(2.5)),
]

AT_THE_EDGE = (2**53 + 1, np.int64(2**53 + 1), np.uint64(2**63 + 1), 3.4028235e38)
"""No doubles, or the last one that is a float in single precision."""


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_beside_arrays(dtype):
    x = np.concatenate([specials(dtype), wild(60, dtype)])
    names = ("add", "multiply", "maximum", "less", "equal", "logical_and")
    used = 0
    for number in (*NUMBERS[DTYPES.index(dtype) % 2 :: 2], *AT_THE_EDGE):
        first, second = taken(names, x, number), taken(names, number, x)

        def f(x, number, first=first, second=second):
            return (
                [getattr(TRACED, name)(x, number) for name in first],
                [getattr(TRACED, name)(number, x) for name in second],
            )

        # as an operand of the program, then as a constant of it
        used += len(in_kernels(f, x, number))
        assert_runs(f, x, number, kernels=None)
        assert_runs(lambda x, number=number, f=f: f(x, number), x, kernels=None)
    assert used > 20 or dtype == "bool"


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_numbers_come_first_or_second(dtype):
    x = wild(100, dtype)
    for number in (2.5, 3, np.float64(0.3), np.array(0.3)):
        assert_runs(lambda x, t: (t - x, x - t, t / x, TRACED.maximum(t, x)), x, number)
        assert_runs(lambda x, t: t * x - (1.0 - t) * (t + x) * t, x, number)


@pytest.mark.parametrize("dtype", DTYPES)
def test_choices(dtype):
    x, y = pairs(dtype, "float32")
    test = wild(len(x), "bool")
    f = lambda t, x, y: [TRACED.where(t, x, y), TRACED.where(t, y, x)]
    assert_runs(f, test, x, y)
    assert in_kernels(f, test, x, y) == ["where"] * 2
    g = lambda t, x: [TRACED.where(t, x, 1), TRACED.where(t, 2.5, x), x == x]
    assert_runs(g, test, x)


EXACT_POWERS = (1, 2, 0.5, -1, 2.0, -1.0)


@pytest.mark.parametrize("dtype", REALS)
def test_powers_that_are_products(dtype):
    x = np.concatenate([specials(dtype), wild(100, dtype)])
    assert_runs(lambda x: [(x + 1) ** n for n in EXACT_POWERS], x)
    with np.errstate(all="ignore"), ag.use_settings(kernels="always"):
        f = lambda x: [(x + 1) ** n for n in (3, 4)]
        for a, b in zip(ag.compile(f)(x), f(x), strict=True):
            np.testing.assert_array_max_ulp(a, b, 2)


def reason_against(name):
    """Why no kernel computes a row; empty if one does, of elements of some type."""
    reasons, f = [], apply([name])
    for dtype in ("float64", "int64", "bool"):
        x = wild(5, dtype)
        ways = ((x > 0, x, x),) if name == "where" else ((x,), (x, x))
        tries = [args for args in ways if _takes(f, *args)]
        if tries:
            with np.errstate(all="ignore"):
                program = ag.compile(f).ir(*tries[0])
            found = [why_no_kernel(node, program.specs) for node in program.nodes]
            reasons.append(found[0] if found else "gives the operand itself")
    return "" if "" in reasons else reasons[0]


def _takes(f, *args):
    try:
        with np.errstate(all="ignore"):
            f(*args)
    except (TypeError, ValueError, ag.errors.AnygradError):
        return False
    return True


def test_what_no_kernel_computes():
    """The rows computed by elements that break a group: this list is to shrink."""
    names = [name for name, row in ROWS.items() if row.pointwise and not row.special]
    found = {name: reason_against(name) for name in names if name != "astype"}
    assert {name: why for name, why in found.items() if why} == {
        "positive": "gives the operand itself",
        "real": "gives the operand itself",
        "imag": "no kernel computes imag",
        "remainder": "no kernel computes remainder",
        "floor_divide": "no kernel computes floor_divide",
        "nextafter": "no kernel computes nextafter",
        "bitwise_left_shift": "no kernel computes bitwise_left_shift",
        "bitwise_right_shift": "no kernel computes bitwise_right_shift",
    }
