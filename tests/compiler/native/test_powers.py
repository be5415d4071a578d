import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import powers
from anygrad.compiler.targets.native.mathematics.powers import POW

from . import fitting_powers
from .accuracy import (
    WIDE,
    WIDER,
    around,
    assert_same_in_all_widths,
    largest_error,
    largest_error_exact,
    numbers,
    spread,
)
from .evaluating import evaluate

DTYPES = ("float64", "float32")
# the largest error that there may be
BOUND = {"float64": 1.4, "float32": 0.6}


def _bases(dtype, count, seed):
    """Positive numbers near one, far from it, and in between."""
    rng = np.random.default_rng(seed)
    reach = rng.choice([1e-9, 1e-6, 1e-3, 0.1, 0.35, 1, 10, 80], count)
    return np.exp(rng.uniform(-1, 1, count) * reach).astype(dtype)


def _pairs(dtype, count):
    """Bases and exponents of all kinds, among them those with the largest results."""
    size = count // 4
    most = {"float64": 1100, "float32": 155}[dtype]
    x = _bases(dtype, size, 1)
    wide = np.abs(numbers(dtype, size, 2))
    roots = around([np.sqrt(0.5), np.sqrt(2), 1, np.finfo(dtype).tiny], dtype, 40)
    with np.errstate(all="ignore"):
        yield x, (spread(dtype, -most, most, size, 3) / np.log2(x)).astype(dtype)
        yield roots, (spread(dtype, -most, most, roots.size, 4) / np.log2(roots)).astype(dtype)
    yield wide, np.roll(wide, 7)
    yield wide, np.random.default_rng(5).integers(-20, 20, wide.size).astype(dtype)
    yield wide, spread(dtype, -3, 3, wide.size, 6)
    yield _bases(dtype, size, 7), spread(dtype, -9, 9, size, 8)


def _special(dtype):
    kind = np.finfo(dtype)
    whole = 2.0**kind.nmant
    numbers_of_each_kind = [
        *(0, kind.smallest_subnormal, kind.tiny, kind.eps, 0.5, 1 - kind.epsneg, 1, 1 + kind.eps),
        *(1.5, 2, 2.5, 3, 4, 5, 1e10, kind.max, np.inf, np.nan),
        # halves, odd and even numbers, and even ones only
        *(whole / 2 - 0.5, whole / 2 + 0.5, whole + 1, 2 * whole - 1, 2 * whole, 4 * whole, 1e30),
    ]
    values = np.array(numbers_of_each_kind, dtype)
    values = np.concatenate([values, -values])
    return [x.ravel() for x in np.meshgrid(values, values)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_are_small(dtype):
    if dtype == "float64" and not WIDE:
        pytest.skip("np.longdouble is no wider than float64 here")
    for x, y in _pairs(dtype, 20_000):
        error, where = largest_error(POW, np.power, x, y)
        assert error <= BOUND[dtype], where


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_and_signs(dtype):
    x, y = _special(dtype)
    found = evaluate(POW, x, y)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(WIDER[dtype]), y.astype(WIDER[dtype]))
        expected = exact.astype(dtype)
    special = ~np.isfinite(expected) | (expected == 0)
    np.testing.assert_array_equal(found[special], expected[special])
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    signs = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[signs]), np.signbit(expected[signs]))
    np.testing.assert_array_max_ulp(found[~special], expected[~special], 2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_powers_are_exact(dtype):
    x = np.arange(1, 100, dtype=dtype)
    for k in (-1, 0, 1, 2, 3):
        exact = (x.astype(np.longdouble) ** k).astype(dtype)
        np.testing.assert_array_max_ulp(evaluate(POW, x, np.full_like(x, k)), exact, 1)
    twos = evaluate(POW, np.full(200, 2, dtype), np.arange(-100, 100, dtype=dtype))
    np.testing.assert_array_equal(twos, np.ldexp(1.0, np.arange(-100, 100)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_width_changes_no_bit(dtype):
    assert_same_in_all_widths(POW, numbers(dtype, 500, 1), numbers(dtype, 500, 2))
    assert_same_in_all_widths(POW, _bases(dtype, 500, 1), spread(dtype, -9, 9, 500))


@pytest.mark.slow
def test_errors_are_small_everywhere():
    for x, y in _pairs("float64", 80_000):
        x, y = x[np.isfinite(x) & np.isfinite(y)], y[np.isfinite(x) & np.isfinite(y)]
        positive = x > 0
        error, where = largest_error_exact(POW, mpmath.power, x[positive], y[positive])
        print(f"\npow float64: {error:.3f} at {where}, {positive.sum()} points")
        assert error <= BOUND["float64"]
    for x, y in _pairs("float32", 40_000_000):
        error, where = largest_error(POW, np.power, x, y, lanes=32)
        print(f"pow float32: {error:.3f} at {where}, {x.size} points")
        assert error <= BOUND["float32"]


@pytest.mark.slow
@pytest.mark.parametrize("name", fitting_powers.TABLES)
def test_tables_are_those_that_are_fitted(name):
    assert getattr(powers, name) == tuple(fitting_powers.TABLES[name]())
