"""The keywords of reductions and ufuncs: where=, initial=, dtype=, out=, mean=, casting=, axes."""

import warnings

import numpy as np
import pytest

from anygrad.autodiff import grad, jvp, vjp, vmap
from anygrad.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError, TraceError
from tests.support import assert_close, difference
from tests.tracing.laws import LAWS, check_first_order, check_value

X = np.array([[0.3, -1.2, 0.7, 2.1], [1.9, 0.4, -0.8, 0.6], [-0.45, 1.1, 1.7, -2.3]])
Z = 0.5 * X + 0.2j * X[::-1, ::-1]
V = np.array([0.5, -0.25, 2.0, 1.5])
MASK = X > 0.5
ROWS = np.array([[True], [False], [True]])
PLAIN = np.zeros((3, 4))


def into(make, write):
    """A result written into a new array, which is then used."""

    def f(x):
        y = make(x)
        returned = write(x, y)
        assert returned is y or returned is None
        return 0.1 * y * y + x.sum()

    return f


def like(x):
    return np.zeros_like(x)


REDUCTIONS = {
    "sum where": lambda x: np.sum(x, axis=0, where=MASK),
    "sum where of rows": lambda x: np.sum(x, axis=1, where=ROWS, keepdims=True) * x,
    "sum where of lists": lambda x: np.sum(x, axis=1, where=[True, False, True, True]),
    "sum where False": lambda x: np.sum(x, where=False) + x,
    "sum where True": lambda x: np.sum(x, where=True),
    "sum where of comparison": lambda x: np.sum(x**2, where=x > 0.5),
    "sum initial": lambda x: np.sum(x, axis=0, initial=3.0),
    "sum initial traced": lambda x: np.sum(x, axis=0, initial=x[0, 0]) if not plain(x) else (
        np.sum(x, axis=0) + x[0, 0]
    ),
    "method sum": lambda x: x.sum(axis=0, initial=2.0, where=MASK),
    "prod where": lambda x: np.prod(x, axis=1, where=MASK),
    "prod initial": lambda x: np.prod(x, axis=1, initial=-0.5, keepdims=True) * x,
    "max where": lambda x: np.max(x, axis=0, where=MASK, initial=-5.0),
    "max of nothing": lambda x: np.max(x, axis=1, where=~MASK & MASK, initial=-5.0) + x[:, 0],
    "max initial": lambda x: np.max(x, axis=1, initial=1.8) * x[:, 0],
    "max initial of an empty axis": lambda x: np.max(x[:0], axis=0, initial=1.8) * x,
    "min where": lambda x: np.min(x, where=MASK, initial=9.0),
    "min initial": lambda x: x.min(axis=0, initial=0.0) * x,
    "mean where": lambda x: np.mean(x, axis=0, where=MASK),
    "mean where keepdims": lambda x: x.mean(axis=1, where=MASK, keepdims=True) * x,
    "mean dtype": lambda x: np.mean(x, dtype=np.float64),
    "var where": lambda x: np.var(x, axis=1, where=MASK),
    "var where ddof": lambda x: np.var(x, ddof=1, where=MASK),
    "var mean": lambda x: np.var(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)),
    "var of another mean": lambda x: np.var(x, axis=1, mean=x[:, :1] * 2),
    "var correction": lambda x: np.var(x, axis=0, correction=1),
    "std where": lambda x: np.std(x, axis=1, where=MASK, ddof=0.5),
    "std mean": lambda x: x.std(axis=0, mean=x.mean(axis=0, keepdims=True), keepdims=True) * x,
    "sum of no axes": lambda x: np.sum(x, axis=()) * x,
    "mean of no axes": lambda x: np.mean(x, axis=()) * x,
    "prod of no axes": lambda x: np.prod(x, axis=()) * x,
    "max of no axes": lambda x: np.max(x, axis=()) * x,
    "var of no axes": lambda x: np.var(x, axis=()) + x,
    "axis of NumPy's": lambda x: np.sum(x, axis=np.int64(1)) + np.max(x, axis=(np.int8(0),))[:3],
    "cumsum dtype": lambda x: np.cumsum(x, axis=1, dtype=np.float64),
    "cumsum of a number": lambda x: np.cumsum(x[0, 0]) * x[0],
    "cumprod of a number": lambda x: np.cumprod(x[0, 0]) * x[0],
    "sum out": into(lambda x: like(x[0]), lambda x, y: np.sum(x, 0, None, y)),
    "sum out in place": into(lambda x: x * 2.0, lambda x, y: np.sum(x[None] * y, 0, out=y)),
    "prod out": into(lambda x: like(x[0]), lambda x, y: np.prod(x, axis=0, out=y)),
    "max out": into(lambda x: like(x[0]), lambda x, y: np.max(x, axis=0, out=y, initial=0.5)),
    "mean out": into(lambda x: like(x[0]), lambda x, y: np.mean(x, 0, None, y)),
    "mean where out": into(lambda x: like(x[0]), lambda x, y: x.mean(0, out=y, where=ROWS)),
    "var out": into(lambda x: like(x[0]), lambda x, y: np.var(x, axis=0, out=y)),
    "std out": into(lambda x: like(x[0]), lambda x, y: np.std(x, axis=0, out=y)),
    "cumsum out": into(like, lambda x, y: np.cumsum(x, axis=0, out=y)),
    "cumprod out": into(like, lambda x, y: x.cumprod(axis=1, out=y)),
    "plain sum into traced": into(lambda x: x[0] * 2.0, lambda x, y: np.sum(X, axis=0, out=y)),
    "list into traced": into(
        lambda x: x[0] * 2.0, lambda x, y: np.sum([V, V], axis=0, out=y, where=ROWS[:2])
    ),
}  # fmt: skip
UFUNCS = {
    "add out": into(like, lambda x, y: np.add(x, V, out=y)),
    "add out by position": into(like, lambda x, y: np.add(x, V, y)),
    "add out in a tuple": into(like, lambda x, y: np.add(x, V, out=(y,))),
    "add out broadcasts": into(like, lambda x, y: np.add(x[0], V, out=y)),
    "multiply in place": into(lambda x: x * 1.0, lambda x, y: np.multiply(y, x, out=y)),
    "plain into traced": into(lambda x: x * 2.0, lambda x, y: np.add(V, V, out=y)),
    "lists into traced": into(lambda x: x * 2.0, lambda x, y: np.add([1, 2, 3, 4], 2, out=y)),
    "iadd": into(lambda x: x * 2.0, lambda x, y: y.__iadd__(x)),
    "add where out": into(lambda x: x * 2.0, lambda x, y: np.add(x, V, out=y, where=MASK)),
    "where of a list": into(
        lambda x: x * 2.0, lambda x, y: np.add(x, V, out=y, where=[True, False, True, False])
    ),
    "where of rows": into(lambda x: x * 2.0, lambda x, y: np.exp(x, out=y, where=ROWS)),
    "divide where": into(like, lambda x, y: np.divide(x, np.floor(V), out=y, where=V >= 1)),
    "log where": into(like, lambda x, y: np.log(x - 0.7, out=y, where=x > 0.71)),
    "sqrt where": into(like, lambda x, y: np.sqrt(x * MASK * x, out=y, where=MASK)),
    "arccosh where": into(like, lambda x, y: np.arccosh(1.0 + x * x * MASK, out=y, where=MASK)),
    "power where": into(like, lambda x, y: np.power(x, [1, 2, 0, 3], out=y, where=MASK)),
    "exp dtype": lambda x: np.exp(x, dtype=x.dtype),
    "add dtype": lambda x: np.add(x, np.arange(4), dtype=np.float64),
    "subok, order": lambda x: np.multiply(x, x, order="C", subok=False, casting="safe"),
    "matmul out": into(lambda x: like(x[:, :3]), lambda x, y: np.matmul(x, x.T, out=y)),
    "matmul axes out": into(
        lambda x: like(x[:, :3]), lambda x, y: np.matmul(x, x, axes=[(0, 1), (1, 0), (1, 0)], out=y)
    ),
}
CASES = {**REDUCTIONS, **UFUNCS}


def plain(x):
    return x.__class__ is np.ndarray


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", CASES)
def test_keywords(name, law):
    LAWS[law](CASES[name], X)


@pytest.mark.parametrize("law", ["value", "first_order", "second_order"])
@pytest.mark.parametrize(
    "name",
    [
        *("sum where", "sum initial", "prod where", "mean where", "var where", "var mean"),
        *("sum out", "add where out", "divide where", "cumprod out", "std where"),
    ],
)
def test_keywords_with_complex_arrays(name, law):
    LAWS[law](CASES[name], Z)


def test_masked_elements_that_are_not_finite_do_no_harm():
    bad = np.where(MASK, X, np.nan)
    for f in (
        lambda x: np.sum(x, where=MASK),
        lambda x: np.mean(x, where=MASK),
        lambda x: np.var(x, where=MASK),
        lambda x: np.std(x, where=MASK),
        lambda x: np.max(x, where=MASK, initial=0.0),
        lambda x: np.prod(x, where=MASK),
        lambda x: np.add.reduce(x, axis=(0, 1), where=MASK),
        lambda x: np.sum(np.log(x, out=np.zeros_like(x), where=MASK)),
        lambda x: np.sum(np.divide(1.0, x, out=np.zeros_like(x), where=MASK)),
    ):
        g = grad(f)(bad)
        assert np.isfinite(g).all()
        assert_close(g, np.where(MASK, grad(f)(X), 0.0))


def test_division_by_zero_outside_of_the_mask():
    b = np.array([0.0, 2.0, 0.0, 4.0])

    def f(a, b):
        return np.sum(np.divide(a, b, out=np.zeros_like(a), where=b != 0) * V)

    ga, gb = grad(f, argnums=(0, 1))(np.ones(4), b)
    assert_close(ga, np.array([0.0, V[1] / 2, 0.0, V[3] / 4]))
    assert_close(gb, np.array([0.0, -V[1] / 4, 0.0, -V[3] / 16]))


def test_ties_with_the_initial_value_share():
    assert_close(grad(lambda x: np.max(x, initial=2.0))(np.array([1.0, 2.0])), [0.0, 0.5])


def test_answers_take_masks():
    def f(x):
        assert np.any(x, where=MASK)
        assert not np.any(x, where=x > 9)
        assert np.all(x > 0.5, where=MASK)
        assert_close(np.all(x, axis=0, where=MASK), np.all(X, axis=0, where=MASK))
        assert np.count_nonzero(x > 0, axis=0, keepdims=True).shape == (1, 4)
        found = np.empty(4, np.int64)
        assert np.argmax(x, axis=0, out=found) is found
        assert_close(found, np.argmax(X, axis=0))
        larger = np.empty((3, 4), bool)
        assert np.greater(x, 0.5, out=larger) is larger
        assert_close(larger, MASK)
        return np.sum(x)

    grad(f)(X)


def test_masks_that_differ_between_examples():
    batch = np.stack([X, -X, X[::-1]])
    for f in (
        lambda x: np.sum(x * x, where=x > 0.5),
        lambda x: np.mean(x, axis=0, where=x > -9),
        lambda x: np.sum(np.add(x, V, out=x * 1.0, where=x > 0.5)),
        lambda x: np.sum(V * X, where=x > 0.5) + x[0, 0],
    ):
        assert_close(vmap(f)(batch), np.stack([f(x) for x in batch]))


def test_where_of_a_plain_operand():
    def f(x):
        y = x * 1.0
        y[0] = np.add(V, V, where=x[0] > -9.0, out=y[1] * 1.0)
        return np.sum(y)

    assert_close(vmap(f)(np.stack([X, X])), np.array([f(X)] * 2))


def test_dtype_is_that_of_the_calculation():
    x = np.array([2e4, 3e4, 1e4], np.float16)  # the sum is beyond half precision
    for f in (
        lambda x: np.sum(x, dtype=np.float32),
        lambda x: np.add.reduce(x, dtype=np.float32),
        lambda x: np.mean(x, dtype=np.float64),
        lambda x: np.var(x, dtype=np.float64),
        lambda x: np.std(x, dtype=np.float64, axis=()),
        lambda x: np.cumsum(x, dtype=np.float32),
        lambda x: np.add(x, x, dtype=np.float32),
        lambda x: np.multiply(x, x, dtype="f8"),
        lambda x: np.mean(x),
    ):
        check_value(f, x)
    assert grad(lambda x: np.sum(x, dtype=np.float32))(x).dtype == np.float16


def test_sums_of_half_precision():
    x = X.astype(np.float16)
    for f in (np.sum, np.mean, np.max, lambda x: np.sum(x, where=MASK), lambda x: np.var(x, 0)):
        y, pullback = vjp(f, x)
        assert y.dtype == np.float16
        np.testing.assert_allclose(y, f(x), rtol=4e-3)  # four units in the last place of a half
        assert pullback(np.ones_like(y))[0].dtype == np.float16


def test_a_mean_of_nothing_warns_as_numpy_does():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # 0 / 0
        y, _ = vjp(lambda x: np.mean(x, axis=0, where=MASK & False), X)
        assert np.isnan(y).all()


def test_the_mean_of_a_variance_is_differentiated():
    f = lambda m: np.var(X, axis=0, mean=m)
    m = X[:1] * 0.5
    _, tangent = jvp(f, (m,), (V[None],))
    np.testing.assert_allclose(tangent, difference(f, m, V[None]), rtol=1e-8)  # difference quotient


@pytest.mark.parametrize("name", ["sum where", "mean where", "var where", "max where", "std mean"])
def test_reductions_on_every_backend(name, xp):
    def f(x):
        ns = x.__array_namespace__()
        mask = x > 0.5
        return {
            "sum where": lambda: ns.sum(x * ns.sum(x, axis=0, where=mask, initial=2.0)),
            "mean where": lambda: ns.sum(x * ns.mean(x, axis=1, where=mask, keepdims=True)),
            "var where": lambda: ns.sum(ns.var(x, axis=1, where=mask)),
            "max where": lambda: ns.sum(ns.max(x, axis=1, where=mask, initial=-5.0)),
            "std mean": lambda: ns.std(x, mean=x[:1, :1]),
        }[name]()

    assert_close(grad(f)(xp.asarray(X)), grad(f)(X))


@pytest.mark.parametrize(
    ("f", "error", "match"),
    [
        (lambda x: np.max(x, where=MASK), ArgumentError, "initial="),
        (lambda x: np.sum(x[0], where=MASK), ShapeError, "broadcasts"),
        (lambda x: np.sum(x, where=MASK * 1), DTypeError, "booleans"),
        (lambda x: np.sum(x, axis=0, initial=V), ShapeError, "one number"),
        (lambda x: np.sum(x, axis=0, out=np.zeros_like(x)), ShapeError, "out"),
        (lambda x: np.sum(x, axis=0, out=PLAIN[0]), TraceError, "gradient would be lost"),
        (lambda x: np.mean(x, axis=0, out=PLAIN[0]), TraceError, "gradient would be lost"),
        (lambda x: np.cumsum(x, axis=0, out=PLAIN), TraceError, "gradient would be lost"),
        (lambda x: np.std(x, axis=0, out=PLAIN[0]), TraceError, "gradient would be lost"),
        (lambda x: np.add(x, 1.0, out=PLAIN), TraceError, "gradient would be lost"),
        (lambda x: np.add(x, 1.0, where=MASK), MissingRuleError, "without out="),
        (lambda x: np.add(x, x, out=x[:1] * 1.0), ShapeError, "broadcasts to"),
        (lambda x: np.add(x, x, out=x[0]), ShapeError, "broadcasts to"),
        (lambda x: np.add(x[0], x[0], out=(x * 1.0)[0]), TraceError, "view"),
        (lambda x: np.multiply(x, 1j, out=x * 1.0), DTypeError, "imaginary"),
        (lambda x: np.add(x, x, dtype=np.float32, casting="safe"), DTypeError, "'safe'"),
        (lambda x: np.add(x, x.astype(np.float32), casting="no"), DTypeError, "'no'"),
        (lambda x: np.add(x, x, dtype=np.int64), MissingRuleError, "dtype"),
        (lambda x: np.add(x, x, order="F"), ArgumentError, "order"),
        (lambda x: np.add(x, x, signature="dd->d"), MissingRuleError, "signature"),
        (lambda x: np.matmul(x, x.T, axes=[(0,), (0, 1), (0, 1)]), ArgumentError, "axes"),
    ],
)
def test_what_is_refused(f, error, match):
    with pytest.raises(error, match=match):
        vjp(f, X)


@pytest.mark.parametrize("f", [lambda x: np.sum(V, initial=x[0, 0]), lambda x: np.full(3, x[0, 0])])
def test_traced_values_that_numpy_does_not_ask_about(f):
    """Rebinding answers them; without it they raise. Either way nothing is lost."""
    try:
        check_first_order(f, X)
    except TraceError as error:
        assert "ag.value" in str(error) or "np.full" in str(error)  # noqa: PT017
