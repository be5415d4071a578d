"""Least squares: fitting parameters to residuals."""

from anygrad.solvers.fitting.curves import CurveFit, curve_fit
from anygrad.solvers.fitting.results import LeastSquaresResult
from anygrad.solvers.fitting.solving import least_squares

__all__ = ["CurveFit", "LeastSquaresResult", "curve_fit", "least_squares"]
