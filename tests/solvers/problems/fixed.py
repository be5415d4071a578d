"""Problems 1 to 20 of Moré, Garbow, Hillstrom (1981), section 3: the residuals f_1, ..., f_m.

Names are the paper's; indices of arrays count from 0. Sums start with what depends on ``x``, since
array-api-strict refuses a traced array to the right of one of its own.
"""

import math
from typing import Any

import anygrad as ag
from tests.solvers.problems import data
from tests.solvers.problems.records import beside, count


def rosenbrock(x: Any) -> Any:
    return ag.namespace(x).stack([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def freudenstein_roth(x: Any) -> Any:
    a, b = x[0], x[1]
    return ag.namespace(x).stack(
        [-13.0 + a + ((5.0 - b) * b - 2.0) * b, -29.0 + a + ((b + 1.0) * b - 14.0) * b]
    )


def powell_badly_scaled(x: Any) -> Any:
    xp = ag.namespace(x)
    return xp.stack([1e4 * x[0] * x[1] - 1.0, xp.exp(-x[0]) + xp.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x: Any) -> Any:
    return ag.namespace(x).stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0])


def beale(x: Any) -> Any:
    return -x[0] * (1.0 - x[1] ** count(x, 1, 3)) + beside(x, [1.5, 2.25, 2.625])


def jennrich_sampson(x: Any) -> Any:
    xp, i = ag.namespace(x), count(x, 1, 10)
    return -(xp.exp(x[0] * i) + xp.exp(x[1] * i)) + (2.0 + 2.0 * i)


def helical_valley(x: Any) -> Any:
    xp = ag.namespace(x)
    # half a turn more where x1 < 0, so the cut is along x1 = 0, and the start is far from it
    half_turn = xp.where(x[0] < 0.0, beside(x, 0.5), beside(x, 0.0))
    theta = xp.atan(x[1] / x[0]) / (2.0 * math.pi) + half_turn
    radius = xp.sqrt(x[0] ** 2 + x[1] ** 2)
    return xp.stack([10.0 * (x[2] - 10.0 * theta), 10.0 * (radius - 1.0), x[2]])


def bard(x: Any) -> Any:
    xp, u = ag.namespace(x), count(x, 1, 15)
    v = 16.0 - u
    return -(x[0] + 1.0 / (x[1] * v + x[2] * xp.minimum(u, v)) * u) + beside(x, data.BARD)


def gaussian(x: Any) -> Any:
    xp, t = ag.namespace(x), (8.0 - count(x, 1, 15)) / 2.0
    return x[0] * xp.exp(-x[1] * (x[2] - t) ** 2 / 2.0) - beside(x, data.GAUSSIAN)


def meyer(x: Any) -> Any:
    t = 45.0 + 5.0 * count(x, 1, 16)
    return x[0] * ag.namespace(x).exp(x[1] / (x[2] + t)) - beside(x, data.MEYER)


def gulf(x: Any) -> Any:
    # The paper prints abs(y_i m i x_2); the second m and i are a misprint of a minus sign
    xp, t = ag.namespace(x), count(x, 1, 99) / 100.0
    y = 25.0 + (-50.0 * xp.log(t)) ** (2.0 / 3.0)
    return xp.exp(-(xp.abs(x[1] - y) ** x[2]) / x[0]) - t


def box(x: Any) -> Any:
    xp, t = ag.namespace(x), 0.1 * count(x, 1, 10)
    return xp.exp(-x[0] * t) - xp.exp(-x[1] * t) - x[2] * (xp.exp(-t) - xp.exp(-10.0 * t))


def powell_singular(x: Any) -> Any:
    return ag.namespace(x).stack(
        [
            x[0] + 10.0 * x[1],
            math.sqrt(5.0) * (x[2] - x[3]),
            (x[1] - 2.0 * x[2]) ** 2,
            math.sqrt(10.0) * (x[0] - x[3]) ** 2,
        ]
    )


def wood(x: Any) -> Any:
    return ag.namespace(x).stack(
        [
            10.0 * (x[1] - x[0] ** 2),
            1.0 - x[0],
            math.sqrt(90.0) * (x[3] - x[2] ** 2),
            1.0 - x[2],
            math.sqrt(10.0) * (x[1] + x[3] - 2.0),
            (x[1] - x[3]) / math.sqrt(10.0),
        ]
    )


def kowalik_osborne(x: Any) -> Any:
    u = beside(x, data.KOWALIK_U)
    return -x[0] * (x[1] * u + u**2) / (x[2] * u + u**2 + x[3]) + beside(x, data.KOWALIK_Y)


def brown_dennis(x: Any) -> Any:
    xp, t = ag.namespace(x), count(x, 1, 20) / 5.0
    return (x[0] + x[1] * t - xp.exp(t)) ** 2 + (x[2] + x[3] * xp.sin(t) - xp.cos(t)) ** 2


def osborne_1(x: Any) -> Any:
    xp, t = ag.namespace(x), 10.0 * count(x, 0, 32)
    model = x[0] + x[1] * xp.exp(-x[3] * t) + x[2] * xp.exp(-x[4] * t)
    return -model + beside(x, data.OSBORNE_1)


def biggs(x: Any) -> Any:
    xp, t = ag.namespace(x), 0.1 * count(x, 1, 13)
    y = xp.exp(-t) - 5.0 * xp.exp(-10.0 * t) + 3.0 * xp.exp(-4.0 * t)
    return x[2] * xp.exp(-x[0] * t) - x[3] * xp.exp(-x[1] * t) + x[5] * xp.exp(-x[4] * t) - y


def osborne_2(x: Any) -> Any:
    xp, t = ag.namespace(x), count(x, 0, 64) / 10.0
    model = (
        x[0] * xp.exp(-x[4] * t)
        + x[1] * xp.exp(-((x[8] - t) ** 2) * x[5])
        + x[2] * xp.exp(-((x[9] - t) ** 2) * x[6])
        + x[3] * xp.exp(-((x[10] - t) ** 2) * x[7])
    )
    return -model + beside(x, data.OSBORNE_2)


def watson(x: Any) -> Any:
    xp, n = ag.namespace(x), x.shape[0]
    t = [i / 29.0 for i in range(1, 30)]
    powers = beside(x, [[s**j for j in range(n)] for s in t])
    slopes = beside(x, [[j * s ** (j - 1) if j else 0.0 for j in range(n)] for s in t])
    ends = xp.stack([x[0], x[1] - x[0] ** 2 - 1.0])
    return xp.concat([xp.matmul(slopes, x) - xp.matmul(powers, x) ** 2 - 1.0, ends])
