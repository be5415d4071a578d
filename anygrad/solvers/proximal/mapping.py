"""The linear map between the two halves of a split problem, on vectors, with its adjoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anygrad.autodiff import vjp
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, describe
from anygrad.solvers.problem.space import Space


@dataclass(frozen=True)
class LinearMap:
    """A: from vectors of one space to those of another.

    Attributes
    ----------
    space, image : Space
        Where x and A x live.
    forward : callable or None
        A for trees; None for the identity.
    adjoint : callable or None
        Its adjoint for trees; None where it is to be traced from ``forward``.
    """

    space: Space
    image: Space
    forward: Callable[[Tree], Tree] | None = None
    adjoint: Callable[[Tree], Tree] | None = None

    @classmethod
    def of(cls, where: str, linear: Any, x0: Tree, space: Space) -> LinearMap:
        """Make one of what the user gave: None, a function, or a pair of them."""
        if linear is None:
            return cls(space, space)
        pair = linear if isinstance(linear, tuple) else (linear, None)
        if len(pair) != 2 or not callable(pair[0]) or not (pair[1] is None or callable(pair[1])):
            message = (
                f"{where}(linear): got {describe(linear)}; expected a linear function of x, a pair "
                "of it and its adjoint, or None for the identity."
            )
            raise ArgumentError(message)
        image = Space.of(f"{where}(linear)", pair[0](x0))
        return cls(space, image, *pair)

    def apply(self, x: Array) -> Array:
        """A x."""
        if self.forward is None:
            return x
        return self.image.to_vector(self.forward(self.space.to_tree(x)), "admm(linear)")

    def transpose(self, z: Array, x: Array) -> Array:
        """A^T z; ``x`` is any vector, where A is traced."""
        if self.forward is None:
            return z
        tree = self.image.to_tree(z)
        if self.adjoint is not None:
            return self.space.to_vector(self.adjoint(tree), "admm(linear)")
        _, pullback = vjp(self.forward, self.space.to_tree(x))
        return self.space.to_vector(pullback(tree)[0], "admm(linear)")
