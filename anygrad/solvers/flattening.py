"""Functions of a tree as functions of flat NumPy vectors, for optimisers that know only those."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anygrad.backends.types import Array, Tree
from anygrad.errors import ShapeError
from anygrad.solvers.problem.building import make_objective
from anygrad.solvers.problem.objective import Objective, Point
from anygrad.solvers.problem.space import Space

__all__ = ["ScipyFunctions", "make_functions", "scipy_functions"]


@dataclass(frozen=True)
class ScipyFunctions:
    """What optimisers on flat NumPy vectors need of a function; `scipy_functions` makes it.

    Every call copies a vector to the device of the tree, and its result to the host.

    Attributes
    ----------
    x0 : ndarray of float64, shape (n,)
        The start. A complex leaf gives its real parts and then its imaginary parts.
    objective : Objective
        What counts the evaluations: ``nfev``, ``njev``, ``nhev``.
    last : list
        The vector and the point of the last gradient.
    """

    x0: np.ndarray
    objective: Objective = field(repr=False)
    last: list[tuple[np.ndarray, Point]] = field(default_factory=list, repr=False)

    def fun(self, x: np.ndarray) -> float:
        """Evaluate f; nan where it raises ArithmeticError."""
        with self.objective.space.on_device():
            return self.objective.evaluate_value(self._to_device(x))

    def jac(self, x: np.ndarray) -> np.ndarray:
        """Compute the gradient, shape (n,), unless it was computed at x last."""
        return self.fun_and_jac(x)[1]

    def fun_and_jac(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Compute both at once, for SciPy's ``jac=True``."""
        point = self.point(x)
        gradient = point.extra[0] if point.extra else np.full(len(self.x0), math.nan)
        return point.f, np.array(gradient, dtype=np.float64)

    def hessp(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Multiply the Hessian at x by a vector, shape (n,)."""
        objective = self.objective
        with objective.space.on_device():
            product = objective.hessian_product(self._to_device(x), self._to_device(v))
            return np.array(objective.space.fetch([product])[0], dtype=np.float64)

    def hess(self, x: np.ndarray) -> np.ndarray:
        """Compute the Hessian at x, shape (n, n), by n products."""
        matrix = np.stack([self.hessp(x, unit) for unit in np.eye(len(self.x0))])
        return 0.5 * (matrix + matrix.T)

    def to_tree(self, x: np.ndarray) -> Tree:
        """Make a tree like the start of a vector: same library, dtypes and device."""
        space = self.objective.space
        with space.on_device():
            return space.to_tree(self._to_device(x))

    def to_vector(self, tree: Tree) -> np.ndarray:
        """Make a vector of a tree like the start."""
        space = self.objective.space
        with space.on_device():
            vector = space.to_vector(tree)
            return np.array(space.fetch([vector])[0], dtype=np.float64)

    def _to_device(self, x: np.ndarray) -> Array:
        # a copy: SciPy's methods write into their vectors, and f may keep what it gets
        space = self.objective.space
        x = np.array(x, dtype=np.float64)
        if x.shape != self.x0.shape:
            message = f"scipy_functions(x): got shape {x.shape}; expected {self.x0.shape}."
            raise ShapeError(message)
        if space.is_on_host:
            return space.from_host(x)
        moved = space.backend.from_host(x, space.device)
        return space.xp.astype(moved, space.dtype, copy=False)

    def point(self, x: np.ndarray) -> Point:
        """Evaluate f and its gradient, unless that was the last thing done."""
        if self.last and np.array_equal(self.last[0][0], x):
            return self.last[0][1]
        with self.objective.space.on_device():
            point = self.objective.evaluate(self._to_device(x), lambda gradient: [gradient])
        self.last[:] = [(np.array(x), point)]
        return point


def scipy_functions(
    f: Callable[..., Any],
    x0: Tree,
    *,
    args: tuple[Any, ...] = (),
    gradient: Any = "automatic",
    hvp: Callable[..., Any] | None = None,
) -> ScipyFunctions:
    """Turn a function of a tree of arrays into functions of flat NumPy vectors.

    For optimisers that know only those, SciPy's and others: ``fun``, ``jac``, ``fun_and_jac``,
    ``hessp`` and ``hess``, with ``x0``, ``to_tree`` and ``to_vector``. Numbers of float64 go to and
    fro between the host and the device at every call; f computes in the dtype of the tree.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` gives a real number, shape ().
    x0 : tree of floating arrays
        The start; one library and device.
    args : tuple
        What f takes after x.
    gradient : {"automatic", "numerical"}, callable or True
        As `minimize` takes it.
    hvp : callable, optional
        ``hvp(x, v, *args)``, the product of the Hessian with v; by default from ``gradient``.

    Returns
    -------
    ScipyFunctions
        The functions, the start, and both ways between trees and vectors.

    Raises
    ------
    ArgumentError, DTypeError, MixedBackendError
        If f is not callable, or x0 no tree of floating arrays of one library and device.

    References
    ----------
    The conventions are those of ``scipy.optimize.minimize``.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> flat = ag.solvers.scipy_functions(lambda x: np.sum(x["a"] ** 2), {"a": np.ones((2, 2))})
    >>> flat.jac(flat.x0)
    array([2., 2., 2., 2.])
    >>> flat.to_tree(flat.x0)["a"].shape
    (2, 2)
    """
    where = "scipy_functions"
    space = Space.of(f"{where}(x0)", x0)
    with space.on_device():
        return make_functions(where, make_objective(where, f, space, args, gradient, hvp), x0)


def make_functions(where: str, objective: Objective, x0: Tree) -> ScipyFunctions:
    """Bind an objective and its start."""
    vector = objective.space.to_vector(x0, f"{where}(x0)")
    start = np.array(objective.space.fetch([vector])[0], dtype=np.float64)
    return ScipyFunctions(start, objective)
