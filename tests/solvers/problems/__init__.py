"""The test problems of Moré, Garbow and Hillstrom, as one table of records."""

from tests.solvers.problems.records import Minimum, Problem
from tests.solvers.problems.table import PROBLEMS

__all__ = ["PROBLEMS", "Minimum", "Problem"]
