"""A clip whose limit is a quantile of the norms so far; nothing is read on the host."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import Policy, check_limit
from anygrad.clipping.silence import silenced
from anygrad.optimizers.clips.joint import MEASURED, start_measured, unit_scale
from anygrad.optimizers.clips.limits import clip_to, counts_for, hand_on
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.transform import Transform, from_rule
from anygrad.optimizers.wrappers.wrapping import check_state, choose, scalar
from anygrad.ranges import Range, check_count, check_number
from anygrad.trees.placing import move, on_device_of

__all__ = ["clip_by_quantile"]


def clip_by_quantile(
    quantile: float = 0.1, *, window: int = 1000, nonfinite: Policy = "propagate"
) -> Transform:
    """Shrink the gradients to a quantile of the joint norms of the last steps.

    The norm of this step is one of them, as in the paper. With quantile 0.1 nine steps out of ten
    are shortened, to a length that the training finds itself.

    Parameters
    ----------
    quantile : float
        In [0, 1]; between two norms it is interpolated, as by ``numpy.quantile``.
    window : int
        How many norms are kept, >= 1; the paper keeps all.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`. A norm that is inf or nan does not enter the history, nor does
        that of a step which is left out.

    Returns
    -------
    Transform
        State: ``history``, shape (window,), inf where there is none yet; ``threshold``, the last
        limit; ``norm``, ``scale`` and ``finite`` as in `clip_by_global_norm`; and ``seen``, norms
        that entered the history, 0-d int32 on the device.

    Raises
    ------
    ArgumentError
        If a number is out of its range, or ``nonfinite`` is unknown.

    References
    ----------
    Seetharaman, Wichern, Pardo, Le Roux (2020), AutoClip: adaptive gradient clipping for source
    separation networks, algorithm 1.

    Examples
    --------
    >>> clip = ag.optimizers.clip_by_quantile(0.5)
    >>> params = np.zeros(1)
    >>> state = clip.init(params)
    >>> for g in (1.0, 3.0, 8.0):
    ...     updates, state = clip.update(np.asarray([g]), state, params)
    ...     print(updates)
    [1.]
    [2.]
    [3.]
    """
    name = "clip_by_quantile"
    check_limit(name, 1.0, nonfinite)
    quantile = check_number(f"{name}(quantile)", quantile, Range(0.0, 1.0))
    window = check_count(f"{name}(window)", window, low=1)
    return from_rule(QuantileRule(quantile, window, nonfinite), name)


class QuantileRule:
    """Keeps the last norms, and clips to a quantile of them.

    Attributes
    ----------
    quantile : float
        Which one.
    window : int
        How many norms are kept.
    nonfinite : str
        What happens to inf and nan.
    """

    def __init__(self, quantile: float, window: int, nonfinite: Policy):
        self.quantile = quantile
        self.window = window
        self.nonfinite: Policy = nonfinite

    def __repr__(self) -> str:
        numbers = f"{self.quantile}, window={self.window}, nonfinite={self.nonfinite!r}"
        return f"clip_by_quantile({numbers})"

    def init(self, params: Tree) -> State:
        """No norm was seen yet."""
        limit = scalar(params, math.inf)
        xp = namespace_of(limit)
        with on_device_of(limit):
            history = xp.full((self.window,), math.inf, dtype=limit.dtype, device=device_of(limit))
        start = {"seen": scalar(params, 0, "int32"), "history": history, "threshold": limit}
        return {**start, **start_measured(params)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Measure, put the norm in the place of the oldest one, and clip."""
        check_state("clip_by_quantile", state, "seen", "history", "threshold", *MEASURED)
        unit = unit_scale("clip_by_quantile", flow.settle(), self.nonfinite, 2.0, 0.0)
        seen, history = state["seen"], state["history"]
        xp = namespace_of(history)
        with on_device_of(history), silenced("ignore"):
            norm = xp.astype(xp.asarray(move(unit.norm, history)), history.dtype)
            enters = counts_for(flow, unit, norm)
            number = xp.arange(self.window, dtype=seen.dtype, device=device_of(history))
            place = (number == seen % self.window) & enters
            history = xp.where(place, norm, history)
            limit = find_quantile(history, self.quantile)
            seen = choose(xp, enters, seen + 1, seen)
        scaled, measured = clip_to(unit, limit)
        own = {"seen": seen, "history": history, "threshold": limit}
        return hand_on(flow, scaled), {**own, **measured}


def find_quantile(history: Array, quantile: float) -> Array:
    """Find a quantile of what is finite, interpolated; inf if nothing is."""
    xp = namespace_of(history)
    dtype, place = history.dtype, device_of(history)
    ordered = xp.sort(history)
    filled = xp.astype(xp.isfinite(history), dtype)
    last = xp.sum(filled) - 1.0
    at = quantile * last
    below = xp.floor(at)
    number = xp.arange(history.shape[0], dtype=dtype, device=place)
    zeros = xp.zeros_like(history)
    low = xp.sum(xp.where(number == below, ordered, zeros))
    high = xp.sum(xp.where(number == xp.minimum(below + 1.0, last), ordered, zeros))
    found = low + (at - below) * (high - low)
    return choose(xp, last >= 0.0, xp.asarray(found), xp.full_like(xp.asarray(low), math.inf))
