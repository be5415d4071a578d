"""Gradients brought to length 1: their direction alone."""

from __future__ import annotations

from anygrad import trees
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import Policy, check_floating, check_order, check_policy
from anygrad.clipping.leafwise import settle_each
from anygrad.clipping.measuring import measure_for_unit_norm
from anygrad.clipping.nonfinite import raise_if_nonfinite
from anygrad.ranges import NOT_NEGATIVE, check_number

__all__ = ["normalize", "normalize_leaves"]


def normalize(
    grads: Tree, *, ord: float = 2.0, eps: float = 0.0, nonfinite: Policy = "propagate"
) -> tuple[Tree, Array]:
    """Divide a tree of gradients by its joint norm.

    ``g / (norm + eps)``, one norm over all leaves; a tree of zeros stays as it is.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes; one library.
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    eps : float
        Added to the norm, >= 0, so that gradients much shorter than this stay short.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`.

    Returns
    -------
    normalized : tree of arrays
        Same structure, shapes, dtypes and devices.
    norm : array, shape ()
        Norm before, on the device of the first leaf, as `clip_by_global_norm` returns it.

    Raises
    ------
    ArgumentError
        If ``ord`` is below 1, ``eps`` is negative, or ``nonfinite`` is unknown.
    DTypeError
        If a leaf is not floating.
    MixedBackendError
        If the leaves belong to different libraries.
    NonFiniteError
        With "raise", if an element is inf or nan.

    Examples
    --------
    >>> direction, norm = ag.clipping.normalize([np.asarray([3.0]), np.asarray([4.0])])
    >>> direction, float(norm)
    ([array([0.6]), array([0.8])], 5.0)
    """
    ord, eps = _check("normalize", ord, eps, nonfinite)
    found, treedef = check_floating("normalize(grads)", grads)
    measured = measure_for_unit_norm(found, eps, nonfinite, ord)
    if nonfinite == "raise":
        raise_if_nonfinite("normalize", grads, measured.flags)
    return trees.unflatten(treedef, measured.settle_leaves()), measured.norm


def normalize_leaves(
    grads: Tree, *, ord: float = 2.0, eps: float = 0.0, nonfinite: Policy = "propagate"
) -> Tree:
    """Divide each leaf by its own norm.

    ``g / (norm(g) + eps)``; a leaf of zeros stays as it is.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes.
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    eps : float
        Added to the norm, >= 0.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`, for each leaf by itself.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices.

    Raises
    ------
    ArgumentError
        If ``ord`` is below 1, ``eps`` is negative, or ``nonfinite`` is unknown.
    DTypeError
        If a leaf is not floating.
    MixedBackendError
        If the leaves belong to different libraries.
    NonFiniteError
        With "raise", if an element is inf or nan.

    Examples
    --------
    >>> ag.clipping.normalize_leaves([np.asarray([3.0, 4.0]), np.asarray([0.0])])
    [array([0.6, 0.8]), array([0.])]
    """
    ord, eps = _check("normalize_leaves", ord, eps, nonfinite)
    return settle_each(
        "normalize_leaves",
        grads,
        nonfinite,
        lambda g: measure_for_unit_norm([g], eps, nonfinite, ord),
    )


def _check(where: str, ord: float, eps: float, nonfinite: Policy) -> tuple[float, float]:
    check_policy(where, nonfinite)
    return check_order(where, ord), check_number(f"{where}(eps)", eps, NOT_NEGATIVE)
