"""cbrt and hypot against wider numbers, and their special values."""

import itertools

import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import roots
from anygrad.compiler.targets.native.mathematics.roots import CBRT, HYPOT

from . import fitting_roots
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

DTYPES = ("float64", "float32")
of_both = pytest.mark.parametrize("dtype", DTYPES)


def points(dtype, count):
    """Numbers of all sizes and some of one size."""
    rng = np.random.default_rng(1)
    found = np.concatenate([numbers(dtype, count), rng.uniform(-8, 8, count).astype(dtype)])
    near = around([2.0**-700 if dtype == "float64" else 2.0**-60, 1.0, 8.0], dtype)
    return np.concatenate([found, near])


def pairs(dtype, count):
    """Pairs of numbers of all sizes, and of comparable ones."""
    rng = np.random.default_rng(2)
    with np.errstate(all="ignore"):
        y, x = numbers(dtype, count), numbers(dtype, count, 3)
        near = (y * rng.uniform(0.2, 5, y.size)).astype(dtype)
        far = np.ldexp(y, rng.integers(-30, 30, y.size)).astype(dtype)
        normal = rng.normal(size=(2, count)).astype(dtype)
        found = np.array(
            [np.concatenate([y, y, y, normal[0]]), np.concatenate([x, near, far, normal[1]])]
        )
        return found[:, ~np.isnan(found).any(axis=0)]


@needs_wide
@of_both
def test_errors_are_small(dtype):
    error, where = largest_error(CBRT, np.cbrt, points(dtype, 4000))
    assert error < BOUND, where
    error, where = largest_error(HYPOT, np.hypot, *pairs(dtype, 2000))
    assert error < BOUND, where


@of_both
def test_cube_roots_of_cubes_are_exact(dtype):
    x = np.arange(-200, 201, dtype=dtype)
    np.testing.assert_array_equal(evaluate(CBRT, x**3), x)


@of_both
def test_right_triangles_are_exact(dtype):
    scale = 2.0 ** np.arange(-100, 100, 7)
    for a, b, c in ((3, 4, 5), (5, 12, 13), (8, 15, 17)):
        found = evaluate(HYPOT, (a * scale).astype(dtype), (-b * scale).astype(dtype))
        np.testing.assert_array_equal(found, (c * scale).astype(dtype))


@of_both
def test_special_values(dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    found = evaluate(CBRT, x)
    np.testing.assert_array_equal(found, x)
    np.testing.assert_array_equal(np.signbit(found[:4]), np.signbit(x[:4]))


@of_both
def test_lengths_of_all_pairs_of_special_values(dtype):
    kind = np.finfo(dtype)
    sizes = [0.0, kind.smallest_subnormal, kind.tiny, 1.0, 3.0, kind.max / 2, kind.max, np.inf]
    values = np.array([*sizes, *[-x for x in sizes], np.nan], dtype)
    x, y = np.array(list(itertools.product(values, values)), dtype).T
    with np.errstate(over="ignore", under="ignore"):
        expected = np.hypot(x, y)
    np.testing.assert_allclose(evaluate(HYPOT, x, y), expected, rtol=2 * kind.eps, atol=0)


@of_both
def test_the_order_is_no_matter(dtype):
    x, y = pairs(dtype, 1000)
    np.testing.assert_array_equal(evaluate(HYPOT, x, y), evaluate(HYPOT, y, -x))


@of_both
def test_bits_do_not_depend_on_the_lanes(dtype):
    x = points(dtype, 1000)
    found = [evaluate(CBRT, x, lanes=lanes).view(UNSIGNED[dtype]) for lanes in (8, 32)]
    np.testing.assert_array_equal(*found)
    found = [evaluate(HYPOT, x, x[::-1], lanes=lanes) for lanes in (8, 32)]
    np.testing.assert_array_equal(*found)


@pytest.mark.slow
@pytest.mark.parametrize("table", fitting_roots.TABLES)
@of_both
def test_tables_are_what_is_fitted(table, dtype):
    assert list(getattr(roots, table)[dtype]) == fitting_roots.TABLES[table](dtype)


@pytest.mark.slow
@of_both
def test_errors_are_small_at_many_places(dtype):
    x = points(dtype, 30_000)
    error, where = largest_error_exact(CBRT, lambda a: mpmath.sign(a) * mpmath.cbrt(abs(a)), x)
    print(f"cbrt {dtype}: {error:.3f} ulp of {x.size} at {where}")
    assert error < BOUND
    found = pairs(dtype, 20_000)
    error, where = largest_error_exact(HYPOT, mpmath.hypot, *found)
    print(f"hypot {dtype}: {error:.3f} ulp of {found[0].size} at {where}")
    assert error < BOUND


@pytest.mark.slow
@needs_wide
@of_both
def test_errors_are_small_at_millions_of_places(dtype):
    x = points(dtype, 4_000_000)
    error, where = largest_error(CBRT, np.cbrt, x)
    print(f"cbrt {dtype}: {error:.3f} ulp of {x.size} at {where}")
    assert error < BOUND
    found = pairs(dtype, 1_000_000)
    error, where = largest_error(HYPOT, np.hypot, *found)
    print(f"hypot {dtype}: {error:.3f} ulp of {found[0].size} at {where}")
    assert error < BOUND


@pytest.mark.slow
def test_errors_are_small_at_every_seventh_float32():
    error, where = largest_error_everywhere(CBRT, np.cbrt, 7)
    print(f"cbrt float32: {error:.3f} ulp of every seventh number, at {where}")
    assert error < BOUND
