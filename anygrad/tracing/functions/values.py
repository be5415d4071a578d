"""Plain values beside traced arrays, and arrays brought to the form that statistics need."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from anygrad.backends.dtypes import float_limits
from anygrad.errors import DTypeError, ShapeError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import common_dtype, on_device_of, plain_axis
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import permute_dims, reshape, take_along_axis
from anygrad.tracing.level import is_mapped, lowest, plain_namespace, strip
from anygrad.tracing.operations import TRACED


def on_host(x: Any) -> bool:
    """Whether the value is NumPy's, so that reading it costs nothing."""
    return isinstance(lowest(x), np.ndarray | np.generic)


def limits_of(x: Any) -> Any:
    """The limits of the floating dtype of an array, or of its real part."""
    return float_limits(plain_namespace(x), x.dtype)


def beside_values(numbers: Any, x: Any) -> Any:
    """Host numbers as an array of the library and device of another; floats in its dtype.

    Beside NumPy's arrays, floats have the dtype that NumPy gives them.
    """
    numbers = np.asarray(numbers)
    if on_host(x):
        return numbers
    real = numbers.dtype.kind == "f" and kind_of(x.dtype) == "real"
    dtype = {"dtype": x.dtype} if real else {}
    return plain_namespace(x).asarray(numbers.tolist(), **dtype, **on_device_of(lowest(x)))


def doubled(x: Any) -> Any:
    """An array in double precision, real or complex."""
    names = plain_namespace(x)
    dtype = names.complex128 if kind_of(x.dtype) == "complex" else names.float64
    return astype(x, dtype, copy=False)


def whole_numbers(x: Any, like: Any) -> Any:
    """Values as integers that serve as indices, in the dtype of other indices."""
    return astype(x, like.dtype, copy=False)


def positions(ordered: Any, x: Any, side: str) -> Any:
    """Where values belong among sorted ones, in any shape; both as values, without derivatives.

    Sorted values that differ between the examples of `vmap` are compared one by one.
    """
    ordered, x = strip(ordered), strip(x)
    dtype = common_dtype([ordered, x])
    ordered, x = (astype(a, dtype, copy=False) for a in (ordered, x))
    if is_mapped(ordered):
        wide = TRACED.reshape(x, shape=(*x.shape, 1))
        before = (TRACED.less if side == "left" else TRACED.less_equal)(ordered, wide)
        return TRACED.count_nonzero(before, axis=-1)
    flat = TRACED.reshape(x, shape=(math.prod(x.shape),))
    return TRACED.reshape(TRACED.searchsorted(ordered, flat, side=side), shape=tuple(x.shape))


def along(where: str, weights: Any, x: Any, axis: Any) -> Any:
    """Weights of the shape of ``x``, or of the lengths of some axes only, brought to its axes."""
    if weights.shape == x.shape:
        return weights
    axes = () if axis is None else normal_axes(axis, x.ndim)
    if not axes or tuple(weights.shape) != tuple(x.shape[k] for k in axes):
        message = (
            f"{where}(weights): got shape {tuple(weights.shape)} for {tuple(x.shape)} and "
            f"axis={axis}; expected the same shape, or the lengths of the axes that are named."
        )
        raise ShapeError(message)
    order = tuple(sorted(range(len(axes)), key=lambda k: axes[k]))
    shape = tuple(n if k in axes else 1 for k, n in enumerate(x.shape))
    return reshape(permute_dims(weights, order), shape)


def gathered(x: Any, axis: Any) -> Any:
    """The elements of some axes along one new last axis."""
    axes = normal_axes(plain_axis(axis), x.ndim)
    kept = tuple(k for k in range(x.ndim) if k not in axes)
    moved = TRACED.permute_dims(x, axes=(*kept, *axes)) if axes else x
    count = math.prod(x.shape[k] for k in axes)
    return TRACED.reshape(moved, shape=(*(x.shape[k] for k in kept), count))


def check_ordered(where: str, x: Any) -> None:
    """Raise for complex numbers."""
    if kind_of(x.dtype) == "complex":
        message = f"{where}(a): got complex numbers, which have no order. Take the real part."
        raise DTypeError(message)


def sorted_last(where: str, x: Any, axis: Any) -> tuple[Any, Any]:
    """The elements of some axes sorted along one new last axis, NaN last; and the positions."""
    check_ordered(where, x)
    flat = gathered(x, axis)
    order = TRACED.argsort(flat, axis=-1, stable=True)
    return take_along_axis(flat, order, -1), order
