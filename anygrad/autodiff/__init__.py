"""The transformations: reverse and forward mode, batches, matrices, and rules of one's own."""

from anygrad.autodiff.batching import vmap
from anygrad.autodiff.checkpoints import checkpoint
from anygrad.autodiff.custom import custom_jvp, custom_vjp
from anygrad.autodiff.debugging import debug_nans
from anygrad.autodiff.escape import stop_gradient, value
from anygrad.autodiff.forward import jvp
from anygrad.autodiff.implicit import implicit_root
from anygrad.autodiff.listing import trace
from anygrad.autodiff.matrices import hessian, hvp, jacobian, linearize
from anygrad.autodiff.reverse import grad, value_and_grad, vjp
from anygrad.tracing import explain

__all__ = [
    "checkpoint",
    "custom_jvp",
    "custom_vjp",
    "debug_nans",
    "explain",
    "grad",
    "hessian",
    "hvp",
    "implicit_root",
    "jacobian",
    "jvp",
    "linearize",
    "stop_gradient",
    "trace",
    "value",
    "value_and_grad",
    "vjp",
    "vmap",
]
