"""A clip of norms that stand out from their mean; nothing is read on the host."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import LIMIT, Policy, check_limit
from anygrad.clipping.silence import silenced
from anygrad.optimizers.clips.joint import MEASURED, start_measured, unit_scale
from anygrad.optimizers.clips.limits import clip_to, counts_for, hand_on
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.transform import Transform, from_rule
from anygrad.optimizers.wrappers.wrapping import check_state, choose, scalar
from anygrad.ranges import NOT_NEGATIVE, Range, check_count, check_number
from anygrad.trees.placing import move, on_device_of

__all__ = ["clip_by_zscore"]

FOLLOWED = ("mean", "std", "seen")


def clip_by_zscore(
    threshold: float = 2.5,
    decay: float = 0.97,
    *,
    warmup: int = 25,
    eps: float = 1e-6,
    nonfinite: Policy = "propagate",
) -> Transform:
    """Shrink the gradients whose joint norm stands out from those before.

    ``z = (norm - mean) / (std + eps)``. Where ``z > threshold``, the gradients are brought to the
    norm ``mean + threshold^2 std / z``: the further out, the nearer to the mean. Then
    ``mean = decay mean + (1 - decay) norm`` and
    ``std^2 = decay std^2 + (1 - decay) (norm - mean)^2`` with the norm after clipping and the new
    mean.

    Parameters
    ----------
    threshold : float
        Standard deviations above the mean from which on a norm stands out, > 0.
    decay : float
        In [0, 1).
    warmup : int
        Steps without clipping, >= 2, after which ``mean`` and ``std`` start as plain mean and
        standard deviation of their norms.
    eps : float
        >= 0.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`. Gradients with inf or nan, and steps that are
        left out, change neither mean nor deviation.

    Returns
    -------
    Transform
        State: ``mean`` and ``std``, whose squares would overflow; ``seen``, norms that entered
        them; ``threshold``, the last limit, inf where nothing was clipped; and ``norm``, ``scale``
        and ``finite`` as in `clip_by_global_norm`.

    Raises
    ------
    ArgumentError
        If a number is out of its range, or ``nonfinite`` is unknown.

    References
    ----------
    Kumar, Owen, Chowdhury, Güra (2025), ZClip: adaptive spike mitigation for LLM pre-training,
    arXiv 2504.02507, with the numbers of the authors' code (``mode="zscore"``,
    ``clip_option="adaptive_scaling"``, ``clip_factor=1``) and without its fixed limit of 1: chain
    `clip_by_global_norm` behind for that.

    Examples
    --------
    >>> clip = ag.optimizers.clip_by_zscore(2.0, warmup=2, eps=0.0)
    >>> params = np.zeros(1)
    >>> state = clip.init(params)
    >>> for g in (1.0, 3.0, 10.0):  # mean 2, std 1, so z = 8
    ...     updates, state = clip.update(np.asarray([g]), state, params)
    >>> updates
    array([2.5])
    """
    name = "clip_by_zscore"
    check_limit(name, 1.0, nonfinite)
    threshold = check_number(f"{name}(threshold)", threshold, LIMIT)
    decay = check_number(f"{name}(decay)", decay, Range(0.0, 1.0, open_high=True))
    warmup = check_count(f"{name}(warmup)", warmup, low=2)
    eps = check_number(f"{name}(eps)", eps, NOT_NEGATIVE)
    return from_rule(ZScoreRule(threshold, decay, warmup, eps, nonfinite), name)


class ZScoreRule:
    """Keeps mean and deviation of the norms, and clips what stands out.

    Attributes
    ----------
    threshold : float
        Standard deviations.
    decay : float
        Of mean and deviation.
    warmup : int
        Steps before anything is clipped.
    eps : float
        Added to the standard deviation.
    nonfinite : str
        What happens to inf and nan.
    """

    def __init__(self, threshold: float, decay: float, warmup: int, eps: float, nonfinite: Policy):
        self.threshold = threshold
        self.decay = decay
        self.warmup = warmup
        self.eps = eps
        self.nonfinite: Policy = nonfinite

    def __repr__(self) -> str:
        numbers = f"{self.threshold}, {self.decay}, warmup={self.warmup}, eps={self.eps}"
        return f"clip_by_zscore({numbers}, nonfinite={self.nonfinite!r})"

    def init(self, params: Tree) -> State:
        """No norm was seen yet."""
        start = {name: scalar(params, 0.0) for name in FOLLOWED}
        return {**start, "threshold": scalar(params, math.inf), **start_measured(params)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Measure, clip, and follow the norm."""
        check_state("clip_by_zscore", state, *FOLLOWED, "threshold", *MEASURED)
        unit = unit_scale("clip_by_zscore", flow.settle(), self.nonfinite, 2.0, 0.0)
        old = tuple(state[name] for name in FOLLOWED)
        mean, std, seen = old
        xp = namespace_of(mean)
        with on_device_of(mean), silenced("ignore"):
            norm = xp.astype(xp.asarray(move(unit.norm, mean)), mean.dtype)
            z = (norm - mean) / (std + self.eps)
            stands_out = (seen >= self.warmup) & (z > self.threshold)
            limit = choose(
                xp,
                stands_out,
                mean + (self.threshold / z) * std * self.threshold,
                xp.full_like(mean, math.inf),
                mean,
            )
            follow = self._follow_early(norm, *old), self._follow(xp.minimum(norm, limit), *old)
            counts = counts_for(flow, unit, xp.minimum(norm, limit))
            if unit.flags is not None:
                counts = counts & move(namespace_of(unit.flags).all(unit.flags), mean)
            own = {
                "threshold": xp.asarray(flow.select(xp, limit, state["threshold"])),
                "seen": choose(xp, counts, seen + 1.0, seen, mean),
            }
            for index, name in enumerate(("mean", "std")):
                early, late = follow[0][index], follow[1][index]
                new = choose(xp, seen >= self.warmup, late, early, mean)
                own[name] = choose(xp, counts, new, old[index], mean)
        scaled, measured = clip_to(unit, limit)
        return hand_on(flow, scaled), {**own, **measured}

    def _follow(self, norm: Array, mean: Array, std: Array, seen: Array) -> tuple[Array, Array]:
        a, b = self.decay, 1.0 - self.decay
        mean = a * mean + b * norm
        return mean, hypotenuse(a**0.5 * std, b**0.5 * (norm - mean))

    def _follow_early(
        self, norm: Array, mean: Array, std: Array, seen: Array
    ) -> tuple[Array, Array]:
        """Renew the plain mean and deviation by one norm more."""
        xp = namespace_of(norm)
        n, away = seen + 1.0, norm - mean
        std = xp.sqrt(seen / n) * hypotenuse(std, away / xp.sqrt(n))
        return mean + away / n, std


def hypotenuse(a: Array, b: Array) -> Array:
    """Compute ``sqrt(a^2 + b^2)``, where neither square overflows or vanishes."""
    xp = namespace_of(a, b)
    return trees.norm([xp.asarray(a), xp.asarray(b)])
