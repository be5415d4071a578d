"""What the host has to know of arrays to go on; every answer waits for the device."""

from __future__ import annotations

import numpy as np

from anygrad.backends import backend_of, device_of, namespace_of, to_host
from anygrad.backends.types import Array

__all__ = ["find_true", "is_all", "is_any"]


def is_any(mask: Array) -> bool:
    """Whether any element is true."""
    return bool(to_host(namespace_of(mask).any(mask)))


def is_all(mask: Array) -> bool:
    """Whether all elements are true."""
    return bool(to_host(namespace_of(mask).all(mask)))


def find_true(mask: Array) -> Array:
    """Where a vector is true: an array of integers beside it."""
    backend = backend_of(mask)
    assert backend is not None
    return backend.from_host(np.flatnonzero(to_host(mask)), device_of(mask))
