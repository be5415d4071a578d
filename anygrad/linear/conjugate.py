"""Conjugate gradients for symmetric positive definite systems."""

from __future__ import annotations

import math
from collections.abc import Callable

from anygrad.backends import namespace
from anygrad.backends.types import Array
from anygrad.linear.outcome import LinearSolution, read

__all__ = ["cg"]


def cg(
    matvec: Callable[[Array], Array],
    b: Array,
    *,
    rtol: float = 1e-10,
    max_steps: int | None = None,
    x0: Array | None = None,
) -> LinearSolution:
    """Solve A x = b for a symmetric positive definite A by its products.

    Two scalars are read from the device in each step, in one transfer.

    Parameters
    ----------
    matvec : callable
        ``matvec(v)`` gives A v, shape (n,).
    b : array, shape (n,)
        Right side; real floating.
    rtol : float
        Norm of the residual, relative to that of ``b``.
    max_steps : int, optional
        Bound on the steps; 10 n without it.
    x0 : array, shape (n,), optional
        Start; zeros without it.

    Returns
    -------
    LinearSolution
        ``converged`` is False where steps ran out or A turned out not to be positive definite; then
        ``x`` is the last iterate before.

    References
    ----------
    Hestenes, Stiefel (1952), Methods of conjugate gradients for solving linear systems, eq. 3:1.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.linear import cg
    >>> cg(lambda v: np.asarray([2.0, 4.0]) * v, np.asarray([2.0, 2.0])).x
    array([1. , 0.5])
    """
    xp = namespace(b)
    limit = 10 * b.shape[0] if max_steps is None else max_steps
    x = xp.zeros_like(b) if x0 is None else x0
    r = b if x0 is None else b - matvec(x)
    p, rr = r, xp.sum(r * r)
    now, size = read(xp, rr, xp.sum(b * b))
    goal = rtol * math.sqrt(size)
    for step in range(limit):
        if math.sqrt(now) <= goal:
            return LinearSolution(x, True, step, math.sqrt(now), "The residual is small.")
        q = matvec(p)
        curvature = xp.sum(p * q)
        # divided on the device, so that one transfer serves both tests
        alpha = rr / xp.where(curvature == 0, xp.ones_like(curvature), curvature)
        moved, left = x + alpha * p, r - alpha * q
        new = xp.sum(left * left)
        bend, after = read(xp, curvature, new)
        if not bend > 0.0 or not math.isfinite(after):
            message = f"The curvature along a direction is {bend:.3g}; expected a positive one."
            return LinearSolution(x, False, step + 1, math.sqrt(now), message)
        p = left + (new / rr) * p
        x, r, rr, now = moved, left, new, after
    converged = math.sqrt(now) <= goal
    message = "The residual is small." if converged else f"{limit} steps were not enough."
    return LinearSolution(x, converged, limit, math.sqrt(now), message)
