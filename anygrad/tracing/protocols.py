"""How NumPy and CuPy hand an operation on a traced array over to its row.

NumPy asks ``__array_ufunc__`` and ``__array_function__``; CuPy's kernels ask two hooks of their
own, by kernel name. The tables are keyed by the function object, so a look-up is all that a call
costs.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from anygrad.errors import TraceError
from anygrad.tracing.buffers import Buffer, holds_traced, plain_function, plain_ufunc
from anygrad.tracing.functions import FFT, LINALG, SPECIAL
from anygrad.tracing.level import LIFTED, Traced, read_value, shown, strip
from anygrad.tracing.namespace import STANDARD, missing_rule
from anygrad.tracing.ufunc_methods import METHODS
from anygrad.tracing.ufuncs import UFUNCS, operation_of_scipy

# NumPy's names for rows and functions that the standard calls otherwise.
ALIASES = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "around": "round",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "concatenate": "concat",
    "conjugate": "conj",
    "cumprod": "cumulative_prod",
    "cumsum": "cumulative_sum",
    "fabs": "abs",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "mod": "remainder",
    "power": "pow",
    "right_shift": "bitwise_right_shift",
    "rint": "round",
    "transpose": "permute_dims",
    "true_divide": "divide",
}
_NAMES = {**{name: name for name in STANDARD}, **ALIASES}

KERNELS: dict[Any, Any] = {}  # CuPy's kernels of users, registered with a rule
FUNCTIONS: dict[Any, Any] = {}
for _numpy_name, _name in _NAMES.items():
    _found = getattr(np, _numpy_name, None)
    if isinstance(_found, np.ufunc):
        UFUNCS[_found] = STANDARD[_name]
    elif callable(_found):
        FUNCTIONS[_found] = STANDARD[_name]
for _part, _functions in ((np.linalg, LINALG), (np.fft, FFT)):
    for _name, _function in _functions.items():
        _found = getattr(_part, _name, None)
        if _found is not None:
            (UFUNCS if isinstance(_found, np.ufunc) else FUNCTIONS)[_found] = _function

# Questions about a traced array that its value answers: no derivative, nothing lost.
_ANSWERED = {
    np.result_type,
    np.iscomplexobj,
    np.isrealobj,
    np.array_equal,
    np.array_equiv,
    np.allclose,
}
_ANSWERED |= {
    np.isclose,
    np.can_cast,
    np.common_type,
    np.min_scalar_type,
    np.array_repr,
    np.array_str,
    np.array2string,
}
_OF_VALUES = {np.array_equal, np.array_equiv, np.allclose, np.isclose, np.min_scalar_type}
"""Those of them that ask for more than the dtype, and do not show the value."""
# The shape of a batch of `vmap` is that of one example, which its value does not tell.
FUNCTIONS |= {
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x, axis=None: x.size if axis is None else x.shape[axis],
}


def _array_ufunc(self: Traced, ufunc: Any, method: str, *args: Any, **kw: Any) -> Any:
    if method == "__call__" and not kw:
        operation = UFUNCS.get(ufunc) or operation_of_scipy(ufunc)
        if operation is not None:
            return operation(*args)
    if not holds_traced(args) and not holds_traced(kw):  # buffers without a traced value in them
        return plain_ufunc(ufunc, method, args, kw)
    return METHODS[method](ufunc, args, kw)


def _answering(x: Any) -> Any:
    """The value; of a recording the value that it knows, which answers by itself."""
    below = strip(x)
    if below is x:  # a recording that could not write the question down
        return read_value(x)
    return below if type(below) in LIFTED and below.t.records else read_value(x)


def _array_function(
    self: Traced, function: Any, types: Any, args: tuple, kw: dict[str, Any]
) -> Any:
    operation = FUNCTIONS.get(function)
    if operation is not None:
        if "a" in kw and not args:
            return operation(kw.pop("a"), **kw)
        return operation(*args, **kw)
    if function in _ANSWERED:
        read = _answering if function in _OF_VALUES else shown
        return function(*map(read, args), **{name: read(value) for name, value in kw.items()})
    if Buffer in types:
        return plain_function(function, args, kw)
    raise missing_rule(f"{function.__module__}.{function.__name__}")


# CuPy: 'cupy_add', 'cupy_true_divide', ...; functions and ufuncs share the names that NumPy's table
# knows.
def _cupy_elementwise(self: Traced, kernel: Any, *args: Any, **kw: Any) -> Any:
    name = kernel.name.removeprefix("cupy_")
    operands = getattr(kernel, "nin", len(args))
    if kw.get("out") is not None or any(a is not None for a in args[operands:]):
        message = (
            f"cupy.{name}(out): got a traced value to write into a plain array, where its gradient "
            "would be lost. Write y = y + x instead of y += x, or make y with xp.zeros_like(x)."
        )
        raise TraceError(message)
    registered = KERNELS.get(kernel) if KERNELS else None
    if registered is not None:
        return registered(*args[:operands])
    # a kernel of the user's may be called like anything
    row = _NAMES.get(name) if kernel.name.startswith("cupy_") else None
    operation = _kernel_of_cupyx(kernel) if row is None else STANDARD[row]
    if operation is None:
        raise missing_rule(f"cupy.{name}" if kernel.name.startswith("cupy") else name)
    return operation(*args[:operands])


def _kernel_of_cupyx(kernel: Any) -> Any:
    """The operation for a kernel of cupyx.scipy.special, told by identity.

    By their own names ellipk is called ellipkm1 there, and the reverse.
    """
    functions = vars(sys.modules.get("cupyx.scipy.special", object))
    found = next((name for name, function in functions.items() if function is kernel), None)
    operation = SPECIAL.get(found or "")
    if operation is not None:
        KERNELS[kernel] = operation
    return operation


def _cupy_reduction(
    self: Traced, kernel: Any, axis: Any, dtype: Any, out: Any, keepdims: Any
) -> Any:
    name = kernel.name.removeprefix("cupy_")
    row = _NAMES.get(name)
    if row is None:
        raise missing_rule(f"cupy.{name}")
    kw = {} if dtype is None else {"dtype": dtype}
    return STANDARD[row](self, axis=axis, out=out, keepdims=keepdims, **kw)


for _method, _handler in {
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "__cupy_override_elementwise_kernel__": _cupy_elementwise,
    "__cupy_override_reduction_kernel__": _cupy_reduction,
}.items():
    setattr(Traced, _method, _handler)
