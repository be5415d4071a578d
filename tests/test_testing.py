"""assert_gradients raises what pytest shows."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, GradientError
from anygrad.testing import assert_gradients

X = np.asarray([1.0, 2.0])


def test_right_gradients_pass_and_give_the_report():
    report = assert_gradients(lambda x, y: np.sum(x**3) * y, X, 2.0, argnums=(0, 1), order=2)
    assert report.ok
    assert report.total == 3
    assert report.second


def test_wrong_ones_fail_as_assertions_with_the_report_as_text():
    with pytest.raises(AssertionError, match=r"wrong in 2 of the 2 elements") as caught:
        assert_gradients(lambda x: np.sum(x**3), X, grad=lambda x: 2 * x**2)
    assert isinstance(caught.value, GradientError)
    assert "Worst is x[1]" in str(caught.value)
    frames = [entry for entry in caught.traceback if entry.name == "assert_gradients"]
    assert [entry.ishidden(None) for entry in frames] == [True]


def test_what_tells_nothing_fails_too():
    with pytest.raises(GradientError, match="inconclusive"):
        assert_gradients(lambda x: np.sum(np.floor(x)), X, grad=np.zeros(2))


def test_bad_input_is_no_assertion():
    with pytest.raises(ArgumentError):
        assert_gradients(np.sum, X, order=3)


def test_it_is_public():
    assert ag.testing.assert_gradients is assert_gradients
