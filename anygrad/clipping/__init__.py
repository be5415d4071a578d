"""Gradient clipping: plain functions that shrink a tree of gradients, on the device it is on.

Nothing here waits for the device, except ``nonfinite="raise"`` and `first_bad`.
``anygrad.optimizers`` has the clips as parts of a chain.
"""

from __future__ import annotations

from anygrad.clipping.adaptive import clip_adaptively
from anygrad.clipping.clips import clip_by_global_norm, clip_by_value
from anygrad.clipping.joint import apply_scale, clip_scale, combine_norms, global_norm
from anygrad.clipping.leafwise import clip_by_block_rms, clip_by_norm
from anygrad.clipping.measuring import Measured, measure
from anygrad.clipping.nonfinite import first_bad
from anygrad.clipping.normalizing import normalize, normalize_leaves
from anygrad.clipping.per_example import clip_per_example
from anygrad.clipping.scaling import Scale

__all__ = [
    "Measured",
    "Scale",
    "apply_scale",
    "clip_adaptively",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "clip_per_example",
    "clip_scale",
    "combine_norms",
    "first_bad",
    "global_norm",
    "measure",
    "normalize",
    "normalize_leaves",
]
