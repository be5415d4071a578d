"""Averages with weights and covariances: NumPy's values, derivatives by differences."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError
from tests.support import assert_close
from tests.tracing.anywhere import library_tests
from tests.tracing.laws import LAWS, check_first_order, check_value

RNG = np.random.default_rng(7)
X = RNG.normal(size=(3, 4))
COUNTS = np.array([1, 2, 1, 3])

SPELLINGS = {
    "average": lambda x: np.average(x),
    "average axis": lambda x: np.average(x, 1, keepdims=True),
    "average returned": lambda x: np.average(x, axis=0, returned=True),
    "average weights": lambda x: np.average(x, axis=1, weights=[1.0, 2.0, 3.0, 0.5]),
    "average traced weights": lambda x: np.average(x, weights=x * x),
    "average of constants": lambda x: np.average(X[0], weights=1.0 + x[1] ** 2),
    "average of integers": lambda x: np.average(np.arange(4), weights=1.0 + x[1] ** 2),
    "average axes": lambda x: np.average(
        x[None], axis=(2, 1), weights=np.arange(1.0, 13).reshape(4, 3), returned=True
    ),
    "average weights returned": lambda x: np.average(
        x, axis=0, weights=np.exp(x[:, 0]), returned=True, keepdims=True
    ),
    "ptp": lambda x: np.ptp(x) * np.ptp(x, 0),
    "ptp keepdims": lambda x: np.ptp(x, axis=1, keepdims=True),
    "cov": lambda x: np.cov(x),
    "cov columns": lambda x: np.cov(x, rowvar=False),
    "cov vector": lambda x: np.cov(x[0]),
    "cov y": lambda x: np.cov(x, x[0] ** 2, bias=True),
    "cov y columns": lambda x: np.cov(x, x[:, :1] ** 2, False),
    "cov ddof": lambda x: np.cov(x, ddof=2),
    "cov fweights": lambda x: np.cov(x, fweights=COUNTS),
    "cov aweights": lambda x: np.cov(x, aweights=np.exp(x[0])),
    "cov both weights": lambda x: np.cov(x, None, True, False, 1, COUNTS, np.exp(x[0])),
    "cov biased weights": lambda x: np.cov(x, aweights=[0.5, 1, 2, 1], bias=True),
    "corrcoef": lambda x: np.corrcoef(x),
    "corrcoef y": lambda x: np.corrcoef(x[0], x[1]),
    "corrcoef columns": lambda x: np.corrcoef(x, rowvar=False),
    "corrcoef one": lambda x: np.corrcoef(x[0]),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy(name, law):
    LAWS[law](SPELLINGS[name], X)


COMPLEX = [name for name in SPELLINGS if "ptp" not in name and "weights" not in name]


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_values(name):
    x = X + 1j * X[::-1] ** 2
    check_value(SPELLINGS[name], x)
    check_first_order(SPELLINGS[name], x)


def test_single_precision_of_covariances_can_be_asked_for():
    x = X.astype(np.float32)
    value, pullback = ag.vjp(lambda x: np.cov(x, dtype=np.float32), x)
    assert value.dtype == np.float32
    assert pullback(value)[0].dtype == np.float32


@pytest.mark.parametrize("t", [X[0], X[1], X[2], np.array([0.0, 2.0, 0.0, 2.0])])
def test_a_correlation_of_one_has_the_curvature_of_the_formula(t):
    # the cosine of the angle to the mean: 1 - angle^2 / 2, and no limit at 1
    fixed = 2.0 * t

    def f(t):
        return np.corrcoef(np.stack([t, fixed]))[0, 1]

    np.testing.assert_allclose(ag.grad(f)(t), np.zeros(4), atol=1e-15)
    v = np.array([1.0, -1.0, 0.5, 2.0])
    centred, across = t - t.mean(), v - v.mean()
    across = across - centred * (across @ centred) / (centred @ centred)
    expected = -(across @ across) / (centred @ centred)
    # a second derivative from numbers near 1: some digits are lost
    np.testing.assert_allclose(v @ ag.hvp(f, t, v), expected, rtol=1e-12)


def test_equal_extremes_share_the_derivative():
    g = ag.grad(lambda x: np.ptp(x))(np.array([1.0, 3.0, 3.0, 1.0, 2.0]))
    assert_close(g, [-0.5, 0.5, 0.5, -0.5, 0.0])


ANYWHERE = {
    "average": lambda xp, x: xp.average(x, axis=1, weights=x * x),
    "cov": lambda xp, x: xp.cov(x, aweights=xp.exp(x[0, :])),
    "corrcoef": lambda xp, x: xp.corrcoef(x),
    "ptp": lambda xp, x: xp.ptp(x, axis=0),
}


test_every_library_gives_the_same, test_jax_gives_the_same = library_tests(ANYWHERE, X)


REFUSED = {
    "weights": (lambda x: np.average(x, weights=x[0]), ShapeError, "same shape"),
    "weights of an axis": (lambda x: np.average(x, 0, weights=x[0]), ShapeError, "lengths"),
    "ddof": (lambda x: np.cov(x, ddof=0.5), ArgumentError, "ddof"),
    "axes": (lambda x: np.cov(x[None]), ShapeError, "3 axes"),
    "fweights": (lambda x: np.cov(x, fweights=[1.0] * 4), ArgumentError, "fweights"),
    "aweights": (lambda x: np.cov(x, aweights=[1.0] * 3), ShapeError, "aweights"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_wrong_arguments_are_refused(case):
    f, error, words = case
    with pytest.raises(error, match=words):
        ag.vjp(f, X)


def test_weights_that_add_up_to_nothing_are_an_error_as_in_numpy():
    with pytest.raises(ZeroDivisionError, match="zero"):
        ag.grad(lambda x: np.average(x, weights=[1.0, -1.0]))(X[0, :2])


def test_covariances_are_those_of_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def by_torch(function):
        x = torch.tensor(X, requires_grad=True)
        torch.sum(torch.sin(function(x))).backward()
        return x.grad.numpy()

    for ours, theirs in ((np.cov, torch.cov), (np.corrcoef, torch.corrcoef)):
        g = ag.grad(lambda x, ours=ours: np.sum(np.sin(ours(x))))(X)
        assert_close(g, by_torch(theirs), scale=4.0)  # two orders of the same sums
