"""Masks, matrices, tables and units beside traced arrays: refused with a sentence."""

import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import AnygradError, DTypeError, TraceError
from tests.support import assert_close

X = np.array([0.3, 0.7, 1.1])


class Lengths(np.ndarray):
    """Numbers with a unit, as the classes of unit packages are: every operation is its own."""

    def __array_ufunc__(self, ufunc, method, *args, **kw):
        plain = [np.asarray(a) for a in args]
        return getattr(ufunc, method)(*plain, **kw).view(Lengths)


class Labelled:
    """A column of a table: NumPy's operators, and a dtype, but no array."""

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype = values.shape, values.dtype

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __mul__(self, other):
        return Labelled(self.values * np.asarray(other))


class Quietly(np.ndarray):
    """A subclass that adds nothing to operations."""


pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass")  # NumPy's advice against it

with warnings.catch_warnings():
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    MATRIX = np.matrix(np.eye(3))
FOREIGN = {
    "mask": np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0]),
    "matrix": MATRIX,
    "unit": np.ones(3).view(Lengths),
    "table": Labelled(np.ones(3)),
    "object": object(),
    "string": "2",
}
OPERATIONS = {
    "times": lambda x, a: x * a,
    "times, reflected": lambda x, a: a * x,
    "plus": lambda x, a: x + a,
    "minus, reflected": lambda x, a: a - x,
    "product": lambda x, a: x @ a,
    "product, reflected": lambda x, a: a @ x,
    "ufunc": lambda x, a: np.multiply(x, a),
    "where": lambda x, a: np.where(x > 0.5, x, a),
    "in place": lambda x, a: _in_place(x, a),
    "assignment": lambda x, a: _assignment(x, a),
}


def _in_place(x, a):
    y = x * 1.0
    y *= a
    return y


def _assignment(x, a):
    y = x * 1.0
    y[:] = a
    return y


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", FOREIGN)
def test_operations_refuse_what_is_no_plain_array(kind, operation):
    with pytest.raises((AnygradError, TypeError, ValueError)) as caught:
        ag.grad(lambda x: np.sum(OPERATIONS[operation](x, FOREIGN[kind])))(X)
    if kind in ("mask", "unit", "table") and operation in ("times", "plus", "ufunc", "in place"):
        assert isinstance(caught.value, TraceError)
        assert "plain values" in str(caught.value)


@pytest.mark.parametrize("kind", ["mask", "matrix", "unit", "table"])
def test_they_are_no_variables_either(kind):
    with pytest.raises(DTypeError, match="expected a floating array"):
        ag.grad(lambda x: np.sum(x))(FOREIGN[kind])


def test_masked_arrays_of_traced_values_are_refused():
    for f in (
        lambda x: np.ma.array(x, mask=[0, 1, 0]).sum(),
        lambda x: np.ma.masked_where(x > 0.5, x).sum(),
        lambda x: np.sum(np.asmatrix(x)),
    ):
        with pytest.raises(TraceError, match=r"np\.asarray"):
            ag.grad(f)(X)


def test_a_subclass_that_adds_nothing_is_an_array():
    quiet = np.arange(3.0).view(Quietly)
    assert_close(ag.grad(lambda x: np.sum(x * quiet))(X), np.arange(3.0))


def test_tables_of_pandas_are_refused():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    series, frame = pandas.Series([1.0, 2.0, 3.0]), pandas.DataFrame(np.eye(3))
    for f in (
        lambda x: np.sum(series * x),
        lambda x: np.sum(x * series),
        lambda x: series.dot(x),
        lambda x: np.sum(frame @ x),
        lambda x: np.sum(x @ frame),
        lambda x: pandas.Series(x).sum(),
    ):
        with pytest.raises(TraceError):
            ag.grad(f)(X)
    assert_close(ag.grad(lambda x: np.sum(series.values * x))(X), [1.0, 2.0, 3.0])
