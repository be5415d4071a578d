"""Arrays put together from others, and taken apart: blocks, stacks, splits, pads, diagonals."""

from __future__ import annotations
