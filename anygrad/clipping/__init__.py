"""Gradient clipping: plain functions that shrink a tree of gradients, on the device it is on.

Nothing here waits for the device, except ``nonfinite="raise"``. ``anygrad.optimizers`` has each
clip as a part of a chain.
"""

from __future__ import annotations

from anygrad.clipping.clips import clip_by_global_norm, clip_by_norm, clip_by_value, global_norm

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]
