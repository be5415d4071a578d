"""Problems with known minima, as every solver gets them: value and gradient of a NumPy vector."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import anygrad as ag
from anygrad.errors import AnygradError
from benchmarks.lab import Unusable
from tests.solvers.problems import PROBLEMS

SOLVED = 1e-6
STEP = 1e-6


@dataclass(frozen=True)
class Task:
    """A problem.

    ``f`` gives the value alone, ``both`` value and gradient, which come from ``slopes``: our own
    differentiation, or central differences where ``f`` cannot be traced. ``minima`` are the known
    ones, the least first; empty where none is published.
    """

    suite: str
    name: str
    f: Callable[[np.ndarray], Any]
    x0: np.ndarray
    minima: tuple[float, ...]
    both: Callable[[np.ndarray], tuple[float, np.ndarray]]
    slopes: str = "automatic"

    def gradient(self, x: Any) -> Any:
        """The gradient, which can be differentiated again where it is automatic."""
        return self.both(x)[1]

    def product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian times a vector."""
        return ag.jvp(self.gradient, (x,), (v,))[1]


def is_solved(value: float, minima: tuple[float, ...]) -> bool:
    """Whether a value is one of the minima to 1e-6, or lower than the highest of them."""
    return any(value - least <= SOLVED * max(1.0, abs(least)) for least in minima)


def make_task(
    suite: str, name: str, f: Any, x0: np.ndarray, minima: tuple[float, ...], both: Any = None
) -> Task:
    """Find where gradients come from, and check them against differences."""
    both, slopes = both or ag.value_and_grad(f), "automatic"
    expected = difference_gradient(f, x0)
    try:
        found = both(x0)[1]
    except (AnygradError, TypeError, ValueError) as error:
        slopes = f"differences, since {type(error).__name__}: {error}"
        both = lambda x: (f(x), difference_gradient(f, x))
    else:
        size = np.max(np.abs(expected)) + abs(float(f(x0))) * 1e-6
        if not np.max(np.abs(found - expected)) <= 1e-4 * size:
            raise AssertionError(f"{suite} {name}: the gradient is not that of the differences")
    return Task(suite, name, f, x0, minima, both, slopes)


def difference_gradient(f: Any, x: np.ndarray) -> np.ndarray:
    """Central differences, to check gradients or where there are none."""
    steps = STEP * np.maximum(np.abs(x), 1.0)
    ends = [(x + h * e, x - h * e) for h, e in zip(steps, np.eye(x.size), strict=True)]
    return np.array([f(a) - f(b) for a, b in ends]) / (2.0 * steps)


def load_paper() -> list[Task]:
    """Moré, Garbow, Hillstrom (1981)."""
    return [
        make_task("paper", p.label, p.f, p.x0, tuple(m.value for m in p.minima)) for p in PROBLEMS
    ]


def load_optimagic(module: str, table: str, suite: str) -> list[Task]:
    """A set of optimagic: sums of squares with starts and minima, as NumPy code."""
    from importlib import import_module

    try:
        problems = getattr(import_module(f"optimagic.benchmarking.{module}"), table)
    except ModuleNotFoundError as error:
        raise Unusable(f"{error}; pip install optimagic") from error
    tasks = []
    for name, given in problems.items():
        value = given["solution_criterion"]
        x0 = np.asarray(given["start_x"], dtype=np.float64)
        f, both = partial(sum_of_squares, given["fun"]), partial(differentiate, given["fun"])
        minima = () if value is None else (float(value),)
        tasks.append(make_task(suite, name, f, x0, minima, both))
    return tasks


def sum_of_squares(residuals: Any, x: Any) -> Any:
    """Add up the squares of an array."""
    r = residuals(x)
    return (r * r).sum()


def differentiate(residuals: Any, x: Any) -> tuple[Any, Any]:
    """The sum of squares and its gradient; the function of the package itself is traced."""
    r, pull = ag.vjp(residuals, x)
    return (r * r).sum(), pull(2.0 * r)[0]


SUITES: dict[str, Callable[[], list[Task]]] = {
    "paper": load_paper,
    "more-wild": partial(load_optimagic, "more_wild", "MORE_WILD_PROBLEMS", "more-wild"),
    "cartis-roberts": partial(
        load_optimagic, "cartis_roberts", "CARTIS_ROBERTS_PROBLEMS", "cartis-roberts"
    ),
}


def load(suite: str) -> list[Task]:
    """The problems of a suite."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # some functions overflow at x + h
        return SUITES[suite]()
