"""``np.add.reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at`` of traced arrays."""

import numpy as np
import pytest

from anygrad.autodiff import grad, jvp, vjp, vmap
from anygrad.config import use_settings
from anygrad.errors import ArgumentError, DTypeError, MissingRuleError, TraceError
from tests.support import assert_close
from tests.tracing.laws import LAWS

X = np.array([[0.3, -1.2, 0.7, 2.1], [1.9, 0.4, -0.8, 0.6], [-0.45, 1.1, 1.7, -2.3]])
P = np.abs(X) + 0.5
V = np.array([0.5, -0.25, 2.0, 1.5])
W = np.array([2.0, 0.5, 0.3, 0.2])
MASK = X > 0.5
PLAIN = np.zeros(4)
TWICE = np.array([1, 0, 1, 1])


def into(make, write):
    """A result written into a new array, which is then used."""

    def f(x):
        y = make(x)
        returned = write(x, y)
        assert returned is y or returned is None
        return 0.1 * y * y + x.sum()

    return f


CASES = {
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce all": lambda x: np.add.reduce(x, axis=None) * x,
    "add.reduce by position": lambda x: np.add.reduce(x, 1, None, None, True),
    "add.reduce axes": lambda x: np.add.reduce(x, axis=(0, 1)) * x,
    "add.reduce where initial": lambda x: np.add.reduce(x, initial=2.0, where=MASK),
    "add.reduce out": into(lambda x: x[0] * 1.0, lambda x, y: np.add.reduce(x, out=y)),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=1, keepdims=True) * x,
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=-1),
    "maximum.reduce where": lambda x: np.maximum.reduce(x, where=MASK, initial=-3.0),
    "minimum.reduce initial": lambda x: np.minimum.reduce(x, initial=0.4),
    "minimum.reduce empty": lambda x: np.minimum.reduce(x[:0], initial=0.4) + x,
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x, axis=1),
    "logaddexp.reduce all": lambda x: np.logaddexp.reduce(x, axis=None, keepdims=True) * x,
    "logaddexp.reduce where": lambda x: np.logaddexp.reduce(x, where=MASK, initial=0.3),
    "logaddexp.reduce empty": lambda x: np.exp(np.logaddexp.reduce(x[:0])) + x,
    "hypot.reduce": lambda x: np.hypot.reduce(x, axis=1),
    "hypot.reduce initial": lambda x: np.hypot.reduce(x, initial=2.0),
    "subtract.reduce": lambda x: np.subtract.reduce(x, axis=1),
    "subtract.reduce initial": lambda x: np.subtract.reduce(x, initial=2.0, keepdims=True) * x,
    "divide.reduce": lambda x: np.divide.reduce(np.abs(x) + 0.5, axis=0),
    "remainder.reduce": lambda x: np.remainder.reduce(np.abs(x) + W, axis=1),
    "add.accumulate": lambda x: np.add.accumulate(x),
    "add.accumulate axis": lambda x: np.add.accumulate(x, axis=-1) * x,
    "add.accumulate out": into(np.zeros_like, lambda x, y: np.add.accumulate(x, 1, None, y)),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x, axis=1),
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "minimum.accumulate": lambda x: np.minimum.accumulate(x) * x,
    "maximum.accumulate out": into(np.zeros_like, lambda x, y: np.maximum.accumulate(x, out=y)),
    "logaddexp.accumulate": lambda x: np.logaddexp.accumulate(x, axis=1),
    "hypot.accumulate": lambda x: np.hypot.accumulate(np.abs(x) + 0.5, axis=1),
    "subtract.accumulate": lambda x: np.subtract.accumulate(x, axis=1),
    "power.accumulate": lambda x: np.power.accumulate(0.3 * np.abs(x) + 0.5, axis=0),
    "accumulate one": lambda x: np.subtract.accumulate(x[:1]) * x + np.maximum.accumulate(x[:1]),
    "add.outer": lambda x: np.add.outer(x[0], x[:, :2]),
    "subtract.outer": lambda x: np.subtract.outer(x[:, 0], V),
    "multiply.outer plain first": lambda x: np.multiply.outer(V, x),
    "divide.outer of a number": lambda x: np.divide.outer(2.0, np.abs(x) + 0.5),
    "maximum.outer": lambda x: np.maximum.outer(x[0], x[1]),
    "power.outer": lambda x: np.power.outer(np.abs(x[0]) + 0.5, V),
    "add.outer of a list": lambda x: np.add.outer([1.0, 2.0], x[0]),
    "add.outer out": into(
        lambda x: x[:, :3] * 1.0, lambda x, y: np.add.outer(x[0, :3], x[1, :3], out=y)
    ),
    "add.reduceat": lambda x: np.add.reduceat(x, [0, 2, 3], axis=1),
    "add.reduceat from later": lambda x: np.add.reduceat(x, [1, 2], axis=0),
    "add.reduceat not rising": lambda x: np.add.reduceat(x, [0, 3, 1, 1], 1),
    "multiply.reduceat": lambda x: np.multiply.reduceat(x, np.array([0, 2, 1]), axis=1),
    "maximum.reduceat": lambda x: np.maximum.reduceat(x, [0, 1, 3], axis=1),
    "logaddexp.reduceat": lambda x: np.logaddexp.reduceat(x, [0, 2], axis=1),
    "reduceat out": into(
        lambda x: x[:, :2] * 1.0, lambda x, y: np.add.reduceat(x, [0, 2], axis=1, out=y)
    ),
    "add.at": into(lambda x: x[0] * 1.0, lambda x, y: np.add.at(y, TWICE, x[1])),
    "add.at of a number": into(lambda x: x[0] * x[0], lambda x, y: np.add.at(y, [0, 0], 2.0)),
    "add.at of rows": into(lambda x: x * x, lambda x, y: np.add.at(y, [2, 2, 0], x[0])),
    "add.at of pairs": into(lambda x: x * x, lambda x, y: np.add.at(y, ([0, 0], 1), x[:2, 0])),
    "add.at of plain values": into(lambda x: x * x, lambda x, y: np.add.at(y, [1, 1], V)),
    "add.at of integers": into(lambda x: x * x, lambda x, y: np.add.at(y, 1, np.arange(4))),
    "add.at of a slice": into(lambda x: x * x, lambda x, y: np.add.at(y, slice(0, 2), x[1])),
    "add.at of a mask": into(lambda x: x * x, lambda x, y: np.add.at(y, MASK, 2.0)),
    "subtract.at": into(lambda x: x[0] * 1.0, lambda x, y: np.subtract.at(y, TWICE, x[1])),
    "multiply.at": into(lambda x: x[0] * 1.0, lambda x, y: np.multiply.at(y, TWICE, x[1])),
    "multiply.at of a slice": into(lambda x: x * 1.0, lambda x, y: np.multiply.at(y, 1, x[0])),
    "divide.at": into(lambda x: x[0] * 1.0, lambda x, y: np.divide.at(y, TWICE, np.abs(x[1]) + 1)),
    "maximum.at": into(lambda x: x * 1.0, lambda x, y: np.maximum.at(y, [1, 1, 2], x[0])),
    "power.at": into(lambda x: np.abs(x[0]) + 0.5, lambda x, y: np.power.at(y, TWICE, V)),
    "negative.at": into(lambda x: x[0] * 1.0, lambda x, y: np.negative.at(y, [1, 1, 2])),
    "exp.at": into(lambda x: x[0] * 0.2, lambda x, y: np.exp.at(y, [1, 2])),
}  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", CASES)
def test_every_method(name, law):
    LAWS[law](CASES[name], X)


def test_truth_is_reduced_and_plain():
    def f(x):
        assert np.logical_and.reduce(x > -9, axis=None)
        assert_close(np.logical_or.reduce(x - 0.3, axis=0), np.array([True] * 4))
        assert np.logical_and.reduce(x, axis=None, where=MASK, initial=True)
        assert not np.logical_and.reduce(x[0], initial=False)
        assert_close(np.greater.outer(x[0], x[1]), np.greater.outer(X[0], X[1]))
        return np.sum(x)

    assert_close(grad(f)(X), np.ones((3, 4)))


def test_log_of_sums_neither_overflows_nor_loses_the_gradient():
    x = np.array([1000.0, 1000.0, -np.inf, 999.0])
    weights = np.exp(x - 1000.0) / np.sum(np.exp(x - 1000.0))
    assert_close(grad(lambda x: np.logaddexp.reduce(x))(x), weights)


def test_the_gradient_of_a_running_extreme_goes_to_where_it_is_reached():
    x = np.array([1.0, 3.0, 2.0, 3.0, 5.0])
    g = vjp(np.maximum.accumulate, x)[1](np.ones(5))[0]
    assert_close(np.array([g[0], g[1] + g[3], g[2], g[4]]), np.array([1.0, 3.0, 0.0, 1.0]))


def test_a_long_scan_takes_few_operations():
    n = 1000
    x = np.sin(np.arange(float(n)))
    g = vjp(np.maximum.accumulate, x)[1](np.ones(n))[0]
    rises = np.flatnonzero(np.diff(np.maximum.accumulate(x), prepend=-9.0))
    expected = np.zeros(n)
    expected[rises] = np.diff([*rises, n])
    assert_close(g, expected)


def test_indices_that_differ_between_examples_add_up():
    indices = np.array([[0, 0, 1, 2], [3, 3, 3, 3]])

    def f(x, k):
        y = x * 0.0
        np.add.at(y, k, x)
        return y

    x = np.stack([V, 2 * V])
    expected = np.zeros((2, 4))
    for row in range(2):
        np.add.at(expected[row], indices[row], x[row])
    assert_close(vmap(f)(x, indices), expected)


def test_scatters_of_a_used_array_in_every_mode():
    def f(x):
        y = np.sin(x)
        np.add.at(y, [0, 0, 3], x[:3] * y[1])
        np.multiply.at(y, [2, 2], x[:2])
        return np.sum(y * y)

    (second,) = vjp(grad(f), V)[1](np.ones(4))
    assert_close(jvp(grad(f), (V,), (np.ones(4),))[1], second)


@pytest.mark.parametrize(
    ("f", "error", "match"),
    [
        (lambda x: np.subtract.reduce(x, axis=(0, 1)), ArgumentError, "depends on the order"),
        (lambda x: np.subtract.reduce(x, where=MASK), MissingRuleError, "where"),
        (lambda x: np.subtract.reduce(x[:0]), ArgumentError, "no elements"),
        (lambda x: np.power.reduce(x), MissingRuleError, "order in memory"),
        (lambda x: np.add.reduce(x, dtype=np.int64), MissingRuleError, "dtype"),
        (lambda x: np.maximum.reduce(x, where=MASK), ArgumentError, "initial="),
        (lambda x: np.add.reduce(x, out=PLAIN), TraceError, "gradient would be lost"),
        (lambda x: np.add.accumulate(x[0], out=PLAIN), TraceError, "gradient would be lost"),
        (lambda x: np.add.reduceat(x, [0, 4], axis=1), ArgumentError, "0 to 3"),
        (lambda x: np.add.reduceat(x, [x[0, 0]], axis=1), TraceError, r"ag\.value"),
        (lambda x: np.add.at(PLAIN, [0], x[0, 0]), TraceError, "gradient would be lost"),
        (lambda x: np.add.at((x * 1.0)[0], [0], 1.0), TraceError, "view"),
        (lambda x: np.add.at(x * 1.0, [0], 1j), DTypeError, "imaginary"),
        (lambda x: np.add.at(x * 1.0, x[0], 1.0), TraceError, "as an index"),
        (lambda x: np.frompyfunc(lambda a: a * a, 1, 1)(x), MissingRuleError, "np.frompyfunc"),
        (lambda x: np.lcm(x, x), MissingRuleError, "no derivative rule"),
    ],
)
def test_what_is_refused(f, error, match):
    with use_settings(rebind=False), pytest.raises(error, match=match):
        vjp(f, X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.vectorize(lambda a: a * a)(x),
        lambda x: [value for _, value in np.ndenumerate(x)],
        lambda x: np.fromiter(x[0], float),
        lambda x: np.array([value for value in np.broadcast(x, 1.0)]),
    ],
)
def test_what_calls_python_for_every_element_is_refused(f):
    with use_settings(rebind=False), pytest.raises(TraceError, match=r"ag\.value"):
        vjp(f, X)


def test_nditer_is_refused():
    with pytest.raises(TraceError, match=r"np\.asarray"):
        vjp(lambda x: list(np.nditer(x)), X)


@pytest.mark.parametrize("ufunc", [np.logical_and, np.logical_or, np.logical_xor])
def test_truths_are_truths_also_of_one_element(ufunc):
    for x in (np.array([0.31, 0.0, 0.4]), np.array([0.31])):
        for call in (
            lambda x: ufunc.accumulate(x),
            lambda x: ufunc.reduce(x),
            lambda x: ufunc.reduceat(x, [0]),
        ):
            found = vjp(call, x)[0]
            assert found.dtype == bool
            assert np.array_equal(found, call(x))
