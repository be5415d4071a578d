"""What a solver costs beside f: seconds an iteration outside it, and passes over memory.

``python -m benchmarks.robustness`` tells how many problems are solved, in how many evaluations.
"""

import os
import time
from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.lab import Lab
from benchmarks.race import Contestant, Race, Row, Target

GTOL = 1e-6
LARGE = int(os.environ.get("BENCHMARK_VARIABLES", "1000000"))
MEMORY = 10
FULL, LAST = 12, 32  # iterations timed once L-BFGS has all its pairs

# Reads and writes of vectors of n numbers in an iteration of L-BFGS with one evaluation: where each
# array operation counts what it must read and write, and a product with the stored rows all rows.
PASSES = (
    *(2, 3),  # t d, x + t d
    *(2, 1),  # the largest element of the gradient
    *(2, 3, 1, 2),  # g d, y = g - g_0, y y, y g
    2 * MEMORY + 1,  # rows g
    *(2, 2, 2),  # s = t d, and both stored
    *(2 * MEMORY + 1, 2, 3),  # the next direction
)


class Quadratic:
    """0.5 sum d (x - c)^2 with its gradient by hand; keeps the seconds spent in it."""

    def __init__(self, lab: Lab, n: int, condition: float, dtype: str = "float64") -> None:
        self.lab = lab
        self.centre = np.linspace(-1.0, 1.0, n) + 0.3
        curvature = np.geomspace(1.0, condition, n).astype(dtype)
        self.c, self.d = lab.array(self.centre.astype(dtype)), lab.array(curvature)
        self.x0 = lab.array(np.zeros(n, dtype=dtype))
        self.seconds = 0.0

    def __call__(self, x: Any) -> tuple[Any, Any]:
        wait = self.lab.wait
        wait()
        start = time.perf_counter()
        z = x - self.c
        g = self.d * z
        value = 0.5 * (z @ g)
        wait()
        self.seconds += time.perf_counter() - start
        return value, g


def time_ours(f: Quadratic, method: str) -> Any:
    """Seconds an iteration outside f, and the minimum found."""

    def run() -> tuple[float, Any]:
        f.seconds, start = 0.0, time.perf_counter()
        found = ag.minimize(f, f.x0, method=method, gradient=True, gtol=GTOL, max_steps=5000)
        return (time.perf_counter() - start - f.seconds) / found.nit, found.x

    return run


def time_scipy(f: Quadratic, method: str) -> Any:
    from scipy.optimize import minimize

    options: dict[str, Any] = {"gtol": GTOL, "maxiter": 5000}
    if method == "L-BFGS-B":
        options |= {"ftol": 0.0, "maxfun": 10_000}

    def run() -> tuple[float, Any]:
        f.seconds, start = 0.0, time.perf_counter()
        found = minimize(f, f.x0, jac=True, method=method, options=options)
        return (time.perf_counter() - start - f.seconds) / found.nit, found.x

    return run


def make_overhead(ours: str, peer: str, n: int, lab: Lab) -> Race:
    f = Quadratic(lab, n, 1e4 if ours == "lbfgs" else max(10.0, 1000.0 / n))
    return Race(
        [
            Contestant("anygrad", partial(time_ours, f, ours)),
            Contestant(f"scipy {peer}", partial(time_scipy, f, peer), "scipy"),
        ],
        f.centre,
        targets=[Target(f"scipy {peer}", 1.0)],
        rtol=1e-5,  # the gradient is below 1e-6 and the smallest curvature is 1
        rounds=3 if n >= 1000 else 9,
        tells_time=True,
    )


def make_traffic(dtype: str, lab: Lab) -> Race:
    n = 10_000 if lab.quick else LARGE
    f = Quadratic(lab, n, 30.0, dtype)
    moved = sum(PASSES) * n * np.dtype(dtype).itemsize

    def make_ours() -> Any:
        def run() -> tuple[float, Any]:
            marks = {}

            def mark(now: Any) -> None:
                lab.wait()
                marks[now.nit] = time.perf_counter(), f.seconds

            method = ag.solvers.lbfgs(memory=MEMORY)
            options = {"method": method, "gradient": True, "gtol": 0.0, "max_steps": LAST}
            found = ag.minimize(f, f.x0, callback=mark, **options)
            (start, before), (end, after) = marks[FULL], marks[LAST]
            return (end - start - (after - before)) / (LAST - FULL), found.x

        return run

    def make_yardstick() -> Any:
        source, target = lab.array(np.zeros(n, dtype)), lab.array(np.zeros(n, dtype))

        def run() -> tuple[float, Any]:
            lab.wait()
            start = time.perf_counter()
            for _ in range(sum(PASSES) // 2):
                target[...] = source
            lab.wait()
            return time.perf_counter() - start, target

        return run

    return Race(
        [
            Contestant("anygrad", make_ours, moved=moved),
            Contestant(
                "only the memory traffic", make_yardstick, moved=moved, expected=np.zeros(n)
            ),
        ],
        f.centre,
        targets=[Target("only the memory traffic", 1.25)],
        rtol=1e-2,  # after 32 iterations
        rounds=5,
        tells_time=True,
    )


ROWS = [
    *(
        Row(
            f"L-BFGS, an iteration outside f, n = {n}",
            partial(make_overhead, "lbfgs", "L-BFGS-B", n),
            backends=("numpy",),
        )
        for n in (10, 100, 1000, 10_000)
    ),
    *(
        Row(
            f"BFGS, an iteration outside f, n = {n}",
            partial(make_overhead, "bfgs", "BFGS", n),
            backends=("numpy",),
        )
        for n in (10, 100, 1000)
    ),
    *(
        Row(f"L-BFGS, an iteration outside f, many {dtype} variables", partial(make_traffic, dtype))
        for dtype in ("float64", "float32")
    ),
]
