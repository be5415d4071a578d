"""The clips that measure each leaf by itself."""

from __future__ import annotations

import math
from collections.abc import Callable

from anygrad import trees
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import Policy, check_floating, check_limit, check_order
from anygrad.clipping.limits import as_limit
from anygrad.clipping.measuring import Measured, measure_leaves
from anygrad.clipping.nonfinite import finite_flags, raise_if_nonfinite

__all__ = ["clip_by_block_rms", "clip_by_norm", "settle_each"]


def clip_by_norm(
    grads: Tree, max_norm: float, *, ord: float = 2.0, nonfinite: Policy = "propagate"
) -> Tree:
    """Shrink each leaf by itself so that its norm is at most ``max_norm``.

    ``g * min(1, max_norm / norm(g))``: each leaf keeps its direction, the whole tree does not; for
    that use `clip_by_global_norm`.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes.
    max_norm : float
        Largest norm allowed, > 0.
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`, for each leaf by itself.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices; a leaf that is short enough is unchanged to the
        bit.

    Raises
    ------
    ArgumentError
        If ``max_norm`` is not positive, ``ord`` is below 1, or ``nonfinite`` is unknown.
    DTypeError
        If a leaf is not floating.
    MixedBackendError
        If the leaves belong to different libraries.
    NonFiniteError
        With "raise", if an element is inf or nan.

    Examples
    --------
    >>> ag.clipping.clip_by_norm([np.asarray([0.0, 8.0]), np.asarray([0.3])], 2.0)
    [array([0., 2.]), array([0.3])]
    """
    max_norm = check_limit("clip_by_norm", max_norm, nonfinite)
    ord = check_order("clip_by_norm", ord)
    return settle_each(
        "clip_by_norm",
        grads,
        nonfinite,
        lambda g: measure_leaves([g], max_norm, nonfinite, ord),
    )


def clip_by_block_rms(grads: Tree, threshold: float, *, nonfinite: Policy = "propagate") -> Tree:
    """Shrink each leaf so that the root mean square of its elements is at most ``threshold``.

    ``g * min(1, threshold / rms(g))`` with ``rms(g) = sqrt(mean |g|^2)``: a limit on the 2-norm
    that grows with the square root of the size of the leaf.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes.
    threshold : float
        Largest root mean square allowed, > 0.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`, for each leaf by itself. Elements counted as 0 stay in the
        mean.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices; a leaf below the threshold is unchanged to the
        bit.

    Raises
    ------
    ArgumentError
        If ``threshold`` is not positive, or ``nonfinite`` is unknown.
    DTypeError
        If a leaf is not floating.
    MixedBackendError
        If the leaves belong to different libraries.
    NonFiniteError
        With "raise", if an element is inf or nan.

    References
    ----------
    Shazeer, Stern (2018), Adafactor, sec. 6, where it is applied to the update.

    Examples
    --------
    >>> ag.clipping.clip_by_block_rms([np.asarray([4.0, -4.0]), np.asarray([0.5])], 2.0)
    [array([ 2., -2.]), array([0.5])]
    """
    threshold = check_limit("clip_by_block_rms", threshold, nonfinite, "threshold")

    def measure_leaf(g: Array) -> Measured:
        limit = as_limit(threshold, math.sqrt(math.prod(g.shape)))
        return measure_leaves([g], limit, nonfinite)

    return settle_each("clip_by_block_rms", grads, nonfinite, measure_leaf)


def settle_each(
    where: str, grads: Tree, nonfinite: Policy, measure_leaf: Callable[[Array], Measured]
) -> Tree:
    """Measure and scale each leaf by itself; an error gives the path in the whole tree."""
    found, treedef = check_floating(f"{where}(grads)", grads)
    if nonfinite == "raise":
        raise_if_nonfinite(where, grads, finite_flags(found))
    return trees.unflatten(treedef, [measure_leaf(g).settle_leaves()[0] for g in found])
