import mpmath
import numpy as np
import pytest

from anygrad.compiler.targets.native.mathematics import FUNCTIONS, logarithms

from . import fitting_logarithms
from .accuracy import (
    WIDE,
    around,
    assert_same_in_all_widths,
    assert_special,
    largest_error,
    largest_error_everywhere,
    largest_error_exact,
    numbers,
)
from .evaluating import evaluate

DTYPES = ("float64", "float32")
INF, NAN = np.inf, np.nan

# the function of wider numbers, the one of mpmath, and the largest error that there may be
CASES = {
    "log": (np.log, mpmath.log, 1.25),
    "log2": (np.log2, lambda x: mpmath.log(x, 2), 1.3),
    "log10": (np.log10, mpmath.log10, 1.2),
    "log1p": (np.log1p, mpmath.log1p, 1.2),
}
OF_ALL = [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-INF, NAN), (-1.0, NAN), (NAN, NAN)]
SPECIAL = {
    "log": OF_ALL,
    "log2": [*OF_ALL, (2.0**-126, -126.0), (2.0**127, 127.0), (8.0, 3.0), (0.5, -1.0)],
    "log10": [*OF_ALL, (1e3, 3.0), (1e10, 10.0), (10.0, 1.0)],
    "log1p": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (-1.0, -INF),
        (-1.5, NAN),
        (INF, INF),
        (-INF, NAN),
        (NAN, NAN),
    ],
}


def _points(dtype, count):
    kind = np.finfo(dtype)
    size = count // 5
    rng = np.random.default_rng(1)
    # where the exponent changes, and where numbers begin to have fewer digits
    roots = np.sqrt(2.0) * 2.0 ** np.arange(-3, 4)
    return np.concatenate(
        [
            np.abs(numbers(dtype, size, 2)),
            np.exp(rng.uniform(-2, 2, size)).astype(dtype),
            1 + np.exp(rng.uniform(-38, -1, size)).astype(dtype),
            (-np.exp(rng.uniform(-38, 0, size))).astype(dtype),  # of log1p; nan of others
            np.exp(rng.uniform(np.log(kind.smallest_subnormal), 0, size)).astype(dtype),
            around([*roots, *(roots - 1), 1, 2, 0.5, kind.tiny], dtype),
            -around([0.5, 1 - np.sqrt(0.5), 1 - kind.eps * 9, kind.tiny], dtype, 5),
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


def test_powers_of_two_have_whole_logarithms():
    exponents = np.arange(-1074.0, 1024.0)
    found = evaluate(FUNCTIONS["log2"], np.ldexp(1.0, exponents.astype(int)))
    np.testing.assert_array_equal(found, exponents)


@pytest.mark.parametrize("name", CASES)
def test_the_width_changes_no_bit(name):
    for dtype in DTYPES:
        assert_same_in_all_widths(FUNCTIONS[name], np.abs(numbers(dtype, 500)))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_errors_are_small_everywhere(name):
    reference, exact, bound = CASES[name]
    points = _points("float64", 80_000)
    points = points[points > (-1 if name == "log1p" else 0)]
    error, where = largest_error_exact(FUNCTIONS[name], exact, points)
    print(f"\n{name} float64: {error:.3f} at {where}, {points.size} points")
    single, single_where = largest_error_everywhere(FUNCTIONS[name], reference)
    print(f"{name} float32: {single:.3f} at {single_where}")
    assert error <= bound
    assert single <= bound


@pytest.mark.slow
def test_tables_are_those_that_are_fitted():
    assert tuple(fitting_logarithms.bend()) == logarithms.BEND
    assert tuple(fitting_logarithms.less()) == logarithms.LESS
    for dtype in DTYPES:
        made = fitting_logarithms.bases(dtype)
        assert {k: tuple(map(tuple, v)) for k, v in made.items()} == logarithms.BASES[dtype]
