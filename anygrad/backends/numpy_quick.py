"""NumPy functions by shorter ways, for the inner loop of differentiation: less overhead.

``np.sum`` spends 2 us on keywords before it calls ``np.add.reduce``; methods skip the dispatch of
functions. All take what the rows pass: one array, the rest as keywords.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Up to this size a copy is quicker than NumPy's machinery for a view that repeats elements.
FILLED = 4096


def _sum(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def _prod(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims)


def _max(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


def _reshape(x: Any, *, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape)


def _permute_dims(x: Any, *, axes: tuple[int, ...]) -> Any:
    return x.transpose(axes)


def _astype(x: Any, *, dtype: Any) -> Any:
    return x.astype(dtype)


def _broadcast_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    out = np.empty(shape, x.dtype)
    if out.size > FILLED:
        return np.broadcast_to(x, shape)
    out[...] = x
    return out


QUICK = {
    "astype": _astype,
    "broadcast_to": _broadcast_to,
    "max": _max,
    "min": _min,
    "permute_dims": _permute_dims,
    "prod": _prod,
    "reshape": _reshape,
    "sum": _sum,
}
