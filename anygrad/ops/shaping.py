"""Shapes and dtypes inside the rules: undo broadcasting, restore reduced axes, match an operand."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad.errors import ShapeError

_KINDS: dict[tuple[type, Any], str] = {}
_OF_CLASS: dict[type, str] = {}


def kind_of(dtype: Any) -> str:
    """Tell whether a dtype of any library is ``"real"``, ``"complex"`` or ``"other"``.

    Floating kinds only are differentiable.
    """
    kind = _OF_CLASS.get(type(dtype))
    if kind is not None:
        return kind
    key = (type(dtype), dtype)  # array-api-strict warns when its dtypes meet NumPy's in a look-up
    kind = _KINDS.get(key)
    if kind is None:
        letter, text = getattr(dtype, "kind", ""), str(dtype).rsplit(".", 1)[-1]
        if letter == "c" or "complex" in text:
            kind = "complex"
        else:
            kind = "real" if letter == "f" or "float" in text else "other"
        _KINDS[key] = kind
        if isinstance(dtype, np.dtype):  # NumPy has a class for each kind of dtype
            _OF_CLASS[type(dtype)] = kind
    return kind


def is_complex(x: Any) -> bool:
    """Whether an array or number is complex."""
    dtype = getattr(x, "dtype", None)
    return isinstance(x, complex) if dtype is None else kind_of(dtype) == "complex"


def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """Sum ``g`` over the axes along which an operand of ``shape`` was broadcast."""
    have = g.shape
    if have == shape:
        return g
    lead = len(have) - len(shape)
    if lead < 0:  # NumPy drops leading ones of a value that is assigned
        return unbroadcast(xp, xp.reshape(g, shape=(1,) * -lead + have), shape)
    stretched = [k + lead for k, n in enumerate(shape) if n == 1 and have[k + lead] != 1]
    if lead == 0:
        return xp.sum(g, axis=tuple(stretched), keepdims=True)
    g = xp.sum(g, axis=(*range(lead), *stretched), keepdims=False)
    return g if g.shape == shape else xp.reshape(g, shape=shape)


def fit(xp: Any, g: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Bring a cotangent to the shape and dtype of its operand; a real one takes the real part."""
    if g.shape != shape:
        g = unbroadcast(xp, g, shape)
    if dtype is not None and g.dtype != dtype:
        if kind_of(dtype) == "real" and is_complex(g):
            g = xp.real(g)
        if g.dtype != dtype:
            g = xp.astype(g, dtype=dtype)
    return g


def expand(xp: Any, t: Any, y: Any) -> Any:
    """Bring a tangent to the shape and dtype of the result ``y``."""
    if t.shape != y.shape:
        t = xp.broadcast_to(t, shape=y.shape)
    return t if t.dtype == y.dtype else xp.astype(t, dtype=y.dtype)


def normal_axes(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """Axes as a tuple of numbers from 0; ``None`` means all."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if any(not -ndim <= a < ndim for a in axes):
        message = f"axis: got {axis}; expected axes of an array with {ndim} dimensions."
        raise ShapeError(message)
    return tuple(a % ndim for a in axes)


def restore(xp: Any, g: Any, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """Give a reduced array its reduced axes back, with length 1."""
    if keepdims or not shape:
        return g
    axes = normal_axes(axis, len(shape))
    return xp.reshape(g, shape=tuple(1 if k in axes else n for k, n in enumerate(shape)))


def spread(xp: Any, g: Any, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """The adjoint of a sum: the reduced array repeated along the axes summed over."""
    if not shape:
        return g
    if g.shape != ():
        g = restore(xp, g, shape, axis, keepdims)
    return xp.broadcast_to(g, shape=shape)


def count(shape: tuple[int, ...], axis: Any) -> int:
    """How many elements one reduced element stands for."""
    n = 1
    for a in normal_axes(axis, len(shape)):
        n *= shape[a]
    return n
