"""erf and erfc against mpmath, and their special values."""

import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import errors
from anygrad.compiler.targets.native.mathematics.errors import ERF, ERFC, FAR, SWITCH, VANISHED

from . import fitting_errors
from .accuracy import (
    BOUND,
    UNSIGNED,
    around,
    largest_error_everywhere,
    largest_error_exact,
    numbers,
)
from .evaluating import evaluate

FUNCTIONS = {"erf": (ERF, mpmath.erf), "erfc": (ERFC, mpmath.erfc)}
DTYPES = ("float64", "float32")
ENDS = {"erf": FAR, "erfc": VANISHED}

of_each = pytest.mark.parametrize("name", FUNCTIONS)
of_both = pytest.mark.parametrize("dtype", DTYPES)


def points(name, dtype, count):
    """Numbers up to where nothing changes any more, of all sizes, and around the switches."""
    rng = np.random.default_rng(1)
    end = ENDS[name][dtype]
    sizes = numbers(dtype, count // 2)
    near = around([SWITCH, 1.0, end, -SWITCH, -1.0], dtype, min(count // 40, 2000))
    spread = rng.uniform(-1.2, 1.2, count // 2), rng.uniform(-end - 1, end + 1, count)
    found = np.concatenate([sizes, near, *[x.astype(dtype) for x in spread]])
    return found[np.abs(found) < 100]


@of_each
@of_both
def test_errors_are_small(name, dtype):
    function, exact = FUNCTIONS[name]
    error, where = largest_error_exact(function, exact, points(name, dtype, 700))
    assert error < BOUND, where


@of_both
def test_what_is_too_small_for_all_digits_is_as_exact(dtype):
    first, last = {"float64": (26.5, 27.4), "float32": (9.2, 10.2)}[dtype]
    x = np.linspace(first, last, 400).astype(dtype)
    error, where = largest_error_exact(ERFC, mpmath.erfc, x)
    assert error < BOUND, where
    assert (evaluate(ERFC, x) < np.finfo(dtype).tiny).any()


@of_both
def test_special_values(dtype):
    largest = np.finfo(dtype).max
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 40, -40, largest, -largest], dtype)
    expected = np.array([0.0, -0.0, 1, -1, np.nan, 1, -1, 1, -1], dtype)
    found = evaluate(ERF, x)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[:2]), [False, True])
    expected = np.array([1, 1, 0.0, 2, np.nan, 0.0, 2, 0.0, 2], dtype)
    np.testing.assert_array_equal(evaluate(ERFC, x), expected)


@of_each
@of_both
def test_bits_do_not_depend_on_the_lanes(name, dtype):
    x, function = points(name, dtype, 1000), FUNCTIONS[name][0]
    found = [evaluate(function, x, lanes=lanes).view(UNSIGNED[dtype]) for lanes in (8, 32)]
    np.testing.assert_array_equal(*found)


@pytest.mark.slow
@pytest.mark.parametrize("table", fitting_errors.TABLES)
@of_both
def test_tables_are_what_is_fitted(table, dtype):
    assert list(getattr(errors, table)[dtype]) == fitting_errors.TABLES[table](dtype)


@pytest.mark.slow
def test_the_slope_is_what_is_fitted():
    assert list(errors.SLOPE) == fitting_errors.slope()


@pytest.mark.slow
@of_each
@of_both
def test_errors_are_small_at_many_places(name, dtype):
    function, exact = FUNCTIONS[name]
    x = points(name, dtype, 40_000)
    error, where = largest_error_exact(function, exact, x)
    print(f"{name} {dtype}: {error:.3f} ulp of {x.size} at {where}")
    assert error < BOUND


@pytest.mark.slow
@of_each
def test_errors_are_small_at_every_seventh_float32(name):
    special = pytest.importorskip("scipy.special", reason="needs SciPy's erf in double precision")
    found = largest_error_everywhere(FUNCTIONS[name][0], getattr(special, name), 7)
    print(f"{name} float32: {found[0]:.3f} ulp of every seventh number, at {found[1]}")
    assert found[0] < BOUND
