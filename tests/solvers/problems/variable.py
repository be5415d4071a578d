"""Problems 21 to 35 of Moré, Garbow, Hillstrom (1981), section 3, for any number of variables.

Names are the paper's; indices of arrays count from 0. Products start with what depends on ``x``, as
in `fixed`.
"""

import math
from typing import Any

import numpy as np

import anygrad as ag
from tests.solvers.problems.records import beside, count


def extended_rosenbrock(x: Any) -> Any:
    xp, pairs = ag.namespace(x), ag.namespace(x).reshape(x, (-1, 2))
    first, second = pairs[:, 0], pairs[:, 1]
    return xp.concat([10.0 * (second - first**2), 1.0 - first])


def extended_powell_singular(x: Any) -> Any:
    xp, fours = ag.namespace(x), ag.namespace(x).reshape(x, (-1, 4))
    a, b, c, d = (fours[:, k] for k in range(4))
    return xp.concat(
        [
            a + 10.0 * b,
            math.sqrt(5.0) * (c - d),
            (b - 2.0 * c) ** 2,
            math.sqrt(10.0) * (a - d) ** 2,
        ]
    )


def penalty_1(x: Any) -> Any:
    xp = ag.namespace(x)
    return xp.concat([math.sqrt(1e-5) * (x - 1.0), xp.reshape(xp.sum(x**2) - 0.25, (1,))])


def penalty_2(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    scale, now, before = math.sqrt(1e-5), np.arange(2, n + 1), np.arange(1, n)
    y = beside(x, np.exp(now / 10.0) + np.exp(before / 10.0))
    e = xp.exp(x / 10.0)
    last = xp.sum(xp.flip(x) ** 2 * count(x, 1, n)) - 1.0
    return xp.concat(
        [
            xp.reshape(x[0] - 0.2, (1,)),
            scale * (e[1:] + e[:-1] - y),
            scale * (e[1:] - math.exp(-0.1)),
            xp.reshape(last, (1,)),
        ]
    )


def variably_dimensioned(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    weighted = xp.sum((x - 1.0) * count(x, 1, n))
    return xp.concat([x - 1.0, xp.stack([weighted, weighted**2])])


def trigonometric(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    return float(n) - xp.sum(xp.cos(x)) + (1.0 - xp.cos(x)) * count(x, 1, n) - xp.sin(x)


def brown_almost_linear(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    linear = x[:-1] + xp.sum(x) - (n + 1.0)
    return xp.concat([linear, xp.reshape(xp.prod(x) - 1.0, (1,))])


def discrete_boundary_value(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    h, zero = 1.0 / (n + 1), xp.zeros_like(x[:1])
    before, after = xp.concat([zero, x[:-1]]), xp.concat([x[1:], zero])
    t = h * count(x, 1, n)
    return 2.0 * x - before - after + h**2 * (x + t + 1.0) ** 3 / 2.0


def discrete_integral_equation(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    h = 1.0 / (n + 1)
    times = h * np.arange(1, n + 1)
    # row i: (1 - t_i) t_j for j <= i, and t_i (1 - t_j) for j > i
    kernel = np.minimum.outer(times, times) * (1.0 - np.maximum.outer(times, times))
    return x + h / 2.0 * xp.matmul(beside(x, kernel), (x + beside(x, times) + 1.0) ** 3)


def broyden_tridiagonal(x: Any) -> Any:
    xp = ag.namespace(x)
    zero = xp.zeros_like(x[:1])
    before, after = xp.concat([zero, x[:-1]]), xp.concat([x[1:], zero])
    return (3.0 - 2.0 * x) * x - before - 2.0 * after + 1.0


def broyden_banded(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    apart = np.subtract.outer(np.arange(n), np.arange(n))  # i - j
    band = ((apart <= 5) & (apart >= -1) & (apart != 0)).astype(float)
    return x * (2.0 + 5.0 * x**2) + 1.0 - xp.matmul(beside(x, band), x * (1.0 + x))


def linear_full_rank(m: int) -> Any:
    def residuals(x: Any) -> Any:
        xp, n = ag.namespace(x), x.shape[0]
        shift = 2.0 / m * xp.sum(x) + 1.0
        return xp.concat([x - shift, -shift + beside(x, np.zeros(m - n))])

    return residuals


def linear_rank_1(m: int) -> Any:
    def residuals(x: Any) -> Any:
        n = x.shape[0]
        return ag.namespace(x).sum(x * count(x, 1, n)) * count(x, 1, m) - 1.0

    return residuals


def linear_rank_1_with_zeros(m: int) -> Any:
    def residuals(x: Any) -> Any:
        n = x.shape[0]
        inner = ag.namespace(x).sum(x[1:-1] * count(x, 2, n - 1))
        # f_1 = f_m = -1
        return inner * beside(x, [*range(m - 1), 0.0]) - 1.0

    return residuals


def chebyquad(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    y = 2.0 * x - 1.0
    last, now, means = xp.ones_like(y), y, []
    for i in range(1, n + 1):
        integral = -1.0 / (i * i - 1.0) if i % 2 == 0 else 0.0
        means.append(xp.sum(now) / n - integral)
        last, now = now, 2.0 * y * now - last
    return xp.stack(means)
