"""Measure a tree of gradients: its norm, and the scale that brings it to a given one.

Where values lie on the host anyway (NumPy), the norm is looked at, and one number is enough as a
scale in all but extreme cases. Everywhere else both stay on the device, and are never looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import POLICIES, Policy, check_floating, check_limit, check_order
from anygrad.clipping.host_norms import host_limits, host_norm
from anygrad.clipping.limits import Limit, as_limit, compare_with_limit
from anygrad.clipping.nonfinite import finite_flags, raise_if_nonfinite, zero_nonfinite
from anygrad.clipping.norms import Axis, at_least_single, norm_dtype, scaled_norm
from anygrad.clipping.scaling import Scale, scale_leaf, scale_leaves
from anygrad.clipping.silence import silenced
from anygrad.tracing.level import recorded
from anygrad.trees.kinds import library_of
from anygrad.trees.looking import can_look, look
from anygrad.trees.placing import on_device_of

__all__ = ["POLICIES", "Measured", "Policy", "Scale", "measure", "scale_leaf"]


class Measured(NamedTuple):
    """A tree that is about to be scaled: what to multiply it by, and whether it counts.

    Attributes
    ----------
    grads : tree of arrays
        What was measured; without its inf and nan under "zero".
    norm : array
        Before scaling, on the device of the first leaf; shape () unless an axis was given.
    scale : Scale or None
        None where the host knows that nothing is to be scaled.
    accept : array of bool or None
        Whether the gradients count at all; None where every tree does.
    clipped : array of bool
        Whether the scale is another than 1 because of the norm; in the shape of ``norm``.
    flags : array of bool or None
        For each leaf that is not empty, whether all its elements were finite; None where the host
        knows that they were.
    """

    grads: Tree
    norm: Array
    scale: Scale | None
    accept: Array | None
    clipped: Array
    flags: Array | None

    @property
    def factor(self) -> Array:
        """The scale as one array in the shape of ``norm``, which may underflow."""
        xp = namespace_of(self.norm)
        with on_device_of(self.norm):
            if self.scale is None:
                return xp.ones_like(self.norm)
            divisor, factor = self.scale
            value = factor if divisor is None else factor / divisor
            return xp.asarray(value, dtype=self.norm.dtype)

    @property
    def finite(self) -> Tree:
        """Whether each leaf was finite: 0-d arrays of bool in the structure of ``grads``."""
        found, treedef = trees.flatten(self.grads)
        xp = namespace_of(self.norm)
        with on_device_of(self.norm):
            true = xp.asarray(xp.isfinite(xp.zeros_like(self.norm)))
            if self.flags is None:
                return trees.unflatten(treedef, [true] * len(found))
            numbers = iter(range(len(found)))
            flags = [true if 0 in g.shape else self.flags[next(numbers), ...] for g in found]
            return trees.unflatten(treedef, flags)

    def settle(self) -> Tree:
        """Apply the scale; zeros where the gradients do not count."""
        found, treedef = trees.flatten(self.grads)
        return trees.unflatten(treedef, self._replace(grads=found).settle_leaves())

    def settle_leaves(self) -> list[Array]:
        """Apply the scale where ``grads`` is the plain list of leaves."""
        return scale_leaves(self.grads, self.scale, self.accept)


def measure(
    grads: Tree, max_norm: float, nonfinite: Policy = "propagate", *, ord: float = 2.0
) -> Measured:
    """Find the norm of a tree and the scale that clips it, without touching the tree.

    Parameters
    ----------
    grads : tree of arrays
        Real or complex floating, any shapes; one library.
    max_norm : float
        Largest norm allowed, > 0.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`.
    ord : float
        Order of the norm, in [1, inf].

    Returns
    -------
    Measured
        ``norm``, ``clipped``, ``factor`` and, for each leaf, ``finite``, all on the device;
        ``settle()`` gives the clipped gradients.

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
    >>> measured = ag.clipping.measure({"w": np.asarray([3.0, 4.0])}, 1.0)
    >>> float(measured.norm), float(measured.factor), bool(measured.clipped)
    (5.0, 0.2, True)
    """
    max_norm = check_limit("measure", max_norm, nonfinite)
    ord = check_order("measure", ord)
    found, treedef = check_floating("measure(grads)", grads)
    measured = measure_leaves(found, max_norm, nonfinite, ord)
    if nonfinite == "raise":
        raise_if_nonfinite("measure", grads, measured.flags)
    return measured._replace(grads=trees.unflatten(treedef, measured.grads))


def measure_leaves(
    found: list[Array],
    limit: float | Limit,
    nonfinite: Policy,
    ord: float = 2.0,
    axis: Axis = None,
) -> Measured:
    """Measure leaves against one limit, or one for each place along the axes that are left."""
    pair = limit if isinstance(limit, Limit) else as_limit(limit)
    looked_at = ord == 2.0 and axis is None and isinstance(pair.power, float)

    def factor_on_host(norm: float) -> float:
        value: Any = pair.value
        return value / norm if norm > value else 1.0

    def decide(ratio: Array, divisor: Array) -> tuple[Array, Array]:
        xp = namespace_of(ratio, divisor, pair.power, pair.times)
        return compare_with_limit(xp, ratio, divisor, pair)

    return _measure(found, factor_on_host if looked_at else None, decide, nonfinite, ord, axis)


def measure_for_unit_norm(
    found: list[Array], eps: float, nonfinite: Policy, ord: float
) -> Measured:
    """Find the joint norm of leaves and the scale ``1 / (norm + eps)``; 1 for zeros."""

    def factor_on_host(norm: float) -> float:
        return 1.0 / (norm + eps) if norm > 0.0 else 1.0

    def decide(ratio: Array, divisor: Array) -> tuple[Array, Array]:
        xp = namespace_of(ratio)
        above = ratio > 0.0
        return above, 1.0 / (xp.where(above, ratio, 1.0) + eps / divisor)

    return _measure(found, factor_on_host if ord == 2.0 else None, decide, nonfinite, ord)


def _measure(
    found: list[Array],
    factor_on_host: Callable[[float], float] | None,
    decide: Callable[[Array, Array], tuple[Array, Array]],
    nonfinite: Policy,
    ord: float,
    axis: Axis = None,
) -> Measured:
    """Measure, and take the scale from what ``decide(ratio, divisor)`` says.

    It tells where there is anything to scale, and by how much after a division by ``divisor``.
    """
    if factor_on_host is not None and found and can_look(found):
        measured = _measure_on_host(found, factor_on_host)
        if measured is not None:
            return measured
    full = [g for g in found if 0 not in g.shape]
    if not full:
        return _nothing_to_scale(found)
    flags = None
    if nonfinite == "zero":
        flags = finite_flags(full)
        found = [zero_nonfinite(g) for g in found]
    # over, invalid: the norm of finite elements may be inf, which is what is returned then
    with silenced(), on_device_of(full[0]):
        divisor, ratio, finite = scaled_norm(found, ord, axis)
        xp = namespace_of(ratio, divisor)
        norm = xp.asarray(ratio * divisor)
        accept = finite[0, ...] if finite.shape[0] == 1 else xp.all(finite, axis=0)
        wanted, factor = decide(ratio, divisor)
        xp = namespace_of(ratio, divisor, factor)
        changes = xp.asarray(wanted & accept)
        factor = xp.where(changes, factor, 1.0)
        if nonfinite in ("propagate", "raise"):
            factor = xp.where(accept, factor, math.nan)
        scale = Scale(xp.where(changes, divisor, 1.0), factor)
        flags = finite if flags is None else flags
        accept = accept if nonfinite == "skip" else None
        return Measured(found, norm, scale, accept, changes, flags)


def _measure_on_host(
    found: list[Array], factor_on_host: Callable[[float], float]
) -> Measured | None:
    """Look at the norm; None if it cannot be had the plain way, or if one number will not do."""
    looks, norm, clipped, factor, changes = look(partial(_look_at_norm, factor_on_host), *found)
    if not looks:
        return None
    # a program scales always, for it would be another one where nothing is scaled; a product with
    # 1 is what it was, but for half precision, which is widened
    always = recorded(factor) is not None and not any(map(_is_half, found))
    scale = Scale(None, factor) if always or changes else None
    return Measured(found, norm, scale, None, clipped, None)


def _look_at_norm(factor_on_host: Callable[[float], float], *found: Array) -> tuple[Any, ...]:
    """Whether it can be had; norm, whether it is scaled (an array), scale, whether (a bool)."""
    value = host_norm(found)
    if value is None:
        return NOTHING
    factor = factor_on_host(value)
    dtype, smallest = host_limits(found)
    if factor < smallest:
        return NOTHING
    xp, changes = namespace_of(*found), factor != 1.0
    return True, xp.asarray(value, dtype=dtype), xp.asarray(changes), factor, changes


NOTHING = (False, 0.0, False, 1.0, False)


def _is_half(g: Array) -> bool:
    return at_least_single(library_of([g]), g.dtype) != g.dtype


def _nothing_to_scale(found: list[Array]) -> Measured:
    """Measure leaves without elements: their norm is 0."""
    norm = trees.norm(found)
    with on_device_of(norm):
        norm = namespace_of(norm).asarray(norm, dtype=norm_dtype(found) if found else None)
        clipped = namespace_of(norm).asarray(norm > 0.0)
        return Measured(found, norm, None, None, clipped, None)
