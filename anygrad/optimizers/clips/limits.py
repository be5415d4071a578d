"""Limits that are arrays on the device, which the host does not know."""

from __future__ import annotations

from anygrad.backends import namespace_of
from anygrad.backends.types import Array
from anygrad.clipping import Measured
from anygrad.clipping.scaling import Scale
from anygrad.clipping.silence import silenced
from anygrad.optimizers.clips.joint import state_of
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.wrappers.wrapping import both, choose
from anygrad.trees.placing import move, on_device_of

__all__ = ["clip_to", "counts_for", "hand_on"]


def clip_to(unit: Measured, limit: Array) -> tuple[Measured, State]:
    """Turn the scale to norm 1 into one to a limit on the device, where the norm is above it."""
    xp = namespace_of(limit)
    with on_device_of(unit.norm), silenced("ignore"):
        norm, limit = xp.asarray(unit.norm), move(limit, unit.norm)
        one = xp.ones_like(norm)
        divisor, factor = unit.scale or Scale(None, 1.0)
        divisor = one if divisor is None else divisor
        factor = factor * one
        clips = norm > limit
        # nan, where the gradients are not finite, stays
        wanted = choose(xp, clips | xp.isnan(factor), factor * limit, one, one)
        scale = Scale(choose(xp, clips, divisor, one, one), wanted)
    scaled = unit._replace(scale=scale)
    return scaled, state_of(scaled)


def counts_for(flow: Flow, unit: Measured, norm: Array) -> Array:
    """Tell whether a norm enters what is kept: if it is finite, and nothing leaves the step out."""
    counts = namespace_of(norm).isfinite(norm)
    accept = both(flow.accept, unit.accept)
    return counts if accept is None else counts & move(accept, norm)


def hand_on(flow: Flow, measured: Measured) -> Flow:
    """Put a pending scale into the flow."""
    return Flow(measured.grads, measured.scale, both(flow.accept, measured.accept))
