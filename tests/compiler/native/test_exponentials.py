import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import FUNCTIONS, exponentials

from . import fitting_exponentials
from .accuracy import (
    WIDE,
    around,
    assert_same_in_all_widths,
    assert_special,
    largest_error,
    largest_error_everywhere,
    largest_error_exact,
    numbers,
    spread,
)
from .evaluating import evaluate

DTYPES = ("float64", "float32")
INF, NAN = np.inf, np.nan
LOG_2 = 0.6931471805599453


def _expit(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# the function of wider numbers, the one of mpmath, and the largest error that there may be
CASES = {
    "exp": (np.exp, mpmath.exp, 1.1),
    "exp2": (np.exp2, lambda x: mpmath.mpf(2) ** x, 1.1),
    "expm1": (np.expm1, mpmath.expm1, 1.35),
    "expit": (_expit, lambda x: 1 / (1 + mpmath.exp(-x)), 0.85),
    "softplus": (_softplus, lambda x: mpmath.log1p(mpmath.exp(x)), 1.7),
    "log_expit": (lambda x: -_softplus(-x), lambda x: -mpmath.log1p(mpmath.exp(-x)), 1.7),
}
SPECIAL = {
    "exp": [(0.0, 1.0), (-0.0, 1.0), (1e4, INF), (-1e4, 0.0), (INF, INF), (-INF, 0.0), (NAN, NAN)],
    "exp2": [
        (0.0, 1.0),
        (-3.0, 0.125),
        (5.0, 32.0),
        (1e5, INF),
        (-1e5, 0.0),
        (INF, INF),
        (-INF, 0),
        (NAN, NAN),
    ],
    "expm1": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (1e4, INF),
        (-1e4, -1.0),
        (INF, INF),
        (-INF, -1.0),
        (NAN, NAN),
    ],
    "expit": [
        (0.0, 0.5),
        (-0.0, 0.5),
        (1e4, 1.0),
        (-1e4, 0.0),
        (INF, 1.0),
        (-INF, 0.0),
        (NAN, NAN),
    ],
    "softplus": [(0.0, LOG_2), (1e4, 1e4), (-1e4, 0.0), (INF, INF), (-INF, 0.0), (NAN, NAN)],
    "log_expit": [(0.0, -LOG_2), (1e4, -0.0), (-1e4, -1e4), (INF, -0.0), (-INF, -INF), (NAN, NAN)],
}
SPECIAL_SUMS = [
    (1.0, -INF, 1.0),
    (-INF, 1.0, 1.0),
    (-INF, -INF, -INF),
    (INF, INF, INF),
    (INF, -INF, INF),
    (-INF, INF, INF),
    (INF, 3.0, INF),
    (3.0, INF, INF),
    (NAN, 1.0, NAN),
    (1.0, NAN, NAN),
    (NAN, INF, NAN),
    (INF, NAN, NAN),
    (NAN, -INF, NAN),
    (-INF, NAN, NAN),
    (0.0, 0.0, LOG_2),
    (1e30, -1e30, 1e30),
    (-1e30, -1e30, -1e30),
]


def _points(dtype, count):
    end = {"float64": 760, "float32": 110}[dtype]
    size = count // 5
    # where the whole number changes and where results begin to be small or too large
    switches = np.arange(-9.5, 9.5, 1) * LOG_2
    ends = {"float64": (-745.13, -708.39, 709.78), "float32": (-103.97, -87.33, 88.72)}[dtype]
    return np.concatenate(
        [
            numbers(dtype, size, 1),
            spread(dtype, -end, end, size, 2),
            spread(dtype, -1.5 * end, 1.5 * end, size, 3),  # of exp2
            spread(dtype, -40, 40, size, 4),
            spread(dtype, -1.5, 1.5, size, 5),
            around([*switches, *ends, *np.arange(-6.5, 6.5), 1074.5, 1022.5, 149.5, 126.5], dtype),
        ]
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_errors_are_small(name, dtype):
    if dtype == "float64" and not WIDE:
        pytest.skip("np.longdouble is no wider than float64 here")
    reference, _, bound = CASES[name]
    error, where = largest_error(FUNCTIONS[name], reference, _points(dtype, 10_000))
    assert error <= bound, where


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name, dtype):
    assert_special(FUNCTIONS[name], dtype, SPECIAL[name])


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_of_logaddexp(dtype):
    assert_special(FUNCTIONS["logaddexp"], dtype, SPECIAL_SUMS)


@pytest.mark.parametrize("name", CASES)
def test_the_width_changes_no_bit(name):
    assert_same_in_all_widths(
        FUNCTIONS[name],
        numbers("float64", 500),
    )
    assert_same_in_all_widths(FUNCTIONS[name], numbers("float32", 500))


def _pairs(dtype, count):
    x = spread(dtype, -700, 700, count, 6)
    near = x + np.random.default_rng(7).normal(0, 10, count).astype(dtype)
    wide = numbers(dtype, count, 8)
    return (
        (np.abs(x), near),
        (np.abs(near), np.abs(x) + 1),
        (wide, np.roll(wide, 1)),
        (np.abs(spread(dtype, -1e-3, 1e-3, count, 9)), spread(dtype, -60, 60, count, 10)),
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_logaddexp_has_small_errors_where_nothing_cancels(dtype):
    if dtype == "float64" and not WIDE:
        pytest.skip("np.longdouble is no wider than float64 here")
    for x, y in _pairs(dtype, 2_000):
        error, where = largest_error(FUNCTIONS["logaddexp"], np.logaddexp, x, y)
        assert error <= 1.7, where


@pytest.mark.parametrize("dtype", DTYPES)
def test_logaddexp_that_cancels_is_as_exact_as_the_larger_number(dtype):
    if dtype == "float64" and not WIDE:
        pytest.skip("np.longdouble is no wider than float64 here")
    x = -spread(dtype, 1e-6, 2, 2_000, 11)
    # the other one that makes the result zero, and a little more or less
    y = np.log(-np.expm1(x)) * spread(dtype, 0.9, 1.1, 2_000, 12)
    exact = np.logaddexp(x.astype(np.longdouble), y.astype(np.longdouble))
    distance = np.abs(evaluate(FUNCTIONS["logaddexp"], x, y) - exact)
    assert np.max(distance / np.spacing(np.abs(np.maximum(x, y)))) <= 2


def test_logaddexp_is_symmetric():
    x, y = numbers("float64", 2_000, 13), numbers("float64", 2_000, 14)
    function = FUNCTIONS["logaddexp"]
    np.testing.assert_array_equal(evaluate(function, x, y), evaluate(function, y, x))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_errors_are_small_everywhere(name):
    reference, exact, bound = CASES[name]
    error, where = largest_error_exact(FUNCTIONS[name], exact, _points("float64", 60_000))
    print(f"\n{name} float64: {error:.3f} at {where}")
    single, single_where = largest_error_everywhere(FUNCTIONS[name], reference)
    print(f"{name} float32: {single:.3f} at {single_where}")
    assert error <= bound
    assert single <= bound


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", fitting_exponentials.TABLES)
def test_tables_are_those_that_are_fitted(name, dtype):
    made = fitting_exponentials.TABLES[name](dtype)
    assert getattr(exponentials, name)[dtype] == tuple(made)
