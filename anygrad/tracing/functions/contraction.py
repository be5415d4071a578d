"""Sums of products with named axes, and products of more than two matrices."""

from __future__ import annotations
