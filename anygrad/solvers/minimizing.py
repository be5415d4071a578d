"""``minimize``: the one front of all minimisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe
from anygrad.solvers.batched.fronts import minimize_together
from anygrad.solvers.constrained.augmented import minimize_constrained
from anygrad.solvers.differentiable import differentiable
from anygrad.solvers.equations import minimum
from anygrad.solvers.iteration import Callback, iterate, read_records
from anygrad.solvers.methods import find_method
from anygrad.solvers.problem.building import make_objective, read_box
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.stopping import Tolerances, usual_steps
from anygrad.solvers.watching import Watch

__all__ = ["minimize"]

RECORDS = ("x", "jac")


@differentiable(minimum, minimize_together)
def minimize(
    f: Callable[..., Any],
    x0: Tree,
    *,
    args: tuple[Any, ...] = (),
    method: Any = "auto",
    search: Any = None,
    gradient: Any = "automatic",
    hvp: Callable[..., Any] | None = None,
    bounds: Any = None,
    constraints: Any = None,
    max_steps: int | None = None,
    max_evaluations: int | None = None,
    gtol: float | None = None,
    ftol: float | None = None,
    xtol: float | None = None,
    ctol: float | None = None,
    callback: Callback | None = None,
    record: str | tuple[str, ...] = (),
    progress: str | bool | None = None,
) -> Result:
    """Minimise a real function of a tree of arrays, on the device and in the dtype they have.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` gives a real number, shape (). Where it or its gradient is not finite, or it
        raises ArithmeticError, a search takes a shorter step.
    x0 : tree of floating arrays
        The start, of one library and device; real or complex. It is not changed.
    args : tuple
        Further arguments of ``f``, ``gradient`` and ``hvp``. Where they are traced (in `grad`,
        `jvp`, `vmap`), ``x`` and ``fun`` carry the derivative of the minimum, by the implicit
        function theorem; that by ``x0`` is zero. A batch of `vmap` is solved in one run where the
        method is "auto" or "bfgs", without bounds, callback and record, else one by one.
    method : str or method
        A name, in our spelling or SciPy's, or what a factory of `anygrad.solvers` made, as
        ``solvers.lbfgs(memory=20)``. "auto": "bfgs" up to 100 variables, "lbfgs" above,
        "lbfgsb" with bounds. Optimizers go by name too, as "adam", or as they are,
        ``ag.optimizers.adam(1e-2)``.
    search : str or search, optional
        Line search of methods that have one: "strong-wolfe", "backtracking" or what a factory made;
        by default the one that suits the method.
    gradient : {"automatic", "numerical"}, callable or True
        Traced from ``f``; by central differences, 2 n evaluations each; a function
        ``gradient(x, *args)`` that gives a tree like ``x``; or True where ``f`` returns value and
        gradient. A complex leaf has df/dRe + i df/dIm.
    hvp : callable, optional
        ``hvp(x, v, *args)``: the Hessian times a tree ``v``. By default traced, or, where the
        gradient is not, a central difference of gradients.
    bounds : pair (lower, upper), list of pairs or scipy.optimize.Bounds, optional
        Each side None, a number or a tree like ``x0``; in a list, a pair for each element. f is
        never evaluated outside; a start outside is moved to the nearest point inside.
    constraints : Constraint, SciPy's constraint, or a list of them, optional
        ``solvers.equality(fun)``, ``solvers.inequality(fun)``, dicts with "type" and "fun",
        ``NonlinearConstraint``, ``LinearConstraint``. They are met by an augmented Lagrangian, of
        which the method minimises one after the other; those count as steps.
    max_steps, max_evaluations : int, optional
        Most iterations, by default 200 n and at least 1,000, and most evaluations of ``f``.
    gtol : float
        Converged when no element of the gradient is larger; 1e-5 by default, as in SciPy.
    ftol : float
        Converged when a step changes f by less, relative to max(abs(f), 1); 0, off, by default.
    xtol : float
        Converged when a step is shorter, relative to the length of x; 0, off, by default.
    ctol : float
        Constraints count as met up to this distance; 1e-8 by default, 1e-4 in float32.
    callback : callable, optional
        Gets, after each step, a record with ``x``, ``fun``, ``jac``, ``nit``, ``nfev`` and
        ``optimality``; a true result or StopIteration ends the run.
    record : str or tuple of str
        "x", "jac": trees to keep for each step in ``result.recorded``; they take memory.
    progress : bool or {"auto", "on", "off"}, optional
        Lines on stderr; "auto", the setting's default, prints them in a terminal when a run takes
        more than two seconds.

    Returns
    -------
    Result
        The best point found, with SciPy's fields, and the history. It never raises because of
        failure: ``success``, ``status`` and ``message`` tell.

    Raises
    ------
    ArgumentError
        If a method or search is unknown, or a tolerance outside its range.
    DTypeError
        If a leaf of ``x0`` is not floating.
    ShapeError
        If ``f`` gives no real number of shape (), or the gradient does not fit ``x0``.
    MixedBackendError
        If ``x0`` holds arrays of two libraries or devices.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization; each method names its own.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> def rosenbrock(x):
    ...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    >>> result = ag.minimize(rosenbrock, np.asarray([-1.2, 1.0]))
    >>> result.success, result.x.round(4)
    (True, array([1., 1.]))

    A line in a tree of parameters, without any array that is not yours:

    >>> x = np.asarray([0.0, 1.0, 2.0, 3.0])
    >>> y = 2.0 * x - 1.0
    >>> def loss(p):
    ...     return np.mean((p["slope"] * x + p["offset"] - y) ** 2)
    >>> found = ag.minimize(loss, {"slope": 0.0, "offset": 0.0}).x
    >>> round(float(found["slope"]), 4), round(float(found["offset"]), 4)
    (2.0, -1.0)
    """
    where = "minimize"
    if callback is not None and not callable(callback):
        message = f"{where}(callback): got {describe(callback)}; expected a function or None."
        raise ArgumentError(message)
    space = Space.of(f"{where}(x0)", x0)
    with space.on_device():
        box = read_box(where, bounds, space)
        objective = make_objective(where, f, space, args, gradient, hvp, box)
        found = find_method(where, method, search, space, box is not None)
        objective.uses_gradient = getattr(found, "uses_gradient", True)
        usual = getattr(found, "defaults", {})  # where a method's tolerances mean something else
        tolerances = Tolerances.of(
            where,
            gtol=gtol,
            ftol=usual.get("ftol") if ftol is None else ftol,
            xtol=usual.get("xtol") if xtol is None else xtol,
            max_steps=usual.get("max_steps") if max_steps is None else max_steps,
            max_evaluations=max_evaluations,
            default_steps=usual_steps(space.size),
        )
        start = space.to_vector(x0, f"{where}(x0)")
        if box is not None:
            start = box.project(space, start)
        if constraints not in (None, (), []):
            return minimize_constrained(
                where,
                objective,
                constraints,
                start,
                found,
                tolerances,
                gradient=gradient,
                ctol=ctol,
                max_steps=max_steps,
                callback=callback,
                record=read_records(where, record, RECORDS),
                progress=progress,
            )
        return iterate(
            objective,
            start,
            found,
            tolerances,
            callback=callback,
            record=read_records(where, record, RECORDS),
            watch=Watch(where, found.name, progress),
        )
