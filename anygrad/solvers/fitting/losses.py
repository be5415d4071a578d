"""Robust losses: how much a large residual counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError, ShapeError, describe, suggest

Rho = Callable[[Namespace, Array], tuple[Array, Array, Array]]
"""From z = (residual / f_scale)^2: rho(z), its first and its second derivative."""


def _soft_l1(xp: Namespace, z: Array) -> tuple[Array, Array, Array]:
    t = 1.0 + z
    root = xp.sqrt(t)
    # 2 (sqrt(1 + z) - 1), without the cancellation
    return 2.0 * z / (root + 1.0), 1.0 / root, -0.5 / (t * root)


def _huber(xp: Namespace, z: Array) -> tuple[Array, Array, Array]:
    inside = z <= 1.0
    root = xp.sqrt(xp.where(inside, xp.ones_like(z), z))  # no 0 under the fraction
    one, zero = xp.ones_like(z), xp.zeros_like(z)
    return (
        xp.where(inside, z, 2.0 * root - 1.0),
        xp.where(inside, one, 1.0 / root),
        xp.where(inside, zero, -0.5 / root**3),
    )


def _cauchy(xp: Namespace, z: Array) -> tuple[Array, Array, Array]:
    t = 1.0 + z
    return xp.log1p(z), 1.0 / t, -1.0 / t**2


def _arctan(xp: Namespace, z: Array) -> tuple[Array, Array, Array]:
    t = 1.0 + z * z
    return xp.atan(z), 1.0 / t, -2.0 * z / t**2


FLAT = 1e-4
"""Where a loss is concave no real factor exists, and a factor of zero would divide the residual.

Steps take this part of rho' for the curvature, which costs two digits, not eight as SciPy's eps.
"""

LOSSES: dict[str, Rho | None] = {
    "linear": None,
    "soft_l1": _soft_l1,
    "huber": _huber,
    "cauchy": _cauchy,
    "arctan": _arctan,
}
"""The losses of SciPy; None leaves the squares as they are."""


@dataclass(frozen=True)
class Loss:
    """A loss and the size from which on a residual counts as large.

    References
    ----------
    Triggs, McLauchlan, Hartley, Fitzgibbon (1999), Bundle adjustment, a modern synthesis, section
    4.3: the residuals and rows of the Jacobian are rescaled so that J^T f is the gradient and J^T J
    the Gauss-Newton Hessian of the robust cost, as far as that is not negative.
    """

    rho: Rho | None
    f_scale: float

    def cost(self, xp: Namespace, f: Array) -> Array:
        """Half the sum of rho, shape ()."""
        if self.rho is None:
            return 0.5 * xp.sum(f * f)
        rho = self.rho(xp, (f / self.f_scale) ** 2)[0]
        return 0.5 * self.f_scale**2 * xp.sum(rho)

    def gain(self, xp: Namespace, old: Array, new: Array) -> Array:
        """How much lower the cost is at ``new``, shape ()."""
        if self.rho is None:  # more digits than the difference of two sums has
            return 0.5 * xp.sum((old - new) * (old + new))
        before = self.rho(xp, (old / self.f_scale) ** 2)[0]
        after = self.rho(xp, (new / self.f_scale) ** 2)[0]
        return 0.5 * self.f_scale**2 * xp.sum(before - after)

    def size(self, xp: Namespace, f: Array) -> Array:
        """Norm of the residuals, each weighted by how much it pulls; shape ()."""
        weight = 1.0 if self.rho is None else self.rho(xp, (f / self.f_scale) ** 2)[1]
        return xp.sqrt(xp.sum(weight * f * f))

    def correct(self, xp: Namespace, f: Array) -> tuple[Array, Array | None]:
        """The residuals and the factor on each row of the Jacobian, such that squares serve."""
        if self.rho is None:
            return f, None
        _, first, factor = self._curvature(xp, f)
        return f * first / factor, factor

    def sharpen(self, xp: Namespace, f: Array, eps: float) -> Array:
        """What takes the rows of the Jacobian from `correct` to the Hessian's; 1 for most."""
        curvature, _, used = self._curvature(xp, f)
        smallest = xp.full_like(curvature, eps)
        return xp.sqrt(xp.maximum(curvature, smallest)) / used

    def _curvature(self, xp: Namespace, f: Array) -> tuple[Array, Array, Array]:
        """Rho' + 2 z rho'', rho', and a root of the first where it is positive."""
        assert self.rho is not None
        z = (f / self.f_scale) ** 2
        _, first, second = self.rho(xp, z)
        curvature = first + 2.0 * z * second
        return curvature, first, xp.sqrt(xp.maximum(curvature, FLAT * first))


def find_loss(where: str, loss: Any, f_scale: float) -> Loss:
    """Read a loss as the user names or gives it."""
    if callable(loss):
        return Loss(_given(where, loss), f_scale)
    if isinstance(loss, str) and loss.lower().replace("-", "_") in LOSSES:
        return Loss(LOSSES[loss.lower().replace("-", "_")], f_scale)
    known = ", ".join(map(repr, LOSSES))
    message = (
        f"{where}(loss): got {describe(loss)}; expected one of {known}, or a function of z that "
        f"gives rho, rho' and rho''. {suggest(loss, LOSSES)}"
    )
    raise ArgumentError(message.rstrip())


def _given(where: str, loss: Callable[[Array], Any]) -> Rho:
    """SciPy's convention for functions: an array of shape (3, m), or three arrays."""

    def rho(xp: Namespace, z: Array) -> tuple[Array, Array, Array]:
        found = loss(z)
        outer = tuple(getattr(found, "shape", ()))
        shapes = [outer[1:]] * outer[0] if outer else [outer]
        if isinstance(found, tuple | list):
            shapes = [tuple(getattr(part, "shape", ())) for part in found]
        if shapes != [tuple(z.shape)] * 3:
            message = (
                f"{where}(loss): it returned parts of shapes {shapes}; expected three of shape "
                f"{tuple(z.shape)}: rho, its first and its second derivative by z."
            )
            raise ShapeError(message)
        if isinstance(found, tuple | list):
            first, second, third = found
            return first, second, third
        return found[0, ...], found[1, ...], found[2, ...]

    return rho
