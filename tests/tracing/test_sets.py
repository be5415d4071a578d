"""Different values and sets of them: NumPy's values; the first element has the derivative."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import MissingRuleError
from tests.support import assert_close
from tests.support.host_copies import allow_host_copies
from tests.tracing.anywhere import check_library, not_jax
from tests.tracing.laws import LAWS, check_value

X = np.array([[0.3, -1.2, 0.7, 2.1], [1.9, 0.4, -0.8, 0.6], [-0.45, 1.1, 1.7, -2.3]])
TIES = np.array([2.0, 1.0, 2.0, -1.0, 1.0])

SPELLINGS = {
    "unique": lambda x: np.unique(x) ** 2,
    "unique of a vector": lambda x: np.unique(x[0], axis=0),
    "union1d": lambda x: np.union1d(x, [0.3, 5.0, -7.0]),
    "setdiff1d": lambda x: np.setdiff1d(x, [9.0, 8.0]),
    "setdiff1d in order": lambda x: np.setdiff1d(x, [9.0], assume_unique=True),
    "setxor1d": lambda x: np.setxor1d(x[0], x[1]),
}


@pytest.mark.parametrize("law", ["value", "second_order", "precision"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


@pytest.mark.parametrize("name", [name for name in SPELLINGS if name != "union1d"])
def test_slopes_are_differences(name):
    LAWS["first_order"](SPELLINGS[name], X)


RESULTS = {
    "all": lambda x: np.unique(x, True, True, True),
    "inverse": lambda x: np.unique(x, return_inverse=True),
    "counts": lambda x: np.unique(x, return_counts=True),
    "intersect1d": lambda x: np.intersect1d(x, [1.0, 5.0, 2.0, 2.0]),
    "intersect1d indices": lambda x: np.intersect1d(x, [1.0, 5.0, 2.0, 2.0], return_indices=True),
    "setdiff1d": lambda x: np.setdiff1d(x, [1.0]),
    "setxor1d": lambda x: np.setxor1d(x, [1.0, 7.0]),
    "union1d": lambda x: np.union1d(x, [1.0, 7.0]),
    "isin": lambda x: np.isin(x, [1.0, 7.0]),
}


@pytest.mark.parametrize("x", [TIES, TIES.reshape(5, 1), TIES[:0]], ids=["vector", "rows", "none"])
@pytest.mark.parametrize("name", RESULTS)
def test_values_with_ties_are_numpys(name, x):
    check_value(RESULTS[name], x)


def test_nan_counts_once_unless_told_otherwise():
    x = np.array([np.nan, 1.0, np.nan, np.nan, 0.0])
    check_value(lambda x: np.unique(x, return_counts=True), x)
    check_value(lambda x: np.unique(x, return_index=True, equal_nan=False), x)
    check_value(lambda x: np.setxor1d(x, [1.0, np.nan]), x)


def test_the_first_of_equal_elements_has_the_derivative(xp):
    if xp.name == "strict":
        pytest.skip("a shape that depends on values would be read on the host")
    with allow_host_copies():
        _, pullback = ag.vjp(lambda x: ag.namespace(x).unique(x), xp.asarray(TIES))
        assert_close(pullback(xp.asarray([1.0, 10.0, 100.0]))[0], [100.0, 10.0, 0.0, 1.0, 0.0])


def test_common_values_are_those_of_the_first_array():
    ga, gb = ag.vjp(lambda a, b: np.intersect1d(a, b), TIES, np.array([2.0, 3.0, 1.0]))[1](
        np.array([1.0, 10.0])
    )
    assert_close(ga, [10.0, 1.0, 0.0, 0.0, 0.0])
    assert_close(gb, np.zeros(3))


READ = {
    "setdiff1d": lambda xp, x: xp.setdiff1d(x, [0.3, 9.0]),
    "intersect1d": lambda xp, x: xp.intersect1d(x, x[0, :]),
    "isin": lambda xp, x: xp.where(xp.isin(x, x[0, :]), x, 0.0),
}


@pytest.mark.parametrize("name", READ)
def test_every_library_gives_the_same(name, xp):
    not_jax(xp)
    if xp.name == "strict":
        pytest.skip("a shape that depends on values would be read on the host")
    with allow_host_copies():
        check_library(READ[name], X, xp)


def test_slices_and_complex_numbers_are_refused():
    with pytest.raises(MissingRuleError, match=r"axis.*whole slices"):
        ag.vjp(lambda x: np.unique(x, axis=0), X)
    with pytest.raises(MissingRuleError, match="no order"):
        ag.vjp(lambda x: np.unique(x), X + 1j)
    with pytest.raises(MissingRuleError, match="no batched form"):
        ag.vmap(lambda x: np.unique(x))(X)
