"""Measure a tree of gradients: its norm, and the scale that brings it to a given one.

Norms are taken relative to the largest element, so they neither overflow nor vanish, and a scale is
kept as two numbers, ``g / divisor * factor``: one alone can leave the range of float32 where the
clipped gradient does not.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.clipping.devices import on_device_of, to_device_of
from anygrad.errors import NonFiniteError

__all__ = ["POLICIES", "Measured", "Policy", "Scale", "as_array", "measure", "scale_leaf"]

POLICIES = ("propagate", "raise", "skip", "zero")

Policy: TypeAlias = Literal["propagate", "raise", "skip", "zero"]
"""What happens to inf and nan."""


class Scale(NamedTuple):
    """Two 0-d arrays that stand for one number: a leaf becomes ``g / divisor * factor``."""

    divisor: Array
    factor: Array

    @property
    def value(self) -> Array:
        """The number itself, which may underflow."""
        return namespace_of(self.factor).asarray(self.factor / self.divisor)


class Measured(NamedTuple):
    """A tree that is about to be clipped: what to multiply it by, and whether it counts."""

    grads: Tree
    norm: Array
    scale: Scale
    accept: Array | None


def measure(grads: Tree, max_norm: float, nonfinite: Policy = "propagate") -> Measured:
    """Find the norm of a tree and the scale that clips it, without touching the tree."""
    found = trees.leaves(grads)
    if not any(getattr(g, "size", 1) for g in found):
        return _nothing_to_clip(grads, found)
    if nonfinite == "zero":
        grads = trees.map(_zero_nonfinite, grads)
    if nonfinite == "raise":
        _raise_if_nonfinite(grads)
    # over: the norm of finite elements may be inf, which is what is returned then
    with np.errstate(over="ignore", invalid="ignore"), on_device_of(found[0]):
        peak, ratio = scaled_norm(grads)
        xp = namespace_of(peak)
        finite = xp.isfinite(peak)
        norm = xp.where(finite, peak * ratio, peak)
        one = xp.ones_like(peak)
        clips = finite & (norm > max_norm)
        # ratio >= 1 where there is anything to clip; the maximum spares a division by zero
        # elsewhere
        factor = xp.where(clips, max_norm / xp.maximum(ratio, 1.0), one)
        accept = finite if nonfinite == "skip" else None
        if accept is None:
            factor = xp.where(finite, factor, xp.nan * one)
        scale = Scale(xp.where(clips, peak, one), factor)
        return Measured(grads, norm, scale, accept)


def scaled_norm(tree: Tree) -> tuple[Array, Array]:
    """Find the largest element ``m``, and ``sqrt(sum (|x| / m)^2)``: their product is the norm.

    Real and imaginary parts count as two elements. Both are 0-d on the device of the first leaf.
    """
    parts = [part for leaf in trees.leaves(tree) for part in _real_parts(leaf)]
    home = parts[0]
    xp = namespace_of(*parts)
    dtype = xp.result_type(*{part.dtype for part in parts})
    peaks = [_reduce(xp, part, dtype, home, lambda x: xp.max(xp.abs(x))) for part in parts]
    peak = xp.max(xp.stack(peaks)) if len(peaks) > 1 else peaks[0]
    usable = xp.isfinite(peak) & (peak > 0.0)
    divisor = xp.where(usable, peak, xp.ones_like(peak))

    def sum_squares(x: Array) -> Array:
        scaled = x / xp.astype(to_device_of(divisor, x), x.dtype)
        return xp.sum(scaled * scaled)

    sums = [_reduce(xp, part, dtype, home, sum_squares) for part in parts]
    return peak, xp.sqrt(xp.sum(xp.stack(sums)) if len(sums) > 1 else sums[0])


def scale_leaf(g: Array, scale: Scale) -> Array:
    """Compute ``g / divisor * factor`` in the dtype and on the device of ``g``."""
    xp = namespace_of(g)
    with on_device_of(g):
        dtype = _real_dtype(xp, g)
        divisor, factor = (xp.astype(to_device_of(part, g), dtype) for part in scale)
        scaled = g / divisor
        scaled *= factor
        return as_array(xp, scaled, g)


def as_array(xp: Namespace, new: Any, like: Array) -> Array:
    """Make ``new`` an array: NumPy makes scalars of 0-d results."""
    return new if like.shape else xp.asarray(new)


def _reduce(xp: Namespace, part: Array, dtype: Any, home: Array, function: Any) -> Array:
    """Reduce one array where it is, and bring the result home."""
    with on_device_of(part):
        return to_device_of(xp.astype(xp.asarray(function(part)), dtype), home)


def _real_parts(g: Array) -> list[Array]:
    """Real and imaginary part, so that no modulus overflows; nothing for an empty array."""
    if 0 in g.shape:
        return []
    xp = namespace_of(g)
    if not xp.isdtype(g.dtype, "complex floating"):
        return [g]
    with on_device_of(g):
        return [xp.real(g), xp.imag(g)]


def _real_dtype(xp: Namespace, g: Array) -> Any:
    if not xp.isdtype(g.dtype, "complex floating"):
        return g.dtype
    return xp.float32 if g.dtype == xp.complex64 else xp.float64


def _zero_nonfinite(g: Array) -> Array:
    xp = namespace_of(g)
    with on_device_of(g):
        return as_array(xp, xp.where(xp.isfinite(g), g, xp.zeros_like(g)), g)


def _raise_if_nonfinite(grads: Tree) -> None:
    """Look at every leaf; waits for the device."""
    for number, g in enumerate(trees.leaves(grads)):
        xp = namespace_of(g)
        with on_device_of(g):
            flags = xp.stack([xp.all(xp.isfinite(g)), xp.any(xp.isnan(g))])
        finite, has_nan = trees.to_numpy(flags)
        if finite:
            continue
        path = trees.show_path("grads", trees.paths(grads)[number])
        message = (
            f"clip_by_global_norm(grads): got {'nan' if has_nan else 'inf'} in {path}; expected "
            "finite gradients. Lower the learning rate, or pass nonfinite='skip' to leave it out."
        )
        raise NonFiniteError(message)


def _nothing_to_clip(grads: Tree, found: list[Array]) -> Measured:
    """Measure a tree without elements: its norm is 0."""
    norm = trees.norm(grads)
    norm = namespace_of(norm).asarray(norm)
    one = namespace_of(norm).ones_like(norm)
    return Measured(grads, norm, Scale(one, one), None)
