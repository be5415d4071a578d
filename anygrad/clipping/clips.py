"""The clips by value and by the norm over all leaves."""

from __future__ import annotations

import math

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import (
    LIMIT,
    Policy,
    check_floating,
    check_limit,
    check_order,
)
from anygrad.clipping.joint import global_norm
from anygrad.clipping.measuring import measure_leaves
from anygrad.clipping.nonfinite import raise_if_nonfinite
from anygrad.clipping.norms import cast
from anygrad.clipping.scaling import as_array
from anygrad.errors import ArgumentError
from anygrad.ranges import Range, check_number
from anygrad.trees.placing import on_device_of

__all__ = [
    "LIMIT",
    "check_limit",
    "clip_by_global_norm",
    "clip_by_value",
    "global_norm",
]


def clip_by_value(grads: Tree, limit: float, *, low: float | None = None) -> Tree:
    """Limit each element to the interval from ``-limit`` to ``limit``.

    ``min(max(g, -limit), limit)``. The direction of the gradient changes; nan stays nan, and an
    infinity becomes the limit. A finite limit beyond the dtype counts as its largest number.

    Parameters
    ----------
    grads : tree of arrays
        Real floating, any shapes.
    limit : float
        Largest value allowed; > 0 unless ``low`` is given.
    low : float or None
        Smallest value allowed, at most ``limit``; None: ``-limit``.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices.

    Raises
    ------
    ArgumentError
        If ``limit`` is not positive, or below ``low``.
    DTypeError
        If a leaf is not real floating; complex numbers have no order.
    MixedBackendError
        If the leaves belong to different libraries.

    Examples
    --------
    >>> ag.clipping.clip_by_value(np.asarray([-3.0, 0.5, 2.0]), 1.0)
    array([-1. ,  0.5,  1. ])
    >>> ag.clipping.clip_by_value(np.asarray([-3.0, 0.5, 2.0]), 1.0, low=0.0)
    array([0. , 0.5, 1. ])
    """
    low, high = _check_interval(limit, low)
    advice = "Complex numbers have no order: use clip_by_norm."
    check_floating("clip_by_value(grads)", grads, "real floating", advice)

    def clip(g: Array) -> Array:
        xp = namespace_of(g)
        with on_device_of(g):
            # a number that the dtype cannot hold would count as an infinity
            largest = float(float_limits(xp, g.dtype).max)
            least, most = _into(low, largest), _into(high, largest)
            clipped = as_array(xp, xp.minimum(xp.maximum(g, least), most), g)
            return cast(xp, clipped, g.dtype)  # NumPy makes float32 of bfloat16 and a number

    return trees.map(clip, grads)


def _into(limit: float, largest: float) -> float:
    """Bring a finite limit into the range of a dtype."""
    return limit if math.isinf(limit) else min(max(limit, -largest), largest)


def _check_interval(limit: float, low: float | None) -> tuple[float, float]:
    if low is None:
        high = check_number("clip_by_value(limit)", limit, LIMIT)
        return -high, high
    high = check_number("clip_by_value(limit)", limit, Range())
    low = check_number("clip_by_value(low)", low, Range())
    if low > high:
        message = f"clip_by_value(low): got {low!r}; expected at most limit, {high!r}."
        raise ArgumentError(message)
    return low, high


def clip_by_global_norm(
    grads: Tree, max_norm: float, *, ord: float = 2.0, nonfinite: Policy = "propagate"
) -> tuple[Tree, Array]:
    """Shrink a tree of gradients so that its joint norm is at most ``max_norm``.

    All leaves are multiplied by ``min(1, max_norm / norm)``, so the direction is kept.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes; one library.
    max_norm : float
        Largest norm allowed, > 0.
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        What happens when an element is inf or nan. "propagate": every element becomes nan, for a
        gradient without a norm has no clipped value. "zero": such elements count as 0, the others
        are clipped. "skip": the whole tree becomes 0. "raise": an error names the first bad leaf;
        this one waits for the device.

    Returns
    -------
    clipped : tree of arrays
        Same structure, shapes, dtypes and devices; unchanged to the bit if short enough.
    norm : array, shape ()
        Norm before clipping, on the device of the first leaf (no transfer to the host), in the
        widest real dtype among the leaves and at least float32. inf or nan if an element is, but
        with "zero" the norm of what is left; inf also where the norm is beyond the dtype, and the
        clipped values are right even then.

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

    References
    ----------
    Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural networks,
    algorithm 1. Nothing is added to the norm, unlike in PyTorch (1e-6).

    Examples
    --------
    >>> clipped, norm = ag.clipping.clip_by_global_norm({"w": np.asarray([3.0, 4.0])}, 2.5)
    >>> clipped["w"], float(norm)
    (array([1.5, 2. ]), 5.0)
    """
    max_norm = check_limit("clip_by_global_norm", max_norm, nonfinite)
    ord = check_order("clip_by_global_norm", ord)
    found, treedef = check_floating("clip_by_global_norm(grads)", grads)
    measured = measure_leaves(found, max_norm, nonfinite, ord)
    if nonfinite == "raise":
        raise_if_nonfinite("clip_by_global_norm", grads, measured.flags)
    return trees.unflatten(treedef, measured.settle_leaves()), measured.norm
