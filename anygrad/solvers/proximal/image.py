"""Total variation of images by accelerated projected gradient on the dual problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anygrad.backends import to_host
from anygrad.backends.types import Array, Namespace

LARGEST_SQUARE = 8.0
"""No image of norm 1 has differences whose squares sum to more."""

LOOKS = 10
"""The gap is computed, and read, every so many iterations."""


@dataclass(frozen=True)
class Differences:
    """Differences to the neighbours below and to the right, 0 at the border, and their norm.

    Attributes
    ----------
    isotropic : bool
        Whether the two differences of a pixel form a vector.
    """

    isotropic: bool

    def of(self, xp: Namespace, x: Array) -> tuple[Array, Array]:
        """Take both differences; each has the shape of the image."""
        down = xp.concat([x[..., 1:, :] - x[..., :-1, :], xp.zeros_like(x[..., :1, :])], axis=-2)
        right = xp.concat([x[..., :, 1:] - x[..., :, :-1], xp.zeros_like(x[..., :, :1])], axis=-1)
        return down, right

    def adjoint(self, xp: Namespace, p: Array, q: Array) -> Array:
        """Carry a field of two components back to an image: the transpose of `of`."""
        row, column = xp.zeros_like(p[..., :1, :]), xp.zeros_like(q[..., :, :1])
        p, q = p[..., :-1, :], q[..., :, :-1]
        return (
            xp.concat([row, p], axis=-2)
            - xp.concat([p, row], axis=-2)
            + xp.concat([column, q], axis=-1)
            - xp.concat([q, column], axis=-1)
        )

    def variation(self, xp: Namespace, down: Array, right: Array) -> Array:
        """Sum the sizes of the differences; 0-d."""
        if self.isotropic:
            return xp.sum(xp.sqrt(down * down + right * right))
        return xp.sum(xp.abs(down) + xp.abs(right))

    def project(self, xp: Namespace, p: Array, q: Array) -> tuple[Array, Array]:
        """Shrink a field to what the dual problem allows: sizes of at most 1."""
        if self.isotropic:
            size = xp.sqrt(p * p + q * q)
            size = xp.maximum(size, xp.ones_like(size))
            return p / size, q / size
        one = xp.ones_like(p)
        return tuple(xp.minimum(xp.maximum(part, -one), one) for part in (p, q))  # type: ignore


def denoise_image(
    xp: Namespace, y: Array, weight: Any, differences: Differences, max_steps: int, enough: float
) -> Array:
    """Minimise 1/2 |x - y|^2 + weight TV(x), where x = y - weight D^T (p, q) by duality.

    Stops where sqrt(2 gap) <= enough |y|: by strong convexity the error is no larger.
    """
    p, q = xp.zeros_like(y), xp.zeros_like(y)
    r, s = p, q
    t = xp.sum(xp.zeros_like(y)) + 1.0
    # a weight of 0 needs no field; what it is divided by must not be 0
    safe = xp.where(xp.zeros_like(t) + weight > 0.0, xp.zeros_like(t) + weight, xp.ones_like(t))
    length = 1.0 / (LARGEST_SQUARE * safe)
    for k in range(1, max_steps + 1):
        down, right = differences.of(xp, y - weight * differences.adjoint(xp, r, s))
        p_new, q_new = differences.project(xp, r + length * down, s + length * right)
        p_moved, q_moved = p_new - p, q_new - q
        uphill = xp.sum((r - p_new) * p_moved + (s - q_new) * q_moved) > 0.0
        t = xp.where(uphill, xp.ones_like(t), t)
        t_new = 0.5 * (1.0 + xp.sqrt(1.0 + 4.0 * t * t))
        momentum = xp.where(uphill, xp.zeros_like(t), (t - 1.0) / t_new)
        r, s = p_new + momentum * p_moved, q_new + momentum * q_moved
        p, q, t = p_new, q_new, t_new
        if enough and k % LOOKS == 0 and _is_near(xp, y, weight, differences, p, q, enough):
            break
    return y - weight * differences.adjoint(xp, p, q)


def _is_near(
    xp: Namespace,
    y: Array,
    weight: Any,
    differences: Differences,
    p: Array,
    q: Array,
    enough: float,
) -> bool:
    """Whether the gap, weight (TV(x) - <(p, q), D x>), is small; reads one number."""
    down, right = differences.of(xp, y - weight * differences.adjoint(xp, p, q))
    gap = weight * (differences.variation(xp, down, right) - xp.sum(p * down + q * right))
    size = xp.sqrt(xp.sum(y * y))
    near = xp.sqrt(xp.maximum(2.0 * gap, xp.zeros_like(gap))) <= enough * size
    return bool(to_host(near))
