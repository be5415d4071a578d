"""Derivatives, gradient clipping and optimizers for NumPy and CuPy arrays, in double precision.

Everything follows the arrays it is given: same library, same device, same dtype.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anygrad import (
        clipping,
        differences,
        errors,
        extend,
        optimizers,
        plots,
        schedules,
        solvers,
        testing,
        training,
        trees,
    )
    from anygrad.autodiff import (
        checkpoint,
        custom_jvp,
        custom_vjp,
        debug_nans,
        explain,
        grad,
        hessian,
        hvp,
        implicit_root,
        jacobian,
        jvp,
        linearize,
        stop_gradient,
        trace,
        value,
        value_and_grad,
        vjp,
        vmap,
    )
    from anygrad.backends import asarray, namespace, use_backend
    from anygrad.checking import check_gradients
    from anygrad.compiler import compile, scan
    from anygrad.config import configure, settings, use_settings
    from anygrad.solvers import least_squares, minimize
    from anygrad.training import fit
    from anygrad.trees import to_numpy

__version__ = "0.1.0"

__all__ = [
    "asarray",
    "check_gradients",
    "checkpoint",
    "clipping",
    "compile",
    "configure",
    "custom_jvp",
    "custom_vjp",
    "debug_nans",
    "differences",
    "errors",
    "explain",
    "extend",
    "fit",
    "grad",
    "hessian",
    "hvp",
    "implicit_root",
    "jacobian",
    "jvp",
    "least_squares",
    "linearize",
    "minimize",
    "namespace",
    "optimizers",
    "plots",
    "scan",
    "schedules",
    "settings",
    "solvers",
    "stop_gradient",
    "testing",
    "to_numpy",
    "trace",
    "training",
    "trees",
    "use_backend",
    "use_settings",
    "value",
    "value_and_grad",
    "vjp",
    "vmap",
]

# Loaded at first use, which keeps `import anygrad` short. A name without a home is a module.
_HOMES = {
    "asarray": "backends",
    "check_gradients": "checking",
    "checkpoint": "autodiff",
    "compile": "compiler",
    "configure": "config",
    "custom_jvp": "autodiff",
    "custom_vjp": "autodiff",
    "debug_nans": "autodiff",
    "explain": "autodiff",
    "fit": "training",
    "grad": "autodiff",
    "hessian": "autodiff",
    "hvp": "autodiff",
    "implicit_root": "autodiff",
    "jacobian": "autodiff",
    "jvp": "autodiff",
    "least_squares": "solvers",
    "linearize": "autodiff",
    "minimize": "solvers",
    "namespace": "backends",
    "scan": "compiler",
    "settings": "config",
    "stop_gradient": "autodiff",
    "to_numpy": "trees",
    "trace": "autodiff",
    "use_backend": "backends",
    "use_settings": "config",
    "value": "autodiff",
    "value_and_grad": "autodiff",
    "vjp": "autodiff",
    "vmap": "autodiff",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = f"module 'anygrad' has no attribute {name!r}"
        raise AttributeError(message)
    home = _HOMES.get(name)
    if home is None:
        return import_module(f"anygrad.{name}")
    if home == "config":
        import_module("anygrad.backends")  # puts its names among the values of the settings
    found = getattr(import_module(f"anygrad.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
