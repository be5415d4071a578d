"""The linear systems of implicit derivatives, for so many unknowns that no matrix is made."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from anygrad.autodiff import jacobian
from anygrad.errors import UnconvergedWarning
from anygrad.linear import cg, gmres
from anygrad.solvers.problem.space import Space
from anygrad.tracing import LIFTED, TRACED

ENOUGH = 1e-6
"""A residual above this, relative to the right side, is told to the user."""

RESTART = 200


def solve_matrix_free(
    space: Space, is_symmetric: bool, matvec: Callable[[Any], Any], b: Any
) -> Any:
    """Solve ``matvec(u) = b`` for vectors: conjugate gradients, or GMRES.

    In higher derivatives and under `vmap`, where values are traced, the matrix is made after all,
    because the number of steps of an iteration would depend on traced values.
    """
    if type(b) in LIFTED or type(matvec(b)) in LIFTED:
        matrix = jacobian(matvec, mode="forward")(b)
        column = TRACED.reshape(b, shape=(*b.shape, 1))
        return TRACED.reshape(TRACED.solve(matrix, column), shape=b.shape)
    rtol = 10.0 * space.eps
    most = max(1000, 2 * b.shape[0])
    size = math.sqrt(space.fetch([b @ b])[0])
    enough = max(ENOUGH, 100.0 * space.eps) * size
    if is_symmetric:
        solved = cg(matvec, b, rtol=rtol, max_steps=most)
        if solved.residual <= enough:
            return solved.x
    solved = gmres(matvec, b, rtol=rtol, restart=RESTART, max_steps=most)
    if not solved.residual <= enough:
        message = (
            f"the linear system of the derivative was solved to {solved.residual / size:.1g} only, "
            f"after {solved.iterations} products; the derivative is as inexact. The solution may "
            "not be isolated."
        )
        warnings.warn(message, UnconvergedWarning, stacklevel=2)
    return solved.x
