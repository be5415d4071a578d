"""Copies of arrays, for functions that write into what they get."""

from __future__ import annotations

from anygrad.backends import device_of, namespace_of
from anygrad.backends.types import Array

__all__ = ["copy_of"]


def copy_of(x: Array) -> Array:
    """Copy an array, so that no write into the one reaches the other."""
    return namespace_of(x).asarray(x, copy=True, device=device_of(x))
