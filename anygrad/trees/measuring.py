"""The 2-norm over all leaves of a tree, without overflow, underflow or a stop of the device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from anygrad.backends import Backend, asarray, backend_of, device_of, namespace_of
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.config import settings
from anygrad.trees.kinds import is_complex, is_floating, library_of, widest_real_dtype
from anygrad.trees.looking import can_look, look
from anygrad.trees.mapping import map
from anygrad.trees.placing import (
    check_one_library,
    combine,
    copied_once,
    gather,
    move,
    on_device_of,
    on_its_device,
)
from anygrad.trees.structure import flatten

__all__ = ["norm", "norms"]


def norm(tree: Tree) -> Array:
    """Take the 2-norm over all elements of all leaves, safe from overflow and underflow.

    With s a power of two near ``max |x|`` over everything, it is ``s sqrt(sum |x / s|^2)``.
    Dividing by a power of two is exact, so the result has the rounding errors of the plain formula
    and no others.

    Parameters
    ----------
    tree : tree of arrays and numbers
        Real or complex; one library. The leaves may live on several of its devices.

    Returns
    -------
    array, shape ()
        In the widest real floating dtype among the leaves, on the device of the first leaf; inf or
        nan if an element is. 0.0 of the configured backend for an empty tree. The device is not
        synchronised.

    Raises
    ------
    MixedBackendError
        If the leaves belong to two libraries; names the paths.
    DTypeError
        If a leaf is neither an array nor a number.

    References
    ----------
    Blue (1978), A portable Fortran program to find the Euclidean norm of a vector. One scale from a
    first pass stands here for his three accumulators, because whole-array operations cannot branch.

    Examples
    --------
    >>> from anygrad import trees
    >>> f"{float(trees.norm({'w': np.asarray([3e200]), 'b': np.asarray([4e200])})):.3g}"
    '5e+200'
    """
    found = flatten(tree)[0]
    backend = check_one_library("norm(tree)", tree, found)
    if backend is None:
        return _norm_of_numbers(found)
    quick = _norm_on_host(backend, found)
    return _scaled_norm(found) if quick is None else quick


def _scaled_norm(found: Sequence[Any]) -> Array:
    home = next(leaf for leaf in found if backend_of(leaf) is not None)
    xp = namespace_of(*found)
    dtype = widest_real_dtype(found)
    parts = [part for leaf in found for part in _real_parts(xp, leaf, dtype, home)]
    with on_device_of(home), copied_once():
        if not parts:
            return xp.asarray(0.0, dtype=dtype, device=device_of(home))
        peaks = [
            on_its_device(part, lambda x: xp.astype(xp.max(xp.abs(x)), dtype)) for part in parts
        ]
        peak = combine(xp, xp.maximum, xp.max, gather(peaks, home))
        scale = _power_of_two_near(xp, peak, float_limits(library_of(found), dtype))
        squares = [_sum_of_squares(xp, part, scale) for part in parts]
        total = combine(xp, xp.add, xp.sum, gather(squares, home))
        found_norm = xp.multiply(xp.sqrt(total), scale)
        # NumPy makes float32 of bfloat16 beside a Python number
        return found_norm if found_norm.dtype == dtype else xp.astype(found_norm, dtype)


def _norm_on_host(backend: Backend, found: Sequence[Any]) -> Array | None:
    """Take the plain root of the sum of squares where its value can be looked at for nothing.

    None if the library computes on a device, or if a square left the range of its dtype.
    """
    if backend.host_dot is None or not can_look([x for x in found if backend_of(x) is not None]):
        return None
    looks, root = look(_root_of_squares, *found)
    return root if looks else None


def _root_of_squares(*found: Any) -> tuple[bool, Any]:
    """The norm, and whether it can be had this way."""
    backend = next(backend for x in found if (backend := backend_of(x)) is not None)
    assert backend.host_dot is not None
    total = 0.0
    for leaf in found:
        square = backend.host_dot(leaf, leaf)
        if square is None:
            return NO_NORM
        total += square.real
    xp = backend.load()
    # what underflow can have taken away is less than one unit in the last place of this
    coarsest = max(_smallest_normal(xp, dtype) for dtype in {leaf.dtype for leaf in found})
    lost = coarsest * sum(leaf.size for leaf in found)
    if not lost <= total < math.inf:
        return NO_NORM
    return True, xp.asarray(math.sqrt(total), dtype=widest_real_dtype(found))[()]


NO_NORM = (False, 0.0)


@cache
def _smallest_normal(xp: Namespace, dtype: Any) -> float:
    return float(float_limits(xp, dtype).smallest_normal)


def norms(tree: Tree) -> Tree:
    """Take the safe 2-norm of every leaf by itself.

    Parameters
    ----------
    tree : tree of arrays and numbers
        Real or complex.

    Returns
    -------
    tree
        Same structure; 0-d arrays as `norm` returns them, each on the device of its leaf.

    Examples
    --------
    >>> from anygrad import trees
    >>> float(trees.norms({"w": np.asarray([3.0, 4.0])})["w"])
    5.0
    """
    return map(norm, tree)


def _norm_of_numbers(found: Sequence[Any]) -> Array:
    made = [asarray(leaf) for leaf in found]
    xp = namespace_of(*made) if made else None
    if xp is None:
        return asarray(0.0)
    return norm(
        [leaf if is_floating(xp, leaf) else asarray(leaf, dtype=settings().dtype) for leaf in made]
    )


def _real_parts(xp: Namespace, leaf: Any, dtype: Any, home: Array) -> list[Array]:
    """Split a leaf into real floating arrays that are not empty."""
    if backend_of(leaf) is None:
        place = device_of(home)
        parts = [leaf.real, leaf.imag] if isinstance(leaf, complex) else [leaf]
        return [xp.asarray(part, dtype=dtype, device=place) for part in parts]
    if 0 in leaf.shape:
        return []
    if is_complex(xp, leaf):
        return [xp.real(leaf), xp.imag(leaf)]
    return [leaf if is_floating(xp, leaf) else xp.astype(leaf, dtype)]


def _sum_of_squares(xp: Namespace, part: Array, scale: Array) -> Array:
    def scaled_sum(x: Array) -> Array:
        # by the namespace's functions: an operator of a strict array refuses a traced operand
        ratio = xp.divide(x, move(scale, x))
        return xp.sum(ratio * ratio)

    return on_its_device(part, scaled_sum)


def _power_of_two_near(xp: Namespace, peak: Array, limits: Any) -> Array:
    """Round down to a normal power of two; 0 and inf go to the ends of the range, nan stays."""
    # a quarter of the largest number: its reciprocal, by which some libraries multiply, is normal
    smallest, largest = float(limits.smallest_normal), float(limits.max) / 4
    inside = xp.minimum(xp.maximum(peak, smallest), largest)
    return 2.0 ** xp.floor(xp.log2(inside))
