"""Slopes of single elements on the host: in rising order, from one side, by secants."""

import numpy as np
import pytest

from anygrad.checking.measuring import (
    find_secants,
    measure_all,
    measure_side,
    measure_some,
)
from anygrad.checking.subjects import Subject


def subject_of(f, *x):
    return Subject.of("f", f, (np.asarray(x),), 0)


def test_some_slopes_are_those_of_all():
    subject = subject_of(lambda x: np.sum(np.sin(x) * x), 0.1, -2.0, 3.0)
    every, some = measure_all(subject, "loop"), measure_some(subject, np.asarray([0, 2]), "loop")
    for name in ("values", "bars", "bends", "kinks", "singular", "one_sided", "noisy"):
        np.testing.assert_array_equal(getattr(some, name), getattr(every, name)[[0, 2]])
    np.testing.assert_allclose(
        every.values, [0.1, -2.0, 3.0] * np.cos([0.1, -2.0, 3.0]) + np.sin([0.1, -2.0, 3.0])
    )
    assert np.all(every.bars < 1e-9)
    assert np.all(every.bends >= 0.0)


def test_where_there_is_no_slope_the_bar_is_infinite_and_the_bend_unknown():
    found = measure_all(subject_of(lambda x: np.sum(x) * np.nan, 1.0, 2.0), "loop")
    assert np.all(np.isinf(found.bars))
    assert np.all(found.bends == 0.0)


def test_a_side_has_its_own_slope_and_none_where_f_is_not_finite():
    subject = subject_of(lambda x: np.where(x[0] < 0.0, -2.0 * x[0], 5.0 * x[0]), 0.0)
    for side, slope in ((-1, -2.0), (1, 5.0)):
        value, bar = measure_side(subject, 0, side)
        assert abs(value - slope) <= bar < 1e-9
    subject = subject_of(lambda x: np.where(x[0] < 0.0, np.nan, 5.0 * x[0]), 0.0)
    assert measure_side(subject, 0, -1)[1] == np.inf
    assert measure_side(subject, 0, 1)[0] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: x[0] ** 2, 0.0, 0.35),
        (lambda x: x[0] ** 2, 100.0, 235.0),
        (lambda x: np.exp(-x[0]), 0.0, (np.exp(0.35) - 1.0) / 0.35),
        (lambda x: np.exp(x[0]), 0.0, (np.exp(0.35) - 1.0) / 0.35),
        (lambda x: np.where(x[0] < 0.0, np.nan, 3.0 * x[0]), 0.0, 3.0),
        (lambda x: np.where(x[0] > 0.0, np.inf, 3.0 * x[0]), 0.0, 3.0),
        (lambda x: np.where(x[0] == 0.0, 0.0, np.nan), 0.0, 0.0),
    ],
)
def test_secants_reach_about_a_third_of_the_size_of_the_element_to_both_sides(f, x, slope):
    subject = subject_of(f, x)
    assert find_secants(subject, 0, subject.value()) == pytest.approx(slope)
