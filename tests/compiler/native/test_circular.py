"""sin, cos, tan and both at a time against wider numbers, and their special values."""

import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import circular
from anygrad.compiler.targets.native.mathematics.circular import COS, LARGEST, SIN, SINCOS, TAN

from . import fitting_circular
from .accuracy import (
    BOUND,
    UNSIGNED,
    around,
    largest_error,
    largest_error_everywhere,
    largest_error_exact,
    needs_wide,
    numbers,
)
from .evaluating import evaluate

FUNCTIONS = {
    "sin": (SIN, np.sin, mpmath.sin),
    "cos": (COS, np.cos, mpmath.cos),
    "tan": (TAN, np.tan, mpmath.tan),
}
DTYPES = ("float64", "float32")

of_each = pytest.mark.parametrize("name", FUNCTIONS)
of_both = pytest.mark.parametrize("dtype", DTYPES)


def points(dtype, count):
    """Numbers of all sizes up to the largest one, and the neighbours of multiples of pi/4."""
    rng = np.random.default_rng(1)
    largest = LARGEST[dtype]
    places = np.concatenate([np.arange(count // 40), rng.integers(0, 1.2 * largest, count // 40)])
    near = around(places * (np.pi / 4), dtype, 3)
    plain = rng.uniform(-8, 8, count).astype(dtype)
    sizes = np.exp(rng.uniform(0, np.log(largest), count)).astype(dtype)
    found = np.concatenate([plain, numbers(dtype, count), near, -near[::5], sizes])
    return found[np.abs(found) <= largest]


@needs_wide
@of_each
@of_both
def test_errors_are_small(name, dtype):
    function, reference, _ = FUNCTIONS[name]
    error, where = largest_error(function, reference, points(dtype, 4000))
    assert error < BOUND, where


@of_each
@of_both
def test_little_is_left_of_multiples_of_half_pi(name, dtype):
    # where a remainder is smallest: convergents of the continued fraction of pi/2
    with mpmath.workdps(60):
        rest, before, last = mpmath.pi / 2, (0, 1), (1, 0)
        found = []
        while last[0] < LARGEST[dtype]:
            whole = int(mpmath.floor(rest))
            before, last = last, (whole * last[0] + before[0], whole * last[1] + before[1])
            rest = 1 / (rest - whole)
            found.append(float(last[0]))
    whole = np.array([x for x in found if x <= LARGEST[dtype]])
    x = np.concatenate([whole * 2.0**-k for k in range(30)]).astype(dtype)
    function, _, exact = FUNCTIONS[name]
    error, where = largest_error_exact(function, exact, x)
    assert error < BOUND, where


@of_each
@of_both
def test_special_values(name, dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    zeros = [1.0, 1.0] if name == "cos" else [0.0, -0.0]
    found = evaluate(FUNCTIONS[name][0], x)
    np.testing.assert_array_equal(found, np.array([*zeros, np.nan, np.nan, np.nan], dtype))
    np.testing.assert_array_equal(np.signbit(found[:2]), np.signbit(zeros))


@of_both
def test_the_smallest_numbers_are_their_own_sine(dtype):
    kind = np.finfo(dtype)
    x = np.array([kind.smallest_subnormal, -kind.smallest_subnormal, kind.tiny, 1e-20], dtype)
    np.testing.assert_array_equal(evaluate(SIN, x), x)
    np.testing.assert_array_equal(evaluate(TAN, x), x)


@of_both
def test_both_at_a_time_are_the_bits_of_each(dtype):
    x = np.concatenate([points(dtype, 2000), np.array([-0.0, np.inf, np.nan], dtype)])
    for found, alone in zip(evaluate(SINCOS, x), (SIN, COS), strict=True):
        expected = evaluate(alone, x)
        assert found.tobytes() == expected.tobytes()


@of_each
@of_both
def test_bits_do_not_depend_on_the_lanes(name, dtype):
    x, function = points(dtype, 1000), FUNCTIONS[name][0]
    found = [evaluate(function, x, lanes=lanes).view(UNSIGNED[dtype]) for lanes in (8, 32)]
    np.testing.assert_array_equal(*found)


def test_how_far_results_hold_is_told():
    for function in (SIN, COS, SINCOS, TAN):
        assert function.largest == {"float64": 1e13, "float32": 2e6}


@pytest.mark.slow
@pytest.mark.parametrize("table", fitting_circular.TABLES)
@of_both
def test_tables_are_what_is_fitted(table, dtype):
    assert list(getattr(circular, table)[dtype]) == fitting_circular.TABLES[table](dtype)


@pytest.mark.slow
@of_each
@of_both
def test_errors_are_small_at_many_places(name, dtype):
    function, _, exact = FUNCTIONS[name]
    x = points(dtype, 30_000)
    error, where = largest_error_exact(function, exact, x)
    print(f"{name} {dtype}: {error:.3f} ulp of {x.size} at {where}")
    assert error < BOUND


@pytest.mark.slow
@needs_wide
@of_each
def test_errors_are_small_at_millions_of_places(name):
    function, reference, _ = FUNCTIONS[name]
    worst, where = 0.0, ()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        sizes = np.exp(rng.uniform(np.log(1e-5), np.log(1e13), 500_000))
        plain = rng.uniform(-20, 20, 500_000)
        found = largest_error(function, reference, np.concatenate([sizes, plain]))
        worst, where = max((worst, where), found)
    print(f"{name} float64: {worst:.3f} ulp of 8000000 at {where}")
    assert worst < BOUND


@pytest.mark.slow
@of_each
def test_errors_are_small_at_every_seventh_float32(name):
    # those of the other sign are the same: the sign is taken off first, or squared
    function, reference, _ = FUNCTIONS[name]
    end = int(np.array(LARGEST["float32"], np.float32).view(np.uint32))
    found = largest_error_everywhere(function, reference, 7, 0, end + 1)
    print(f"{name} float32: {found[0]:.3f} ulp of every seventh number, at {found[1]}")
    assert found[0] < BOUND
