"""GMRES: a linear system by products with its matrix alone, which need not be symmetric."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.backends import backend_of, device_of, namespace
from anygrad.backends.types import Array, Namespace
from anygrad.linear.outcome import LinearSolution, read

__all__ = ["gmres"]

BREAKDOWN = 1e-14
"""A new direction shorter than this, relative to the product it came from, is rounding."""

STALLED = 0.999
"""A whole Krylov space that leaves more of the residual than this will not do better next time."""


def gmres(
    matvec: Callable[[Array], Array],
    b: Array,
    *,
    rtol: float = 1e-10,
    restart: int = 50,
    max_steps: int | None = None,
) -> LinearSolution:
    """Solve A x = b for any A by its products: least residuals over Krylov spaces.

    Each product costs one transfer from the device, of a column of the Hessenberg matrix, whose
    least-squares problem is solved on the host. Directions are made orthogonal twice.

    Parameters
    ----------
    matvec : callable
        ``matvec(v)`` gives A v, shape (n,).
    b : array, shape (n,)
        Right side; real floating.
    rtol : float
        Norm of the residual, relative to that of ``b``.
    restart : int
        Directions kept before x is updated and the space begun anew, >= 1.
    max_steps : int, optional
        Bound on the products; 10 n without it.

    Returns
    -------
    LinearSolution
        ``converged`` is False where products ran out or a whole space did not help.

    References
    ----------
    Saad, Schultz (1986), GMRES: a generalized minimal residual algorithm, alg. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.linear import gmres
    >>> a = np.asarray([[0.0, 1.0], [-2.0, 0.0]])
    >>> gmres(lambda v: a @ v, np.asarray([3.0, 4.0])).x
    array([-2.,  3.])
    """
    xp = namespace(b)
    limit = 10 * b.shape[0] if max_steps is None else max_steps
    x = xp.zeros_like(b)
    (size,) = read(xp, _norm(xp, b))
    if not size > 0.0:
        return LinearSolution(x, size == 0.0, 0, size, "The right side is zero, or not finite.")
    r, length, products = b, size, 0
    while length > rtol * size and products < limit:
        before = length
        steps = min(restart, limit - products, b.shape[0])
        move, length, used = _cycle(xp, matvec, r, length, rtol * size, steps)
        products += used
        x = x + move
        if length <= rtol * size:
            break
        r = b - matvec(x)
        (length,) = read(xp, _norm(xp, r))
        if not length < STALLED * before:
            message = "A whole Krylov space did not lower the residual."
            return LinearSolution(x, False, products, length, message)
    done = length <= rtol * size
    message = "The residual is small." if done else f"{products} products were not enough."
    return LinearSolution(x, done, products, length, message)


def _cycle(
    xp: Namespace,
    matvec: Callable[[Array], Array],
    r: Array,
    length: float,
    enough: float,
    steps: int,
) -> tuple[Array, float, int]:
    """Build one Krylov space and take the best of it: the move, what is left, products."""
    basis = [r / length]
    hessenberg = np.zeros((steps + 1, steps))
    target = np.zeros(steps + 1)
    target[0] = length
    y, left = np.zeros(0), length
    for k in range(steps):
        w = matvec(basis[k])
        v = xp.stack(basis)
        first = v @ w
        w = w - first @ v
        second = v @ w  # rounding leaves w not quite orthogonal
        w = w - second @ v
        column = _host(xp.concat([first + second, xp.reshape(_norm(xp, w), (1,))]))
        if not np.isfinite(column).all():
            break
        hessenberg[: k + 2, k] = column
        h = hessenberg[: k + 2, : k + 1]
        y = np.linalg.lstsq(h, target[: k + 2], rcond=None)[0]
        left = float(np.linalg.norm(h @ y - target[: k + 2]))
        if left <= enough or column[-1] <= BREAKDOWN * float(np.linalg.norm(column)):
            break
        basis.append(w / float(column[-1]))
    if y.size == 0:
        return xp.zeros_like(r), length, 1
    weights = xp.asarray(y.tolist(), dtype=r.dtype, device=device_of(r))
    return weights @ xp.stack(basis[: y.size]), left, y.size


def _host(v: Array) -> np.ndarray:
    backend: Any = backend_of(v)
    return np.asarray(backend.to_host(v), dtype=np.float64)


def _norm(xp: Namespace, v: Array) -> Array:
    """The 2-norm, without overflow of the squares."""
    largest = xp.max(xp.abs(v))
    safe = xp.where((largest > 0.0) & (largest < math.inf), largest, xp.ones_like(largest))
    scaled = v / safe
    return safe * xp.sqrt(scaled @ scaled)
