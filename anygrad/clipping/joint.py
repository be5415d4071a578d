"""The norm over all leaves: of one tree, or of the parts of a tree that lie apart.

A norm, the scale it asks for, and the scaling are three steps, so that each part of a sharded or
pipelined model measures itself, and all are scaled by one number.
"""

from __future__ import annotations

import math
import numbers
from typing import Any

from anygrad import trees
from anygrad.backends import asarray, backend_of, device_of, namespace_of
from anygrad.backends.dtypes import has_kind
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import check_floating, check_limit, check_order
from anygrad.clipping.host_norms import host_norm
from anygrad.clipping.limits import as_limit, compare_with_limit
from anygrad.clipping.norms import norm_dtype, power_of_two_near, scaled_norm
from anygrad.clipping.scaling import Scale, scale_leaves
from anygrad.clipping.silence import silenced
from anygrad.config import settings
from anygrad.errors import DTypeError, ShapeError, describe
from anygrad.trees.kinds import is_floating, widest_real_dtype
from anygrad.trees.looking import can_look, look
from anygrad.trees.placing import check_libraries, on_device_of, together

__all__ = ["apply_scale", "clip_scale", "combine_norms", "global_norm"]


def global_norm(tree: Tree, *, ord: float = 2.0) -> Array:
    """Take the p-norm over all elements of all leaves.

    ``(sum |x|^p)^(1/p)`` with p = ``ord``, computed relative to the largest element: no power
    overflows or vanishes. For p = inf the largest absolute value.

    Parameters
    ----------
    tree : tree of arrays and numbers
        Real or complex; one library. The leaves may lie on several of its devices.
    ord : float
        Order of the norm, in [1, inf].

    Returns
    -------
    array, shape ()
        Real, in the widest dtype among the leaves and at least float32, on the device of the first
        one (no transfer to the host). inf or nan if an element is; inf also where the norm itself
        is beyond the dtype.

    Raises
    ------
    ArgumentError
        If ``ord`` is below 1.
    MixedBackendError
        If the leaves belong to different libraries.

    Examples
    --------
    >>> ag.clipping.global_norm({"w": np.asarray([3e200]), "b": np.asarray([-4e200])})
    array(5.e+200)
    >>> ag.clipping.global_norm({"w": np.asarray([3.0]), "b": np.asarray([-4.0])}, ord=1)
    array(7.)
    """
    return _norm_of("global_norm(tree)", tree, check_order("global_norm", ord))


def combine_norms(norms: Tree, *, ord: float = 2.0) -> Array:
    """Take the joint norm of parts from the norms of the parts.

    ``(sum norm^p)^(1/p)`` with p = ``ord``: the same formula that makes a norm out of elements, and
    as safe.

    Parameters
    ----------
    norms : tree of arrays and numbers
        Norms of the same order, >= 0; arrays of any shape and on any devices of one library.
    ord : float
        Their order, in [1, inf].

    Returns
    -------
    array, shape ()
        On the device of the first one (no transfer to the host).

    Raises
    ------
    ArgumentError
        If ``ord`` is below 1.
    MixedBackendError
        If the norms belong to different libraries.

    Examples
    --------
    >>> ag.clipping.combine_norms([3.0, 4.0])
    array(5.)
    """
    return _norm_of("combine_norms(norms)", norms, check_order("combine_norms", ord))


def clip_scale(norm: Any, max_norm: float) -> Scale:
    """Find the scale that brings gradients of a known norm to at most ``max_norm``.

    ``min(1, max_norm / norm)``, kept as two numbers, ``g / divisor * factor``: one alone can leave
    the range of the dtype where the clipped gradient does not.

    Parameters
    ----------
    norm : array of shape (), or float
        From `global_norm` or `combine_norms`.
    max_norm : float
        Largest norm allowed, > 0.

    Returns
    -------
    Scale
        ``divisor`` and ``factor``, arrays of shape () on the device of ``norm`` (no transfer to the
        host). nan if the norm is inf or nan, which makes every element nan.

    Raises
    ------
    ArgumentError
        If ``max_norm`` is not positive.
    DTypeError
        If ``norm`` is complex, bool or no number.
    ShapeError
        If ``norm`` has axes.

    Examples
    --------
    >>> divisor, factor = ag.clipping.clip_scale(10.0, 1.0)
    >>> float(factor / divisor)
    0.1
    """
    max_norm = check_limit("clip_scale", max_norm)
    norm = _as_norm(norm)
    xp = namespace_of(norm)
    with silenced(), on_device_of(norm):
        norm = xp.asarray(norm)
        one, finite = xp.ones_like(norm), xp.isfinite(norm)
        safe = xp.where(finite & (norm > 0.0), norm, one)
        divisor = power_of_two_near(xp, safe)
        above, factor = compare_with_limit(xp, safe / divisor, divisor, as_limit(max_norm))
        clips = above & (norm > 0.0) & finite
        factor = xp.where(clips, factor, xp.where(finite, one, math.nan * one))
        return Scale(xp.where(clips, divisor, one), factor)


def _as_norm(norm: Any) -> Array:
    """Make one real number a floating array of shape ()."""
    if getattr(norm, "shape", ()) != ():
        message = f"clip_scale(norm): got {describe(norm)}; expected an array of shape ()."
        raise ShapeError(message)
    if backend_of(norm) is None:
        is_real = isinstance(norm, numbers.Real) and not isinstance(norm, bool)
    else:
        is_real = has_kind(namespace_of(norm), norm.dtype, ("integral", "real floating"))
    if not is_real:
        message = f"clip_scale(norm): got {describe(norm)}; expected a real number or array."
        raise DTypeError(message)
    return asarray(float(norm)) if backend_of(norm) is None else _floating([norm])[0]


def apply_scale(grads: Tree, scale: Scale) -> Tree:
    """Multiply every leaf by a scale.

    ``g / divisor * factor``, computed in float32 at least.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes; of the library of the scale, on any of its devices.
    scale : Scale
        From `clip_scale`.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices; unchanged to the bit if the scale is 1.

    Raises
    ------
    DTypeError
        If a leaf is not floating.
    MixedBackendError
        If the leaves and the scale belong to different libraries.

    Examples
    --------
    >>> scale = ag.clipping.clip_scale(10.0, 1.0)
    >>> ag.clipping.apply_scale({"w": np.asarray([6.0, 8.0])}, scale)
    {'w': array([0.6, 0.8])}
    """
    found, treedef = check_floating("apply_scale(grads)", grads)
    return trees.unflatten(treedef, scale_leaves(found, scale))


def _norm_of(where: str, tree: Tree, ord: float) -> Array:
    check_libraries(where, tree)
    found = _floating(trees.leaves(tree))
    full = [g for g in found if 0 not in g.shape]
    if not full:
        norm = trees.norm(found)
        with on_device_of(norm):
            dtype = norm_dtype(found) if found else None
            return namespace_of(norm).asarray(norm, dtype=dtype)
    if ord == 2.0 and can_look(full):
        looks, value = look(_look_at_norm, *full)
        if looks:
            return value
    if len(full) > 1 and all(g.shape == () and g.dtype == full[0].dtype for g in full):
        full = [together(full, full[0])]  # norms of many leaves: one array, and not many small ones
    # over, invalid: the norm of finite elements may be inf
    with silenced(), on_device_of(full[0]):
        divisor, ratio, _ = scaled_norm(full, ord)
        return namespace_of(ratio, divisor).asarray(ratio * divisor)


def _look_at_norm(*found: Array) -> tuple[bool, Any]:
    """Whether the norm can be had the plain way, and the norm."""
    value = host_norm(found)
    if value is None:
        return False, 0.0
    return True, namespace_of(*found).asarray(value, dtype=norm_dtype(found))


def _floating(found: list[Any]) -> list[Array]:
    """Make numbers and integer arrays floating arrays of the library and device of the others."""
    home = next((g for g in found if backend_of(g) is not None), None)
    if home is None:
        return [asarray(abs(g), dtype=settings().dtype) for g in found]
    xp, device, dtype = namespace_of(home), device_of(home), widest_real_dtype(found)
    made = []
    for g in found:
        if backend_of(g) is None:
            g = xp.asarray(abs(g), dtype=dtype, device=device)
        elif not is_floating(xp, g):
            g = xp.astype(g, dtype)
        made.append(g)
    return made
