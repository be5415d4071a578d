"""Optima of scikit-learn's models, run at their tightest tolerance, on its own data sets.

Objectives are written from scikit-learn's user guide, "Linear models". Where a fit of scikit-learn
is the less converged one, as ``LogisticRegression(solver="lbfgs")`` is, the test says so by values
and gradients instead of comparing coefficients.
"""

import warnings

import numpy as np
import pytest
import scipy.optimize
from sklearn import datasets, linear_model

import anygrad as ag
from anygrad.solvers import proximal, proximal_gradient


def fitted(model, x, y):
    """A converged fit; scikit-learn warns where a tolerance is below its rounding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(x, y)


@pytest.fixture(scope="module")
def cancer():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), 2.0 * y - 1.0


@pytest.fixture(scope="module")
def diabetes():
    return datasets.load_diabetes(return_X_y=True)


def logistic_loss(x, y, ridge):
    def f(p):
        margin = (x @ p["w"] + p["b"]) * y
        return np.sum(np.logaddexp(0.0, -margin)) + 0.5 * ridge * np.sum(p["w"] ** 2)

    return f


def largest(tree):
    return max(float(np.abs(leaf).max()) for leaf in ag.trees.leaves(tree))


@pytest.mark.parametrize("method", ["newton-cg", "trust-ncg", "trust-exact", "bfgs"])
def test_logistic_regression(cancer, method):
    x, y = cancer
    f = logistic_loss(x, y, 1.0)
    result = ag.minimize(f, {"w": np.zeros(30), "b": 0.0}, method=method, gtol=1e-8)
    assert result.success, result.message
    peer = fitted(linear_model.LogisticRegression(C=1.0, tol=1e-15, solver="newton-cholesky"), x, y)
    assert largest(result.jac) < 1e-8
    assert np.abs(result.x["w"] - peer.coef_[0]).max() < 1e-8
    assert abs(result.x["b"] - peer.intercept_[0]) < 1e-8
    value = f({"w": peer.coef_[0], "b": peer.intercept_[0]})
    assert float(result.fun) == pytest.approx(float(value), rel=1e-14)


def test_lbfgs_of_scikit_learn_is_the_less_converged_one(cancer):
    x, y = cancer
    f = logistic_loss(x, y, 1.0)
    peer = fitted(
        linear_model.LogisticRegression(C=1.0, tol=1e-15, max_iter=10_000, solver="lbfgs"), x, y
    )
    at = {"w": peer.coef_[0], "b": np.asarray(peer.intercept_[0])}
    result = ag.minimize(f, {"w": np.zeros(30), "b": 0.0}, method="lbfgs", gtol=1e-7)
    assert result.success, result.message
    assert result.fun <= f(at)
    assert largest(result.jac) < 0.1 * largest(ag.grad(f)(at))


def multinomial_loss(x, labels, ridge):
    chosen = np.eye(10)[labels]

    def f(p):
        scores = x @ p["w"] + p["b"]
        top = np.max(scores, axis=1, keepdims=True)
        logs = np.log(np.sum(np.exp(scores - top), axis=1)) + top[:, 0]
        return np.sum(logs) - np.sum(scores * chosen) + 0.5 * ridge * np.sum(p["w"] ** 2)

    return f


@pytest.mark.parametrize("count", [200, pytest.param(1797, marks=pytest.mark.slow)])
def test_multinomial_regression(count):
    x, labels = datasets.load_digits(return_X_y=True)
    x, labels = x[:count] / 16.0, labels[:count]
    f = multinomial_loss(x, labels, 1.0)
    start = {"w": np.zeros((64, 10)), "b": np.zeros(10)}
    result = ag.minimize(f, start, method="newton-cg", gtol=1e-9)
    assert result.success, result.message
    peer = fitted(
        linear_model.LogisticRegression(C=1.0, tol=1e-14, solver="newton-cholesky"), x, labels
    )
    assert np.abs(result.x["w"] - peer.coef_.T).max() < 1e-8
    # a constant added to all intercepts changes nothing
    apart = [b - np.mean(b) for b in (result.x["b"], peer.intercept_)]
    assert np.abs(apart[0] - apart[1]).max() < 1e-8
    value = f({"w": peer.coef_.T, "b": peer.intercept_})
    assert float(result.fun) == pytest.approx(float(value), rel=1e-13)


def test_sparse_logistic_regression(cancer):
    """Against the conditions of optimality; SAGA of scikit-learn takes 4,500 passes to 1e-10.

    ``C = 0.1``: sum of losses + 10 |w|_1, the intercept free.
    """
    x, y = cancer
    f = logistic_loss(x, y, 0.0)
    result = proximal_gradient(
        f, {"w": np.zeros(30), "b": 0.0}, {"w": proximal.l1(10.0), "b": None}, gtol=1e-8
    )
    assert result.success, result.message
    w, slope = result.x["w"], ag.grad(f)(result.x)
    assert abs(slope["b"]) < 1e-7
    assert (w != 0.0).sum() == 8
    assert np.abs(slope["w"] + 10.0 * np.sign(w))[w != 0.0].max() < 1e-7
    assert np.abs(slope["w"])[w == 0.0].max() < 10.0


@pytest.mark.slow
def test_sparse_logistic_regression_against_saga(cancer):
    x, y = cancer
    f = logistic_loss(x, y, 0.0)
    result = proximal_gradient(
        f, {"w": np.zeros(30), "b": 0.0}, {"w": proximal.l1(10.0), "b": None}, gtol=1e-9
    )
    peer = fitted(
        linear_model.LogisticRegression(
            C=0.1, l1_ratio=1.0, penalty="elasticnet", tol=1e-15, max_iter=20_000, solver="saga"
        ),
        x,
        y,
    )
    assert np.abs(result.x["w"] - peer.coef_[0]).max() < 1e-8
    assert abs(result.x["b"] - peer.intercept_[0]) < 1e-8


TIGHT = {"tol": 1e-15, "max_iter": 1_000_000}
LINEAR = {
    "lasso, strong": (linear_model.Lasso(alpha=1.0, **TIGHT), proximal.l1(1.0)),
    "lasso, weak": (linear_model.Lasso(alpha=0.1, **TIGHT), proximal.l1(0.1)),
    "elastic net": (
        linear_model.ElasticNet(alpha=0.1, l1_ratio=0.5, **TIGHT),
        proximal.elastic_net(0.05, 0.05),
    ),
    "elastic net, weak": (
        linear_model.ElasticNet(alpha=0.01, l1_ratio=0.7, **TIGHT),
        proximal.elastic_net(0.007, 0.003),
    ),
    # Ridge has the sum of squares, not half its mean
    "ridge": (linear_model.Ridge(alpha=1.0, solver="svd"), proximal.squared_l2(1.0 / 442.0)),
    "nonnegative": (linear_model.LinearRegression(positive=True), proximal.nonnegative()),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_models(diabetes, name):
    x, y = diabetes
    model, operator = LINEAR[name]

    def f(p):
        residual = x @ p["w"] + p["b"] - y
        return residual @ residual / (2.0 * 442.0)

    def slope(p):
        residual = (x @ p["w"] + p["b"] - y) / 442.0
        return {"w": x.T @ residual, "b": np.asarray(residual.sum())}

    def optimality(p):
        gradient = slope(p)
        moved = operator.prox(p["w"] - gradient["w"], 1.0)
        return max(np.abs(p["w"] - moved).max(), abs(float(gradient["b"])))

    result = proximal_gradient(
        f,
        {"w": np.zeros(10), "b": 0.0},
        {"w": operator, "b": None},
        gradient=slope,
        gtol=3e-10,
        max_steps=20_000,
    )
    assert result.success, result.message
    peer = fitted(model, x, y)
    at = {"w": peer.coef_, "b": peer.intercept_}
    assert optimality(at) < 1e-12  # coordinate descent, SVD and NNLS end at rounding
    assert optimality(result.x) < 1e-9
    scale = np.abs(peer.coef_).max()
    assert np.abs(result.x["w"] - peer.coef_).max() < 1e-8 * scale
    assert float(result.x["b"]) == pytest.approx(peer.intercept_, rel=1e-8)
    total = float(f(at) + operator.value(at["w"]))
    assert float(result.fun) == pytest.approx(total, rel=1e-14)
    if "ridge" not in name:
        assert np.array_equal(result.x["w"] == 0.0, np.abs(peer.coef_) < 1e-12)


def test_nonnegative_least_squares_of_scipy(diabetes):
    x, y = diabetes
    y = y - y.mean()
    expected, _ = scipy.optimize.nnls(x, y)

    def f(w):
        residual = x @ w - y
        return 0.5 * (residual @ residual)

    result = proximal_gradient(f, np.zeros(10), proximal.nonnegative(), gtol=1e-9)
    assert result.success, result.message
    assert np.abs(result.x - expected).max() < 1e-8 * np.abs(expected).max()
    assert float(result.fun) == pytest.approx(f(expected), rel=1e-14)
