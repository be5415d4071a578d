"""Total variation along one axis, exactly, by splitting at thresholds: no loop over elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends import to_host
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Namespace

Maps = tuple[Array, ...]

ROUNDINGS = 8.0
"""Marginal costs below so many units of rounding, for each level of a scan, are ties."""


def denoise_chain(xp: Namespace, y: Array, weight: Any) -> Array:
    """Minimise 1/2 |x - y|^2 + weight sum |x_i - x_(i+1)| along the last axis.

    Elements lie above a level c where the cheapest labelling of the chain says so (Potts terms
    c - y_i, and ``weight`` for each change of label). Segments start as whole chains; each is cut
    where the labelling for its own mean changes, and the jump at a cut, whose sign is now known,
    becomes a linear term. A segment that is not cut is constant in the solution, with the value of
    its mean. About log n rounds are usual, n the most; each reads one number from the device.

    References
    ----------
    Chambolle, Darbon (2009), On total variation minimization and surface evolution using parametric
    maximum flows, 3.2 and 5 (the splitting); Johnson (2013), A dynamic programming algorithm for
    the fused lasso and L0-segmentation, sec. 2 (clipped messages). That clips compose, so that the
    messages of all elements come from a scan, is what makes it parallel.
    """
    if y.shape[-1] < 2:
        return y
    weight = xp.zeros_like(y[..., 1:]) + weight
    joined = xp.ones(weight.shape, dtype=xp.bool, device=y.device)
    while True:
        starts, ends = _borders(xp, joined)
        level = _means(xp, y, starts, ends)
        label = _labels(xp, level - y, xp.where(joined, weight, xp.zeros_like(weight)), level)
        jump = xp.where(joined, label[..., 1:] - label[..., :-1], xp.zeros_like(weight))
        cut = jump != 0.0
        if not bool(to_host(xp.any(cut))):
            return level
        # |x_(i+1) - x_i| = sign (x_(i+1) - x_i) from now on
        pull = xp.sign(jump) * weight
        none = xp.zeros_like(y[..., :1])
        y = y + xp.concat([pull, none], axis=-1) - xp.concat([none, pull], axis=-1)
        joined = xp.logical_and(joined, xp.logical_not(cut))


def _borders(xp: Namespace, joined: Array) -> tuple[Array, Array]:
    """Whether an element is the first, and the last, of its segment."""
    apart = xp.logical_not(joined)
    edge = xp.ones((*joined.shape[:-1], 1), dtype=xp.bool, device=joined.device)
    return xp.concat([edge, apart], axis=-1), xp.concat([apart, edge], axis=-1)


def _means(xp: Namespace, y: Array, starts: Array, ends: Array) -> Array:
    """The mean of the segment of each element."""

    def sums(x: Array, first: Array) -> Array:
        def join(left: Maps, right: Maps) -> Maps:
            begun = xp.logical_or(left[0], right[0])
            return begun, xp.where(right[0], right[1], left[1] + right[1])

        return scan(xp, join, (first, x))[1]

    def whole(x: Array) -> Array:
        back = xp.flip(sums(xp.flip(x, axis=-1), xp.flip(ends, axis=-1)), axis=-1)
        return sums(x, starts) + back - x

    return whole(y) / whole(xp.ones_like(y))


def _labels(xp: Namespace, cost: Array, weight: Array, level: Array) -> Array:
    """1 where an element lies above its level, -1 below, 0 where both cost the same.

    ``cost`` is what label 1 costs more than 0 by itself.
    """
    none = xp.zeros_like(cost[..., :1])
    forth = _messages(xp, cost, xp.concat([none, weight], axis=-1))
    back = xp.flip(
        _messages(xp, xp.flip(cost, axis=-1), xp.flip(xp.concat([weight, none], axis=-1), axis=-1)),
        axis=-1,
    )
    marginal = forth + back - cost
    reach = xp.max(xp.abs(cost), axis=-1, keepdims=True) + xp.max(weight, axis=-1, keepdims=True)
    reach = reach + xp.max(xp.abs(level), axis=-1, keepdims=True)
    levels = max(1, (cost.shape[-1] - 1).bit_length())
    tie = (ROUNDINGS * levels * float(float_limits(xp, cost.dtype).eps)) * reach
    zeros, ones = xp.zeros_like(cost), xp.ones_like(cost)
    return xp.where(marginal < -tie, ones, xp.where(marginal > tie, -ones, zeros))


def _messages(xp: Namespace, cost: Array, weight: Array) -> Array:
    """d_i = cost_i + min(max(d_(i-1), -weight_i), weight_i) for all i, with d_(-1) = 0."""

    def join(left: Maps, right: Maps) -> Maps:
        # first left, then right, each x -> min(max(x + shift, low), high)
        shift, low, high = right

        def apply(x: Array) -> Array:
            return xp.minimum(xp.maximum(x + shift, low), high)

        return left[0] + shift, apply(left[1]), apply(left[2])

    # the first weight is 0, so every map from the start is constant
    return scan(xp, join, (cost, cost - weight, cost + weight))[1]


def scan(xp: Namespace, join: Callable[[Maps, Maps], Maps], maps: Maps) -> Maps:
    """Combine each element with all before it, along the last axis, in log2 n passes.

    References
    ----------
    Hillis, Steele (1986), Data parallel algorithms, fig. "All partial sums".
    """
    length, distance = maps[0].shape[-1], 1
    while distance < length:
        joined = join(
            tuple(part[..., :-distance] for part in maps),
            tuple(part[..., distance:] for part in maps),
        )
        maps = tuple(
            xp.concat([part[..., :distance], new], axis=-1)
            for part, new in zip(maps, joined, strict=True)
        )
        distance *= 2
    return maps
