"""Histograms and their like: counts are constants, weights and edges differentiate."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError
from tests.support import assert_close
from tests.support.host_copies import allow_host_copies
from tests.tracing.anywhere import library_tests
from tests.tracing.laws import LAWS, check_first_order, check_value

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4))
EDGES = np.array([-2.0, -0.5, 0.1, 0.4, 3.0])

SPELLINGS = {
    "edges": lambda x: np.histogram(x, 4)[1],
    "edges alone": lambda x: np.histogram_bin_edges(x, bins=3),
    "weights": lambda x: np.histogram(x, EDGES, weights=x * x)[0],
    "weights in moving bins": lambda x: np.histogram(x, 5, weights=np.sin(x))[0],
    "weights of constants": lambda x: np.histogram(X, 5, range=(-1, 1), weights=x)[0],
    "density": lambda x: np.histogram(x, 4, density=True)[0],
    "density of traced edges": lambda x: np.histogram(X + 0.05, np.sort(x[0]), density=True)[0],
    "range": lambda x: np.histogram(x, 4, range=(x[0, 0] - 3.0, 2.0))[1],
    "bincount": lambda x: np.bincount([0, 1, 1, 4], x[0]),
    "bincount minlength": lambda x: np.bincount(np.array([2, 0, 2, 1]), weights=x[1], minlength=6),
    "digitize": lambda x: x * np.digitize(x, EDGES),
    "digitize downwards": lambda x: x * np.digitize(x, EDGES[::-1], right=True),
    "digitize traced": lambda x: x * np.digitize(X + 0.05, np.sort(x[0]), True),
    "counts": lambda x: x.ravel()[:5] * np.histogram(x, 5)[0],
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


# NumPy adds up weights of single precision in another order.
IN_ORDER = {"density of weights": lambda x: np.histogram(x, EDGES, None, True, np.exp(x))[0]}


@pytest.mark.parametrize("law", [law for law in LAWS if law != "precision"])
@pytest.mark.parametrize("name", IN_ORDER)
def test_sums_that_depend_on_the_order(name, law):
    LAWS[law](IN_ORDER[name], X)


COUNTS = {
    "bins": lambda x: np.histogram(x, 7)[0],
    "edges": lambda x: np.histogram(x, EDGES)[0],
    "range": lambda x: np.histogram(x, 7, (-1, 0.5))[0],
    "doane": lambda x: np.histogram(x, "doane")[0],
    "of one value": lambda x: np.histogram(x * 0.0 + 2.0, 3),
    "of nothing": lambda x: np.histogram(x[:0], 3),
    "digitize": lambda x: np.digitize(x, EDGES),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_numpys(name):
    check_value(COUNTS[name], X)


@pytest.mark.parametrize("seed", range(5))
def test_values_on_edges_fall_on_the_side_that_numpy_takes(seed):
    x = np.random.default_rng(seed).integers(0, 11, 40) * 0.1
    for bins in (10, 7, 3):
        check_value(lambda x, bins=bins: np.histogram(x, bins)[0], x)
        check_value(lambda x, bins=bins: np.histogram(x, bins, range=(0.1, 0.8))[0], x)


def test_a_number_at_the_last_edge_is_inside_and_nan_is_in_no_bin():
    x = np.array([0.0, 0.5, 1.0, np.nan, 1.5])
    counts = []

    def f(x):
        counts.append(np.histogram(x, [0.0, 0.5, 1.0])[0])
        return x

    ag.vjp(f, x)
    np.testing.assert_array_equal(counts[0], [1, 2])


def test_complex_weights():
    def f(x):
        return np.histogram(X, EDGES, weights=x)[0]

    check_value(f, X + 1j * X[::-1])
    check_first_order(f, X + 1j * X[::-1])


ANYWHERE = {
    "weights": lambda xp, x: xp.histogram(x, 4, weights=x * x)[0],
    "density": lambda xp, x: xp.histogram(x, [-2.0, 0.0, 0.5, 2.0], density=True, weights=x)[0],
    "counts": lambda xp, x: x[0, :] * xp.astype(xp.histogram(x, 4)[0], x.dtype),
    "digitize": lambda xp, x: x * xp.astype(xp.digitize(x, [1.0, 0.0, -1.0]), x.dtype),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, X)


def test_the_length_of_bincount_is_read_on_the_host(xp):
    numbers = xp.asarray([0, 2, 2, 1], dtype=xp.int64)

    def f(x):
        return ag.namespace(x).bincount(numbers, x)

    with allow_host_copies():
        value, pullback = ag.vjp(f, xp.asarray([1.0, 2.0, 3.0, 4.0]))
        assert_close(value, [1.0, 4.0, 5.0])
        assert_close(pullback(xp.asarray([1.0, 10.0, 100.0]))[0], [1.0, 100.0, 100.0, 10.0])


REFUSED = {
    "edges": (lambda x: np.histogram(x, [1.0, 0.0]), ArgumentError, "decrease"),
    "no bins": (lambda x: np.histogram(x, 0), ArgumentError, "bins"),
    "half a bin": (lambda x: np.histogram(x, 1.5), ArgumentError, "bins"),
    "range": (lambda x: np.histogram(x, 3, (1, 0)), ArgumentError, "lower limit"),
    "weights": (lambda x: np.histogram(x, 3, weights=x[0]), ShapeError, "weights"),
    "traced range": (lambda x: np.histogram(x, "fd", (x[0, 0], 2)), MissingRuleError, "number of"),
    "floats": (lambda x: np.bincount(x[0]), DTypeError, "integers"),
    "negative": (lambda x: np.bincount([-1, 0], x[0, :2]), ArgumentError, "-1"),
    "lengths": (lambda x: np.bincount([1, 0], x[0]), ShapeError, "weights"),
    "edges in rows": (lambda x: np.digitize(x, X), ArgumentError, "one axis"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = case
    with pytest.raises(error, match=words):
        ag.vjp(f, X)
