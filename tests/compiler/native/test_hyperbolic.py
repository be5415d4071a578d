import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import FUNCTIONS, hyperbolic

from . import fitting_hyperbolic
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

# the function of wider numbers, the one of mpmath, and the largest error that there may be
CASES = {
    "tanh": (np.tanh, mpmath.tanh, 1.4),
    "sinh": (np.sinh, mpmath.sinh, 1.0),
    "cosh": (np.cosh, mpmath.cosh, 1.0),
}
SPECIAL = {
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (1e3, 1), (-1e3, -1), (INF, 1), (-INF, -1), (NAN, NAN)],
    "sinh": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (1e3, INF),
        (-1e3, -INF),
        (INF, INF),
        (-INF, -INF),
        (NAN, NAN),
    ],
    "cosh": [(0.0, 1), (-0.0, 1), (1e3, INF), (-1e3, INF), (INF, INF), (-INF, INF), (NAN, NAN)],
}


def _points(dtype, count):
    end = {"float64": 711, "float32": 90}[dtype]
    size = count // 4
    # where the whole number changes, the largest results, and where tanh changes its ways
    switches = np.arange(0.25, 30, 0.25) * np.log(2)
    ends = {"float64": (710.4758, 16.5, 20), "float32": (89.4159, 0.55, 10)}[dtype]
    return np.concatenate(
        [
            numbers(dtype, size, 1),
            spread(dtype, -end, end, size, 2),
            spread(dtype, -22, 22, size, 3),
            spread(dtype, -1.5, 1.5, size, 4),
            around([*switches, *ends, 2.0**-26, 2.0**-11, 2.0**-28, 2.0**-13], dtype),
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
def test_tanh_does_not_exceed_one(dtype):
    found = evaluate(FUNCTIONS["tanh"], spread(dtype, 5, 25, 5_000))
    assert found.max() == 1


@pytest.mark.parametrize("name", CASES)
def test_the_width_changes_no_bit(name):
    for dtype in DTYPES:
        assert_same_in_all_widths(FUNCTIONS[name], _points(dtype, 500))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_errors_are_small_everywhere(name):
    reference, exact, bound = CASES[name]
    points = _points("float64", 60_000)
    error, where = largest_error_exact(FUNCTIONS[name], exact, points)
    print(f"\n{name} float64: {error:.3f} at {where}, {points.size} points")
    single, single_where = largest_error_everywhere(FUNCTIONS[name], reference)
    print(f"{name} float32: {single:.3f} at {single_where}")
    assert error <= bound
    assert single <= bound


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", fitting_hyperbolic.TABLES)
def test_tables_are_those_that_are_fitted(name, dtype):
    made = fitting_hyperbolic.TABLES[name](dtype)
    assert getattr(hyperbolic, name)[dtype] == tuple(made)


@pytest.mark.slow
def test_the_table_of_tanh_is_the_one_that_is_fitted():
    assert tuple(fitting_hyperbolic.bend()) == hyperbolic.BEND
