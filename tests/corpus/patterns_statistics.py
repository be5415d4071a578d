"""Likelihoods, estimators and distributions."""

import math

import numpy as np
from scipy import special, stats
from scipy.special import betaln, digamma, expit, gammaln, logsumexp, ndtr

from tests.corpus.registry import pattern

DATA = np.array([1.2, 0.4, 2.2, 1.9, 0.7, 1.1, 3.0, 0.2])
COUNTS = np.array([2.0, 0.0, 1.0, 4.0, 3.0, 1.0, 2.0, 5.0])
DESIGN = np.stack([np.ones(8), np.linspace(-1.0, 1.0, 8)], axis=1)
LOG_2PI = np.log(2 * np.pi)


@pattern(np.array([1.0, 0.3]))
def gaussian_log_likelihood(params):
    mu, log_sigma = params
    sigma = np.exp(log_sigma)
    return -0.5 * np.sum(((DATA - mu) / sigma) ** 2) - len(DATA) * (log_sigma + 0.5 * LOG_2PI)


@pattern(np.array([0.2, 0.5]))
def poisson_regression(beta):
    rate = np.exp(DESIGN.dot(beta))
    return np.sum(rate - COUNTS * np.log(rate) + gammaln(COUNTS + 1))


@pattern(np.array([1.5, 0.8]))
def negative_binomial(params):
    r, p = params[0], expit(params[1])
    ll = gammaln(COUNTS + r) - gammaln(r) - gammaln(COUNTS + 1)
    ll += r * np.log(p) + COUNTS * np.log1p(-p)
    return -ll.mean()


@pattern(np.array([0.2, -0.5, 1.0, 3.0, 0.1, -0.3]))
def gaussian_mixture(theta):
    logits, means, log_sd = theta[:2], theta[2:4], theta[4:]
    log_weights = logits - logsumexp(logits)
    z = (DATA[:, None] - means) / np.exp(log_sd)
    log_density = log_weights - 0.5 * z**2 - log_sd - 0.5 * LOG_2PI
    return logsumexp(log_density, axis=1).sum()


@pattern(np.array([2.0, 1.3]))
def gamma_likelihood(params):
    shape, rate = params
    total = 0.0
    for x in DATA:
        total += shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(x) - rate * x
    return total


@pattern(np.array([1.2, 2.3]))
def beta_binomial_evidence(ab):
    a, b = ab
    n, k = 12, 5
    return betaln(a + k, b + n - k) - betaln(a, b) + 0.1 * digamma(a)


@pattern(np.array([0.4, -0.6]))
def cox_partial_likelihood(beta):
    times = np.array([3.0, 1.0, 4.0, 1.5, 9.0, 2.6, 5.0, 3.5])
    event = np.array([1, 1, 0, 1, 1, 0, 1, 1])
    eta = DESIGN @ beta + 0.3 * DATA * beta[0]
    loglik = 0
    for i in range(len(times)):
        if event[i] == 1:
            at_risk = times >= times[i]
            loglik += eta[i] - np.log(np.sum(np.exp(eta[at_risk])))
    return -loglik


@pattern(np.array([1.4, 0.9]))
def censored_weibull(params):
    k, lam = params
    observed = np.array([True, True, False, True, True, False, True, True])
    log_hazard = np.log(k / lam) + (k - 1) * np.log(DATA / lam)
    cumulative = (DATA / lam) ** k
    return np.where(observed, log_hazard - cumulative, -cumulative).sum()


@pattern(np.array([1.1, -0.3, 0.4]))
def student_t_regression(theta):
    nu = 4.0
    mu = DESIGN @ theta[:2]
    sigma = math.exp(theta[2])
    z2 = ((DATA - mu) / sigma) ** 2
    const = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi)
    return -np.sum(const - np.log(sigma) - (nu + 1) / 2 * np.log1p(z2 / nu))


@pattern(np.array([0.1, 0.7]))
def probit_regression(beta):
    y = (DATA > 1).astype(float)
    p = ndtr(DESIGN @ beta)
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))


@pattern(DATA)
def sample_moments(x):
    m, s = np.mean(x), np.std(x, ddof=1)
    z = (x - m) / s
    skew = np.mean(z**3)
    kurtosis = (z**4).mean() - 3
    return skew + kurtosis + np.var(x) / m


@pattern(DATA)
def correlation_and_covariance(x):
    y = np.roll(x, 1) ** 2
    r = np.corrcoef(x, y)[0, 1]
    C = np.cov(np.vstack([x, y]))
    return r + C[0, 0] - C[0, 1]


@pattern(DATA)
def median_and_quantiles(x):
    q25, q75 = np.percentile(x, [25, 75])
    mad = np.median(np.abs(x - np.median(x)))
    return q75 - q25 + mad + np.quantile(x, 0.9)


@pattern(DATA)
def gini_coefficient(x):
    x = np.sort(x)
    n = len(x)
    index = np.arange(1, n + 1)
    return np.sum((2 * index - n - 1) * x) / (n * np.sum(x))


@pattern(DATA)
def trimmed_and_winsorised_mean(x):
    ordered = sorted(x)
    trimmed = sum(ordered[1:-1]) / (len(ordered) - 2)
    clipped = np.clip(x, 0.3, 2.5)
    return trimmed + clipped.mean()


@pattern(np.array([0.3, 0.6, 1.1]))
def dirichlet_entropy(alpha):
    a0 = alpha.sum()
    logB = special.gammaln(alpha).sum() - special.gammaln(a0)
    return logB + (a0 - 3) * special.psi(a0) - ((alpha - 1) * special.psi(alpha)).sum()


@pattern(np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.1, 0.8]))
def kl_and_jensen_shannon(w):
    p = w / w.sum()
    q = np.array([0.3, 0.4, 0.3])
    m = (p + q) / 2
    kl = lambda a, b: np.sum(a * np.log(a / b))
    return 0.5 * kl(p, m) + 0.5 * kl(q, m) + special.rel_entr(p, q).sum()


@pattern(np.array([0.5, 1.5]))
def kernel_density_score(bandwidth_and_point):
    h, x = bandwidth_and_point
    u = (x - DATA) / h
    density = np.exp(-0.5 * u * u).sum() / (len(DATA) * h * np.sqrt(2 * np.pi))
    return np.log(density)


@pattern(np.array([[2.0, 0.3], [0.3, 1.0]]))
def multivariate_normal_density(S):
    S = (S + S.T) / 2
    r = np.array([0.4, -1.1])
    sign, logdet = np.linalg.slogdet(S)
    assert sign > 0
    return -0.5 * (r @ np.linalg.inv(S) @ r + logdet + 2 * LOG_2PI)


@pattern(np.array([1.0, 0.5]))
def distributions_of_scipy_stats(params):
    mu, sigma = params
    return -np.sum(stats.norm.logpdf(DATA, loc=mu, scale=sigma))


@pattern(np.array([0.4, 1.1, -0.2]))
def ordinal_logit(theta):
    cut = np.array([theta[0], theta[0] + np.exp(theta[1])])
    eta = theta[2] * DATA
    grade = np.array([0, 0, 2, 1, 0, 1, 2, 0])
    F = np.column_stack([np.zeros(8), expit(cut[0] - eta), expit(cut[1] - eta), np.ones(8)])
    prob = F[np.arange(8), grade + 1] - F[np.arange(8), grade]
    return -np.log(prob).sum()


@pattern(np.array([0.4, 0.2]))
def rank_one_metropolis_energy(x):
    # Neal's funnel
    v, y = x
    return -(stats_normal(v, 3.0) + stats_normal(y, np.exp(v / 2)))


def stats_normal(x, sd):
    return -0.5 * (x / sd) ** 2 - np.log(sd)


@pattern(np.array([0.9, 0.1, -0.7]))
def item_response_with_nan_answers(ability):
    answers = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 0.0], [np.nan, 0.0, 0.0]])
    difficulty = np.linspace(-1, 1, 3)
    p = 1 / (1 + np.exp(-(ability[:, None] - difficulty[None, :])))
    ll = answers * np.log(p) + (1 - answers) * np.log(1 - p)
    return np.nansum(ll)


@pattern(DATA)
def soft_histogram(x):
    edges = np.linspace(0, 3.5, 8)
    width = 0.2
    upper = expit((edges[None, 1:] - x[:, None]) / width)
    lower = expit((edges[None, :-1] - x[:, None]) / width)
    p = (upper - lower).sum(axis=0)
    p = p / p.sum()
    return -np.sum(p * np.log(p + 1e-12))


@pattern(DATA)
def quantile_normalised_scores(x):
    order = np.argsort(x)
    ranks = np.empty(len(x), dtype=int)
    ranks[order] = np.arange(len(x))
    normal_scores = special.ndtri((ranks + 0.5) / len(x))
    return np.dot(normal_scores, x[order]) + normal_scores @ x
