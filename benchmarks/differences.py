"""Numerical gradients: every point in one call, against the loops of SciPy and of the textbook."""

from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.lab import Lab
from benchmarks.race import Contestant, Race, Row, Target
from benchmarks.values import slopes_by_complex_step


def rosenbrock(x: Any) -> Any:
    """Shape (n,) gives a number; shape (n, m), m points, gives m numbers."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2, axis=0)


def differ_in_a_loop(f: Any, x: np.ndarray) -> np.ndarray:
    """Central differences as textbooks print them."""
    h, g = 6e-6, np.zeros_like(x)
    for i in range(x.size):
        e = np.zeros_like(x)
        e[i] = h
        g[i] = (f(x + e) - f(x - e)) / (2 * h)
    return g


def make_rosenbrock(n: int, limits: dict[str, float], lab: Lab) -> Race:
    point = np.random.default_rng(0).normal(size=n)
    x = lab.array(point)

    def make_scipy() -> Any:
        from scipy.optimize._numdiff import approx_derivative

        return partial(approx_derivative, rosenbrock, point, method="3-point")

    def make_adaptive() -> Any:
        from scipy.differentiate import jacobian

        return lambda: jacobian(rosenbrock, point).df

    of_scipy = [
        Contestant("scipy approx_derivative", make_scipy, "scipy"),
        Contestant("scipy.differentiate", make_adaptive, "scipy"),
    ]
    return Race(
        [
            Contestant("anygrad", lambda: partial(ag.differences.gradient, rosenbrock, x)),
            Contestant("textbook loop", lambda: partial(differ_in_a_loop, rosenbrock, x)),
            *([] if lab.on_gpu else of_scipy),
        ],
        slopes_by_complex_step(rosenbrock, point, np.eye(n)),
        targets=[Target(peer, limit) for peer, limit in limits.items() if not lab.on_gpu],
        rtol=1e-7,  # central differences: about eps^(2/3) of the function's curvature
        rounds=15,
    )


SCIPY = {"scipy approx_derivative": 0.1}
LONG = {"textbook loop": 0.25, "scipy.differentiate": 0.1}
ROWS = [
    Row("central gradient of Rosenbrock, n = 100", partial(make_rosenbrock, 100, SCIPY)),
    Row("central gradient of Rosenbrock, n = 1000", partial(make_rosenbrock, 1000, LONG)),
]
