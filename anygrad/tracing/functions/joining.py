"""Several arrays made one."""

from __future__ import annotations

from anygrad.tracing.functions.arguments import beside, refuse
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import ravel
from anygrad.tracing.operations import TRACED


def concat(arrays, /, axis=0, out=None, *, dtype=None, casting=None):
    """Arrays joined along an axis; ``None`` joins them flattened."""
    refuse("concat", out)
    arrays = list(arrays)
    if dtype is not None:
        arrays = [astype(a, dtype) for a in arrays]
    if axis is None:
        arrays, axis = [ravel(a) for a in arrays], 0
    return TRACED.concat(*arrays, axis=int(axis))


def stack(arrays, /, axis=0, out=None, *, dtype=None, casting=None):
    """Arrays of one shape joined along a new axis."""
    refuse("stack", out)
    arrays = [a if hasattr(a, "shape") else beside(a, arrays) for a in arrays]
    return TRACED.stack(*arrays, axis=int(axis))


def hstack(arrays, *, dtype=None, casting=None):
    """Arrays joined side by side."""
    arrays = [atleast_1d(a) for a in arrays]
    return concat(arrays, 0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype)


def vstack(arrays, *, dtype=None, casting=None):
    """Arrays joined one below the other."""
    return concat([atleast_2d(a) for a in arrays], 0, dtype=dtype)


def atleast_1d(x):
    """The array with at least one axis."""
    return x if x.ndim else TRACED.reshape(x, shape=(1,))


def atleast_2d(x):
    """The array with at least two axes."""
    return x if x.ndim > 1 else TRACED.reshape(x, shape=(1, -1))
