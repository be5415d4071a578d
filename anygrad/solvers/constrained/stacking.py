"""All constraints of a problem as one vector c(x) with bounds, and products with its derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff import vjp
from anygrad.backends import backend_of
from anygrad.backends.types import Array, Tree
from anygrad.differences import gradient as difference_gradient
from anygrad.errors import ShapeError, describe
from anygrad.solvers.constrained.constraints import Constraint
from anygrad.solvers.differentiable import any_vector, to_vector
from anygrad.solvers.problem.space import Space

Pullback = Callable[[Array], Array]


@dataclass(frozen=True)
class Block:
    """One constraint, on trees; its bounds as vectors.

    Attributes
    ----------
    constraint : Constraint
        What the user gave, its matrix beside the vectors.
    lower, upper : array, shape (m,)
        Bounds.
    size : int
        m.
    """

    constraint: Constraint
    lower: Array
    upper: Array
    size: int


@dataclass(frozen=True)
class Stack:
    """The constraints of a problem.

    Attributes
    ----------
    space : Space
        Of x.
    blocks : tuple of Block
        In the order in which the user gave them.
    lower, upper : array, shape (m,)
        Bounds of all.
    numerical : bool
        Whether derivatives come from differences.
    """

    space: Space
    blocks: tuple[Block, ...]
    lower: Array
    upper: Array
    numerical: bool

    @classmethod
    def of(
        cls, where: str, constraints: list[Constraint], space: Space, x: Tree, numerical: bool
    ) -> Stack:
        """Evaluate every constraint once, at the start, to learn its size."""
        blocks = []
        for constraint in constraints:
            if constraint.matrix is not None:
                constraint = _with_matrix(where, constraint, space)
            size = _values(space, constraint, x).shape[0]
            lower = _side(where, constraint.lower, space, size)
            upper = _side(where, constraint.upper, space, size)
            blocks.append(Block(constraint, lower, upper, size))
        lower, upper = (_join(space, [getattr(b, n) for b in blocks]) for n in ("lower", "upper"))
        return cls(space, tuple(blocks), lower, upper, numerical)

    @property
    def is_traceable(self) -> bool:
        """Whether second derivatives can be traced."""
        return not self.numerical and all(block.constraint.jac is None for block in self.blocks)

    def values(self, x: Tree) -> Any:
        """c(x), traced or not."""
        return any_vector(self.space, [_values(self.space, b.constraint, x) for b in self.blocks])

    def both(self, x: Tree) -> tuple[Array, Pullback]:
        """c(x), and the function w -> J^T w."""
        pairs = [self._both(block.constraint, x) for block in self.blocks]

        def pull(w: Array) -> Array:
            total, start = self.space.zeros(), 0
            for block, (_, one) in zip(self.blocks, pairs, strict=True):
                total = total + one(w[start : start + block.size])
                start += block.size
            return total

        return _join(self.space, [value for value, _ in pairs]), pull

    def _both(self, constraint: Constraint, x: Tree) -> tuple[Array, Pullback]:
        space, xp = self.space, self.space.xp
        if constraint.matrix is not None:
            return _values(space, constraint, x), lambda w: w @ constraint.matrix
        if constraint.jac is not None:
            matrix = any_vector(space, constraint.jac(x, *constraint.args))
            value = _values(space, constraint, x)
            matrix = xp.reshape(matrix, (value.shape[0], space.size))
            return value, lambda w: w @ matrix
        if self.numerical:

            def along(w: Array) -> Array:
                slope = difference_gradient(
                    lambda at: xp.sum(_values(space, constraint, at) * w), x
                )
                return space.to_vector(slope, "minimize(constraints)")

            return _values(space, constraint, x), along
        value, pullback = vjp(lambda at: _values(space, constraint, at), x)
        return value, lambda w: space.to_vector(pullback(w)[0], "minimize(constraints)")

    def nearest(self, v: Any, xp: Any) -> Any:
        """The nearest values that the bounds allow."""
        return xp.minimum(xp.maximum(v, self.lower), self.upper)

    def split(self, vector: Array) -> list[Array]:
        """Cut a vector like c into one for each constraint."""
        pieces, start = [], 0
        for block in self.blocks:
            pieces.append(vector[start : start + block.size])
            start += block.size
        return pieces


def _values(space: Space, constraint: Constraint, x: Tree) -> Any:
    if constraint.matrix is not None:
        vector = to_vector(space, x)
        # a plain strict array must not stand left of a traced one
        return vector @ constraint.matrix.T
    return any_vector(space, constraint.fun(x, *constraint.args))


def _join(space: Space, parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else space.xp.concat(parts)


def _with_matrix(where: str, constraint: Constraint, space: Space) -> Constraint:
    matrix = constraint.matrix
    if len(matrix.shape) != 2 or matrix.shape[1] != space.size:
        message = (
            f"{where}(constraints): got a linear constraint with a matrix of shape "
            f"{tuple(matrix.shape)}; expected (m, {space.size})."
        )
        raise ShapeError(message)
    if isinstance(matrix, np.ndarray):
        flat = space.from_host(np.asarray(matrix, dtype=np.float64).reshape(-1))
        matrix = space.xp.reshape(flat, tuple(matrix.shape))
    return Constraint(constraint.fun, constraint.lower, constraint.upper, None, (), matrix)


def _side(where: str, bound: Any, space: Space, size: int) -> Array:
    if backend_of(bound) is not None and not isinstance(bound, np.ndarray | np.generic):
        bound = space.xp.astype(bound, space.dtype)
        bound = space.xp.reshape(bound, (-1,))
        if bound.shape[0] not in (1, size):
            raise ShapeError(_mismatch(where, bound, size))
        return space.zeros(size) + bound
    found = np.concatenate(
        [np.asarray(leaf, dtype=np.float64).reshape(-1) for leaf in trees.leaves(bound)]
    )
    if found.size not in (1, size):
        raise ShapeError(_mismatch(where, bound, size))
    return space.from_host(np.array(np.broadcast_to(found, (size,))))


def _mismatch(where: str, bound: Any, size: int) -> str:
    return (
        f"{where}(constraints): got the bound {describe(bound)} of a constraint with {size} "
        "elements; expected a number or one for each."
    )
