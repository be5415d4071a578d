"""Norms that neither overflow nor vanish, relative to a power of two near the largest element.

Two ways. Where values lie on the host anyway (NumPy), the plain sum of squares is looked at, and
counts unless squares left the range. Everywhere else `scaled_norm` reads the leaves twice and never
looks at a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from anygrad.backends import backend_of, is_traced, namespace_of
from anygrad.backends.types import Array, Namespace
from anygrad.trees.kinds import library_of, widest_real_dtype
from anygrad.trees.placing import move, on_device_of

__all__ = [
    "at_least_single",
    "cast",
    "host_limits",
    "host_norm",
    "host_norms_of_rows",
    "norm_dtype",
    "on_host",
    "power_of_two_near",
    "scaled_norm",
]

Axis = int | tuple[int, ...] | None


def scaled_norm(
    found: Sequence[Array], ord: float = 2.0, axis: Axis = None
) -> tuple[Array, Array, Array]:
    """Find a power of two ``d`` near the largest element, and the joint norm of all ``g / d``.

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
    """
    found = [g for g in found if 0 not in g.shape]
    xp = namespace_of(*found)
    home, dtype = found[0], norm_dtype(found)
    over: dict[str, Any] = {} if axis is None else {"axis": axis, "keepdims": True}

    def for_each_leaf(function: Callable[..., Array], *shared: Array) -> Array:
        """Compute where each leaf lies, and bring the results home as one array."""
        results = []
        for g in found:
            with on_device_of(g):
                result = function(
                    cast(xp, g, xp.result_type(g.dtype, dtype)), *(move(x, g) for x in shared)
                )
                results.append(move(xp.asarray(result), home))
        return xp.stack(results)

    def peak_of(g: Array) -> Array:
        # real and imaginary part count as two elements: no modulus overflows
        tops = [xp.max(xp.abs(part), **over) for part in _real_parts(xp, g)]
        return tops[0] if len(tops) == 1 else xp.maximum(*tops)

    with on_device_of(home):
        peaks = for_each_leaf(peak_of)
        finite = xp.isfinite(peaks)
        peak, all_finite = xp.max(peaks, axis=0), xp.all(finite, axis=0)
        # what is divided by a power of two is not rounded, and has the derivative of a constant
        # factor
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
        return _root(xp, xp.sum(for_each_leaf(_squares(xp, over), divisor), axis=0), ord)

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


def _squares(xp: Namespace, over: dict[str, Any]) -> Callable[[Array, Array], Array]:
    def sum_of_squares(g: Array, divisor: Array) -> Array:
        parts = [xp.divide(part, divisor) for part in _real_parts(xp, g)]
        sums = [xp.sum(part * part, **over) for part in parts]
        return sums[0] if len(sums) == 1 else sums[0] + sums[1]

    return sum_of_squares


def _root(xp: Namespace, total: Array, ord: float) -> Array:
    # the root has no derivative at zero, so it is never taken there
    inside = xp.where(total == 0.0, xp.ones_like(total), total)
    root = xp.sqrt(inside) if ord == 2.0 else inside ** (1.0 / ord)
    return xp.where(total == 0.0, total, root)


def power_of_two_near(xp: Namespace, peak: Array) -> Array:
    """Round down to a normal power of two."""
    limits = xp.finfo(peak.dtype)
    # a quarter of the largest number: its reciprocal, by which some libraries multiply, is normal
    inside = xp.minimum(xp.maximum(peak, float(limits.smallest_normal)), float(limits.max) / 4)
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
    return [xp.real(g), xp.imag(g)] if xp.isdtype(g.dtype, "complex floating") else [g]


# -- values that lie on the host ------------------------------------------------------------------


def on_host(found: Sequence[Array]) -> bool:
    """Tell whether the values of all leaves can be looked at for nothing."""
    samples = {type(g): g for g in found}.values()
    return all(not is_traced(g) and _looks_at(backend_of(g)) for g in samples)


def _looks_at(backend: Any) -> bool:
    return backend is not None and backend.host_dot is not None


def host_norm(found: Sequence[Array]) -> float | None:
    """Take the joint 2-norm of leaves on the host; None if a square left the range of its dtype."""
    total = lost = 0.0
    for kin, smallest in _by_dtype(found):
        # by BLAS: no temporary arrays, and no warning when it overflows
        total += sum(np.asarray(list(map(np.vdot, kin, kin))).real.tolist())
        lost += smallest * sum([g.size for g in kin])
    return math.sqrt(total) if lost <= total < math.inf else None


def host_norms_of_rows(found: Sequence[Array]) -> np.ndarray | None:
    """Take the joint 2-norm of each row of matrices on the host, as a column; None as above."""
    total, lost = np.zeros((found[0].shape[0], 1)), 0.0
    for kin, smallest in _by_dtype(found):
        for g in kin:
            with np.errstate(over="ignore", invalid="ignore"):
                total += np.vecdot(g, g).real[:, None]
            lost += smallest * g.shape[1]
    return np.sqrt(total) if np.all((lost <= total) & (total < math.inf)) else None


def _by_dtype(found: Sequence[Array]) -> Iterator[tuple[Sequence[Array], float]]:
    """Go through the leaves of each dtype, in the precision of the widest and float32 at least.

    With them comes the most that underflow of a square can have taken away; where a sum of squares
    is larger than as many of these as it has terms, it is right to the last place but one.
    """
    xp = library_of(found)
    dtypes = {g.dtype for g in found}
    for dtype in dtypes:
        kin = found if len(dtypes) == 1 else [g for g in found if g.dtype == dtype]
        wide = at_least_single(xp, dtype)
        if len(dtypes) > 1:
            wide = xp.result_type(wide, norm_dtype(found))
        kin = kin if wide == dtype else [cast(xp, g, wide) for g in kin]
        yield kin, _smallest_normal(xp, wide)


def host_limits(found: Sequence[Array]) -> tuple[Any, float]:
    """Find the dtype of the norm, and the smallest scale that has all digits in every leaf."""
    return _limits_of(library_of(found), frozenset({g.dtype for g in found}))


@cache
def _limits_of(xp: Namespace, dtypes: frozenset[Any]) -> tuple[Any, float]:
    dtype = norm_dtype([xp.zeros(0, dtype=dtype) for dtype in dtypes])
    return dtype, max(_smallest_normal(xp, at_least_single(xp, kind)) for kind in dtypes)


@cache
def _smallest_normal(xp: Namespace, dtype: Any) -> float:
    return float(xp.finfo(dtype).smallest_normal)
