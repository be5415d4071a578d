"""The clips themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.measuring import POLICIES, Measured, Policy, as_array, measure, scale_leaf
from anygrad.errors import ArgumentError, DTypeError, describe, suggest
from anygrad.ranges import Range, check_number
from anygrad.trees.placing import check_libraries, move, on_device_of

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]

LIMIT = Range(low=0, open_low=True)


def global_norm(tree: Tree) -> Array:
    """Take the 2-norm over all elements of all leaves.

    ``sqrt(sum |x|^2)``, computed relative to the largest element: no square overflows or vanishes.

    Parameters
    ----------
    tree : tree of arrays
        Real or complex; one library. The leaves may lie on several of its devices.

    Returns
    -------
    array, shape ()
        Real, in the widest dtype among the leaves, on the device of the first one (no transfer to
        the host). inf or nan if an element is; inf also where the norm itself is beyond the dtype.

    Raises
    ------
    MixedBackendError
        If the leaves belong to different libraries.

    Examples
    --------
    >>> ag.clipping.global_norm({"w": np.asarray([3e200]), "b": np.asarray([-4e200])})
    array(5.e+200)
    """
    with np.errstate(over="ignore"):
        norm = trees.norm(tree)
    with on_device_of(norm):
        return namespace_of(norm).asarray(norm)


def clip_by_value(grads: Tree, limit: float) -> Tree:
    """Limit each element to the interval from ``-limit`` to ``limit``.

    ``min(max(g, -limit), limit)``. The direction of the gradient changes; nan stays nan, and an
    infinity becomes the limit.

    Parameters
    ----------
    grads : tree of arrays
        Real floating, any shapes.
    limit : float
        Largest absolute value allowed, > 0.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices.

    Raises
    ------
    ArgumentError
        If ``limit`` is not positive.
    DTypeError
        If a leaf is not real floating; complex numbers have no order.
    MixedBackendError
        If the leaves belong to different libraries.

    Examples
    --------
    >>> ag.clipping.clip_by_value(np.asarray([-3.0, 0.5, 2.0]), 1.0)
    array([-1. ,  0.5,  1. ])
    """
    limit = check_number("clip_by_value(limit)", limit, LIMIT)
    advice = "Complex numbers have no order: use clip_by_norm."
    check_floating("clip_by_value(grads)", grads, "real floating", advice)

    def clip(g: Array) -> Array:
        xp = namespace_of(g)
        with on_device_of(g):
            return as_array(xp, xp.minimum(xp.maximum(g, -limit), limit), g)

    return trees.map(clip, grads)


def clip_by_norm(grads: Tree, max_norm: float) -> Tree:
    """Shrink each leaf by itself so that its 2-norm is at most ``max_norm``.

    ``g * min(1, max_norm / norm(g))``: each leaf keeps its direction, the whole tree does not; for
    that use `clip_by_global_norm`. A leaf with inf or nan becomes nan throughout.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes.
    max_norm : float
        Largest norm allowed, > 0.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices; a leaf that is short enough is unchanged to the
        bit.

    Raises
    ------
    ArgumentError
        If ``max_norm`` is not positive.
    DTypeError
        If a leaf is not floating.
    MixedBackendError
        If the leaves belong to different libraries.

    Examples
    --------
    >>> ag.clipping.clip_by_norm([np.asarray([0.0, 8.0]), np.asarray([0.3])], 2.0)
    [array([0., 2.]), array([0.3])]
    """
    max_norm = check_number("clip_by_norm(max_norm)", max_norm, LIMIT)
    check_floating("clip_by_norm(grads)", grads)
    return trees.map(lambda g: _clip_leaf(g, measure(g, max_norm)), grads)


def clip_by_global_norm(
    grads: Tree, max_norm: float, *, nonfinite: Policy = "propagate"
) -> tuple[Tree, Array]:
    """Shrink a tree of gradients so that its joint 2-norm is at most ``max_norm``.

    All leaves are multiplied by ``min(1, max_norm / norm)``, so the direction is kept.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes; one library.
    max_norm : float
        Largest norm allowed, > 0.
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
        Norm before clipping, on the device of the first leaf (no transfer to the host). inf or nan
        if an element is, but with "zero" the norm of what is left; inf also where the norm is
        beyond the dtype, and the clipped values are right even then.

    Raises
    ------
    ArgumentError
        If ``max_norm`` is not positive, or ``nonfinite`` is unknown.
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
    check_floating("clip_by_global_norm(grads)", grads)
    measured = measure(grads, max_norm, nonfinite)
    return trees.map(lambda g: _clip_leaf(g, measured), measured.grads), measured.norm


def _clip_leaf(g: Array, measured: Measured) -> Array:
    xp = namespace_of(g)
    with on_device_of(g):
        if measured.scale is None:
            # a copy, so that the caller's array is never the result, clipped or not
            return xp.asarray(g, copy=True)
        clipped = scale_leaf(g, measured.scale)
        if measured.accept is None:
            return clipped
        return xp.where(move(measured.accept, g), clipped, xp.zeros_like(g))


def check_limit(where: str, max_norm: Any, nonfinite: Any) -> float:
    """Check the arguments of a clip by a joint norm, and return ``max_norm`` as a float."""
    if nonfinite not in POLICIES:
        message = (
            f"{where}(nonfinite): got {describe(nonfinite)}; expected one of "
            f"{', '.join(POLICIES)}. {suggest(nonfinite, POLICIES)}"
        )
        raise ArgumentError(message.rstrip())
    return check_number(f"{where}(max_norm)", max_norm, LIMIT)


def check_floating(
    where: str,
    grads: Tree,
    kind: str | tuple[str, ...] = ("real floating", "complex floating"),
    advice: str = "Convert it with xp.astype(x, xp.float64).",
) -> None:
    """Refuse leaves that are no arrays of the kind, and arrays of two libraries."""
    for number, g in enumerate(trees.leaves(grads)):
        if backend_of(g) is not None and namespace_of(g).isdtype(g.dtype, kind):
            continue
        path = trees.show_path("grads", trees.paths(grads)[number])
        wanted = "a real floating array" if kind == "real floating" else "a floating array"
        if backend_of(g) is None:
            advice = "Use ag.asarray."
        message = f"{where}: got {describe(g)} at {path}; expected {wanted}. {advice}"
        raise DTypeError(message)
    check_libraries(where, grads)
