"""Bodies of kernels give what the library gives: every operation, in every type, for every value.

What is compared is NumPy's own result of the same row. Functions such as exp are those of the C
library here and NVIDIA's on a GPU; they are compared within a few units in the last place.
"""

import itertools

import numpy as np
import pytest

from anygrad.compiler.targets.cuda import operations
from anygrad.compiler.targets.cuda.choosing import kernels_of
from anygrad.compiler.targets.cuda.operations import why_not
from anygrad.ops import ROWS
from tests.compiler.cuda.running import applied, run
from tests.compiler.cuda.values import (
    COMPLEX,
    DTYPES,
    INTEGERS,
    REALS,
    assert_same,
    dtype_of,
    pairs,
    specials,
    wild,
)
from tests.support.cuda import reason_no_compiler

pytestmark = pytest.mark.skipif(bool(reason_no_compiler()), reason=str(reason_no_compiler()))

EXACT_ONE = (
    *("sqrt", "square", "reciprocal", "negative", "positive", "abs", "conj", "floor", "ceil"),
    *("trunc", "round", "sign", "signbit", "isnan", "isinf", "isfinite", "logical_not"),
    *("bitwise_invert", "real", "imag"),
)
EXACT_TWO = (
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "copysign", "equal"),
    *("not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or"),
    *("logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor"),
)
FUNCTIONS_ONE = (
    *("exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p", "cbrt"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
    *("asinh", "acosh", "atanh", "erf", "erfc", "expit", "log_expit", "logit", "entr"),
)
FUNCTIONS_TWO = ("hypot", "atan2", "logaddexp", "pow", "xlogy", "xlog1py", "rel_entr", "kl_div")
ELSEWHERE = ("where", "astype")
"""Rows with tests of their own below."""
UNITS = {
    "float16": 1,
    "bfloat16": 1,
    "float32": 8,
    "float64": 32,
    "complex64": 16,
    "complex128": 16,
}
"""In the last place, of functions; SciPy's erfc more far out, halves are rounded from single."""
EITHER_ZERO = ("maximum", "minimum", "sign")
"""Of zeros of both signs either may be the larger one; CuPy's sign(-0.0) is 0.0."""


def taken(names, *args):
    """The rows of which kernels compute something of these operands."""
    found = []
    for name in names:
        try:
            with np.errstate(all="ignore"):
                program, _ = applied([(name, args, {})], args)
        except (TypeError, OverflowError, ValueError):
            continue
        if not why_not(program.nodes[0], program.specs):
            found.append(name)
    return found


def assert_agree(names, *args, units=None, given=None):
    """Each row of these operands, all in one kernel."""
    given = args if given is None else given
    with np.errstate(all="ignore"):
        program, wanted = applied([(name, args, {}) for name in names], given)
    assert sum(len(one.nodes) for one in kernels_of(program)) == len(names)
    for name, found, right in zip(names, run(program, given), wanted, strict=True):
        allowed = UNITS[right.dtype.name] if units is None else units(name, right.dtype.name)
        assert_same(found, right, name, allowed, zeros=name in EITHER_ZERO)


def exact(name, dtype):
    return 0


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d not in COMPLEX])
def test_operations_of_one_operand(dtype):
    x = np.concatenate([specials(dtype), wild(100, dtype)])
    names = taken(EXACT_ONE, x)
    assert len(names) > (7 if dtype == "bool" else 13)
    assert_agree(names, x, units=exact)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d not in COMPLEX])
def test_operations_of_two_operands(dtype):
    a, b = pairs(dtype, dtype)
    names = taken(EXACT_TWO, a, b)
    assert len(names) > (12 if dtype == "bool" else 14)
    assert_agree(names, a, b, units=exact)


@pytest.mark.parametrize("dtype", COMPLEX)
def test_complex_numbers(dtype):
    """Exact where nothing is rounded twice; infinite factors give nan in places of their own."""
    finite = wild(300, dtype, 1), wild(300, dtype, 2)
    names = taken(EXACT_TWO, *finite)
    assert {"add", "multiply", "divide", "equal", "logical_or"} <= set(names)
    normwise(names, *finite)
    names = taken((*EXACT_ONE, "exp", "log", "sin", "cosh", "tanh"), finite[0] / 100)
    assert {"abs", "square", "reciprocal", "exp"} <= set(names)
    normwise(names, finite[0] / 100)
    x, y = pairs(dtype, dtype)
    assert_agree(["add", "subtract", "equal", "not_equal", "logical_xor"], x, y, units=exact)
    assert_agree(["negative", "conj", "isnan", "logical_not"], x, units=exact)


def normwise(names, *args):
    """Complex results are near by their lengths: NumPy contracts products, as CuPy does not."""
    with np.errstate(all="ignore"):
        program, wanted = applied([(name, args, {}) for name in names], args)
    for name, found, right in zip(names, run(program, args), wanted, strict=True):
        assert found.dtype == right.dtype, name
        if right.dtype == bool:
            assert np.array_equal(found, right), name
            continue
        ok = np.isfinite(right)
        eps = np.finfo(right.dtype).eps
        assert np.all(np.abs(found[ok] - right[ok]) <= 16 * eps * np.abs(right[ok])), name


@pytest.mark.parametrize("dtype", [*REALS, "int16", "uint8", "int64", "bool"])
def test_functions_of_one_operand(dtype):
    x = np.concatenate([specials(dtype), wild(60, dtype)])
    names = taken(FUNCTIONS_ONE, x)
    assert len(names) >= 20
    # numbers that sin reduces, and logit and log_expit near their zeros, lose digits: see below
    assert_agree([n for n in names if n not in ("logit", "log_expit", "entr", "exp10")], x)


POSITIVE = ("logit", "log_expit", "entr", "xlogy", "xlog1py", "rel_entr", "kl_div", "pow")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_that_lose_digits(dtype):
    """Where terms cancel the error is of the size of the terms."""
    rng = np.random.default_rng(0)
    x, y = [(0.9 * rng.random(200) + 0.05).astype(dtype_of(dtype)) for _ in range(2)]
    eps = np.finfo(dtype).eps
    for names, args in ((POSITIVE[:3], (x,)), (POSITIVE[3:], (x, y))):
        names = taken(names, *args)
        assert len(names) >= 3
        program, wanted = applied([(name, args, {}) for name in names], args)
        for name, found, right in zip(names, run(program, args), wanted, strict=True):
            assert found.dtype == right.dtype
            error = np.abs(found.astype(float) - right.astype(float))
            assert np.all(error <= 32 * eps * (1 + np.abs(right.astype(float)))), name


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_functions_at_special_values(dtype):
    """Zeros, infinities and nan give the same class of result."""
    few = np.array([0.0, -0.0, 0.5, 1.0, -1.0, 2.0, np.inf, -np.inf, np.nan], dtype)
    x, y = np.repeat(few, len(few)), np.tile(few, len(few))
    for names, args in ((FUNCTIONS_ONE, (few,)), (FUNCTIONS_TWO, (x, y))):
        names = taken(names, *args)
        with np.errstate(all="ignore"):
            program, wanted = applied([(name, args, {}) for name in names], args)
        for name, found, right in zip(names, run(program, args), wanted, strict=True):
            assert np.array_equal(np.isnan(found), np.isnan(right)), name
            infinite = np.isinf(right)
            assert np.array_equal(infinite, np.isinf(found)), name
            assert np.array_equal(found[infinite], right[infinite]), name


PAIRS = [p for p in itertools.permutations(DTYPES, 2) if not set(p) & set(COMPLEX)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(*pair, marks=() if k % 6 == 0 or "bfloat16" in pair else pytest.mark.slow)
        for k, pair in enumerate(PAIRS)
    ],
)
def test_operations_of_two_types(first, second):
    a, b = pairs(first, second)
    names = taken(EXACT_TWO, a, b)
    assert len(names) >= (0 if "bfloat16" in (first, second) else 9)
    assert_agree(names, a, b, units=exact)


NUMBERS = (True, 1, -1, 100, 2.5, -0.0, 0.1, float("nan"), float("-inf"), 1j, np.float32(0.1))
NUMBERS += (np.float64(0.1), np.int8(3), np.bool_(True), np.float16(0.1), 1e39, 70_000.0)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bfloat16"])
@pytest.mark.parametrize("given", [False, True], ids=["written", "given"])
def test_numbers_beside_arrays(dtype, given):
    """Written out in the kernel, or handed over at the launch, which takes floats only."""
    x = np.concatenate([specials(dtype), wild(40, dtype)])
    numbers = [n for n in NUMBERS if not given or type(n) in (float, np.float32, np.float64)]
    calls = []
    for number in numbers:
        names = ["add", "multiply", "maximum", "less", "equal", "logical_and"]
        if np.result_type(x, number).kind == "c":
            names.remove("multiply")  # see normwise
        for args in ((x, number), (number, x)):
            calls += [(name, args, {}) for name in taken(names, *args)]
    assert len(calls) > (20 if given else 60)
    with np.errstate(all="ignore"):
        args = (x, *numbers) if given else (x,)
        program, wanted = applied(calls, args)
    assert len(kernels_of(program)[0].nodes) == len(calls)
    for (name, *_), found, right in zip(calls, run(program, args), wanted, strict=True):
        assert_same(found, right, name, zeros=name == "maximum")


def test_numbers_beside_bfloat16():
    """ml_dtypes promotes Python's numbers, CuPy does not: the program says what comes out."""
    x = wild(60, "bfloat16")
    program, _ = applied([("multiply", (x, 0.1), {}), ("add", (x, 0.1), {})], (x,))
    specs = dict.fromkeys(program.specs, program.specs[0])
    program = program.__class__(program.inputs, program.nodes, program.outputs, specs)
    assert len(kernels_of(program)[0].nodes) == 2
    number = np.float32(x.dtype.type(0.1))
    product, total = run(program, (x,))
    assert_same(product, (x.astype(np.float32) * number).astype(x.dtype))
    assert_same(total, (x.astype(np.float32) + number).astype(x.dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_casts(dtype):
    """From wholes and bools everywhere, from floats to floats, where both know the number.

    float64 goes to halves by way of float32, as in CuPy (its float16.cuh), not at once as in NumPy.
    """
    x = np.concatenate([specials(dtype), wild(200, dtype)])
    if dtype in ("float64", "complex128"):
        with np.errstate(over="ignore"):
            x = x.astype(np.float32 if dtype == "float64" else np.complex64).astype(x.dtype)
    kinds = [d for d in DTYPES if d != dtype and (dtype not in COMPLEX or d in COMPLEX)]
    if dtype in (*REALS, *COMPLEX):  # whole numbers have a test of their own
        kinds = [d for d in kinds if d not in INTEGERS]
    calls = [("astype", (x,), {"dtype": dtype_of(d)}) for d in kinds] * 2  # no kernel for one
    with np.errstate(all="ignore"):
        program, wanted = applied(calls, (x,))
    assert len(kernels_of(program)[0].nodes) == len(calls)
    for name, found, right in zip(kinds * 2, run(program, (x,)), wanted, strict=True):
        assert_same(found, right, name)


@pytest.mark.parametrize("dtype", REALS)
def test_casts_to_whole_numbers(dtype):
    """What the type holds; beyond that C++, CuPy and NumPy each have their own."""
    x = np.array([0.0, -0.0, 0.9, 1.5, 7.0, 99.9, 127.0]).astype(dtype_of(dtype))
    calls = [("astype", (x,), {"dtype": np.dtype(d)}) for d in INTEGERS]
    calls += [("astype", (-x,), {"dtype": np.dtype(d)}) for d in INTEGERS[::2]]
    program, wanted = applied(calls[: len(INTEGERS)], (x,))
    for found, right in zip(run(program, (x,)), wanted, strict=True):
        assert_same(found, right)
    y = -x
    program, wanted = applied([("astype", (y,), kw) for _, _, kw in calls[:8:2]], (y,))
    for found, right in zip(run(program, (y,)), wanted, strict=True):
        assert_same(found, right)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bfloat16"])
def test_choices(dtype):
    x, y = pairs(dtype, dtype)
    test = wild(len(x), "bool")
    program, wanted = applied(
        [("where", (test, x, y), {}), ("where", (test, y, x), {}), ("where", (test, x, 1), {})],
        (test, x, y),
    )
    assert len(kernels_of(program)[0].nodes) == 3
    for found, right in zip(run(program, (test, x, y)), wanted, strict=True):
        assert_same(found, right)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_powers_that_are_products(dtype):
    x = np.concatenate([specials(dtype), wild(100, dtype)])
    powers = (1, 2, 0.5, -1, 2.0, -1.0)
    with np.errstate(all="ignore"):
        program, _ = applied([("pow", (x, n), {}) for n in powers], (x,))
        wide = x.astype(np.float32) if dtype == "float16" else x
        wanted = [wide, wide * wide, np.sqrt(wide), 1 / wide, wide * wide, 1 / wide]
        for found, right in zip(run(program, (x,)), wanted, strict=True):
            assert_same(found, right.astype(x.dtype))


def test_every_row_that_kernels_compute_is_tested():
    tables = (operations._SAME, operations._FUNCTIONS, operations._TESTS)
    computed = {"where", "astype", "real", "imag", *(name for table in tables for name in table)}
    tested = {*EXACT_ONE, *EXACT_TWO, *FUNCTIONS_ONE, *FUNCTIONS_TWO, *ELSEWHERE}
    assert computed == tested
    assert all(ROWS[name].pointwise for name in computed)


def test_what_no_kernel_computes():
    x = np.array([1.5, 2.0])
    for name, args in {"remainder": (x, x), "gamma": (x,), "nextafter": (x, x)}.items():
        program, _ = applied([(name, args, {})], (x,))
        assert (
            why_not(program.nodes[0], program.specs) == f"no kernel computes {name} of these types"
        )
