"""Quadrature, interpolation, root finding, dynamic programming: the numerical methods course."""

import numpy as np
from numpy.polynomial import Polynomial
from numpy.polynomial import chebyshev as cheb
from scipy.integrate import quad, simpson, trapezoid
from scipy.optimize import minimize

from tests.corpus.registry import pattern


@pattern(np.array([0.5, 1.3]))
def gauss_legendre_quadrature(p):
    nodes, weights = np.polynomial.legendre.leggauss(8)
    a, b = 0.0, p[1]
    x = 0.5 * (b - a) * nodes + 0.5 * (b + a)
    return 0.5 * (b - a) * np.sum(weights * np.exp(-p[0] * x**2))


@pattern(np.array([0.5, 1.3]))
def trapezoid_and_simpson_of_scipy(p):
    x = np.linspace(0, p[1], 11)
    y = np.sin(p[0] * x)
    return trapezoid(y, x) + simpson(y, x=x)


@pattern(np.array([0.5, 1.3]))
def quad_of_scipy(p):
    value, _ = quad(lambda x: np.exp(-p[0] * x**2), 0, p[1])
    return value


@pattern(np.array([0.5, 1.3]))
def romberg_integration(p):
    f = lambda x: np.cos(p[0] * x) / (1 + x)
    R = np.zeros((5, 5))
    h = p[1]
    R[0, 0] = h / 2 * (f(0.0) + f(p[1]))
    for i in range(1, 5):
        h /= 2
        s = sum(f(k * h) for k in range(1, 2**i, 2))
        R[i, 0] = 0.5 * R[i - 1, 0] + h * s
        for j in range(1, i + 1):
            R[i, j] = R[i, j - 1] + (R[i, j - 1] - R[i - 1, j - 1]) / (4**j - 1)
    return R[4, 4]


@pattern(np.array([0.7, 2.0]))
def adaptive_simpson_recursion(p):
    def f(x):
        return np.exp(-p[0] * x) * np.sqrt(x + 0.1)

    def simpson_rule(a, b):
        return (b - a) / 6 * (f(a) + 4 * f((a + b) / 2) + f(b))

    def integrate(a, b, whole, depth):
        m = (a + b) / 2
        left, right = simpson_rule(a, m), simpson_rule(m, b)
        if depth == 0 or abs(left + right - whole) < 1e-4:
            return left + right
        return integrate(a, m, left, depth - 1) + integrate(m, b, right, depth - 1)

    return integrate(0.0, p[1], simpson_rule(0.0, p[1]), 6)


@pattern(np.array([0.2, 1.0, -0.5, 0.7]))
def lagrange_interpolation(y):
    x = [0.0, 1.0, 2.0, 3.5]
    value = 0
    for i in range(4):
        term = y[i]
        for j in range(4):
            if j != i:
                term *= (1.7 - x[j]) / (x[i] - x[j])
        value += term
    return value**2


@pattern(np.array([0.2, 1.0, -0.5, 0.7]))
def newton_divided_differences(y):
    x = np.array([0.0, 1.0, 2.0, 3.5])
    coef = y.copy()
    for j in range(1, 4):
        coef[j:] = (coef[j:] - coef[j - 1 : -1]) / (x[j:] - x[:-j])
    result = coef[-1]
    for k in range(2, -1, -1):
        result = result * (2.6 - x[k]) + coef[k]
    return result


@pattern(np.array([0.2, 1.0, -0.5, 0.7, 0.1]))
def natural_cubic_spline(y):
    n = len(y) - 1
    A, rhs = np.eye(n + 1), np.zeros(n + 1)
    for i in range(1, n):
        A[i, i - 1 : i + 2] = [1, 4, 1]
        rhs[i] = 6 * (y[i + 1] - 2 * y[i] + y[i - 1])
    m = np.linalg.solve(A, rhs)

    def evaluate(t):
        i = min(int(np.floor(t)), n - 1)
        u = t - i
        b = y[i + 1] - y[i] - (2 * m[i] + m[i + 1]) / 6
        return y[i] + u * (b + u * (m[i] / 2 + u * (m[i + 1] - m[i]) / 6))

    return evaluate(0.5) + evaluate(2.25) ** 2 + evaluate(3.9)


@pattern(np.array([1.0, -0.5, 0.25]))
def horner_and_poly_functions(c):
    result = 0.0
    for a in c:
        result = result * 1.5 + a
    derivative = np.polyder(c)
    product = np.polymul(c, [1.0, 2.0])
    return result + np.polyval(derivative, 0.3) + product.sum() + np.poly1d(c)(0.7)


@pattern(np.array([0.4, -0.2, 0.7]))
def polynomial_objects(c):
    p = Polynomial(c)
    return float(p(0.3)) + float(p.deriv()(0.5)) + float((p * p)(0.2))


@pattern(np.array([0.4, -0.2, 0.7, 0.1]))
def chebyshev_series(c):
    x = np.cos(np.pi * (np.arange(6) + 0.5) / 6)
    values = cheb.chebval(x, c)
    T0, T1 = np.ones(6), x
    by_hand = c[0] * T0 + c[1] * T1
    for k in range(2, len(c)):
        T0, T1 = T1, 2 * x * T1 - T0
        by_hand = by_hand + c[k] * T1
    return np.sum(values * by_hand)


@pattern(np.array([1.2, 0.5]))
def secant_root(p):
    f = lambda x: np.exp(p[0] * x) - 2 - p[1] * x
    x0, x1 = 0.0, 1.0
    f0, f1 = f(x0), f(x1)
    for _ in range(30):
        if f1 == f0 or abs(f1) < 1e-15:
            break
        x0, x1 = x1, x1 - f1 * (x1 - x0) / (f1 - f0)
        f0, f1 = f1, f(x1)
    return x1


@pattern(np.array([0.3, 0.4]))
def newton_for_a_system(p):
    def F(z):
        return np.array([z[0] ** 2 + p[0] * z[1] - 1, z[0] * z[1] - p[1]])

    def J(z):
        return np.array([[2 * z[0], p[0]], [z[1], z[0]]])

    z = np.array([1.0, 0.5])
    while np.linalg.norm(F(z)) > 1e-14:
        z = z - np.linalg.solve(J(z), F(z))
    return z[0] + z[1] ** 2


@pattern(0.8)
def fixed_point_with_aitken(a):
    g = lambda x: np.cos(a * x)
    x = 0.5
    for _ in range(12):
        x1, x2 = g(x), g(g(x))
        denominator = x2 - 2 * x1 + x
        if abs(denominator) < 1e-9:
            break
        x = x - (x1 - x) ** 2 / denominator
    for _ in range(40):  # a fixed point in the end
        x = g(x)
    return x


@pattern(np.array([2.0, 0.5]), tolerance=1e-4, reason="the minimiser stops at about 1e-8")
def minimize_inside(p):
    res = minimize(lambda z: (z[0] - p[0]) ** 2 + p[1] * z[0] ** 2, [0.0], tol=1e-12)
    return res.x[0]


@pattern(np.array([0.3, 0.5, 0.9]))
def finite_difference_hessian_by_hand(x):
    f = lambda v: np.sum(v**3) + v[0] * v[1] * v[2]
    h = 0.1
    H = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            ei, ej = np.eye(3)[i] * h, np.eye(3)[j] * h
            H[i, j] = (f(x + ei + ej) - f(x + ei - ej) - f(x - ei + ej) + f(x - ei - ej)) / (
                4 * h * h
            )
    return np.trace(H) + H[0, 1]


@pattern(np.array([3.0, 1.0, 2.5, 4.0, 1.5]))
def shortest_path_dynamic_programming(cost):
    n = len(cost)
    best = [None] * n
    best[0] = cost[0]
    best[1] = cost[0] + cost[1]
    for i in range(2, n):
        best[i] = cost[i] + min(best[i - 1], best[i - 2] + 0.3)
    return best[-1]


@pattern(np.array([1.0, 2.0, 4.0, 0.5]))
def floyd_warshall_distances(w):
    INF = float("inf")
    D = np.array(
        [[0, w[0], INF, w[2]], [INF, 0, w[1], INF], [INF, INF, 0, w[3]], [1.0, INF, INF, 0]]
    )
    for k in range(4):
        for i in range(4):
            for j in range(4):
                if D[i, k] + D[k, j] < D[i, j]:
                    D[i, j] = D[i, k] + D[k, j]
    return D[0, 2] + D[0, 3] + D[2, 0]


@pattern(np.array([0.9, 0.5, 1.0]))
def value_iteration(rewards):
    P = np.array([[[0.8, 0.2, 0.0], [0.1, 0.6, 0.3], [0.0, 0.3, 0.7]]] * 2)
    P[1] = P[1][::-1]
    V = np.zeros(3)
    for _ in range(25):
        Q = rewards[None, :] + 0.9 * P @ V
        V = Q.max(axis=0)
    return V.mean()


@pattern(np.array([0.5, 1.5, 1.0]))
def sinkhorn_optimal_transport(x):
    y = np.array([0.2, 0.9, 1.8])
    C = (x[:, None] - y[None, :]) ** 2
    K = np.exp(-C / 0.3)
    u, v = np.ones(3), np.ones(3)
    for _ in range(50):
        u = (1 / 3) / K.dot(v)
        v = (1 / 3) / K.T.dot(u)
    return np.sum(u[:, None] * K * v * C)


@pattern(np.array([3.0, 1.0, 2.0, 0.4]))
def soft_ranks(x):
    ranks = np.array([1 + sum(1 / (1 + np.exp(-(xj - xi) / 0.5)) for xj in x) for xi in x])
    return np.dot(ranks, [1.0, 2.0, 3.0, 4.0])


@pattern(np.array([3.0, 1.0, 2.0, 0.4]))
def sorting_based_losses(x):
    ordered = np.sort(x)[::-1]
    top2 = np.partition(x, -2)[-2:]
    idx = np.argsort(x, kind="stable")
    gaps = np.diff(x[idx])
    first, *rest = sorted(x, reverse=True)
    return gaps.prod() + top2.sum() + ordered @ np.arange(4) + first * rest[-1]


@pattern(np.array([0.5, 2.5, 1.7]))
def vectorize_scalar_function(x):
    def scalar(t):
        if t < 1:
            return t**2
        return 2 * t - 1

    return np.vectorize(scalar)(x).sum()


@pattern(np.array([0.2, 0.9, 1.1, 0.4, 0.6]))
def arc_length_and_curvature(y):
    dy = np.gradient(y, 0.5)
    d2y = np.gradient(dy, 0.5, edge_order=1)
    length = np.sum(np.sqrt(1 + dy**2)) * 0.5
    return length + np.max(np.abs(d2y) / (1 + dy**2) ** 1.5) + np.ediff1d(y)[0] + np.ptp(y)
