"""A proxy with CuPy's and NumPy's hooks, and which of them each expression asks.

The table holds for the real CuPy and for the look-alike; each has a test that says so.
"""

from typing import Any

import numpy as np


class Foreign:
    """A proxy such as the library's traced array: it has the hooks and no data."""

    shape, ndim, size, dtype = (3,), 1, 3, np.dtype("float64")

    def __cupy_override_elementwise_kernel__(self, kernel, *args, **keywords):
        return "elementwise", kernel.name

    def __cupy_override_reduction_kernel__(self, kernel, axis, dtype, out, keepdims):
        return "reduction", kernel.name, axis

    def __array_ufunc__(self, ufunc, method, *args, **keywords):
        return "ufunc", ufunc.__name__

    def __array_function__(self, function, kinds, args, keywords):
        return "function", function.__name__

    def __array__(self, dtype=None, copy=None):
        message = "the gradient would be lost"
        raise TypeError(message)

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 3

    def __eq__(self, other):  # CuPy takes an object without its own for something unequal
        return "own", "equal"

    __hash__ = None  # type: ignore[assignment]

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        return "sum", axis, keepdims

    def reshape(self, shape, order="C", copy=None):
        return "reshape", shape, order, copy

    def max(self, axis=None, out=None, keepdims=False):
        return "max", axis, keepdims


def add_in_place(cp: Any, x: Any, mask: Any, t: Foreign) -> Any:
    x += t
    return x


# Expression of (cupy, an array, a mask, a proxy) -> the proxy's answer.
DISPATCH = {
    "cupy * proxy": (lambda cp, x, mask, t: x * t, ("ufunc", "multiply")),
    "cupy / proxy": (lambda cp, x, mask, t: x / t, ("ufunc", "divide")),
    "cupy ** proxy": (lambda cp, x, mask, t: x**t, ("ufunc", "power")),
    "cupy @ proxy": (lambda cp, x, mask, t: x @ t, ("ufunc", "matmul")),
    "cupy < proxy": (lambda cp, x, mask, t: x < t, ("ufunc", "less")),
    "cupy == proxy": (lambda cp, x, mask, t: x == t, ("ufunc", "equal")),
    "cupy += proxy": (add_in_place, ("elementwise", "cupy_add")),
    "cupy.sin": (lambda cp, x, mask, t: cp.sin(t), ("elementwise", "cupy_sin")),
    "cupy.exp": (lambda cp, x, mask, t: cp.exp(t), ("elementwise", "cupy_exp")),
    "cupy.add": (lambda cp, x, mask, t: cp.add(x, t), ("elementwise", "cupy_add")),
    "cupy.true_divide": (
        lambda cp, x, mask, t: cp.true_divide(t, 2.0),
        ("elementwise", "cupy_true_divide"),
    ),
    "cupy.maximum": (lambda cp, x, mask, t: cp.maximum(t, 0.0), ("elementwise", "cupy_maximum")),
    "cupy.where": (lambda cp, x, mask, t: cp.where(mask, t, x), ("elementwise", "cupy_where")),
    "cupy.sum": (lambda cp, x, mask, t: cp.sum(t, axis=0), ("sum", 0, False)),
    "cupy.max": (lambda cp, x, mask, t: cp.max(t), ("max", None, False)),
    "cupy.reshape": (lambda cp, x, mask, t: cp.reshape(t, (1, 3)), ("reshape", (1, 3), "C", None)),
    "cupy.count_nonzero": (
        lambda cp, x, mask, t: cp.count_nonzero(t, 0),
        ("reduction", "cupy_count_nonzero", 0),
    ),
    "np.sin": (lambda cp, x, mask, t: np.sin(t), ("ufunc", "sin")),
    "np.add": (lambda cp, x, mask, t: np.add(x, t), ("ufunc", "add")),
    "np.sum": (lambda cp, x, mask, t: np.sum(t), ("function", "sum")),
    "np.concatenate": (lambda cp, x, mask, t: np.concatenate([x, t]), ("function", "concatenate")),
    "np.where": (lambda cp, x, mask, t: np.where(mask, t, x), ("function", "where")),
    "np.linalg.norm": (lambda cp, x, mask, t: np.linalg.norm(t), ("function", "norm")),
    "get_array_module": (lambda cp, x, mask, t: cp.get_array_module(t), np),
}

# Expressions that are a TypeError, on the real CuPy (which needs no device to say so) and here.
REFUSED = {
    "np.asarray(cupy)": lambda cp, x, t: np.asarray(x),
    "sum(where=)": lambda cp, x, t: cp.sum(x, where=True),
    "x.sum(initial=)": lambda cp, x, t: x.sum(initial=0),
    "cupy[0] = proxy": lambda cp, x, t: x.__setitem__(0, t),
    "range(cupy)": lambda cp, x, t: range(x[0]),
    "cupy.dot(proxy)": lambda cp, x, t: x.dot(t),
    "matmul": lambda cp, x, t: cp.matmul(x, t),
    "stack": lambda cp, x, t: cp.stack([t, t]),
    "expand_dims": lambda cp, x, t: cp.expand_dims(t, 0),
    "broadcast_to": lambda cp, x, t: cp.broadcast_to(t, (2, 3)),
    "cumsum": lambda cp, x, t: cp.cumsum(t),
    "moveaxis": lambda cp, x, t: cp.moveaxis(t, 0, 0),
    "flip": lambda cp, x, t: cp.flip(t),
    "all": lambda cp, x, t: cp.all(t),
    "astype": lambda cp, x, t: cp.astype(t, "float32"),
    "median": lambda cp, x, t: cp.median(t),
}
