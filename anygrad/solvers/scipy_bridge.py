"""SciPy's own optimisers on any arrays: our gradients for them, and their results in our shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.backends.packages import import_package
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe
from anygrad.recording.history import History
from anygrad.solvers.flattening import ScipyFunctions, make_functions
from anygrad.solvers.problem.bounds import read_box
from anygrad.solvers.problem.building import make_objective
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.status import Status

__all__ = ["scipy_minimize"]

WITHOUT_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
WITH_HESSIAN = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
WITH_MATRIX = ("dogleg", "trust-exact")
"""Methods that need the Hessian as a matrix."""
WITHOUT_BOUNDS = ("cg", "bfgs", "newton-cg", "dogleg", "trust-ncg", "trust-exact", "trust-krylov")
LIMIT_WORDS = ("maximum number", "limit", "max.", "maxfun", "maxiter")
"""What SciPy's messages call too many steps or evaluations; its numbers differ by method."""


def scipy_minimize(
    f: Callable[..., Any],
    x0: Tree,
    *,
    method: str | None = None,
    args: tuple[Any, ...] = (),
    gradient: Any = "automatic",
    hvp: Callable[..., Any] | None = None,
    bounds: Any = None,
    **keywords: Any,
) -> Result:
    """Run ``scipy.optimize.minimize`` on a tree of arrays, with our gradients.

    SciPy computes on the host in float64: every evaluation copies x to the device of ``x0`` and
    value and gradient back. `minimize` does not.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` gives a real number, shape ().
    x0 : tree of floating arrays
        The start; one library and device. It is not changed.
    method : str, optional
        A method of SciPy; by default the one that SciPy chooses.
    args : tuple
        What f takes after x.
    gradient : {"automatic", "numerical"}, callable or True
        As `minimize` takes it; not used by methods without a gradient.
    hvp : callable, optional
        ``hvp(x, v, *args)``, for the methods that use the Hessian; by default from ``gradient``.
    bounds : optional
        As `minimize` takes them; only for methods of SciPy that do.
    **keywords
        ``tol``, ``options``, ``constraints`` and ``callback``, passed to SciPy as they are: they
        know of flat vectors of float64. ``jac`` and ``hess`` are ours to pass.

    Returns
    -------
    Result
        As from `minimize`, with the structure, dtypes and device of ``x0``; the message is
        SciPy's. Without a ``callback`` of yours ``history`` has a row for each iteration.

    Raises
    ------
    ArgumentError
        If an argument is none of these.
    MissingPackageError
        If SciPy is not installed.

    References
    ----------
    ``scipy.optimize.minimize``, whose documentation has those of each method.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> f = lambda x: np.sum((x - 3.0) ** 4)
    >>> ag.solvers.scipy_minimize(f, np.zeros(2), method="BFGS").x.round(1)
    array([3., 3.])
    """
    where = "scipy_minimize"
    _check_keywords(where, keywords)
    if not (method is None or isinstance(method, str) or callable(method)):
        message = f"{where}(method): got {describe(method)}; expected the name of one of SciPy's."
        raise ArgumentError(message)
    name = str(method or "").lower()
    optimize = import_package("scipy.optimize", where="scipy_minimize")
    space = Space.of(f"{where}(x0)", x0)
    with space.on_device():
        box = read_box(where, bounds, space)
        objective = make_objective(where, f, space, args, gradient, hvp, box)
        flat = make_functions(where, objective, x0)
        start = flat.x0
        if box is not None:
            if name in WITHOUT_BOUNDS:
                message = f"{where}(bounds): got bounds with {name!r}, which takes none in SciPy."
                raise ArgumentError(message)
            lower, upper = (np.array(side) for side in space.fetch([box.lower, box.upper]))
            keywords["bounds"] = optimize.Bounds(lower, upper)
            start = np.clip(start, lower, upper)
        objective.uses_gradient = name not in WITHOUT_GRADIENT
        log = Log(flat)
        keywords.setdefault("callback", log.callback)
        if name in WITH_HESSIAN:
            keywords["hessp"] = flat.hessp
        if name in WITH_MATRIX:
            keywords["hess"] = flat.hess
        found = optimize.minimize(
            flat.fun_and_jac if objective.uses_gradient else log.fun,
            start,
            method=method,
            jac=objective.uses_gradient or None,
            **keywords,
        )
        return _result(flat, found, name or "SciPy's default", log)


def _check_keywords(where: str, keywords: dict[str, Any]) -> None:
    allowed = ("tol", "options", "constraints", "callback")
    for name, value in keywords.items():
        if name not in allowed:
            message = (
                f"{where}({name}): got {describe(value)}; expected no argument of this name. Use "
                "gradient= for jac=, hvp= for hessp=, and SciPy's " + ", ".join(allowed) + "."
            )
            raise ArgumentError(message)


class Log:
    """The history of a run of SciPy, from what was evaluated last."""

    def __init__(self, flat: ScipyFunctions) -> None:
        self.flat = flat
        self.history = History()
        self.nit = 0
        self.values: dict[bytes, float] = {}
        self.had_value = False

    def fun(self, x: np.ndarray) -> float:
        """Evaluate f, and keep the values since the last iteration."""
        value = self.flat.fun(x)
        self.had_value = self.had_value or math.isfinite(value)
        self.values[np.asarray(x).tobytes()] = value
        return value

    def callback(self, x: np.ndarray, *rest: Any) -> None:
        """Add the row of an iteration."""
        self.nit, objective = self.nit + 1, self.flat.objective
        if objective.uses_gradient:
            last = self.flat.last[0]
            known = np.array_equal(last[0], x)
            f, peak = (last[1].f, last[1].peak) if known else (math.nan, math.nan)
        else:
            f, peak = self.values.get(np.asarray(x).tobytes(), math.nan), math.nan
            self.values = {np.asarray(x).tobytes(): f}
        self.history.record(self.nit, fun=f, optimality=peak, evaluations=objective.nfev)


def _result(flat: ScipyFunctions, found: Any, name: str, log: Log) -> Result:
    objective = flat.objective
    space = objective.space
    counts = (objective.nfev, objective.njev, objective.nhev)
    x = flat.to_tree(found.x)
    gradient = None
    if objective.uses_gradient:
        gradient = space.to_tree(space.copy(flat.point(found.x).gradient))
    status = _status(found)
    if name in WITHOUT_GRADIENT and not log.had_value:
        status = Status.NONFINITE  # of which COBYLA knows nothing
    return Result(
        x=x,
        fun=space.number(float(found.fun)),
        jac=gradient,
        success=status is Status.CONVERGED,
        status=status,
        message=str(found.message),
        nit=int(getattr(found, "nit", 0)),
        nfev=counts[0],
        njev=counts[1],
        nhev=counts[2],
        method=name,
        history=log.history,
    )


def _status(found: Any) -> Status:
    message = str(found.message).lower()
    if "callback" in message:  # COBYQA calls it a success
        return Status.STOPPED
    if found.success:
        return Status.CONVERGED
    if any(word in message for word in LIMIT_WORDS):
        return Status.MAX_STEPS
    if "nan" in message.split() or not math.isfinite(float(found.fun)):
        return Status.NONFINITE
    if "incompatible" in message:
        return Status.INFEASIBLE
    return Status.SINGULAR if "singular" in message else Status.STAGNATED
