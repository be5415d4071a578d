"""asin, acos, atan and atan2 against wider numbers, and their special values."""

import itertools
import math

import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import inverse_circular
from anygrad.compiler.targets.native.mathematics.inverse_circular import ACOS, ASIN, ATAN, ATAN2

from . import fitting_inverse_circular
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
    "asin": (ASIN, np.arcsin, mpmath.asin),
    "acos": (ACOS, np.arccos, mpmath.acos),
    "atan": (ATAN, np.arctan, mpmath.atan),
}
DTYPES = ("float64", "float32")

of_each = pytest.mark.parametrize("name", FUNCTIONS)
of_both = pytest.mark.parametrize("dtype", DTYPES)


def points(name, dtype, count):
    """Numbers of all sizes where the function is a number, and around the switches and ends."""
    rng = np.random.default_rng(1)
    near = around([0.5, 1.0, 2.0, -0.5, -1.0, -2.0], dtype, min(count // 40, 1000))
    to_one = 1 - np.exp(rng.uniform(-40, 0, count // 4))
    spread = [rng.uniform(-1, 1, count), rng.uniform(-5, 5, count // 2), to_one, -to_one]
    found = np.concatenate([numbers(dtype, count), near, *[x.astype(dtype) for x in spread]])
    end = np.inf if name == "atan" else 1.0
    with np.errstate(invalid="ignore"):
        return found[np.abs(found) <= end]


def pairs(dtype, count):
    """Pairs of numbers of all sizes, of comparable ones, and with quotients around the switches."""
    rng = np.random.default_rng(2)
    with np.errstate(all="ignore"):
        y, x = numbers(dtype, count), numbers(dtype, count, 3)
        near = (y * rng.uniform(0.2, 5, y.size)).astype(dtype)
        far = np.ldexp(y, rng.integers(-60, 60, y.size)).astype(dtype)
        half = np.nextafter(y / 2, np.inf, dtype=dtype)
        normal = rng.normal(size=(2, count)).astype(dtype)
        found = np.array(
            [
                np.concatenate([y, y, y, half, y * 2, y, normal[0]]),
                np.concatenate([x, near, far, y, y, -y, normal[1]]),
            ]
        )
        return found[:, ~np.isnan(found).any(axis=0)]


@needs_wide
@of_each
@of_both
def test_errors_are_small(name, dtype):
    function, reference, _ = FUNCTIONS[name]
    error, where = largest_error(function, reference, points(name, dtype, 4000))
    assert error < BOUND, where


@needs_wide
@of_both
def test_errors_of_two_arguments_are_small(dtype):
    error, where = largest_error(ATAN2, np.arctan2, *pairs(dtype, 2000))
    assert error < BOUND, where


@of_both
def test_special_values(dtype):
    x = np.array([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan], dtype)
    half, quarter = math.pi / 2, math.pi / 4
    for function, expected in (
        (ASIN, [0.0, -0.0, half, -half, np.nan, np.nan, np.nan]),
        (ACOS, [half, half, 0.0, math.pi, np.nan, np.nan, np.nan]),
        (ATAN, [0.0, -0.0, quarter, -quarter, half, -half, np.nan]),
    ):
        found = evaluate(function, x)
        np.testing.assert_array_equal(found, np.array(expected, dtype))
        known = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[known], np.signbit(expected)[known])


@of_both
def test_nothing_is_beyond_one(dtype):
    above = np.nextafter(1, 2, dtype=dtype)
    x = np.array([above, -above, 2, -2, np.finfo(dtype).max], dtype)
    assert np.isnan(evaluate(ASIN, x)).all()
    assert np.isnan(evaluate(ACOS, x)).all()


@of_both
def test_angles_of_all_pairs_of_special_values(dtype):
    kind = np.finfo(dtype)
    sizes = [0.0, kind.smallest_subnormal, kind.tiny, 1.0, 3.0, kind.max / 2, kind.max, np.inf]
    values = np.array([*sizes, *[-x for x in sizes], np.nan], dtype)
    y, x = np.array(list(itertools.product(values, values)), dtype).T
    found, expected = evaluate(ATAN2, y, x), np.arctan2(y.astype(np.float64), x.astype(np.float64))
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(found, expected.astype(dtype), rtol=2 * kind.eps, atol=0)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[known], np.signbit(expected)[known])


@of_each
@of_both
def test_bits_do_not_depend_on_the_lanes(name, dtype):
    x, function = points(name, dtype, 1000), FUNCTIONS[name][0]
    found = [evaluate(function, x, lanes=lanes).view(UNSIGNED[dtype]) for lanes in (8, 32)]
    np.testing.assert_array_equal(*found)


@pytest.mark.slow
@pytest.mark.parametrize("table", fitting_inverse_circular.TABLES)
@of_both
def test_tables_are_what_is_fitted(table, dtype):
    made = fitting_inverse_circular.TABLES[table](dtype)
    assert list(getattr(inverse_circular, table)[dtype]) == made


@pytest.mark.slow
@of_each
@of_both
def test_errors_are_small_at_many_places(name, dtype):
    function, _, exact = FUNCTIONS[name]
    x = points(name, dtype, 40_000)
    error, where = largest_error_exact(function, exact, x)
    print(f"{name} {dtype}: {error:.3f} ulp of {x.size} at {where}")
    assert error < BOUND


@pytest.mark.slow
@of_both
def test_errors_of_two_arguments_are_small_at_many_places(dtype):
    found = pairs(dtype, 20_000)
    found = found[:, (found[1] != 0) & np.isfinite(found).all(axis=0)]
    error, where = largest_error_exact(ATAN2, mpmath.atan2, *found)
    print(f"atan2 {dtype}: {error:.3f} ulp of {found[0].size} at {where}")
    assert error < BOUND


@pytest.mark.slow
@needs_wide
@of_both
def test_errors_of_two_arguments_are_small_at_millions_of_places(dtype):
    found = pairs(dtype, 1_000_000)
    error, where = largest_error(ATAN2, np.arctan2, *found)
    print(f"atan2 {dtype}: {error:.3f} ulp of {found[0].size} at {where}")
    assert error < BOUND


@pytest.mark.slow
@of_each
def test_errors_are_small_at_every_seventh_float32(name):
    function, reference, _ = FUNCTIONS[name]
    found = largest_error_everywhere(function, reference, 7)
    print(f"{name} float32: {found[0]:.3f} ulp of every seventh number, at {found[1]}")
    assert found[0] < BOUND
