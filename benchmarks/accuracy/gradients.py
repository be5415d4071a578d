"""Functions of many variables with exact gradients and Hessians; columns are points."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.accuracy.noise import noise_of_columns

HIDDEN = 32
NOISE = 1e-6  # of f


class Field(NamedTuple):
    """A scalar function of n variables at one point.

    Attributes
    ----------
    name : str
    f : callable
        Shape (n,) gives a number; shape (n, m), m points, gives m numbers; (n, k, m), k m.
    x, gradient : arrays of shape (n,)
    make_hessian : callable
        Returns the Hessian, shape (n, n).
    unit : float, optional
        The standard deviation of the noise, in which errors are measured.
    """

    name: str
    f: Callable[[Any], Any]
    x: np.ndarray
    gradient: np.ndarray
    make_hessian: Callable[[], np.ndarray]
    unit: float | None = None


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2, axis=0)


def rosenbrock_gradient(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.longdouble)  # where there is one: no rounding of ours in the reference
    gap = x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[1:] = 200 * gap
    gradient[:-1] += -400 * x[:-1] * gap - 2 * (1 - x[:-1])
    return gradient.astype(np.float64)


def rosenbrock_hessian(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.longdouble)
    diagonal = np.zeros_like(x)
    diagonal[1:] = 200
    diagonal[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    beside = -400 * x[:-1]
    total = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    return total.astype(np.float64)


def network(w: np.ndarray, v: np.ndarray, x: Any) -> Any:
    """A hidden layer: v · tanh(W x); any number of axes may follow the first."""
    return np.tensordot(v, np.tanh(np.tensordot(w, x, 1)), 1)


def network_gradient(w: np.ndarray, v: np.ndarray, x: np.ndarray) -> np.ndarray:
    w, v, x = (part.astype(np.longdouble) for part in (w, v, x))
    y = np.tanh(w @ x)
    return ((v * (1 - y * y)) @ w).astype(np.float64)


def network_hessian(w: np.ndarray, v: np.ndarray, x: np.ndarray) -> np.ndarray:
    y = np.tanh(w @ x)
    return (w.T * (-2.0 * v * y * (1.0 - y * y))) @ w


def noisy_rosenbrock(x: Any) -> Any:
    return rosenbrock(x) + NOISE * noise_of_columns(x, "normal")


def make_rosenbrock(n: int) -> Field:
    x = np.random.default_rng(0).normal(size=n)
    hessian = partial(rosenbrock_hessian, x)
    return Field(f"rosenbrock, n = {n}", rosenbrock, x, rosenbrock_gradient(x), hessian)


def make_network(n: int) -> Field:
    rng = np.random.default_rng(1)
    w, v = rng.normal(size=(HIDDEN, n)) / np.sqrt(n), rng.normal(size=HIDDEN)
    x = rng.normal(size=n)
    return Field(
        f"tanh network, n = {n}",
        partial(network, w, v),
        x,
        network_gradient(w, v, x),
        partial(network_hessian, w, v, x),
    )


def make_noisy_rosenbrock(n: int) -> Field:
    field = make_rosenbrock(n)
    return field._replace(name=f"noisy {field.name}", f=noisy_rosenbrock, unit=NOISE)


GRADIENTS = [
    *(make_rosenbrock(n) for n in (10, 100, 1000)),
    *(make_network(n) for n in (10, 100, 1000)),
    *(make_noisy_rosenbrock(n) for n in (10, 100)),
]
