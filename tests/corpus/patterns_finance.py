"""Prices of options and bonds, portfolios, risk."""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf
from scipy.stats import norm

from tests.corpus.registry import pattern


def phi(x):
    return 0.5 * (1 + erf(x / np.sqrt(2)))


@pattern(np.array([100.0, 0.2, 0.03, 1.5]))
def black_scholes_call(params):
    S, sigma, r, T = params
    K = 105.0
    d1 = (np.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * np.sqrt(T))
    d2 = d1 - sigma * np.sqrt(T)
    return S * phi(d1) - K * np.exp(-r * T) * phi(d2)


@pattern({"spot": 100.0, "vol": 0.25, "rate": 0.02})
def black_scholes_with_math(market):
    S, sigma, r = market["spot"], market["vol"], market["rate"]
    K, T = 95.0, 0.5
    cdf = lambda z: (1.0 + math.erf(z / math.sqrt(2.0))) / 2.0
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * math.sqrt(T))
    put = K * math.exp(-r * T) * cdf(sigma * math.sqrt(T) - d1) - S * cdf(-d1)
    return put


@pattern(np.array([100.0, 0.2]))
def black_scholes_with_scipy_stats(params):
    S, sigma = params
    d1 = (np.log(S / 100) + 0.5 * sigma**2) / sigma
    return S * norm.cdf(d1) - 100 * norm.cdf(d1 - sigma)


@pattern(np.array([101.0, 0.3]))
def binomial_tree_european(params):
    S0, sigma = params
    N, K, r, T = 6, 100.0, 0.05, 1.0
    dt = T / N
    u = np.exp(sigma * np.sqrt(dt))
    d = 1 / u
    q = (np.exp(r * dt) - d) / (u - d)
    disc = np.exp(-r * dt)
    S = np.zeros(N + 1)
    S[0] = S0 * d**N
    for j in range(1, N + 1):
        S[j] = S[j - 1] * u / d
    C = np.zeros(N + 1)
    for j in range(N + 1):
        C[j] = max(0, S[j] - K)
    for i in np.arange(N, 0, -1):
        for j in range(i):
            C[j] = disc * (q * C[j + 1] + (1 - q) * C[j])
    return C[0]


@pattern(np.array([97.0, 0.3]))
def american_put_on_a_tree(params):
    spot, sigma = params
    n, K, r, dt = 5, 100.0, 0.06, 0.2
    u, d = np.exp(sigma * np.sqrt(dt)), np.exp(-sigma * np.sqrt(dt))
    R = np.exp(r * dt)
    q = (R - d) / (u - d)
    prices = np.array([spot * u**j * d ** (n - j) for j in range(n + 1)])
    value = np.maximum(K - prices, 0)
    for _ in range(n):
        prices = prices[:-1] * u
        hold = (q * value[1:] + (1 - q) * value[:-1]) / R
        exercise = K - prices
        value = exercise * (exercise >= hold) + hold * (exercise < hold)
    return value[0]


@pattern(np.array([100.0, 0.2, 0.05]))
def monte_carlo_asian_option(params):
    S0, sigma, mu = params
    rng = np.random.default_rng(1)
    z = rng.standard_normal((40, 6))
    dt = 1 / 6
    increments = (mu - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * z
    paths = S0 * np.exp(np.cumsum(increments, axis=1))
    payoff = np.maximum(paths.mean(axis=1) - 100, 0)
    return np.exp(-mu) * np.mean(payoff)


@pattern(np.array([0.03, 0.01, -0.02, 1.5]))
def nelson_siegel_curve(beta):
    tau = np.array([0.5, 1, 2, 5, 10, 30])
    quotes = np.array([0.021, 0.022, 0.025, 0.03, 0.033, 0.031])
    x = tau / beta[3]
    loading = (1 - np.exp(-x)) / x
    y = beta[0] + beta[1] * loading + beta[2] * (loading - np.exp(-x))
    return 1e4 * np.sum((y - quotes) ** 2)


@pattern(0.04)
def bond_price_and_duration(y):
    coupon, face, n = 5.0, 100.0, 6
    price = sum(coupon / (1 + y) ** t for t in range(1, n + 1)) + face / (1 + y) ** n
    duration = 0
    for t in range(1, n + 1):
        cash = coupon + (face if t == n else 0)
        duration += t * cash / (1 + y) ** t
    return duration / price + 0.01 * price


@pattern(98.0)
def yield_by_newton(price):
    y, iterations = 0.05, 0
    while True:
        cash = [(t, 4.0 + (100.0 if t == 5 else 0.0)) for t in range(1, 6)]
        f = sum(c / (1 + y) ** t for t, c in cash) - price
        df = sum(-t * c / (1 + y) ** (t + 1) for t, c in cash)
        step = f / df
        y = y - step
        iterations += 1
        if abs(step) < 1e-14 or iterations > 50:
            return y


@pattern(10.0)
def implied_volatility_by_brentq(price):
    def objective(sigma):
        return 100 * (2 * phi(sigma / 2) - 1) - price

    return brentq(objective, 1e-4, 2.0, xtol=1e-14)


@pattern(np.array([0.3, 0.5, 0.2]))
def portfolio_sharpe_ratio(w):
    w = w / np.sum(w)
    mu = np.array([0.08, 0.12, 0.05])
    Sigma = np.array([[0.04, 0.006, 0.0], [0.006, 0.09, 0.01], [0.0, 0.01, 0.02]])
    return -(w @ mu - 0.02) / np.sqrt(w @ Sigma @ w)


@pattern(np.array([0.3, 0.5, 0.2]))
def risk_parity_objective(w):
    Sigma = np.diag([0.04, 0.09, 0.02]) + 0.005
    vol = np.sqrt(np.dot(w.T, np.dot(Sigma, w)))
    contribution = w * np.dot(Sigma, w) / vol
    return 1000 * sum((ci - cj) ** 2 for ci in contribution for cj in contribution)


@pattern(np.array([0.4, 0.6]))
def value_at_risk_of_scenarios(w):
    t = np.arange(20)
    returns = np.column_stack([np.sin(t * 1.3) * 0.02, np.cos(t * 0.7) * 0.03])
    pnl = returns @ w
    losses = np.sort(-pnl)[::-1]
    var = np.percentile(-pnl, 95)
    expected_shortfall = losses[:3].mean()
    return 100 * (var + expected_shortfall)


@pattern(np.array([0.4, 0.6, -0.3, 0.5]))
def heston_like_characteristic_function(p):
    kappa, theta, rho, sigma = p
    u = np.linspace(0.1, 4, 20)
    d = np.sqrt((rho * sigma * 1j * u - kappa) ** 2 + sigma**2 * (1j * u + u**2))
    g = (kappa - rho * sigma * 1j * u - d) / (kappa - rho * sigma * 1j * u + d)
    C = kappa * theta / sigma**2 * ((kappa - rho * sigma * 1j * u - d) - 2 * np.log(1 - g))
    integrand = np.real(np.exp(0.1 * C) / (1j * u) * np.exp(-0.1j * u))
    return np.trapezoid(integrand, u)


@pattern(np.array([0.3, -0.4, 0.6]))
def sabr_implied_volatility(params):
    alpha, rho, nu = params
    F, K, T, beta = 1.0, 1.1, 2.0, 0.7
    logFK = np.log(F / K)
    FKb = (F * K) ** ((1 - beta) / 2)
    z = nu / alpha * FKb * logFK
    x = np.log((np.sqrt(1 - 2 * rho * z + z * z) + z - rho) / (1 - rho))
    correction = 1 + T * (
        (1 - beta) ** 2 / 24 * alpha**2 / FKb**2 + rho * beta * nu * alpha / 4 / FKb
    )
    return alpha / FKb * z / x * correction


@pattern(np.array([1000.0, 0.05, 120.0]))
def loan_amortisation_loop(loan):
    principal, rate, payment = loan
    balance, interest_paid, months = principal, 0.0, 0
    while balance > 0 and months < 10:
        interest = balance * rate / 12
        interest_paid += interest
        balance -= min(payment, balance + interest) - interest
        months += 1
    return interest_paid + 0.001 * balance


@pattern(np.array([0.02, 0.15, 0.03]))
def vasicek_bond_prices(params):
    a, b, sigma = 0.5 + params[1], params[0], params[2]
    total = 0
    for T in [1, 2, 5]:
        B = (1 - np.exp(-a * T)) / a
        A = np.exp((b - sigma**2 / (2 * a**2)) * (B - T) - sigma**2 / (4 * a) * B**2)
        total += A * np.exp(-B * 0.03)
    return total


@pattern(np.array([0.2, 0.25, 0.22]))
def explicit_pde_option(params):
    vol = np.interp(np.linspace(0, 1, 11), [0, 0.5, 1], params)
    S = np.linspace(0, 2, 11)
    V = np.maximum(S - 1, 0)
    dt, dS = 0.01, 0.2
    for _ in range(10):
        delta = (V[2:] - V[:-2]) / (2 * dS)
        gamma = (V[2:] - 2 * V[1:-1] + V[:-2]) / dS**2
        V[1:-1] += dt * (0.5 * vol[1:-1] ** 2 * S[1:-1] ** 2 * gamma + 0.03 * S[1:-1] * delta)
        V[-1] = 2 * V[-2] - V[-3]
    return V[5] * 10 + V[6]
