"""The problems of a batch that are still at work, and the parameters of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anygrad.autodiff import vmap
from anygrad.backends.types import Array
from anygrad.solvers.problem.captured import refuse_traced
from anygrad.solvers.problem.objective import is_numerical
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.status import Status

RUNNING = -1


class NotBatched(Exception):
    """Raised where a batch fails as a whole: its examples have to be solved one by one."""


@dataclass
class Together:
    """Solutions of a batch.

    Attributes
    ----------
    x : array, shape (size, n)
        On the device.
    status, nit, nfev, njev, nhev : NumPy vectors
        By example.
    method, message : str
        The message is about the first example that did not converge.
    """

    x: Array
    status: np.ndarray
    nit: np.ndarray
    nfev: np.ndarray
    njev: np.ndarray
    nhev: np.ndarray
    method: str
    kind: type
    message: str = ""

    @property
    def success(self) -> np.ndarray:
        """Whether each example converged."""
        return self.status == int(Status.CONVERGED)

    def __post_init__(self) -> None:
        if not self.success.all():
            first = int(np.argmin(self.success))
            self.message = f"Example {first}: {Status(int(self.status[first])).sentence}"


@dataclass
class Lanes:
    """Rows of a batch; those that are done leave when half of them are.

    The number of rows halves each time, so that a library that compiles for shapes meets few.

    Attributes
    ----------
    space : Space
        Of one example.
    function : callable
        ``function(v, *operands)`` for one example: a tuple of arrays.
    operands : list of arrays
        Parameters; those in ``mapped`` have one row for each example.
    number : NumPy vector
        Which example each row is.
    """

    space: Space
    function: Callable[..., tuple[Any, ...]]
    operands: list[Array]
    mapped: list[bool]
    number: np.ndarray
    done: list[tuple[np.ndarray, Array]] = field(default_factory=list)

    def evaluate(self, x: Array) -> tuple[Array, ...]:
        """Evaluate the function for every row, in one pass."""
        axes = (0, *(0 if m else None for m in self.mapped))
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                found = vmap(self.function, axes)(x, *self.operands)
        except Exception as error:
            if not is_numerical(error):
                raise
            raise NotBatched from error
        for part in found:
            refuse_traced("solver(f)", part)
        return found

    def read(self, *columns: Array) -> np.ndarray:
        """Read several numbers of each row in one transfer: shape (len(columns), rows)."""
        found = self.space.fetch(columns)
        return np.asarray(found, dtype=np.float64)

    def send(self, *columns: np.ndarray) -> list[Array]:
        """Bring numbers of each row beside the vectors in one transfer, as columns (rows, 1)."""
        whole = self.space.from_host(np.stack(columns).astype(np.float64))
        return [whole[k, :, None] for k in range(len(columns))]

    def indices(self, which: np.ndarray) -> Array:
        """Bring integers beside the vectors."""
        xp = self.space.xp
        return xp.asarray(which.tolist(), dtype=xp.int64, device=self.space.device)

    def rows(self, array: Array, which: Array) -> Array:
        """Take some rows."""
        return self.space.xp.take(array, which, axis=0)

    def retire(self, running: np.ndarray, x: Array) -> np.ndarray | None:
        """Let the rows that are done go, if they are half of all; which stay, or None."""
        if 2 * int(running.sum()) > running.size:
            return None
        gone, stay = np.flatnonzero(~running), np.flatnonzero(running)
        if gone.size:
            self.done.append((self.number[gone], self.rows(x, self.indices(gone))))
        self.number = self.number[stay]
        if stay.size:
            which = self.indices(stay)
            self.operands = [
                self.rows(a, which) if m else a
                for a, m in zip(self.operands, self.mapped, strict=True)
            ]
        return stay

    def gather(self) -> Array:
        """Put the rows that are done in the order of the examples."""
        xp = self.space.xp
        order = np.argsort(np.concatenate([numbers for numbers, _ in self.done]))
        whole = xp.concat([x for _, x in self.done], axis=0)
        return self.rows(whole, self.indices(order))
