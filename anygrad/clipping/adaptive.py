"""Adaptive clipping: a limit for each unit of a layer, relative to the size of its weights."""

from __future__ import annotations

import operator
from typing import Any

from anygrad import trees
from anygrad.backends import backend_of, namespace_of
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import LIMIT, Policy, check_floating, check_limit
from anygrad.clipping.limits import Limit, largest_power, power_of_two_below
from anygrad.clipping.measuring import measure_leaves
from anygrad.clipping.nonfinite import finite_flags, raise_if_nonfinite
from anygrad.clipping.norms import Axis, scaled_norm
from anygrad.clipping.silence import silenced
from anygrad.errors import ArgumentError, describe
from anygrad.ranges import check_number
from anygrad.trees.comparing import check_same_structure
from anygrad.trees.placing import check_same_places, move, on_device_of

__all__ = ["check_unit_axis", "clip_adaptively"]

# Axes that number the units, by the number of axes: dense (in, out), several heads
# (in, heads, out), convolutions (height, width, in, out) and (depth, height, width, in, out).
UNIT_AXES = {2: (1,), 3: (1, 2), 4: (3,), 5: (4,)}


def clip_adaptively(
    grads: Tree,
    params: Tree,
    ratio: float,
    *,
    eps: float = 1e-3,
    unit_axis: int | tuple[int, ...] | None = None,
    nonfinite: Policy = "propagate",
) -> Tree:
    """Shrink the gradient of each unit in proportion to the norm of its weights.

    ``g * min(1, ratio * max(norm(p), eps) / norm(g))`` with 2-norms over all weights that lead to
    one output of a layer.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating.
    params : tree of arrays
        Structure and shapes of ``grads``; what the gradients belong to.
    ratio : float
        Largest ratio of the norms of gradient and weights, > 0; 0.01 in the paper for batches of
        4096, larger for smaller ones.
    eps : float
        Smallest norm that weights count with, > 0, so that those at zero can leave it.
    unit_axis : int, tuple of int or None
        The axes that number the units; the norms are taken over the others. 0 for weights stored as
        (out, in, ...), -1 for (..., in, out), () for one unit a leaf. None goes by the number of
        axes: the last of 2, 4 or 5, the last two of 3 (in, heads, out). A leaf with at most one
        axis longer than 1, a bias, is one unit always.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`, for each unit by itself.

    Returns
    -------
    tree of arrays
        Same structure, shapes, dtypes and devices as ``grads``; units that are short enough are
        unchanged to the bit.

    Raises
    ------
    ArgumentError
        If ``ratio`` or ``eps`` is not positive, ``nonfinite`` is unknown, ``unit_axis`` is none of
        these, a leaf lacks the axis, or the structures differ.
    DTypeError
        If a leaf is not floating.
    MixedBackendError
        If the leaves belong to different libraries.
    NonFiniteError
        With "raise", if a gradient is inf or nan.
    ShapeError
        If a parameter has another shape than its gradient.

    References
    ----------
    Brock, De, Smith, Simonyan (2021), High-performance large-scale image recognition without
    normalization, eq. 3; biases and the axes as in ``optax.adaptive_grad_clip``.

    Examples
    --------
    >>> grads = {"w": np.asarray([[3.0, 0.0], [4.0, 0.1]])}
    >>> params = {"w": np.asarray([[1.0, 1.0], [0.0, 1.0]])}
    >>> ag.clipping.clip_adaptively(grads, params, 0.1)
    {'w': array([[0.06, 0.  ],
           [0.08, 0.1 ]])}
    """
    ratio = check_limit("clip_adaptively", ratio, nonfinite, "ratio")
    eps = check_number("clip_adaptively(eps)", eps, LIMIT)
    unit_axis = check_unit_axis(unit_axis)
    found, treedef = check_floating("clip_adaptively(grads)", grads)
    check_floating("clip_adaptively(params)", params)
    check_same_structure("clip_adaptively(params)", grads, params)
    check_same_places("clip_adaptively(params)", found, trees.leaves(params))
    axes = [_axes_of_a_unit(g.shape, unit_axis) for g in found]
    if nonfinite == "raise":
        raise_if_nonfinite("clip_adaptively", grads, finite_flags(found))
    clipped = [
        _clip(g, p, ratio, eps, axis, nonfinite)
        for g, p, axis in zip(found, trees.leaves(params), axes, strict=True)
    ]
    return trees.unflatten(treedef, clipped)


def check_unit_axis(unit_axis: Any) -> int | tuple[int, ...] | None:
    """Return the axes as Python ints; refuse all but None, an int, and a tuple of ints."""
    if unit_axis is None:
        return None
    try:
        axes = unit_axis if isinstance(unit_axis, tuple) else (unit_axis,)
        if not any(isinstance(axis, bool) or backend_of(axis) is not None for axis in axes):
            axes = tuple(operator.index(axis) for axis in axes)
            return axes if isinstance(unit_axis, tuple) else axes[0]
    except TypeError:
        pass
    message = (
        f"clip_adaptively(unit_axis): got {describe(unit_axis)}; expected an int, a tuple of int "
        "or None. Several axes are a tuple, (0, 1)."
    )
    raise ArgumentError(message)


def _clip(g: Array, p: Array, ratio: float, eps: float, axis: Axis, nonfinite: Policy) -> Array:
    if 0 in g.shape:
        return measure_leaves([g], 1.0, nonfinite).settle_leaves()[0]
    with silenced(), on_device_of(g):
        divisor, relative, _ = scaled_norm([p], axis=axis)
        xp = namespace_of(divisor, relative)
        # relative to the larger one of two powers of two: norm and limit may be beyond the dtype
        limits = float_limits(xp, divisor.dtype)
        smallest, largest = float(limits.smallest_normal), float(limits.max)
        least = min(max(power_of_two_below(eps), smallest), largest_power(largest))
        power = xp.asarray(xp.maximum(divisor, least))  # no Python number, as NumPy's scalars are
        size = xp.maximum(
            xp.multiply(relative, xp.divide(divisor, power)), eps / least * (least / power)
        )
        times = xp.multiply(size, min(max(ratio, smallest), largest))
        limit = Limit(move(power, g), move(times, g))
    return measure_leaves([g], limit, nonfinite, axis=axis).settle_leaves()[0]


def _axes_of_a_unit(
    shape: tuple[int, ...], unit_axis: int | tuple[int, ...] | None
) -> tuple[int, ...] | None:
    """Find the axes to take norms over, those that do not number the units; None for all."""
    count = len(shape)
    if sum(length != 1 for length in shape) <= 1 or unit_axis == ():
        return None
    units = UNIT_AXES.get(count, ()) if unit_axis is None else unit_axis
    units = units if isinstance(units, tuple) else (units,)
    over = set(range(count)) - {axis % count for axis in units}
    inside = all(-count <= axis < count for axis in units)
    if units and over and inside:
        return tuple(sorted(over))
    message = (
        f"clip_adaptively(unit_axis): got {unit_axis!r} for a leaf of shape {tuple(shape)}; "
        "expected axes it has, and not all of them. Name those that number the units: 0 for "
        "(out, in, ...), -1 for (..., in, out), () for one unit a leaf."
    )
    raise ArgumentError(message)
