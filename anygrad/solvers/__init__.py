"""Solvers: minima, least squares, roots and fixed points on the arrays you have."""

from anygrad.solvers import proximal
from anygrad.solvers.bounded.lbfgsb import lbfgsb
from anygrad.solvers.bounded.spectral import projected_gradient
from anygrad.solvers.constrained.constraints import Constraint, equality, inequality
from anygrad.solvers.constrained.problem import ConstrainedResult
from anygrad.solvers.descents.bfgs import bfgs
from anygrad.solvers.descents.conjugate import conjugate_gradient
from anygrad.solvers.descents.lbfgs import lbfgs
from anygrad.solvers.descents.newton_cg import newton_cg
from anygrad.solvers.descents.steepest import steepest_descent
from anygrad.solvers.fitting import CurveFit, LeastSquaresResult, curve_fit, least_squares
from anygrad.solvers.flattening import ScipyFunctions, scipy_functions
from anygrad.solvers.minimizing import minimize
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.status import Status
from anygrad.solvers.proximal.minimizing import proximal_gradient
from anygrad.solvers.proximal.splitting import SplitResult, admm
from anygrad.solvers.regions.trust_region import trust_region
from anygrad.solvers.roots.anderson import anderson, picard
from anygrad.solvers.roots.finding import fixed_point, root
from anygrad.solvers.scipy_bridge import scipy_minimize
from anygrad.solvers.searches.backtracking import backtracking
from anygrad.solvers.searches.hager_zhang import hager_zhang
from anygrad.solvers.searches.wolfe import strong_wolfe
from anygrad.solvers.simplex import nelder_mead

__all__ = [
    "ConstrainedResult",
    "Constraint",
    "CurveFit",
    "LeastSquaresResult",
    "Result",
    "ScipyFunctions",
    "SplitResult",
    "Status",
    "admm",
    "anderson",
    "backtracking",
    "bfgs",
    "conjugate_gradient",
    "curve_fit",
    "equality",
    "fixed_point",
    "hager_zhang",
    "inequality",
    "lbfgs",
    "lbfgsb",
    "least_squares",
    "minimize",
    "nelder_mead",
    "newton_cg",
    "picard",
    "projected_gradient",
    "proximal",
    "proximal_gradient",
    "root",
    "scipy_functions",
    "scipy_minimize",
    "steepest_descent",
    "strong_wolfe",
    "trust_region",
]
