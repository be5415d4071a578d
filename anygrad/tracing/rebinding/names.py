"""Which names may stand for something that has a twin, as far as a name alone can tell.

Loads of these names ask at run time; the others are left as they are and cost nothing.
"""

from __future__ import annotations

import numpy as np

ARRAY_MODULES = frozenset(("np", "numpy", "xp", "cp", "cupy"))
"""The usual names of array libraries, whose ufuncs ask traced arrays by themselves."""

CREATION = frozenset(
    (
        *("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray"),
        *("asarray_chkfinite", "require", "copy", "zeros", "ones", "empty", "full", "eye"),
        *("identity", "arange", "linspace", "logspace", "geomspace", "diag", "tri", "fromiter"),
        *("zeros_like", "ones_like", "empty_like", "full_like", "vectorize"),
        *("fromfunction", "astype", "ndenumerate", "frompyfunc"),
    )
)
"""Functions whose result code writes into, or that make arrays of lists."""

CASTS = frozenset(("float16", "float32", "float64", "complex64", "complex128", "double", "single"))

DENSITIES = frozenset(
    ("logpdf", "pdf", "logpmf", "pmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")
)
"""Methods of distributions, which are often called with stars."""

TWIN_VALUES = frozenset((*CREATION, *DENSITIES, "r_", "c_"))
"""Attributes that have a twin also where they are not called at once: ``make = np.zeros``."""

METHODS = frozenset(("dot", "copy", "astype", "item", "tolist"))
"""Methods of arrays that have a twin."""

QUICK_BUILTINS = frozenset(
    (
        *("range", "len", "zip", "enumerate", "print", "tuple", "list", "dict", "set", "str"),
        *("getattr", "hasattr", "setattr", "iter", "next", "reversed", "repr"),
        *("min", "max", "abs", "any", "all", "sorted", "id", "bool", "frozenset"),
        *("ValueError", "TypeError", "RuntimeError", "KeyError", "IndexError", "AssertionError"),
        *("Exception", "StopIteration", "NotImplementedError", "ZeroDivisionError", "True"),
        *("ArithmeticError", "OverflowError", "FloatingPointError", "NotImplemented"),
    )
)
"""Builtins that take traced values as they are."""

QUICK_FUNCTIONS = frozenset(
    name
    for name, function in vars(np).items()  # asking for each by name would import numpy.f2py
    # CuPy's products are no kernels and do not ask
    if isinstance(function, np.ufunc) and name not in ("matmul", "vecdot", "matvec", "vecmat")
)
"""Functions of array modules that ask traced arrays by themselves."""

QUICK_METHODS = (
    frozenset(
        name
        for kind in (list, dict, str, set, tuple, bytes, np.ndarray)
        for name in dir(kind)
        if not name.startswith("__")
    )
    - METHODS
    - CREATION
)
"""Methods of containers and arrays, which take traced values as they are."""
