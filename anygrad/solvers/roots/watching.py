"""What callbacks and records of `root` show: f(x), where the loop keeps a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.solvers.iteration import Iterate, read_records
from anygrad.solvers.roots.system import System

RECORDS = {"x": "x", "fun": "jac"}


class RootIterate:
    """What a callback gets: the newest point.

    Attributes
    ----------
    x, fun : trees of arrays
        The point and f(x); made when they are asked for.
    nit, nfev : int
        Steps and evaluations so far.
    optimality : float
        max |f(x)|.
    """

    def __init__(self, now: Iterate, system: System) -> None:
        self._now = now
        self._system = system
        self.nit = now.nit
        self.nfev = now.nfev
        self.optimality = now.optimality

    @property
    def x(self) -> Any:
        """The point, in arrays of its own."""
        return self._now.x

    @property
    def fun(self) -> Any:
        """f(x), in arrays of its own."""
        return self._system.residual_tree(self._system.space.to_vector(self._now.jac))

    def __repr__(self) -> str:
        return f"RootIterate(nit={self.nit}, nfev={self.nfev}, optimality={self.optimality:.3g})"


def callback_for(
    callback: Callable[[Any], Any] | None, system: System
) -> Callable[[Iterate], Any] | None:
    """Make a callback of the loop from the user's."""
    if callback is None:
        return None
    return lambda now: callback(RootIterate(now, system))


def records_of(where: str, record: Any) -> tuple[str, ...]:
    """Translate what is to be recorded into the names of the loop."""
    return tuple(RECORDS[name] for name in read_records(where, record, tuple(RECORDS)))
