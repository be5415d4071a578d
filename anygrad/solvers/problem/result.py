"""What solvers return: SciPy's fields and conventions, and the history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from anygrad.backends.types import Array, Tree
from anygrad.recording.history import History
from anygrad.solvers.problem.status import Status

__all__ = ["Result"]


@dataclass
class Result:
    """The best point that a solver found, and how it came there.

    Fields can be read as items too, ``result["x"]``, as those of SciPy's ``OptimizeResult``.

    Attributes
    ----------
    x : tree of arrays
        The best point: structure, shapes, dtypes and device of the start.
    fun : array, shape ()
        f(x), on the device.
    jac : tree of arrays
        Gradient at ``x``; None for methods without one.
    success : bool
        Whether a test of convergence was met.
    status : Status
        The reason for the end; an integer as in SciPy, 0 for convergence.
    message : str
        The reason in a sentence.
    nit, nfev, njev, nhev : int
        Iterations; evaluations of f, of its gradient, and products with its Hessian.
    method : str
        Which method found it.
    history : History
        By iteration, counted from the start, which is row 0: columns ``fun``, ``optimality`` (the
        largest absolute element of the gradient), ``step_length`` and ``evaluations``.
    recorded : dict of str to list of trees
        What ``record`` asked for, at the same places.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> result = ag.minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2))
    >>> result.success, result["x"].round(6)
    (True, array([3., 3.]))
    """

    x: Tree
    fun: Array
    jac: Tree
    success: bool
    status: Status
    message: str
    nit: int
    nfev: int
    njev: int
    nhev: int
    method: str
    history: History = field(repr=False)
    recorded: dict[str, list[Tree]] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Any:
        """Read a field by its name."""
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> list[str]:
        """List the names of the fields."""
        return [item.name for item in fields(self)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def plot(self) -> Any:
        """Draw the value and the optimality by iteration; needs matplotlib.

        Returns
        -------
        matplotlib.figure.Figure
            Not shown; save it with ``figure.savefig(path)``.
        """
        from anygrad.plots import training_curves

        return training_curves(self.history, columns=["fun", "optimality"])
