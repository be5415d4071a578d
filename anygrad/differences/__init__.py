"""Numerical derivatives: what finite differences and the complex step say about any function."""

from anygrad.differences.derivatives import derivative
from anygrad.differences.gradients import gradient

__all__ = ["derivative", "gradient"]
