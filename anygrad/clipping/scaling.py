"""A scale kept as two numbers, and leaves multiplied by it.

One number alone can leave the range of a dtype where the scaled gradient does not: to bring
``[3e38, 3e38]`` to the norm 1e-5, ``g / divisor * factor``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Namespace
from anygrad.clipping.host_norms import on_host
from anygrad.clipping.norms import at_least_single, cast
from anygrad.trees.kinds import library_of
from anygrad.trees.placing import copied_once, move, on_device_of

__all__ = ["Scale", "as_array", "scale_leaf", "scale_leaves", "zero_for"]


class Scale(NamedTuple):
    """What stands for one number: a leaf becomes ``g / divisor * factor``.

    Two arrays of shape (); or, where values are on the host anyway, a Python float and no divisor.
    """

    divisor: Array | None
    factor: Array | float


def scale_leaves(
    found: Sequence[Array], scale: Scale | None, accept: Array | None = None
) -> list[Array]:
    """Compute ``g / divisor * factor`` for each leaf; zeros where ``accept`` is false.

    Copies where nothing is to be scaled, so that the caller's arrays are never the result.
    """
    on_one_host = accept is None and on_host(found)
    if scale is None:
        return [np.array(g) for g in found] if on_one_host else [_copy(g) for g in found]
    if scale.divisor is None and on_one_host:
        return _scale_on_host(found, scale.factor)
    with copied_once():
        return [accept_leaf(scale_leaf(g, scale), accept) for g in found]


def _scale_on_host(found: Sequence[Array], factor: float) -> list[Array]:
    xp, dtypes = namespace_of(*found), {g.dtype for g in found}
    if any(at_least_single(xp, dtype) != dtype for dtype in dtypes):
        return [scale_leaf(g, Scale(None, factor)) for g in found]
    # an array of shape () takes NumPy half the time of a number
    factors = {dtype: np.real(np.asarray(factor, dtype=dtype)) for dtype in dtypes}
    one = next(iter(factors.values()))
    each = repeat(one) if len(dtypes) == 1 else [factors[g.dtype] for g in found]
    scaled = list(map(np.multiply, found, each))
    if () in [g.shape for g in found]:
        return [np.asarray(x) for x in scaled]
    return scaled


def _copy(g: Array) -> Array:
    with on_device_of(g):
        return namespace_of(g).asarray(g, copy=True)


def scale_leaf(g: Array, scale: Scale) -> Array:
    """Compute ``g / divisor * factor`` on the device of ``g``, in float32 at least."""
    divisor, factor = scale
    xp = namespace_of(g, divisor, factor)
    with on_device_of(g):
        if divisor is None:
            scaled = cast(xp, g, xp.result_type(g.dtype, xp.float32)) * factor
        else:
            # by the namespace's functions: operators of some arrays refuse a traced operand
            wide = cast(xp, g, xp.result_type(g.dtype, divisor.dtype))
            scaled = xp.divide(wide, move(divisor, g))
            scaled = xp.multiply(scaled, move(factor, g))
        return cast(xp, as_array(xp, scaled, g), g.dtype)


def accept_leaf(g: Array, accept: Array | None) -> Array:
    """Keep a leaf where ``accept``, and make it zero elsewhere."""
    if accept is None:
        return g
    xp = namespace_of(g)
    with on_device_of(g):
        return xp.where(move(accept, g), g, zero_for(xp, g))


def zero_for(xp: Namespace, g: Array) -> Array | float:
    """Find what stands for 0 beside ``g``: a number, which kernels need not read from memory.

    Not beside half precision, of which some libraries make single precision then.
    """
    return 0.0 if at_least_single(library_of([g]), g.dtype) == g.dtype else xp.zeros_like(g)


def as_array(xp: Namespace, new: Any, like: Array) -> Array:
    """Make ``new`` an array: NumPy makes scalars of 0-d results."""
    return new if like.shape else xp.asarray(new)
