import math

import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.ranges import FINITE, NOT_NEGATIVE, POSITIVE, Range, check_count, check_number


@pytest.mark.parametrize(
    ("allowed", "inside", "outside", "words"),
    [
        (Range(0, 1, open_high=True), [0, 0.5], [1, -1, math.nan], r"a number in \[0, 1\)"),
        (POSITIVE, [1e-300, 5], [0, -1, math.inf, math.nan], "a number > 0"),
        (NOT_NEGATIVE, [0, 5], [-1e-300, math.inf], "a number >= 0"),
        (FINITE, [0, -5], [math.inf, -math.inf, math.nan], "a finite number"),
    ],
)
def test_range_holds_and_names_its_numbers(allowed, inside, outside, words):
    for number in inside:
        assert check_number("f(x)", number, allowed) == number
    for number in outside:
        with pytest.raises(ArgumentError, match=rf"^f\(x\): got .*; expected {words}\. Think\.$"):
            check_number("f(x)", number, allowed, "Think.")


def test_numpy_scalar_becomes_a_python_float():
    assert type(check_number("f(x)", np.float32(0.5), FINITE)) is float


@pytest.mark.parametrize("value", [True, "1", None, 1j, np.ones(1)])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ArgumentError, match=r"f\(x\): got"):
        check_number("f(x)", value, FINITE)


@pytest.mark.parametrize("value", [True, 1.0, "1", -1, None])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(ArgumentError, match=r"f\(n\): got .* expected an integer >= 0"):
        check_count("f(n)", value)
