"""Measure a tree of gradients: its norm, and the scale that brings it to a given one.

Norms are taken relative to a power of two near the largest element, so they neither overflow nor
vanish. A scale is kept as two numbers, ``g / divisor * factor``: one alone can leave the range of
float32 where the clipped gradient does not. Where values lie on the host anyway (NumPy), the norm
is looked at instead, and one number is enough in all but extreme cases.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, is_traced, namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.errors import NonFiniteError
from anygrad.trees.placing import move, on_device_of

__all__ = ["POLICIES", "Measured", "Policy", "Scale", "as_array", "measure", "scale_leaf"]

POLICIES = ("propagate", "raise", "skip", "zero")

Policy: TypeAlias = Literal["propagate", "raise", "skip", "zero"]
"""What happens to inf and nan."""


class Scale(NamedTuple):
    """What stands for one number: a leaf becomes ``g / divisor * factor``.

    Two 0-d arrays; or, where values are on the host anyway, a Python float and no divisor.
    """

    divisor: Array | None
    factor: Array | float


class Measured(NamedTuple):
    """A tree that is about to be clipped: what to multiply it by, and whether it counts.

    ``scale`` is None where the host knows that nothing is to be clipped, and ``accept`` where
    every tree counts.
    """

    grads: Tree
    norm: Array
    scale: Scale | None
    accept: Array | None

    @property
    def factor(self) -> Array:
        """The scale as one 0-d array, which may underflow."""
        xp = namespace_of(self.norm)
        with on_device_of(self.norm):
            if self.scale is None:
                return xp.ones_like(self.norm)
            divisor, factor = self.scale
            value = factor if divisor is None else factor / divisor
            return xp.asarray(value, dtype=self.norm.dtype)


def measure(grads: Tree, max_norm: float, nonfinite: Policy = "propagate") -> Measured:
    """Find the norm of a tree and the scale that clips it, without touching the tree."""
    found = trees.leaves(grads)
    if all(0 in getattr(g, "shape", ()) for g in found):
        return _nothing_to_clip(grads)
    measured = _measure_on_host(grads, found, max_norm)
    if measured is not None:
        return measured
    if nonfinite == "zero":
        grads = trees.map(_zero_nonfinite, grads)
    if nonfinite == "raise":
        _raise_if_nonfinite(grads)
    # over: the norm of finite elements may be inf, which is what is returned then
    with np.errstate(over="ignore", invalid="ignore"), on_device_of(found[0]):
        divisor, ratio, finite = scaled_norm(grads)
        xp = namespace_of(ratio)
        norm = ratio * divisor
        one = xp.ones_like(norm)
        clips = finite & (norm > max_norm)
        # ratio >= 1 where there is anything to clip; the maximum spares others a division by zero
        factor = xp.where(clips, max_norm / xp.maximum(ratio, 1.0), one)
        accept = finite if nonfinite == "skip" else None
        if accept is None:
            factor = xp.where(finite, factor, xp.nan * one)
        return Measured(grads, norm, Scale(xp.where(clips, divisor, one), factor), accept)


def _measure_on_host(grads: Tree, found: list[Array], max_norm: float) -> Measured | None:
    """Look at the norm where that is free; None if it isn't, or if one number will not do."""
    if any(is_traced(g) or not _is_on_host(g) for g in found):
        return None
    with np.errstate(over="ignore"):
        norm = trees.norm(grads)
    xp = namespace_of(norm)
    value = float(norm)
    if not value < math.inf:
        return None
    norm = xp.asarray(norm)
    if value <= max_norm:
        return Measured(grads, norm, None, None)
    factor = max_norm / value
    if factor < max(float(xp.finfo(g.dtype).smallest_normal) for g in found):
        return None
    return Measured(grads, norm, Scale(None, factor), None)


def _is_on_host(g: Array) -> bool:
    backend = backend_of(g)
    return backend is not None and backend.host_dot is not None


def scaled_norm(tree: Tree) -> tuple[Array, Array, Array]:
    """Find a power of two ``d`` near the largest element, ``sqrt(sum (|x| / d)^2)``, and if finite.

    The product of the first two is the norm. Real and imaginary parts count as two elements. All
    are 0-d on the device of the first leaf.
    """
    parts = [part for leaf in trees.leaves(tree) for part in _real_parts(leaf)]
    home = parts[0]
    xp = namespace_of(*parts)
    dtype = xp.result_type(*{part.dtype for part in parts})
    peaks = [_reduce(xp, part, dtype, home, lambda x: xp.max(xp.abs(x))) for part in parts]
    peak = xp.max(xp.stack(peaks)) if len(peaks) > 1 else peaks[0]
    finite = xp.isfinite(peak)
    # what is divided by a power of two is not rounded, and has the derivative of a constant factor
    divisor = _power_of_two_near(xp, xp.where(finite, peak, xp.ones_like(peak)))

    def sum_squares(x: Array) -> Array:
        scaled = x / xp.astype(move(divisor, x), x.dtype)
        return xp.sum(scaled * scaled)

    sums = [_reduce(xp, part, dtype, home, sum_squares) for part in parts]
    total = xp.sum(xp.stack(sums)) if len(sums) > 1 else sums[0]
    # the root has no derivative at zero, so it is never taken there
    root = xp.sqrt(xp.where(total == 0.0, xp.ones_like(total), total))
    return divisor, xp.where(total == 0.0, total, root), finite


def _power_of_two_near(xp: Namespace, peak: Array) -> Array:
    """Round down to a normal power of two."""
    limits = xp.finfo(peak.dtype)
    # a quarter of the largest number: its reciprocal, by which some libraries multiply, is normal
    inside = xp.minimum(xp.maximum(peak, float(limits.smallest_normal)), float(limits.max) / 4)
    return 2.0 ** xp.floor(xp.log2(inside))


def scale_leaf(g: Array, scale: Scale) -> Array:
    """Compute ``g / divisor * factor`` in the dtype and on the device of ``g``."""
    xp = namespace_of(g)
    divisor, factor = scale
    if divisor is None:
        return as_array(xp, g * factor, g)
    with on_device_of(g):
        dtype = _real_dtype(xp, g)
        scaled = g / xp.astype(move(divisor, g), dtype)
        scaled *= xp.astype(move(factor, g), dtype)
        return as_array(xp, scaled, g)


def as_array(xp: Namespace, new: Any, like: Array) -> Array:
    """Make ``new`` an array: NumPy makes scalars of 0-d results."""
    return new if like.shape else xp.asarray(new)


def _reduce(xp: Namespace, part: Array, dtype: Any, home: Array, function: Any) -> Array:
    """Reduce one array where it is, and bring the result home."""
    with on_device_of(part):
        return move(xp.astype(xp.asarray(function(part)), dtype), home)


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


def _nothing_to_clip(grads: Tree) -> Measured:
    """Measure a tree without elements: its norm is 0."""
    norm = trees.norm(grads)
    with on_device_of(norm):
        return Measured(grads, namespace_of(norm).asarray(norm), None, None)
