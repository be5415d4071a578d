import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import FUNCTIONS

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

DTYPES = ("float64", "float32")
INF, NAN = np.inf, np.nan

# the function of wider numbers, the one of mpmath, and the largest error that there may be
CASES = {
    "asinh": (np.arcsinh, mpmath.asinh, 1.4),
    "acosh": (np.arccosh, mpmath.acosh, 1.75),
    "atanh": (np.arctanh, mpmath.atanh, 1.3),
}
SPECIAL = {
    "asinh": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN)],
    "acosh": [(1.0, 0.0), (0.5, NAN), (-3.0, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
    "atanh": [
        *[(0.0, 0.0), (-0.0, -0.0), (1.0, INF), (-1.0, -INF)],
        *[(1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    ],
}


def _points(dtype, count):
    kind = np.finfo(dtype)
    size = count // 5
    rng = np.random.default_rng(1)
    large = {"float64": 2.0**28, "float32": 2.0**13}[dtype]
    return np.concatenate(
        [
            numbers(dtype, size, 2),
            spread(dtype, -1, 1, size, 3),
            spread(dtype, 1, 4, size, 4),
            np.exp(rng.uniform(-25, 25, size)).astype(dtype),
            1 + np.exp(rng.uniform(-38, 1, size)).astype(dtype),
            around([large, 1, 0.5, 1 / 3, np.sqrt(0.5), 0.75, 1.25, kind.tiny], dtype),
            1 - np.arange(50, dtype=dtype) * kind.epsneg,
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


@pytest.mark.parametrize("name", CASES)
def test_the_width_changes_no_bit(name):
    for dtype in DTYPES:
        assert_same_in_all_widths(FUNCTIONS[name], _points(dtype, 500))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_errors_are_small_everywhere(name):
    reference, exact, bound = CASES[name]
    points = _points("float64", 150_000)
    ends = {"asinh": (-INF, INF), "acosh": (1, INF), "atanh": (-1, 1)}[name]
    points = points[(points > ends[0]) & (points < ends[1])]
    error, where = largest_error_exact(FUNCTIONS[name], exact, points)
    print(f"\n{name} float64: {error:.3f} at {where}, {points.size} points")
    single, single_where = largest_error_everywhere(FUNCTIONS[name], reference)
    print(f"{name} float32: {single:.3f} at {single_where}")
    assert error <= bound
    assert single <= bound
