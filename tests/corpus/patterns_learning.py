"""Losses of machine learning outside neural networks, as in scikit-learn's textbooks."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.spatial.distance import cdist
from scipy.special import log_expit, softmax, xlogy

from tests.corpus.registry import pattern

N = 10
X = np.stack([np.sin(np.arange(N) * 1.7), np.cos(np.arange(N) * 0.9), np.ones(N)], axis=1)
Y = np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
W = np.array([0.4, -0.7, 0.1])


@pattern(W)
def logistic_regression(w):
    z = X.dot(w)
    return np.mean(np.log(1 + np.exp(-Y * z))) + 0.01 * np.dot(w, w)


@pattern(W)
def logistic_regression_stable(w):
    margin = Y * (X @ w)
    return -log_expit(margin).sum() + 0.5 * 0.1 * w.T @ w + np.logaddexp(0, margin).mean()


def sigmoid(x):
    return 0.5 * (np.tanh(x / 2.0) + 1)


@pattern(W)
def training_loss_of_the_tutorial(weights):
    preds = sigmoid(np.dot(X, weights))
    targets = Y > 0
    label_probabilities = preds * targets + (1 - preds) * (1 - targets)
    return -np.sum(np.log(label_probabilities))


@pattern(W)
def hinge_loss(w):
    return np.maximum(0, 1 - Y * X.dot(w)).mean() + 0.05 * (w**2).sum()


@pattern(W)
def huber_loss(w):
    r = Y - X @ w
    delta = 0.8
    small = np.abs(r) <= delta
    return np.sum(np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))


@pattern(W)
def pinball_loss_by_branches(w):
    tau, total = 0.3, 0.0
    for xi, yi in zip(X, Y, strict=True):
        r = yi - xi.dot(w)
        total += tau * r if r >= 0 else (tau - 1) * r
    return total / len(Y)


@pattern(W)
def lasso_objective(w):
    return 0.5 / N * np.linalg.norm(Y - X @ w) ** 2 + 0.1 * np.linalg.norm(w, 1)


@pattern(np.linspace(-0.5, 0.5, 9).reshape(3, 3))
def softmax_regression(W):
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    scores = X @ W
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return -np.log(probs[range(N), labels]).mean()


@pattern(np.linspace(-0.5, 0.5, 9).reshape(3, 3))
def cross_entropy_with_one_hot(W):
    Y1 = np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1, 2, 0]]
    P = softmax(X @ W, axis=1)
    return -np.sum(Y1 * np.log(P)) / N + xlogy(P, P).sum()


@pattern(np.array([0.2, -0.1, 0.5]))
def gp_marginal_likelihood(log_params):
    length, amplitude, noise = np.exp(log_params)
    x = np.linspace(0, 1, N)
    D2 = (x[:, None] - x[None, :]) ** 2
    K = amplitude**2 * np.exp(-0.5 * D2 / length**2) + noise**2 * np.eye(N)
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, Y))
    return 0.5 * Y.dot(alpha) + np.sum(np.log(np.diag(L))) + 0.5 * N * np.log(2 * np.pi)


@pattern(np.array([0.6, 0.8, 0.3]))
def gp_with_scipy_linalg(params):
    ell, sf, sn = params
    x = np.linspace(0, 2, N)
    r = np.abs(np.subtract.outer(x, x)) * np.sqrt(3) / ell
    K = sf**2 * (1 + r) * np.exp(-r)
    K[np.diag_indices_from(K)] += sn**2
    L = cholesky(K, lower=True)
    v = solve_triangular(L, Y, lower=True)
    return 0.5 * v.dot(v) + np.log(L.diagonal()).sum()


@pattern(np.array([0.7, 0.4]))
def gp_prediction_with_cho_solve(params):
    ell, noise = params
    x, xs = np.linspace(0, 1, 6), np.array([0.35, 0.8])

    def kernel(a, b):
        return np.exp(-((a[:, np.newaxis] - b[np.newaxis, :]) ** 2) / (2 * ell**2))

    factor = cho_factor(kernel(x, x) + noise * np.eye(6))
    mean = kernel(xs, x) @ cho_solve(factor, Y[:6])
    return mean @ mean


@pattern(np.array([0.5, 1.0]))
def distances_of_scipy_spatial(scale):
    D = cdist(X[:, :2] * scale, X[:4, :2] * scale, metric="sqeuclidean")
    return np.exp(-D).sum()


@pattern(np.linspace(-1.0, 1.0, 6).reshape(3, 2))
def pca_reconstruction_loss(V):
    Q, _ = np.linalg.qr(V)
    Xc = X - X.mean(axis=0)
    return np.linalg.norm(Xc - Xc @ Q @ Q.T, "fro") ** 2


@pattern(np.array([0.3, -0.2, 0.1, 0.6]))
def pca_explained_variance(theta):
    A = X[:, :2] @ theta.reshape(2, 2)
    _, s, Vt = np.linalg.svd(A - A.mean(0), full_matrices=False)
    return s[0] ** 2 / np.sum(s**2) + abs(Vt[0, 0])


@pattern(np.array([[0.5, 0.5], [-0.5, 0.1], [0.3, -0.8]]))
def soft_k_means(centres):
    d2 = ((X[:, None, :2] - centres[None, :, :]) ** 2).sum(axis=-1)
    r = np.exp(-4 * d2)
    r /= r.sum(axis=1)[:, None]
    return (r * d2).sum()


@pattern(np.array([[0.5, 0.5], [-0.5, 0.1], [0.3, -0.8]]))
def k_means_inertia(centres):
    inertia = 0
    for point in X[:, :2]:
        distances = [np.sum((point - c) ** 2) for c in centres]
        inertia += distances[np.argmin(distances)]
    return inertia


@pattern(np.linspace(-1.0, 1.0, 8).reshape(4, 2) ** 3 + 0.1)
def t_sne_divergence(Y2):
    P = np.array([[0, 3, 1, 1], [3, 0, 1, 2], [1, 1, 0, 4], [1, 2, 4, 0]]) / 24.0
    sum_Y = np.sum(np.square(Y2), 1)
    num = -2.0 * np.dot(Y2, Y2.T)
    num = 1.0 / (1.0 + np.add(np.add(num, sum_Y).T, sum_Y))
    num[range(4), range(4)] = 0.0
    Q = num / np.sum(num)
    Q = np.maximum(Q, 1e-12)
    return np.sum(P * np.log(np.maximum(P, 1e-12) / Q))


@pattern({"users": np.linspace(0.1, 0.9, 8).reshape(4, 2), "items": np.eye(3, 2) + 0.2})
def matrix_factorisation(params):
    ratings = {(0, 1): 4.0, (1, 2): 1.0, (3, 0): 5.0, (2, 2): 3.0}
    loss = 0.0
    for (u, i), r in ratings.items():
        prediction = params["users"][u] @ params["items"][i]
        loss += (r - prediction) ** 2
    penalty = sum(np.sum(p**2) for p in params.values())
    return loss + 0.1 * penalty


@pattern(np.array([0.2, 0.9, -0.4]))
def ridge_closed_form(log_lambda):
    A = X.T @ X + np.diag(np.exp(log_lambda))
    w = np.linalg.solve(A, X.T @ Y)
    residual = Y - X @ w
    H = X @ np.linalg.inv(A) @ X.T
    return np.mean((residual / (1 - np.diag(H))) ** 2)


@pattern(np.array([0.2, 0.5, 0.7, 1.3, -0.3]))
def least_squares_inside(t):
    V = np.vander(t, 3, increasing=True)
    coef, _, rank, _ = np.linalg.lstsq(V, np.array([1.0, 2.0, 0.5, 1.5, 0.0]), rcond=None)
    assert rank == 3
    return np.sum(coef**2)


@pattern(W)
def area_under_curve_surrogate(w):
    scores = X @ w
    positive, negative = scores[Y > 0], scores[Y < 0]
    return np.mean(1 / (1 + np.exp(-(positive[:, None] - negative[None, :]))))


@pattern(W)
def naive_bayes_with_dict(w):
    stats = {}
    for label in (-1.0, 1.0):
        Z = X[label == Y] * w
        stats[f"class_{int(label)}"] = (Z.mean(axis=0), Z.var(axis=0) + 0.1)
    total = 0.0
    for mean, var in stats.values():
        total += -0.5 * np.sum(np.log(var) + (0.3 - mean) ** 2 / var)
    return total


@pattern(W)
def gradient_descent_unrolled(w):
    w = w.copy()
    for step in range(5):
        p = 1 / (1 + np.exp(-X @ w))
        w -= 0.5 / (1 + step) * X.T @ (p - (Y + 1) / 2) / N
    return np.linalg.norm(w - 1)


@pattern(W)
def polynomial_kernel_svm_dual(w):
    alpha = np.abs(np.tile(w, 4)[:N]) * Y
    K = (1 + X @ X.T) ** 3
    return np.sum(np.abs(alpha)) - 0.5 * np.einsum("i,j,ij->", alpha, alpha, K)
