"""What every method for a batch is: rows that are stepped together and end one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from anygrad.backends.types import Array
from anygrad.solvers.batched.lanes import RUNNING, Lanes
from anygrad.solvers.problem.status import Status


class Running(ABC):
    """A run of a batch.

    Attributes
    ----------
    x : array, shape (rows, n)
        Where the examples are that are still among the rows.
    status, nit, nfev : NumPy vectors
        Of every example.
    """

    x: Array

    def __init__(self, lanes: Lanes, size: int) -> None:
        self.lanes = lanes
        self.xp = lanes.space.xp
        self.status = np.full(size, RUNNING)
        self.nit = np.zeros(size, dtype=int)
        self.nfev = np.ones(size, dtype=int)

    def run(self) -> Array:
        """Go on until every example has ended; the points, in their order."""
        while True:
            running = self.status[self.lanes.number] == RUNNING
            stay = self.lanes.retire(running, self.x)
            if stay is not None:
                if stay.size == 0:
                    return self.lanes.gather()
                self.keep(stay, self.lanes.indices(stay))
                running = running[stay]
            with np.errstate(all="ignore"):
                self.tick(running)

    @abstractmethod
    def keep(self, stay: np.ndarray, which: Array) -> None:
        """Drop all rows but some, whose indices are given on the host and on the device."""

    @abstractmethod
    def tick(self, running: np.ndarray) -> None:
        """Evaluate all rows once, and go on in those that run."""

    def end(self, which: np.ndarray, status: Status) -> None:
        """Give the examples of some rows a status, unless they have one."""
        numbers = self.lanes.number[which]
        self.status[numbers] = np.where(
            self.status[numbers] == RUNNING, int(status), self.status[numbers]
        )
