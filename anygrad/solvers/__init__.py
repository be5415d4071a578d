"""Solvers: minima, least squares, roots and fixed points on the arrays you have."""

from anygrad.solvers.descents.bfgs import bfgs
from anygrad.solvers.descents.lbfgs import lbfgs
from anygrad.solvers.descents.steepest import steepest_descent
from anygrad.solvers.minimizing import minimize
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.status import Status
from anygrad.solvers.searches.backtracking import backtracking
from anygrad.solvers.searches.wolfe import strong_wolfe

__all__ = [
    "Result",
    "Status",
    "backtracking",
    "bfgs",
    "lbfgs",
    "minimize",
    "steepest_descent",
    "strong_wolfe",
]
