"""Matrix-free linear solvers on vectors: a matrix is what its products do."""

from anygrad.linear.conjugate import cg
from anygrad.linear.gmres import gmres
from anygrad.linear.lsmr import lsmr
from anygrad.linear.outcome import LinearSolution

__all__ = ["LinearSolution", "cg", "gmres", "lsmr"]
