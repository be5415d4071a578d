"""Minimisation problems with bounds: a start, two sides, and the minimum where it is published."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import anygrad as ag
from tests.solvers.problems import PROBLEMS

INF = np.inf
HOCK = "Hock, Schittkowski (1981), Test examples for nonlinear programming codes"


@dataclass(frozen=True)
class Bounded:
    """A problem; ``minimum`` is the published one, None where there is none to compare with."""

    name: str
    f: Any
    start: Any
    lower: Any
    upper: Any
    minimum: float | None = None


def hock(number, f, start, lower, upper, minimum):
    """A problem of Hock and Schittkowski that has bounds only; minima are the book's."""
    sides = (np.asarray(side, dtype=float) for side in (start, lower, upper))
    return Bounded(f"hs{number}", f, *sides, minimum)


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def hs3(x):
    return x[1] + 1e-5 * (x[1] - x[0]) ** 2


def hs4(x):
    return (x[0] + 1.0) ** 3 / 3.0 + x[1]


def hs5(x):
    sine = ag.namespace(x).sin(x[0] + x[1])
    return sine + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1.0


def hs38(x):
    first = 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
    second = 90.0 * (x[3] - x[2] ** 2) ** 2 + (1.0 - x[2]) ** 2
    squares = 10.1 * ((x[1] - 1.0) ** 2 + (x[3] - 1.0) ** 2)
    return first + second + squares + 19.8 * (x[1] - 1.0) * (x[3] - 1.0)


def hs45(x):
    return 2.0 - x[0] * x[1] * x[2] * x[3] * x[4] / 120.0


def hs110(x):
    xp = ag.namespace(x)
    logs = xp.log(x - 2.0) ** 2 + xp.log(10.0 - x) ** 2
    return xp.sum(logs) - xp.prod(x) ** 0.2


def chained(x):
    """The chained Rosenbrock function."""
    xp = ag.namespace(x)
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def torsion(load, n):
    """Elastic-plastic torsion of a bar: ``load``, and a grid of n x n points inside the square.

    Averick, Carter, Moré, Xue (1992), The MINPACK-2 test problem collection, 4.1, by differences.
    """
    h = 1.0 / (n + 1)
    along = h * np.arange(1, n + 1)
    near = np.minimum(along, 1.0 - along)
    distance = np.minimum.outer(near, near).reshape(-1)

    def f(x):
        xp = ag.namespace(x)
        u = xp.reshape(x, (n, n))
        inner = xp.sum((u[1:, :] - u[:-1, :]) ** 2) + xp.sum((u[:, 1:] - u[:, :-1]) ** 2)
        edge = u[0, :] ** 2 + u[n - 1, :] ** 2 + u[:, 0] ** 2 + u[:, n - 1] ** 2
        return 0.5 * (inner + xp.sum(edge)) - load * h**2 * xp.sum(u)

    return Bounded(f"torsion-{load:g}", f, np.zeros(n * n), -distance, distance)


def boxed(problem):
    """A problem of Moré, Garbow and Hillstrom in a box around its start, drawn by its number."""
    start = np.asarray(problem.start)
    rng = np.random.default_rng(problem.number)
    size = 0.5 * np.abs(start) + 0.3
    lower = start - rng.uniform(0.05, 1.0, start.shape) * size
    upper = start + rng.uniform(0.05, 1.0, start.shape) * size

    def f(x):
        residuals = problem.residuals(x)
        return ag.namespace(residuals).sum(residuals * residuals)

    return Bounded(f"{problem.name}-{len(start)}", f, start, lower, upper)


TABLE = [
    hock(1, rosenbrock, [-2.0, 1.0], [-INF, -1.5], [INF, INF], 0.0),
    # the book's minimum, 0.0504261879, is the lower one of two: this is where the start leads to
    hock(2, rosenbrock, [-2.0, 1.0], [-INF, 1.5], [INF, INF], 4.9412293180),
    hock(3, hs3, [10.0, 1.0], [-INF, 0.0], [INF, INF], 0.0),
    hock(4, hs4, [1.125, 0.125], [1.0, 0.0], [INF, INF], 8.0 / 3.0),
    hock(5, hs5, [0.0, 0.0], [-1.5, -3.0], [4.0, 3.0], -np.sqrt(3.0) / 2.0 - np.pi / 3.0),
    hock(38, hs38, [-3.0, -1.0, -3.0, -1.0], [-10.0] * 4, [10.0] * 4, 0.0),
    hock(45, hs45, [2.0] * 5, [0.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0], 1.0),
    hock(110, hs110, [9.0] * 10, [2.001] * 10, [9.999] * 10, -45.77846971),
    Bounded("chained", chained, np.full(30, -1.2), np.full(30, -INF), np.full(30, 0.8)),
    torsion(5.0, 8),
    torsion(20.0, 8),
    *(boxed(problem) for problem in PROBLEMS if problem.number in (3, 6, 15, 18, 19, 20, 21, 22)),
    *(boxed(problem) for problem in PROBLEMS if problem.number in (26, 28, 30, 31, 35)),
]
