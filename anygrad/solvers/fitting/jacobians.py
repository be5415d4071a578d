"""The Jacobian of residuals on vectors: as a matrix, or by its products."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anygrad import trees
from anygrad.autodiff import jacobian as all_derivatives
from anygrad.autodiff import vjp
from anygrad.backends.types import Array, Tree
from anygrad.differences import jacobian as difference_jacobian
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.ops.shaping import is_complex
from anygrad.solvers.problem.objective import Box
from anygrad.solvers.problem.space import Part, Space
from anygrad.tracing import names_for

__all__ = ["Operator", "check_source", "make_matrix", "make_operator", "weighted"]


@dataclass(frozen=True)
class Operator:
    """A matrix that is known by its products.

    Attributes
    ----------
    shape : tuple of int
        (m, n).
    matvec, rmatvec : callables
        J v for a vector of shape (n,), and J^T u for one of shape (m,).
    """

    shape: tuple[int, int]
    matvec: Callable[[Array], Array]
    rmatvec: Callable[[Array], Array]

    def __matmul__(self, v: Array) -> Array:
        return self.matvec(v)


def weighted(plain: Operator, weights: Array) -> Operator:
    """An operator with each row multiplied."""
    return Operator(
        plain.shape,
        lambda v: weights * plain.matvec(v),
        lambda u: plain.rmatvec(weights * u),
    )


def check_source(where: str, jacobian: Any) -> None:
    """Refuse what says nothing about where derivatives come from."""
    named = isinstance(jacobian, str) and jacobian in ("automatic", "numerical")
    if named or callable(jacobian):
        return
    message = (
        f"{where}(jacobian): got {describe(jacobian)}; expected 'automatic', 'numerical' or a "
        "function of x."
    )
    raise ArgumentError(message)


def make_matrix(
    where: str,
    residuals: Callable[[Tree], Tree],
    jacobian: Any,
    inner: Space,
    outer: Space,
    box: Box | None,
) -> Callable[[Array], Array]:
    """Make the function that gives the Jacobian, shape (m, n), at a vector."""
    of_parts = _real(residuals, inner)
    # as "auto" would choose, which evaluates once more to learn the sizes
    mode = "forward" if inner.size < outer.size else "reverse"

    def of_copies(parts: list[Any]) -> list[Any]:
        # differences keep results while residuals may fill the same array at every call
        return [inner.copy(y) for y in of_parts([inner.copy(part) for part in parts])]

    def blocks(x: Array) -> Any:
        if jacobian == "automatic":
            return all_derivatives(of_parts, mode=mode)(_parts(inner, x))
        bounds = None if box is None else (_parts(inner, box.lower), _parts(inner, box.upper))
        return difference_jacobian(of_copies, _parts(inner, x), bounds=bounds)

    def matrix(x: Array) -> Array:
        if callable(jacobian):
            return _given(where, jacobian(inner.to_tree(inner.copy(x))), inner, outer)
        return _assembled(blocks(x), inner)

    return matrix


def make_operator(
    residuals: Callable[[Tree], Tree], inner: Space, outer: Space, x: Array
) -> Operator:
    """Linearise the residuals at a vector: one evaluation, then products."""
    value, pullback = vjp(_real(residuals, inner), _parts(inner, x))
    zeros = [names_for(y).zeros_like(y) for y in value]
    # the pullback is linear, so its own transpose is the derivative
    _, push = vjp(pullback, zeros)

    def matvec(v: Array) -> Array:
        return _joined(push((_parts(inner, v),))[0], outer)

    def rmatvec(u: Array) -> Array:
        return _joined(pullback(_like(outer, u, value))[0], inner)

    return Operator((outer.size, inner.size), matvec, rmatvec)


def _parts(space: Space, vector: Array) -> list[Array]:
    """The leaves of a vector; of a complex one, real and imaginary part, both real."""
    xp, found = space.xp, []
    for part in space.parts:
        for k in range(2 if part.is_complex else 1):
            start = part.start + k * part.size
            piece = xp.astype(vector[start : start + part.size], _real_dtype(space, part))
            found.append(xp.reshape(piece, part.shape))
    return found


def _real_dtype(space: Space, part: Part) -> Any:
    if not part.is_complex:
        return part.dtype
    return space.xp.float32 if part.dtype == space.xp.complex64 else space.xp.float64


def _real(residuals: Callable[[Tree], Tree], space: Space) -> Callable[[list[Any]], list[Any]]:
    """The residuals as a function of real arrays, giving real arrays."""

    def of_parts(parts: list[Any]) -> list[Any]:
        rest, leaves = list(parts), []
        for part in space.parts:
            leaf = rest.pop(0)
            if part.is_complex:
                leaf = leaf + rest.pop(0) * 1j
            leaves.append(leaf)
        found = []
        for y in trees.leaves(residuals(trees.unflatten(space.treedef, leaves))):
            both = hasattr(y, "dtype") and is_complex(y)
            found.extend([names_for(y).real(y), names_for(y).imag(y)] if both else [y])
        return found

    return of_parts


def _assembled(blocks: Any, inner: Space) -> Array:
    """A matrix of blocks, one for each part of the residuals and of x."""
    xp = inner.xp
    shapes = [part.shape for part in inner.parts for _ in range(2 if part.is_complex else 1)]

    def flat(block: Array, shape: tuple[int, ...]) -> Array:
        height = math.prod(block.shape[: len(block.shape) - len(shape)])
        return xp.astype(xp.reshape(block, (height, math.prod(shape))), inner.dtype)

    rows = []
    for row in blocks:
        pieces = [flat(block, shape) for block, shape in zip(row, shapes, strict=True)]
        rows.append(pieces[0] if len(pieces) == 1 else xp.concat(pieces, axis=1))
    return rows[0] if len(rows) == 1 else xp.concat(rows, axis=0)


def _joined(leaves: list[Any], space: Space) -> Array:
    xp = space.xp
    flat = [xp.astype(xp.reshape(x, (-1,)), space.dtype) for x in leaves]
    return flat[0] if len(flat) == 1 else xp.concat(flat)


def _like(space: Space, u: Array, parts: list[Any]) -> list[Any]:
    """Cut a vector of residuals into cotangents."""
    xp, found, start = space.xp, [], 0
    for y in parts:
        stop = start + math.prod(y.shape)
        found.append(xp.reshape(xp.astype(u[start:stop], y.dtype), y.shape))
        start = stop
    return found


def _given(where: str, found: Any, inner: Space, outer: Space) -> Array:
    """The matrix in what the user's function returned: (m, n), or blocks as of ag.jacobian."""
    xp, goal = inner.xp, (outer.size, inner.size)
    plain = all(not part.is_complex for part in (*inner.parts, *outer.parts))
    shape = getattr(found, "shape", None)
    if shape is not None and math.prod(shape) == goal[0] * goal[1]:
        single = tuple(shape) == outer.parts[0].shape + inner.parts[0].shape
        if tuple(shape) == goal or (plain and len(outer.parts) == len(inner.parts) == 1 and single):
            return xp.astype(xp.reshape(found, goal), inner.dtype)
    is_tree = all(hasattr(leaf, "shape") for leaf in trees.leaves(found))
    if shape is None and plain and is_tree:
        rows = trees.flatten_up_to(outer.treedef, found, where=f"{where}(jacobian)")
        name = f"{where}(jacobian)"
        blocks = [trees.flatten_up_to(inner.treedef, row, where=name) for row in rows]
        matrix = _assembled(blocks, inner)
        if tuple(matrix.shape) == goal:
            return matrix
    message = (
        f"{where}(jacobian): it returned {describe(found)}; expected an array of shape {goal}, or "
        "blocks as ag.jacobian gives them."
    )
    raise ShapeError(message)
