"""Norms that neither overflow nor vanish, relative to a power of two near the norm.

Two ways to one result. `_read_twice` looks for the largest element, and then adds the squares of
all elements divided by a power of two near it. `_read_once` adds the squares in a type, or in
sums, whose range they do not leave: much arithmetic for every element, but a compiled kernel reads
memory half as often. Neither looks at a value; `host_norms` does, where that costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from anygrad.backends import backend_of, namespace_of
from anygrad.backends.dtypes import float_limits, has_kind
from anygrad.backends.types import Array, Namespace
from anygrad.config import settings
from anygrad.tracing.level import LIFTED, recorded
from anygrad.trees.kinds import library_of, widest_real_dtype
from anygrad.trees.placing import copied_once, move, on_device_of, together

__all__ = [
    "Axis",
    "at_least_single",
    "cast",
    "norm_dtype",
    "power_of_two_near",
    "reads_once",
    "scaled_norm",
]

Axis = int | tuple[int, ...] | None

# Blue's bounds for float64, with the factors of LAPACK 3.10: squares between the bounds, and those
# of what lies beyond after multiplication, are normal numbers, of which 2**52 can be added.
SMALL, FROM_SMALL = 2.0**-511, 2.0**537
LARGE, FROM_LARGE = 2.0**486, 2.0**-538


def scaled_norm(
    found: Sequence[Array], ord: float = 2.0, axis: Axis = None
) -> tuple[Array, Array, Array]:
    """Find a power of two ``d`` near the norm, and the joint norm of all ``g / d``.

    The product of the first two is the norm; the second is inf or nan if an element is. With
    ``axis`` there is one norm for each place along the other axes, over that axis of all leaves.

    Parameters
    ----------
    found : list of arrays
        Real or complex floating, not all of them empty. They may lie on several devices of their
        library.
    ord : float
        The order p of the norm, in [1, inf].
    axis : int, tuple of int or None
        Axes to take the norms over; they stay with length 1. None: all, and none stays.

    Returns
    -------
    divisor, ratio : array
        On the device of the first leaf, in the dtype of `norm_dtype`.
    finite : array of bool, shape (leaves, ...)
        Whether each array that is not empty, or each place of it, is finite.

    References
    ----------
    Blue (1978), A portable Fortran program to find the Euclidean norm of a vector.

    Anderson (2017), Algorithm 978: safe scaling in the level 1 BLAS.
    """
    found = [g for g in found if 0 not in g.shape]
    over: dict[str, Any] = {} if axis is None else {"axis": axis, "keepdims": True}
    with on_device_of(found[0]), copied_once():
        if ord == 2.0 and reads_once(found):
            return _read_once(found, over)
        return _read_twice(found, ord, over)


def reads_once(found: Sequence[Array]) -> bool:
    """Tell whether a program is recorded of which a GPU will have kernels, and no derivative.

    Elsewhere each operation on a leaf is a pass over it, and the fewer there are the better.
    """
    backend = backend_of(found[0])
    if backend is None or backend.name != "cupy" or settings().kernels == "off":
        return False
    traced = [g for g in found if type(g) in LIFTED]
    return bool(traced) and all(recorded(g) is g and type(g.v) not in LIFTED for g in traced)


# -- every element is read once -------------------------------------------------------------------


def _read_once(found: Sequence[Array], over: dict[str, Any]) -> tuple[Array, Array, Array]:
    """Take the 2-norm from sums of squares in float64, of which no term is lost.

    The squares of all that is narrower fit as they are. For float64 there are three sums, and of
    each leaf's elements those are counted in the end that matter beside the largest ones.
    """
    xp, dtype = namespace_of(*found), norm_dtype(found)
    in_three = float_limits(xp, dtype).bits == 64
    split = _squares_in_three if in_three else _squares

    def sums_of(g: Array) -> list[Array]:
        # real and imaginary part count as two elements
        parts = [split(xp, cast(xp, part, xp.float64)) for part in _real_parts(xp, g)]
        joined = parts[0] if len(parts) == 1 else map(xp.add, *parts)
        return [xp.sum(squares, **over) for squares in joined]

    # sums of one leaf are no column: many leaves, each clipped by itself, then come in one kernel
    alone = len(found) == 1
    sums = sums_of(found[0]) if alone else _for_each_leaf(xp, found, sums_of)
    largest = sums[0] if len(sums) == 1 else sums[0] + sums[1]  # what is inf or nan is in these
    finite = xp.isfinite(largest)
    totals = [xp.where(finite, x, 0.0) for x in sums]
    lost, all_finite = xp.where(finite, 0.0, largest), finite
    if not alone:
        *totals, lost = [xp.sum(x, axis=0) for x in (*totals, lost)]
        all_finite = xp.all(finite, axis=0)
    total, unit = _combine_three(xp, *totals) if in_three else (totals[0], None)
    root = _root(xp, total, 2.0)
    divisor = power_of_two_near(xp, root if unit is None else root * unit, dtype)
    ratio = root / (divisor if unit is None else divisor / unit)
    ratio = xp.where(all_finite, ratio, lost)
    finite = finite[None, ...] if alone else finite
    return cast(xp, divisor, dtype), cast(xp, ratio, dtype), finite


def _squares(xp: Namespace, x: Array) -> list[Array]:
    return [x * x]


def _squares_in_three(xp: Namespace, x: Array) -> list[Array]:
    """Square elements that are large, neither, and small; nan is neither."""
    size = xp.abs(x)
    large, small = size > LARGE, size < SMALL
    parts = [
        xp.where(large, x * FROM_LARGE, 0.0),
        xp.where(large | small, 0.0, x),
        xp.where(small, x * FROM_SMALL, 0.0),
    ]
    return [part * part for part in parts]


def _combine_three(xp: Namespace, large: Array, middle: Array, small: Array) -> tuple[Array, Array]:
    """Add the sums that matter, in units of the square of a power of two, and tell that."""
    some_large, some_middle = large > 0.0, middle > 0.0
    total = xp.where(
        some_large,
        large + middle * FROM_LARGE * FROM_LARGE,
        xp.where(some_middle, middle + small / FROM_SMALL / FROM_SMALL, small),
    )
    unit = xp.where(some_large, 1 / FROM_LARGE, xp.where(some_middle, 1.0, 1 / FROM_SMALL))
    return total, unit


# -- every element is read twice ------------------------------------------------------------------


def _read_twice(
    found: Sequence[Array], ord: float, over: dict[str, Any]
) -> tuple[Array, Array, Array]:
    """Take any norm of all leaves divided by a power of two near the largest element.

    What is divided by a power of two is not rounded, and has the derivative of a constant factor.
    """
    xp, dtype = namespace_of(*found), norm_dtype(found)

    def for_each_leaf(function: Callable[..., Array], *shared: Array) -> Array:
        def widened(g: Array, *shared: Array) -> list[Array]:
            return [function(cast(xp, g, xp.result_type(g.dtype, dtype)), *shared)]

        return _for_each_leaf(xp, found, widened, *shared)[0]

    def peak_of(g: Array) -> Array:
        # real and imaginary part count as two elements: no modulus overflows
        tops = [xp.max(xp.abs(part), **over) for part in _real_parts(xp, g)]
        return tops[0] if len(tops) == 1 else xp.maximum(*tops)

    peaks = for_each_leaf(peak_of)
    finite = xp.isfinite(peaks)
    peak, all_finite = xp.max(peaks, axis=0), xp.all(finite, axis=0)
    divisor = power_of_two_near(xp, xp.where(all_finite, peak, xp.ones_like(peak)))
    ratio = _norm_of_scaled(xp, for_each_leaf, divisor, ord, over)
    return divisor, xp.where(all_finite, ratio, peak), finite


def _norm_of_scaled(
    xp: Namespace,
    for_each_leaf: Callable[..., Array],
    divisor: Array,
    ord: float,
    over: dict[str, Any],
) -> Array:
    """Take the norm of all leaves divided by ``divisor``, with a derivative of 0 at 0."""
    if ord == 2.0:
        return _root(xp, xp.sum(for_each_leaf(_scaled_squares(xp, over), divisor), axis=0), ord)

    def moduli(g: Array, divisor: Array) -> Array:
        # by the namespace's functions: operators of some arrays refuse a traced operand
        return xp.abs(xp.divide(g, divisor))

    if ord == 1.0:
        return xp.sum(for_each_leaf(lambda g, d: xp.sum(moduli(g, d), **over), divisor), axis=0)
    top = xp.max(for_each_leaf(lambda g, d: xp.max(moduli(g, d), **over), divisor), axis=0)
    if ord == math.inf:
        return top
    # relative to the largest modulus itself: in a high power even 2 overflows and 1/2 vanishes
    top = xp.where(top == 0.0, xp.ones_like(top), top)

    def sum_of_powers(g: Array, divisor: Array, top: Array) -> Array:
        return xp.sum(xp.divide(moduli(g, divisor), top) ** ord, **over)

    return top * _root(xp, xp.sum(for_each_leaf(sum_of_powers, divisor, top), axis=0), ord)


def _scaled_squares(xp: Namespace, over: dict[str, Any]) -> Callable[[Array, Array], Array]:
    def sum_of_squares(g: Array, divisor: Array) -> Array:
        parts = [xp.divide(part, divisor) for part in _real_parts(xp, g)]
        sums = [xp.sum(part * part, **over) for part in parts]
        return sums[0] if len(sums) == 1 else sums[0] + sums[1]

    return sum_of_squares


# -- what both ways use ---------------------------------------------------------------------------


def _for_each_leaf(
    xp: Namespace,
    found: Sequence[Array],
    function: Callable[..., list[Array]],
    *shared: Array,
) -> list[Array]:
    """Compute where each leaf lies, and bring each of the results home as one array."""
    results = []
    for g in found:
        with on_device_of(g):
            results.append([xp.asarray(x) for x in function(g, *[move(x, g) for x in shared])])
    return [together(column, found[0]) for column in zip(*results, strict=True)]


def _root(xp: Namespace, total: Array, ord: float) -> Array:
    # the root has no derivative at zero, so it is never taken there
    inside = xp.where(total == 0.0, xp.ones_like(total), total)
    root = xp.sqrt(inside) if ord == 2.0 else inside ** (1.0 / ord)
    return xp.where(total == 0.0, total, root)


def power_of_two_near(xp: Namespace, size: Array, dtype: Any = None) -> Array:
    """Round down to a power of two that is a normal number of a dtype, by default its own."""
    limits = float_limits(xp, size.dtype if dtype is None else dtype)
    # a quarter of the largest number: its reciprocal, by which some libraries multiply, is normal
    inside = xp.minimum(xp.maximum(size, float(limits.smallest_normal)), float(limits.max) / 4)
    return 2.0 ** xp.floor(xp.log2(inside))


def norm_dtype(found: Sequence[Array]) -> Any:
    """Find the widest real dtype among the leaves, and at least float32."""
    # asked of the library itself: the namespace of traced arrays is made anew for each level
    xp = library_of(found)
    return at_least_single(xp, widest_real_dtype(found))


@cache
def at_least_single(xp: Namespace, dtype: Any) -> Any:
    """Find the dtype to compute in: the same, but float32 for float16."""
    return xp.result_type(dtype, xp.float32)


def cast(xp: Namespace, g: Array, dtype: Any) -> Array:
    """Bring an array to a dtype; itself if it has it."""
    return g if g.dtype == dtype else xp.astype(xp.asarray(g), dtype)


def _real_parts(xp: Namespace, g: Array) -> list[Array]:
    return [xp.real(g), xp.imag(g)] if has_kind(xp, g.dtype, "complex floating") else [g]
