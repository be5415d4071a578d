"""What formulas share: squares, the sign of descent, and how slots start."""

from __future__ import annotations

from typing import Any

from anygrad.backends import device_of
from anygrad.backends.types import Array, Namespace

__all__ = ["abs2", "descend", "real_full", "real_zeros", "zeros"]


def zeros(xp: Namespace, p: Array, **hyperparameters: Any) -> Array:
    """Start a slot like ``p``, at zero."""
    return xp.zeros_like(p)


def real_zeros(xp: Namespace, p: Array, **hyperparameters: Any) -> Array:
    """Start a slot for squares: real where ``p`` is complex, at zero."""
    return real_full(xp, p, 0.0)


def real_full(xp: Namespace, p: Array, value: float) -> Array:
    """Start a slot for squares at ``value``."""
    dtype = p.dtype
    if xp.isdtype(dtype, "complex floating"):
        dtype = xp.float32 if dtype == xp.complex64 else xp.float64
    return xp.full(p.shape, value, dtype=dtype, device=device_of(p))


def descend(g: Array, p: Array, weight_decay: Any, maximize: bool) -> Array:
    """Gradient of what is minimised: the sign of ``maximize``, plus coupled weight decay (L2)."""
    g = -g if maximize else g
    return g + weight_decay * p if weight_decay else g


def abs2(xp: Namespace, g: Array) -> Array:
    """Compute ``|g|^2``, real."""
    if not xp.isdtype(g.dtype, "complex floating"):
        return g * g
    re, im = xp.real(g), xp.imag(g)
    return re * re + im * im
