"""The model in the basis of the eigenvectors of its Hessian, for few variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff import vmap
from anygrad.backends.types import Array
from anygrad.errors import TraceError
from anygrad.solvers.problem.objective import Objective, Point, is_numerical
from anygrad.solvers.problem.space import Space
from anygrad.solvers.regions.region import Proposal

Solve = Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, bool]]
"""From eigenvalues, gradient in their basis and radius: the step, and whether it was held back."""


@dataclass(frozen=True)
class Dense:
    """A subproblem that is solved on the host, in the basis of the eigenvectors."""

    solve: Solve
    name: str

    def model(self, objective: Objective, point: Point) -> Spectrum:
        """Make the model of a point."""
        return Spectrum(objective, point, self.solve)


class Spectrum:
    """Eigenvectors on the device; eigenvalues and the gradient in their basis on the host.

    One read for each point: a step for another radius costs a product with the matrix of the
    eigenvectors.
    """

    def __init__(self, objective: Objective, point: Point, solve: Solve) -> None:
        self.space = objective.space
        self.solve = solve
        found = _decompose(objective, point)
        if found is None:  # without a Hessian the model is a plane
            square = self.space.fetch([point.gradient @ point.gradient])[0]
            length = np.sqrt(square)
            unit = self.space.xp.reshape(point.gradient, (-1, 1)) / float(length)
            found = unit, np.zeros(1), np.asarray([length])
        self.vectors, self.values, self.gradient = found

    def propose(self, radius: float) -> Proposal:
        """Lower the model within a radius."""
        w, b = self.values, self.gradient
        # in units of the radius and of the gradient, as squares of tiny ones leave the range
        size = float(np.max(np.abs(b))) or 1.0
        c, at_boundary = self.solve(w * (radius / size), b / size, 1.0)
        length = radius * float(np.linalg.norm(c))
        c = radius * c
        predicted = -float(b @ c + 0.5 * (w * c) @ c)
        step = self.vectors @ self.space.from_host(c)
        return Proposal(step, length, predicted, at_boundary)


def _decompose(objective: Objective, point: Point) -> tuple[Array, np.ndarray, np.ndarray] | None:
    """Eigenvectors, eigenvalues and gradient; None where the Hessian is not finite."""
    space = objective.space
    matrix = hessian_matrix(objective, point.x)
    try:
        values, vectors = space.xp.linalg.eigh(matrix)
    except Exception as error:
        if not is_numerical(error):
            raise
        return None
    w, b = space.fetch([values, point.gradient @ vectors])
    if not (np.isfinite(w).all() and np.isfinite(b).all()):
        return None
    return vectors, w.astype(np.float64), b.astype(np.float64)


def hessian_matrix(objective: Objective, x: Array) -> Array:
    """Make the Hessian from products with all unit vectors: in one batch, if f can be batched."""
    space, xp = objective.space, objective.space.xp
    unit = xp.eye(space.size, dtype=space.dtype, device=space.device)
    rows = _batched(objective, x, unit)
    if rows is None:
        products = [objective.hessian_product(x, unit[i, ...]) for i in range(space.size)]
        rows = xp.stack(products, axis=0)
    return 0.5 * (rows + xp.permute_dims(rows, (1, 0)))


def _batched(objective: Objective, x: Array, unit: Array) -> Array | None:
    """H, a row for each unit vector; None where products cannot be batched."""
    space, product = objective.space, objective.product_with_hessian
    if not objective.batches or product is None:
        return None
    if any(part.is_complex for part in space.parts):  # a leaf of theirs is two pieces of a vector
        return None
    at = space.to_tree(x)
    try:
        found = vmap(lambda v: product(at, v))(_unit_trees(space, unit))
    except TraceError:  # f asks for numbers that differ along the batch, or has no batched rule
        return None
    objective.nhev += space.size
    pieces = [
        space.xp.astype(space.xp.reshape(leaf, (space.size, -1)), space.dtype, copy=False)
        for leaf in trees.leaves(found)
    ]
    return pieces[0] if len(pieces) == 1 else space.xp.concat(pieces, axis=1)


def _unit_trees(space: Space, unit: Array) -> Any:
    xp = space.xp
    leaves = [
        xp.astype(
            xp.reshape(unit[:, part.start : part.start + part.size], (-1, *part.shape)), part.dtype
        )
        for part in space.parts
    ]
    return trees.unflatten(space.treedef, leaves)
