"""Numerical derivatives: what finite differences and the complex step say about any function."""

from anygrad.differences.derivatives import derivative
from anygrad.differences.directional import directional
from anygrad.differences.gradients import gradient
from anygrad.differences.hessians import hessian
from anygrad.differences.jacobians import jacobian
from anygrad.differences.records import Estimate, Flags

__all__ = ["Estimate", "Flags", "derivative", "directional", "gradient", "hessian", "jacobian"]
