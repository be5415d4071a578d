"""Sorting, partitions, positions: NumPy's values, elements that carry their derivatives."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, MissingRuleError, ShapeError, TraceError
from tests.support import assert_close, to_host
from tests.support.host_copies import allow_host_copies
from tests.tracing.anywhere import jax_namespace, library_tests
from tests.tracing.laws import LAWS, check_value

X = np.array([[0.3, -1.2, 0.7, 2.1], [1.9, 0.4, -0.8, 0.6], [-0.45, 1.1, 1.7, -2.3]])
ORDERED = np.array([-1.0, 0.35, 0.35, 1.2])


def sorted_in_place(x):
    y = 2.0 * x
    assert y.sort(axis=0) is None
    return y


def partitioned_in_place(x):
    y = x * x
    y.partition(1)
    return y[:, 1]


def sorted_through_a_view(x):
    y = 2.0 * x
    y[0].sort()
    return y * x


SPELLINGS = {
    "sort": lambda x: np.sort(x) * x,
    "sort kind": lambda x: np.sort(x, 0, "stable"),
    "argsort": lambda x: x * np.argsort(x, axis=None).reshape(3, 4),
    "partition": lambda x: np.partition(x, 2)[:, 2],
    "partition by several": lambda x: np.partition(x, (0, -1), axis=0)[[0, 2]],
    "partition flat": lambda x: np.partition(x, [3, 5], axis=None)[[3, 5]],
    "argpartition": lambda x: x[0, np.argpartition(x[0], 1)[1]] ** 2,
    "argpartition method": lambda x: x[0, x[0].argpartition(-1)[-1]] ** 2,
    "lexsort": lambda x: x[0][np.lexsort((x[0], np.round(x[1])))],
    "lexsort of rows": lambda x: x[0][np.lexsort(x)],
    "lexsort of an axis": lambda x: x * np.lexsort((x, np.round(x)), axis=0),
    "searchsorted": lambda x: x * np.searchsorted(ORDERED, x),
    "searchsorted right": lambda x: x * np.searchsorted(np.sort(x[0]), x, "right"),
    "searchsorted sorter": lambda x: x[0] * np.searchsorted(x[0], x[1], sorter=np.argsort(x[0])),
    "searchsorted method": lambda x: x[0] * np.sort(x[1]).searchsorted([0.3, 0.5, 1.0, 9.0]),
    "searchsorted of a number": lambda x: x * np.searchsorted(np.sort(x[0]), 0.35),
    "sort_complex": lambda x: np.sort_complex(x[0]),
    "sort in place": sorted_in_place,
    "partition in place": partitioned_in_place,
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


@pytest.mark.parametrize("kth", [0, 2, -1, (1, 3), np.array([0, 2])])
def test_a_partition_has_the_elements_in_their_places(kth):
    for axis in (0, 1, -1, None):
        kth_here = np.minimum(kth, 2) if axis == 0 else kth
        value = np.asarray(ag.vjp(lambda x: np.partition(x, kth_here, axis), X)[0])  # noqa: B023
        expected = np.partition(X, kth_here, axis)
        at = -1 if axis is None else axis
        for k in np.ravel(kth_here):
            middle = np.take(value, [k], axis=at)
            assert_close(middle, np.take(expected, [k], axis=at))
            n = value.shape[at]
            assert (np.take(value, range(k % n), axis=at) <= middle).all()
            assert (np.take(value, range(k % n, n), axis=at) >= middle).all()


def test_equal_elements_stay_in_order_in_every_library(xp):
    x = xp.asarray([2.0, 1.0, 2.0, 1.0])
    (g,) = ag.vjp(lambda x: ag.namespace(x).partition(x, 1), x)[1](xp.asarray([1.0, 2.0, 3.0, 4.0]))
    assert_close(g, [3.0, 1.0, 4.0, 2.0])


def test_sorting_a_view_in_place_is_refused_as_every_write_through_a_view():
    with pytest.raises(TraceError, match="view of another traced array"):
        ag.vjp(sorted_through_a_view, X)


BY_VALUE = {
    "argwhere": lambda x: np.argwhere(x > 0.5),
    "argwhere of an array": lambda x: np.argwhere(x),
    "argwhere 0-d": lambda x: np.argwhere(x[0, 0]),
    "flatnonzero": lambda x: np.flatnonzero(x > 0.5),
    "count_nonzero": lambda x: np.count_nonzero(x > 0.5, axis=0),
    "elements": lambda x: x.ravel()[np.flatnonzero(x > 0.5)] ** 2,
}


@pytest.mark.parametrize("name", BY_VALUE)
def test_positions_are_numpys(name):
    check_value(BY_VALUE[name], X)


ANYWHERE = {
    "partition": lambda xp, x: xp.partition(x, 2, axis=1),
    "lexsort": lambda xp, x: x[0, :] * xp.astype(xp.lexsort((x[0, :], x[1, :])), x.dtype),
    "searchsorted": lambda xp, x: (
        x * xp.astype(xp.searchsorted(xp.sort(x[0, :]), x, side="right"), x.dtype)
    ),
    "sorter": lambda xp, x: (
        x[0, :] * xp.astype(xp.searchsorted(x[0, :], x[1, :], sorter=xp.argsort(x[0, :])), x.dtype)
    ),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, X)


def test_arrays_that_cannot_be_written_give_another():
    xp = jax_namespace()
    value, _ = ag.vjp(lambda x: x.sort() if x.sort() is not None else x, xp.asarray(X))
    assert_close(value, np.sort(X))


def test_positions_are_read_on_the_host(xp):
    if xp.name == "strict":
        pytest.skip("a shape that depends on values would be read on the host")
    seen = []

    def f(x):
        seen.append(ag.namespace(x).argwhere(x > 0.5))
        return ag.namespace(x).sum(x)

    with allow_host_copies():
        ag.grad(f)(xp.asarray(X))
    np.testing.assert_array_equal(to_host(seen[0]), np.argwhere(X > 0.5))


REFUSED = {
    "complex sort": (lambda x: np.sort(x + 1j), MissingRuleError, "no order"),
    "complex argsort": (lambda x: np.argsort(x + 1j), MissingRuleError, "no order"),
    "complex partition": (lambda x: np.partition(x + 1j, 1), MissingRuleError, "no order"),
    "sort_complex": (lambda x: np.sort_complex(x + 1j), MissingRuleError, "no order"),
    "fields": (lambda x: np.argsort(x, order="a"), MissingRuleError, "fields"),
    "kth": (lambda x: np.partition(x, 4), ArgumentError, "length 4"),
    "kth of several": (lambda x: np.argpartition(x, (1, -5)), ArgumentError, "length 4"),
    "side": (lambda x: np.searchsorted(ORDERED, x, "middle"), ArgumentError, "side"),
    "axis": (lambda x: np.partition(x, 1, axis=2), ShapeError, "axis"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = case
    with pytest.raises(error, match=words):
        ag.vjp(f, X)
