"""Several arrays made one."""

from __future__ import annotations

from typing import Any

from anygrad.tracing.functions.arguments import as_arrays, refuse
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import ravel
from anygrad.tracing.operations import TRACED


def concat(arrays, /, axis=0, out=None, *, dtype=None, casting=None):
    """Arrays joined along an axis; ``None`` joins them flattened."""
    refuse("concat", out)
    arrays = as_arrays(arrays)
    if dtype is not None:
        arrays = [astype(a, dtype) for a in arrays]
    if axis is None:
        arrays, axis = [ravel(a) for a in arrays], 0
    return TRACED.concat(*arrays, axis=int(axis))


def stack(arrays, /, axis=0, out=None, *, dtype=None, casting=None):
    """Arrays of one shape joined along a new axis."""
    refuse("stack", out)
    arrays = as_arrays(arrays)
    return TRACED.stack(*arrays, axis=int(axis))


def hstack(arrays, *, dtype=None, casting=None):
    """Arrays joined side by side."""
    arrays = [atleast_1d(a) for a in as_arrays(arrays)]
    return concat(arrays, 0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype)


def vstack(arrays, *, dtype=None, casting=None):
    """Arrays joined one below the other."""
    return concat([atleast_2d(a) for a in as_arrays(arrays)], 0, dtype=dtype)


def atleast_1d(*arrays) -> Any:
    """Arrays with at least one axis."""
    grown = [x if x.ndim else TRACED.reshape(x, shape=(1,)) for x in as_arrays(arrays)]
    return tuple(grown) if len(grown) > 1 else grown[0]


def atleast_2d(*arrays) -> Any:
    """Arrays with at least two axes."""
    grown = [x if x.ndim > 1 else TRACED.reshape(x, shape=(1, -1)) for x in as_arrays(arrays)]
    return tuple(grown) if len(grown) > 1 else grown[0]
