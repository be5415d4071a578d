"""Numerical derivatives against the loops of SciPy, numdifftools, jacobi and of the textbook."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from benchmarks.lab import Lab
from benchmarks.race import Contestant, Race, Row, Target
from benchmarks.values import slopes_by_complex_step

STACKED = "anygrad, stacked"


def rosenbrock(x: Any) -> Any:
    """Shape (n,) gives a number; shape (n, m), m points, gives m numbers."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2, axis=0)


class Network:
    """``sum(a * tanh(W x))``, bound by the product of matrices."""

    def __init__(self, n: int, make: Callable[[np.ndarray], Any] = np.asarray) -> None:
        rng = np.random.default_rng(1)
        self.w, self.a = make(rng.normal(size=(n, n)) / np.sqrt(n)), make(rng.normal(size=n))

    def __call__(self, x: Any) -> Any:
        return np.tensordot(self.a, np.tanh(np.tensordot(self.w, x, axes=(1, 0))), axes=(0, 0))


FUNCTIONS: dict[str, Any] = {
    "Rosenbrock": lambda n, make=None: rosenbrock,
    "tanh network": Network,
}


def differ_in_a_loop(f: Any, x: np.ndarray) -> np.ndarray:
    """Central differences as textbooks print them."""
    h, g = 6e-6, np.zeros_like(x)
    for i in range(x.size):
        e = np.zeros_like(x)
        e[i] = h
        g[i] = (f(x + e) - f(x - e)) / (2 * h)
    return g


def make_central(name: str, n: int, targets: dict[str, float], lab: Lab) -> Race:
    point = np.random.default_rng(0).normal(size=n)
    x, f, on_host = lab.array(point), FUNCTIONS[name](n, lab.array), FUNCTIONS[name](n)

    def make_scipy() -> Any:
        from scipy.optimize._numdiff import approx_derivative

        return partial(approx_derivative, f, point, method="3-point")

    gradient = partial(ag.differences.gradient, f, x)
    return Race(
        [
            Contestant("anygrad", lambda: gradient),
            Contestant(STACKED, lambda: partial(gradient, evaluate="stacked")),
            Contestant("textbook loop", lambda: partial(differ_in_a_loop, f, x)),
            *([] if lab.on_gpu else [Contestant("scipy approx_derivative", make_scipy, "scipy")]),
        ],
        slopes_by_complex_step(on_host, point, np.eye(n)),
        targets=_targets(targets, lab, STACKED),
        rtol=1e-7,  # central differences: about eps^(2/3) of the function's curvature
        rounds=15,
    )


def make_ladder(name: str, n: int, targets: dict[str, float], lab: Lab) -> Race:
    """Gradients with an error bar for every element."""
    point = np.random.default_rng(0).normal(size=n)
    x, f, on_host = lab.array(point), FUNCTIONS[name](n, lab.array), FUNCTIONS[name](n)

    def make_scipy() -> Any:
        from scipy.differentiate import jacobian

        return lambda: jacobian(f, point).df

    def make_numdifftools() -> Any:
        from numdifftools import Gradient

        return partial(Gradient(f), point)

    def make_jacobi() -> Any:
        from jacobi import jacobi

        return lambda: jacobi(f, point)[0]

    peers = [
        Contestant("scipy.differentiate", make_scipy, "scipy"),
        Contestant("numdifftools", make_numdifftools, "numdifftools", rtol=1e-5),
        Contestant("jacobi", make_jacobi, "jacobi", rtol=1e-2),
    ]
    ladder = partial(ag.differences.gradient, f, x, full_output=True)
    return Race(
        [
            Contestant("anygrad", lambda: lambda: ladder().value),
            Contestant(STACKED, lambda: lambda: ladder(evaluate="stacked").value),
            *([] if lab.on_gpu else peers[: 1 if n > 200 else 3]),
        ],
        slopes_by_complex_step(on_host, point, np.eye(n)),
        targets=_targets(targets, lab, STACKED),
        rtol=1e-11,
        rounds=9,
    )


def make_elements(name: str, n: int, targets: dict[str, float], lab: Lab) -> Race:
    """Derivatives of a function of single elements, each with an error bar."""
    point = np.linspace(0.1, 2.0, n)
    x = lab.array(point)
    f, slope = {"exp": (np.exp, np.exp), "log": (np.log, lambda x: 1.0 / x)}[name]

    def make_scipy() -> Any:
        from scipy.differentiate import derivative

        return lambda: derivative(f, point, initial_step=0.09).df

    ladder = partial(ag.differences.derivative, f, x, full_output=True)
    scipy = Contestant("scipy.differentiate", make_scipy, "scipy")
    return Race(
        [Contestant("anygrad", lambda: lambda: ladder().value), *([] if lab.on_gpu else [scipy])],
        slope(point),
        targets=_targets(targets, lab, "anygrad"),
        rtol=1e-9,
        rounds=15,
    )


def make_hessian(n: int, lab: Lab) -> Race:
    """All second derivatives, from the exact gradient and from values alone."""
    point = np.random.default_rng(0).normal(size=n)
    x = lab.array(point)
    expected = np.reshape(ag.to_numpy(ag.hessian(rosenbrock)(x)), -1)

    def make_scipy() -> Any:
        from scipy.differentiate import hessian

        return lambda: hessian(rosenbrock, point).ddf

    def make_numdifftools() -> Any:
        from numdifftools import Hessian

        return partial(Hessian(rosenbrock), point)

    peers = [
        Contestant("scipy.differentiate", make_scipy, "scipy"),
        Contestant("numdifftools", make_numdifftools, "numdifftools"),
    ]
    hessian = partial(ag.differences.hessian, rosenbrock, x)
    return Race(
        [
            Contestant("anygrad", lambda: partial(hessian, gradient="numerical")),
            Contestant("anygrad, from the gradient", lambda: hessian),
            *([] if lab.on_gpu else peers),
        ],
        expected,
        targets=_targets({"scipy.differentiate": 0.5, "numdifftools": 0.5}, lab, "anygrad"),
        rtol=1e-8,
        rounds=5,
    )


def band(x: Any) -> Any:
    """Row i depends on x_(i-1), x_i and x_(i+1)."""
    inner = x[1:-1] ** 2 - 0.5 * x[:-2] * x[2:]
    return np.concatenate([x[:1] - x[1:2] ** 2, inner, x[-1:] ** 3])


def make_sparse(n: int, lab: Lab) -> Race:
    """A tridiagonal Jacobian: three columns' worth of evaluations."""
    point = np.random.default_rng(0).normal(size=n)
    x = lab.array(point)
    pattern = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1

    def make_scipy() -> Any:
        from scipy.optimize._numdiff import approx_derivative

        differ = partial(approx_derivative, band, point, method="3-point", sparsity=pattern)
        return lambda: differ().toarray()

    sparse = partial(ag.differences.jacobian, band, x, sparsity=pattern)
    return Race(
        [
            Contestant("anygrad", lambda: sparse),
            Contestant("anygrad, dense", lambda: partial(ag.differences.jacobian, band, x)),
            *([] if lab.on_gpu else [Contestant("scipy approx_derivative", make_scipy, "scipy")]),
        ],
        np.reshape(ag.to_numpy(ag.jacobian(band)(x)), -1),
        rtol=1e-7,
        rounds=9,
    )


def _targets(limits: dict[str, float], lab: Lab, ours: str) -> list[Target]:
    return [] if lab.on_gpu else [Target(peer, limit, ours) for peer, limit in limits.items()]


SCIPY = "scipy approx_derivative"
ADAPTIVE = "scipy.differentiate"
ROWS = [
    Row(
        "central gradient of Rosenbrock, n = 100",
        partial(make_central, "Rosenbrock", 100, {SCIPY: 1 / 15}),
    ),
    Row(
        "central gradient of Rosenbrock, n = 1000",
        partial(make_central, "Rosenbrock", 1000, {SCIPY: 1 / 4}),
    ),
    Row(
        "central gradient of a tanh network, n = 100",
        partial(make_central, "tanh network", 100, {SCIPY: 1 / 15}),
    ),
    Row(
        "central gradient of a tanh network, n = 1000",
        partial(make_central, "tanh network", 1000, {SCIPY: 1 / 4}),
    ),
    Row(
        "gradient of Rosenbrock with error bars, n = 100",
        partial(
            make_ladder,
            "Rosenbrock",
            100,
            {ADAPTIVE: 1 / 5, "numdifftools": 1 / 15, "jacobi": 1 / 15},
        ),
    ),
    Row(
        "gradient of Rosenbrock with error bars, n = 1000",
        partial(make_ladder, "Rosenbrock", 1000, {ADAPTIVE: 1 / 4}),
    ),
    Row(
        "gradient of a tanh network with error bars, n = 1000",
        partial(make_ladder, "tanh network", 1000, {ADAPTIVE: 1 / 1.3}),
    ),
    Row(
        "derivatives of exp with error bars, 10 elements",
        partial(make_elements, "exp", 10, {ADAPTIVE: 1 / 1.5}),
    ),
    Row(
        "derivatives of exp with error bars, 1000 elements",
        partial(make_elements, "exp", 1000, {ADAPTIVE: 1 / 1.5}),
    ),
    Row(
        "derivatives of exp with error bars, 1e5 elements",
        partial(make_elements, "exp", 100_000, {ADAPTIVE: 1 / 1.5}),
    ),
    Row(
        "derivatives of log with error bars, 1000 elements",
        partial(make_elements, "log", 1000, {ADAPTIVE: 1 / 1.5}),
    ),
    Row(
        "derivatives of log with error bars, 1e5 elements",
        partial(make_elements, "log", 100_000, {ADAPTIVE: 1 / 1.5}),
    ),
    Row("Hessian of Rosenbrock, n = 10", partial(make_hessian, 10)),
    Row("tridiagonal Jacobian, n = 300", partial(make_sparse, 300)),
]
