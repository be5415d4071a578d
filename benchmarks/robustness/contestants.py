"""The solvers, all with the same function, gradient and limits, and what they did."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import anygrad as ag
from anygrad.solvers.methods import METHODS
from benchmarks.robustness.problems import Task, is_solved

GTOL = 1e-8
BUDGET = 5000  # evaluations of one run, where the command line says nothing else

# ours, SciPy's
PAIRS = [
    ("lbfgs", "L-BFGS-B"),
    ("bfgs", "BFGS"),
    ("auto", "BFGS"),
    ("cg", "CG"),
    ("newton-cg", "Newton-CG"),
    ("trust-ncg", "trust-ncg"),
    ("trust-exact", "trust-exact"),
    ("lbfgsb", "L-BFGS-B"),
]
SECOND_ORDER = ("Newton-CG", "trust-ncg", "trust-exact")


class Ended(Exception):
    """The problem is solved, or the budget spent; nothing later counts."""


class Counted:
    """A task's function that keeps every new lowest value with the number of its evaluation."""

    def __init__(self, task: Task, budget: int) -> None:
        self.task = task
        self.budget = budget
        self.count = 0
        self.falls: list[tuple[int, float]] = []

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        if self.count >= self.budget:
            raise Ended
        self.count += 1
        value, slopes = self.task.both(np.array(x))
        value = float(value)
        if not self.falls or value < self.falls[-1][1]:
            self.falls.append((self.count, value))
            if is_solved(value, self.task.minima):
                raise Ended
        return value, np.asarray(slopes, dtype=np.float64)


def run(name: str, task: Task, budget: int = BUDGET) -> dict[str, Any]:
    """Let a solver, ``"anygrad lbfgs"`` or ``"scipy BFGS"``, work until the task is solved."""
    library, _, method = name.partition(" ")
    counted = Counted(task, budget)
    solve = solve_ours if library == "anygrad" else solve_scipy
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            end = solve(counted, task, method)
        except Ended:
            end = "budget" if counted.count >= budget else "solved"
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            end = f"failed: {type(error).__name__}: {error}"
    return {"falls": counted.falls, "evaluations": counted.count, "end": end}


def solve_ours(f: Counted, task: Task, method: str) -> str:
    result = ag.minimize(
        f, task.x0, method=method, gradient=True, gtol=GTOL, max_steps=f.budget, **ours_hvp(task)
    )
    return f"{result.status.name}: {result.message}"


def ours_hvp(task: Task) -> dict[str, Any]:
    if task.slopes != "automatic":
        return {}
    return {"hvp": task.product}


def solve_scipy(f: Counted, task: Task, method: str) -> str:
    from scipy.optimize import minimize

    options: dict[str, Any] = {"maxiter": f.budget}
    if method == "L-BFGS-B":
        options |= {"ftol": 0.0, "gtol": GTOL, "maxfun": 10 * f.budget}
    elif method == "Newton-CG":
        options |= {"xtol": 1e-14}
    else:
        options |= {"gtol": GTOL}
    more: dict[str, Any] = {}
    if method in SECOND_ORDER:
        more = scipy_hessian(task, method)
    return str(minimize(f, task.x0, jac=True, method=method, options=options, **more).message)


def scipy_hessian(task: Task, method: str) -> dict[str, Callable[..., Any]]:
    if method == "trust-exact":
        return {"hess": ag.jacobian(task.gradient)}
    return {"hessp": task.product}


def available() -> list[tuple[str, str]]:
    """The pairs whose method of ours exists."""
    return [(f"anygrad {a}", f"scipy {b}") for a, b in PAIRS if a in METHODS or a == "auto"]


def solved_at(outcome: dict[str, Any], minima: tuple[float, ...]) -> int | None:
    """The evaluation that first gave a known minimum, or None."""
    return next((k for k, value in outcome["falls"] if is_solved(value, minima)), None)
