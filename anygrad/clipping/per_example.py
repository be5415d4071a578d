"""Each example's gradient clipped by itself, before they are added: privacy, and outliers."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import Policy, check_floating, check_limit, check_order
from anygrad.clipping.host_norms import host_limits, host_norms_of_rows
from anygrad.clipping.measuring import Measured, measure_leaves
from anygrad.clipping.nonfinite import finite_flags, raise_if_nonfinite
from anygrad.clipping.norms import norm_dtype
from anygrad.clipping.scaling import Scale
from anygrad.errors import ShapeError, describe
from anygrad.trees.looking import can_look, look
from anygrad.trees.placing import on_device_of

__all__ = ["clip_per_example"]


def clip_per_example(
    grads: Tree, max_norm: float, *, ord: float = 2.0, nonfinite: Policy = "propagate"
) -> tuple[Tree, Array]:
    """Shrink the gradient of each example so that its norm over all leaves is at most ``max_norm``.

    Along the first axis of every leaf are the examples, as ``vmap`` of a gradient returns them;
    each is multiplied by ``min(1, max_norm / norm)`` with its own joint norm. Sums over that axis,
    with noise added, are the step of differentially private descent.

    Parameters
    ----------
    grads : tree of arrays, shapes (n, ...)
        Real or complex floating; one library.
    max_norm : float
        Largest norm allowed, > 0.
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`, for each example by itself: "skip" makes an example with inf or
        nan count 0 in the sum.

    Returns
    -------
    clipped : tree of arrays, shapes (n, ...)
        Same structure, shapes, dtypes and devices; examples that are short enough are unchanged to
        the bit.
    norms : array, shape (n,)
        Norm of each example before clipping, on the device of the first leaf.

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
    ShapeError
        If the leaves differ in the length of their first axis, have none, or if there are no
        leaves.

    References
    ----------
    Abadi et al. (2016), Deep learning with differential privacy, algorithm 1.

    Examples
    --------
    >>> clipped, norms = ag.clipping.clip_per_example(np.asarray([[3.0, 4.0], [0.3, 0.4]]), 1.0)
    >>> clipped
    array([[0.6, 0.8],
           [0.3, 0.4]])
    >>> norms
    array([5. , 0.5])
    """
    max_norm = check_limit("clip_per_example", max_norm, nonfinite)
    ord = check_order("clip_per_example", ord)
    found, treedef = check_floating("clip_per_example(grads)", grads)
    count = _count_examples(grads)
    if all(0 in g.shape for g in found):
        home = found[0]
        with on_device_of(home):
            norms = namespace_of(home).zeros(
                (count,), dtype=norm_dtype(found), device=device_of(home)
            )
        return trees.unflatten(treedef, found), norms
    if nonfinite == "raise":
        raise_if_nonfinite("clip_per_example", grads, finite_flags(found))
    rows = [_reshape(g, (count, math.prod(g.shape[1:]))) for g in found]
    measured = _measure_on_host(rows, max_norm) if ord == 2.0 and can_look(rows) else None
    measured = measured or measure_leaves(rows, max_norm, nonfinite, ord, axis=1)
    clipped = zip(measured.settle_leaves(), found, strict=True)
    norms = _reshape(measured.norm, (count,))
    return trees.unflatten(treedef, [_reshape(row, g.shape) for row, g in clipped]), norms


def _count_examples(grads: Tree) -> int:
    found = trees.leaves(grads)
    if not found:
        message = f"clip_per_example(grads): got {describe(grads)}; expected at least one array."
        raise ShapeError(message)
    for number, g in enumerate(found):
        if g.shape[:1] != found[0].shape[:1] or not g.shape:
            path = trees.show_path("grads", trees.paths(grads)[number])
            first = f"{found[0].shape[0]} examples" if found[0].shape else "examples"
            message = (
                f"clip_per_example(grads): got shape {tuple(g.shape)} at {path}; expected "
                f"{first} along the first axis of every leaf."
            )
            raise ShapeError(message)
    return found[0].shape[0]


def _measure_on_host(rows: list[Array], max_norm: float) -> Measured | None:
    """Measure rows whose values lie on the host; None if they cannot be had the plain way."""
    looks, norms, factor, clipped = look(partial(_look_at_norms, max_norm), *rows)
    return Measured(rows, norms, Scale(None, factor), None, clipped, None) if looks else None


def _look_at_norms(max_norm: float, *rows: Array) -> tuple[Any, ...]:
    """Whether they can be had the plain way; norms, factors, and which are shortened."""
    norms = host_norms_of_rows(rows)
    if norms is None:
        return NOTHING
    dtype, smallest = host_limits(rows)
    factor = np.minimum(1.0, max_norm / norms)
    if np.min(factor) < smallest:
        return NOTHING
    return True, norms.astype(dtype), factor.astype(dtype), factor < 1.0


NOTHING = (False, 0.0, 1.0, False)


def _reshape(g: Array, shape: tuple[int, ...]) -> Array:
    with on_device_of(g):
        return namespace_of(g).reshape(g, shape)
