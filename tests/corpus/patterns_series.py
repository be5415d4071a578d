"""Time series, filters of states, hidden Markov models, alignments."""

import numpy as np
from scipy.signal import lfilter
from scipy.special import logsumexp

from tests.corpus.registry import pattern

T = 12
OBSERVED = np.sin(np.arange(T) * 0.7) + 0.1 * np.arange(T)


@pattern(np.array([0.3, -0.2]))
def kalman_filter_scalar(log_var):
    q, r = np.exp(log_var)
    m, P, ll = 0.0, 1.0, 0.0
    for y in OBSERVED:
        P = P + q
        S = P + r
        K = P / S
        ll += -0.5 * (np.log(2 * np.pi * S) + (y - m) ** 2 / S)
        m = m + K * (y - m)
        P = (1 - K) * P
    return ll


@pattern(np.array([0.9, 0.1, 0.2, 0.4]))
def kalman_filter_matrices(theta):
    dt = 0.5
    A = np.array([[1, dt], [0, theta[0]]])
    Q = np.diag([theta[1], theta[2]])
    H = np.array([[1.0, 0.0]])
    R = np.array([[theta[3]]])
    x, P = np.zeros((2, 1)), np.eye(2)
    nll = 0.0
    for y in OBSERVED:
        x = A.dot(x)
        P = A.dot(P).dot(A.T) + Q
        v = y - H.dot(x)
        S = H.dot(P).dot(H.T) + R
        K = P.dot(H.T).dot(np.linalg.inv(S))
        x = x + K.dot(v)
        P = (np.eye(2) - K.dot(H)).dot(P)
        nll += 0.5 * (np.log(np.linalg.det(S)) + (v.T @ np.linalg.inv(S) @ v).item())
    return nll


@pattern(np.array([0.4, -0.3]))
def kalman_with_stored_history(theta):
    n = T
    beta_tt, P_tt = np.zeros((n + 1, 1)), np.zeros((n + 1, 1, 1))
    ll = np.zeros(n)
    P_tt[0] = np.eye(1)
    for t in range(1, n + 1):
        prior = theta[1] + theta[0] * beta_tt[t - 1]
        P = theta[0] ** 2 * P_tt[t - 1] + 0.2
        eta = OBSERVED[t - 1] - prior
        f = P + 0.3
        ll[t - 1] = (-0.5 * np.log(2 * np.pi * f) - 0.5 * eta**2 / f).item()
        beta_tt[t] = prior + P[0] / f[0] * eta
        P_tt[t] = P - P @ P / f
    return ll.sum() + beta_tt[-1, 0]


@pattern(np.array([0.5, -0.4, 0.3, 0.8, 1.1, -0.5]))
def hmm_forward_scaled(theta):
    A = np.exp(theta[:4].reshape(2, 2))
    A = A / A.sum(axis=1, keepdims=True)
    means = theta[4:]
    alpha = np.array([0.5, 0.5])
    loglik = 0.0
    for y in OBSERVED:
        b = np.exp(-0.5 * (y - means) ** 2)
        alpha = (alpha @ A) * b
        c = alpha.sum()
        loglik += np.log(c)
        alpha /= c
    return loglik


@pattern(np.array([[0.2, 0.8, -0.1], [0.4, -0.3, 0.9], [0.0, 0.5, 0.1]]))
def hmm_forward_in_logs(logits):
    log_A = logits - logsumexp(logits, axis=1, keepdims=True)
    emissions = np.cos(np.outer(np.arange(T), [1.0, 2.0, 3.0]))
    log_alpha = np.zeros((T, 3))
    log_alpha[0] = emissions[0] - np.log(3)
    for t in range(1, T):
        for j in range(3):
            log_alpha[t, j] = logsumexp(log_alpha[t - 1] + log_A[:, j]) + emissions[t, j]
    return logsumexp(log_alpha[-1])


@pattern(np.array([[0.2, 0.8], [0.4, -0.3]]))
def viterbi_best_score(scores):
    emissions = np.cos(np.outer(np.arange(6), [1.0, 2.0]))
    delta = emissions[0]
    back = []
    for t in range(1, 6):
        candidates = delta[:, None] + scores
        back.append(np.argmax(candidates, axis=0))
        delta = candidates.max(axis=0) + emissions[t]
    path = [int(np.argmax(delta))]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return delta[path[0]]


@pattern(np.array([0.6, -0.2, 0.1]))
def ar_conditional_sum_of_squares(phi):
    errors = []
    for t in range(2, T):
        errors.append(OBSERVED[t] - phi[2] - phi[0] * OBSERVED[t - 1] - phi[1] * OBSERVED[t - 2])
    errors = np.array(errors)
    return np.mean(errors**2)


@pattern(np.array([0.5, 0.3]))
def arma_residual_recursion(params):
    phi, theta = params
    eps = np.zeros(T)
    for t in range(1, T):
        eps[t] = OBSERVED[t] - phi * OBSERVED[t - 1] - theta * eps[t - 1]
    return np.log(np.sum(eps**2) / T)


@pattern(np.array([0.1, 0.2, 0.6]))
def garch_likelihood(params):
    omega, alpha, beta = params
    r = OBSERVED - OBSERVED.mean()
    sigma2 = np.empty(T)
    sigma2[0] = np.var(r)
    for t in range(1, T):
        sigma2[t] = omega + alpha * r[t - 1] ** 2 + beta * sigma2[t - 1]
    return 0.5 * np.sum(np.log(2 * np.pi * sigma2) + r**2 / sigma2)


@pattern(np.array([0.5, 0.3, 0.2]))
def holt_winters_smoothing(params):
    alpha, beta, gamma = params
    season = [0.1, -0.1, 0.2, 0.0]
    level, trend, sse = OBSERVED[0], 0.0, 0.0
    for t, y in enumerate(OBSERVED):
        s = season[t % 4]
        sse += (y - level - trend - s) ** 2
        last = level
        level = alpha * (y - s) + (1 - alpha) * (level + trend)
        trend = beta * (level - last) + (1 - beta) * trend
        season[t % 4] = gamma * (y - level) + (1 - gamma) * s
    return sse / T


@pattern(np.array([0.2, 0.9, 1.5, 1.1, 0.3]))
def dynamic_time_warping(x):
    y = np.array([0.0, 1.0, 1.4, 0.5])
    n, m = len(x), len(y)
    D = np.full((n + 1, m + 1), np.inf)
    D[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (x[i - 1] - y[j - 1]) ** 2
            D[i, j] = cost + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D[n, m]


@pattern(np.array([0.2, 0.9, 1.5, 1.1]))
def soft_dynamic_time_warping(x):
    y, gamma = [0.0, 1.0, 1.4], 0.5
    R = {(-1, -1): 0.0}
    for i, xi in enumerate(x):
        for j, yj in enumerate(y):
            paths = [R[k] for k in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if k in R]
            soft_min = -gamma * np.log(sum(np.exp(-p / gamma) for p in paths))
            R[i, j] = (xi - yj) ** 2 + soft_min
    return R[len(x) - 1, len(y) - 1]


@pattern(np.linspace(0.1, 0.6, 4))
def edit_distance_soft_costs(costs):
    a, b = "kitten", "sitting"
    insert, delete, substitute, swap = costs
    d = np.zeros((len(a) + 1, len(b) + 1))
    for i in range(1, len(a) + 1):
        d[i, 0] = d[i - 1, 0] + delete
    for j in range(1, len(b) + 1):
        d[0, j] = d[0, j - 1] + insert
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            same = 0 if a[i - 1] == b[j - 1] else substitute
            options = np.array([d[i - 1, j] + delete, d[i, j - 1] + insert, d[i - 1, j - 1] + same])
            d[i, j] = options.min()
    return d[-1, -1] + swap**2


@pattern(OBSERVED)
def moving_average_and_drawdown(x):
    window = 3
    cumsum = np.cumsum(np.insert(x, 0, 0))
    smooth = (cumsum[window:] - cumsum[:-window]) / window
    peak = np.maximum.accumulate(smooth)
    return (peak - smooth).max() + smooth[-1]


@pattern(OBSERVED)
def autocorrelation_and_ljung_box(x):
    x = x - x.mean()
    acov = [np.dot(x[: len(x) - k], x[k:]) / len(x) for k in range(4)]
    rho = np.array(acov) / acov[0]
    return len(x) * (len(x) + 2) * np.sum(rho[1:] ** 2 / (len(x) - np.arange(1, 4)))


@pattern(OBSERVED)
def differencing_and_detrending(x):
    t = np.arange(T)
    slope, intercept = np.polyfit(t, x, 1)
    detrended = x - (slope * t + intercept)
    return np.sum(np.diff(detrended, n=2) ** 2) + np.gradient(x)[4] ** 2


@pattern(np.array([0.5, -0.2]))
def recursive_filter_of_scipy_signal(a):
    y = lfilter([a[0], 0.3], [1.0, a[1]], OBSERVED)
    return np.sum(y**2)


@pattern(np.array([0.3, 0.5]))
def markov_chain_stationary(p):
    P = np.array([[1 - p[0], p[0], 0.0], [0.2, 0.5, 0.3], [p[1], 0.1, 0.9 - p[1]]])
    A = np.vstack([P.T - np.eye(3), np.ones(3)])
    b = np.array([0.0, 0.0, 0.0, 1.0])
    pi = np.linalg.solve(A.T @ A, A.T @ b)
    entropy = -np.sum(pi[:, None] * P * np.log(np.where(P > 0, P, 1.0)))
    return entropy


@pattern(np.array([0.3, 0.5]))
def markov_chain_power(p):
    P = np.array([[1 - p[0], p[0]], [p[1], 1 - p[1]]])
    start = np.array([1.0, 0.0])
    reward = np.array([2.0, -1.0])
    return start @ np.linalg.matrix_power(P, 5) @ reward


@pattern(np.array([0.8, 0.2, 0.4]))
def particle_filter_with_fixed_noise(theta):
    phi, q, r = theta
    noise = np.cos(np.arange(T * 8) * 2.3).reshape(T, 8)
    particles, loglik = np.zeros(8), 0.0
    for t in range(T):
        particles = phi * particles + np.sqrt(q) * noise[t]
        logw = -0.5 * (OBSERVED[t] - particles) ** 2 / r - 0.5 * np.log(2 * np.pi * r)
        top = np.max(logw)
        loglik += top + np.log(np.mean(np.exp(logw - top)))
    return loglik
