"""``root`` and ``fixed_point``: the fronts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.solvers.batched.fronts import root_together
from anygrad.solvers.differentiable import differentiable
from anygrad.solvers.equations import difference, fixed_equation, zero
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.roots.choosing import (
    check_function,
    choose_method,
    find,
    find_source,
    is_dense,
    step_tolerance,
    with_args,
)
from anygrad.solvers.roots.system import System

__all__ = ["fixed_point", "root"]

MAPS = ("anderson", "picard", "newton", "broyden")
SYSTEMS = ("auto", "newton", "broyden", "anderson")


@differentiable(zero, root_together)
def root(
    f: Callable[..., Any],
    x0: Tree,
    *,
    args: tuple[Any, ...] = (),
    method: Any = "auto",
    jacobian: Any = "automatic",
    linear_solve: str = "auto",
    ftol: float | None = None,
    xtol: float | None = None,
    max_steps: int | None = None,
    max_evaluations: int | None = None,
    callback: Callable[[Any], Any] | None = None,
    record: str | tuple[str, ...] = (),
    progress: str | bool | None = None,
) -> Result:
    """Find where as many equations as unknowns are all zero, f(x) = 0.

    Newton's method shortens its steps until |f| is smaller; where the Jacobian is singular it takes
    damped least-squares steps. The solution is differentiable by ``args``.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` gives a tree of arrays with as many real numbers as x has. Where it is not
        finite, or raises ArithmeticError, a shorter step is taken.
    x0 : tree of floating arrays
        The start, of one library and device; real or complex. It is not changed.
    args : tuple
        Further arguments of ``f`` and ``jacobian``. Where they are traced (in `grad`, `jvp`,
        `vmap`), ``x`` and ``fun`` carry the derivative of the root, by the implicit function
        theorem; that with respect to ``x0`` is zero.
    method : {"auto", "newton", "broyden", "anderson"} or method
        "auto" is "newton". "broyden" makes one Jacobian and learns from the steps; "anderson"
        accelerates x <- x - f(x) (for other signs and sizes, `solvers.anderson` with ``beta``).
    jacobian : {"automatic", "numerical"} or callable
        ``jacobian(x, *args)``: an array of shape (n, n), or of f's shape followed by x's.
    linear_solve : {"auto", "dense", "gmres"}
        How Newton's steps are computed; "gmres" needs products with the Jacobian only. With
        "broyden": whether it begins with the Jacobian, or with a multiple of the identity and a
        memory of 40 steps. "auto": "dense" up to 500 unknowns.
    ftol : float, optional
        Largest element of |f| at a root, >= 0; by default eps^(2/3) of x's dtype, 3.7e-11 in
        float64.
    xtol : float, optional
        A whole Newton step not longer than this relative to |x| is convergence too; by default four
        units of rounding.
    max_steps : int, optional
        By default 1000.
    max_evaluations : int, optional
        Of f; no limit by default.
    callback : callable, optional
        Called after every step with ``x``, ``fun`` (f(x)), ``nit``, ``nfev`` and ``optimality``
        (max |f|); stops the solver by returning True or raising StopIteration.
    record : {"x", "fun"} or tuple of them
        Trees to keep of every iteration, in ``result.recorded``.
    progress : {"auto", "on", "off"} or bool, optional
        A line now and then on stderr; "auto": on a terminal, in runs of more than two seconds.

    Returns
    -------
    Result
        ``x``; ``fun``, f(x) as f gives it; ``success`` only where a test of ``ftol`` or ``xtol``
        was met; ``nfev``, ``njev`` (Jacobians), ``nhev`` (products with them); ``history`` with
        ``fun`` as 0.5 |f|^2. ``jac`` is None. Under `vmap`, ``success``, ``status`` and the counts
        are arrays of the batch.

    Raises
    ------
    ArgumentError
        If an option is outside its range.
    ShapeError
        If f gives another number of equations than there are unknowns.
    TraceError
        If f closes over a traced value.

    Warns
    -----
    UnconvergedWarning
        If ``args`` are traced and no root was found.

    References
    ----------
    Dennis, Schnabel (1983), Numerical Methods for Unconstrained Optimization and Nonlinear
    Equations, alg. 6.5; Broyden (1965); Walker, Ni (2011).

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> kepler = lambda E, M, e: E - e * np.sin(E) - M
    >>> ag.solvers.root(kepler, np.zeros(1), args=(1.0, 0.5)).x.round(6)
    array([1.498701])
    >>> anomaly = lambda e: ag.solvers.root(kepler, np.zeros(1), args=(1.0, e)).x[0]
    >>> float(ag.grad(anomaly)(0.5).round(6))  # sin E / (1 - e cos E)
    1.034667
    """
    where = "root"
    space = Space.of(f"{where}(x0)", x0)
    check_function(f"{where}(f)", f)
    system = System(where, space, with_args(f, args), find_source(where, jacobian, args))
    step = step_tolerance(where, xtol, space)
    found = choose_method(where, method, SYSTEMS, step, is_dense(where, linear_solve, space))
    return find(system, x0, found, ftol, max_steps, max_evaluations, callback, record, progress)


@differentiable(fixed_equation)
def fixed_point(
    g: Callable[..., Any],
    x0: Tree,
    *,
    args: tuple[Any, ...] = (),
    method: Any = "anderson",
    linear_solve: str = "auto",
    ftol: float | None = None,
    xtol: float | None = None,
    max_steps: int | None = None,
    max_evaluations: int | None = None,
    callback: Callable[[Any], Any] | None = None,
    record: str | tuple[str, ...] = (),
    progress: str | bool | None = None,
) -> Result:
    """Find where a function gives what it gets, g(x) = x.

    Parameters
    ----------
    g : callable
        ``g(x, *args)`` gives a tree like x. Where it is not finite, or raises ArithmeticError, a
        shorter step is taken.
    x0 : tree of floating arrays
        The start, of one library and device; real or complex. It is not changed.
    args : tuple
        Further arguments of ``g``. Where they are traced, ``x`` carries the derivative of the fixed
        point, by the implicit function theorem, as for `root`.
    method : {"anderson", "picard", "newton", "broyden"} or method
        "picard" is x <- g(x); `solvers.anderson` and `solvers.picard` make others. "newton" solves
        x - g(x) = 0, and finds fixed points that repel, too.
    linear_solve : {"auto", "dense", "gmres"}
        For "newton" and "broyden", as for `root`.
    ftol : float, optional
        Largest element of |x - g(x)|, >= 0; by default eps^(2/3) of x's dtype, 3.7e-11 in float64.
    xtol : float, optional
        For "newton" and "broyden", as for `root`.
    max_steps : int, optional
        By default 1000.
    max_evaluations : int, optional
        Of g; no limit by default.
    callback : callable, optional
        As for `root`; ``fun`` is x - g(x).
    record : {"x", "fun"} or tuple of them
        Trees to keep of every iteration.
    progress : {"auto", "on", "off"} or bool, optional
        As for `root`.

    Returns
    -------
    Result
        As of `root`; ``fun`` is x - g(x).

    Raises
    ------
    ArgumentError
        If an option is outside its range.
    ShapeError
        If ``g`` gives another number of elements than x has.
    TraceError
        If g closes over a traced value.

    Warns
    -----
    UnconvergedWarning
        If ``args`` are traced and no fixed point was found.

    References
    ----------
    Walker, Ni (2011), Anderson acceleration for fixed-point iterations.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> result = ag.solvers.fixed_point(lambda x, a: np.cos(a * x), np.zeros(1), args=(1.0,))
    >>> result.success, result.x.round(6)
    (True, array([0.739085]))
    """
    where = "fixed_point"
    space = Space.of(f"{where}(x0)", x0)
    check_function(f"{where}(g)", g)
    of_x = with_args(g, args)
    system = System(where, space, lambda x: difference(x, of_x(x)))
    step = step_tolerance(where, xtol, space)
    found = choose_method(where, method, MAPS, step, is_dense(where, linear_solve, space))
    return find(system, x0, found, ftol, max_steps, max_evaluations, callback, record, progress)
