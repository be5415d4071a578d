"""The transformations: reverse mode, forward mode, and the ways out of a trace."""

from anygrad.autodiff.escape import stop_gradient, value
from anygrad.autodiff.forward import jvp
from anygrad.autodiff.reverse import grad, value_and_grad, vjp

__all__ = ["grad", "jvp", "stop_gradient", "value", "value_and_grad", "vjp"]
