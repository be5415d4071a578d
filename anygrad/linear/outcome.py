"""What a linear solver returns, and how it reads its scalars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anygrad.backends import backend_of
from anygrad.backends.types import Array, Namespace


@dataclass(frozen=True)
class LinearSolution:
    """A solution of a linear system, and how it was found.

    Attributes
    ----------
    x : array, shape (n,)
        On the device of the right side.
    converged : bool
        Whether the tolerance was met.
    iterations : int
        Products with the matrix, beside the first.
    residual : float
        Norm of the residual, as the recurrence gives it; of the damped system for `lsmr`.
    message : str
        Why it ended.
    """

    x: Array
    converged: bool
    iterations: int
    residual: float
    message: str


def read(xp: Namespace, *scalars: Array) -> list[float]:
    """Bring 0-d arrays to the host in one transfer."""
    backend = backend_of(scalars[0])
    assert backend is not None
    if backend.host_dot is not None:
        return [float(x) for x in scalars]
    return [float(x) for x in np.asarray(backend.to_host(xp.stack(scalars)), dtype=np.float64)]
