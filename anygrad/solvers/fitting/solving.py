"""``least_squares``: the one front of least-squares methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe, suggest
from anygrad.ranges import POSITIVE, check_number
from anygrad.solvers.batched.fronts import fit_together
from anygrad.solvers.differentiable import differentiable
from anygrad.solvers.equations import fit
from anygrad.solvers.fitting.damping import Damped
from anygrad.solvers.fitting.gauss_newton import GaussNewton, GaussNewtonMethod
from anygrad.solvers.fitting.jacobians import check_source
from anygrad.solvers.fitting.losses import find_loss
from anygrad.solvers.fitting.models import dogleg, levenberg
from anygrad.solvers.fitting.regions import TrustRegion
from anygrad.solvers.fitting.residuals import Residuals
from anygrad.solvers.fitting.results import LeastSquaresResult, make_fit_result
from anygrad.solvers.fitting.stopping import make_tolerances
from anygrad.solvers.iteration import Callback, iterate, read_records
from anygrad.solvers.problem.bounds import Box, read_box
from anygrad.solvers.problem.building import with_args
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.stopping import Tolerances
from anygrad.solvers.watching import Watch

__all__ = ["least_squares"]

METHODS = ("lm", "gauss-newton", "dogleg")
SOLVERS = ("auto", "dense", "lsmr")
RECORDS = ("x", "jac")
MANY = 500
"""Up to so many parameters "auto" makes the matrix."""


@differentiable(fit, fit_together)
def least_squares(
    residuals: Callable[..., Any],
    x0: Tree,
    *,
    args: tuple[Any, ...] = (),
    method: str = "auto",
    loss: Any = "linear",
    f_scale: float = 1.0,
    jacobian: Any = "automatic",
    linear_solver: str = "auto",
    bounds: Any = None,
    x_scale: Any = "jac",
    max_steps: int | None = None,
    max_evaluations: int | None = None,
    gtol: float | None = None,
    ftol: float | None = None,
    xtol: float | None = None,
    callback: Callback | None = None,
    record: str | tuple[str, ...] = (),
    progress: str | bool | None = None,
) -> LeastSquaresResult:
    """Minimise half the sum of squares of residuals, or of a robust loss of them.

    ``0.5 * f_scale**2 * sum(rho((residuals(x) / f_scale)**2))`` over all elements of the residuals.

    Parameters
    ----------
    residuals : callable
        ``residuals(x, *args)`` gives an array or a tree of arrays of any shapes, real or complex;
        of complex ones, real and imaginary parts count as residuals each. Where it is not finite,
        or raises ArithmeticError, a shorter step is tried.
    x0 : tree of floating arrays
        The start; one library and device. It is not changed. All is computed in its precision.
    args : tuple
        Further arguments, passed on. Where they are traced (in `grad`, `jvp`, `vmap`), ``x``,
        ``fun`` and ``cost`` carry the derivative of the fit, by the implicit function theorem; that
        by ``x0`` is zero. A batch of `vmap` is solved in one run by "auto" and "lm" where the loss
        is linear and there are no bounds and no callback, else one by one.
    method : {"auto", "lm", "gauss-newton", "dogleg"}
        Levenberg-Marquardt; Gauss-Newton with a line search; Powell's dogleg. "auto" takes the
        first, which is the most robust and alone has bounds.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"} or callable
        rho(z) = z, 2 (sqrt(1 + z) - 1), z up to 1 and 2 sqrt(z) - 1 beyond, log(1 + z), atan(z). A
        function gets z, shape (m,), and gives rho and its first two derivatives: three arrays, or
        one of shape (3, m).
    f_scale : float
        Size, > 0, from which on residuals count as large; without effect for "linear".
    jacobian : {"automatic", "numerical"} or callable
        Where derivatives come from. ``jacobian(x, *args)`` gives an array of shape (m, n), or
        blocks as those of `jacobian`.
    linear_solver : {"auto", "dense", "lsmr"}
        "dense" makes the Jacobian as a matrix and its QR factorisation on the device, and steps
        from the triangular factor on the host. "lsmr" needs products only: for many parameters.
        "auto" makes the matrix up to 500 parameters.
    bounds : pair, scipy.optimize.Bounds or list of pairs, optional
        Lower and upper: numbers, None, trees like ``x0``. A start outside is moved to the nearest
        point inside.
    x_scale : "jac", number or tree like x0
        Typical sizes of the parameters, > 0. "jac" takes the norms of the columns of the Jacobian,
        as Moré does; without a matrix, 1.
    max_steps, max_evaluations : int, optional
        Bounds on iterations, 1000 without it, and on evaluations of the residuals.
    gtol, ftol, xtol : float, optional
        Ends when the largest cosine between the residuals and a column of the Jacobian is at most
        gtol, when a step that nothing shortens lowers the cost by at most ftol times the cost, or
        is at most xtol times as long as x, in scaled variables. Without a number gtol and xtol are
        eps^(3/4), 1.8e-12 in float64, and ftol is 0. Steps go on where costs are equal up to
        rounding, as long as the gradient falls, so results are as near as the residuals allow.
    callback : callable, optional
        ``callback(now)`` after each step, with ``now.x``, ``now.fun`` (the cost), ``now.jac`` (its
        gradient), ``now.nit``, ``now.nfev``, ``now.optimality``; stops on a true value.
    record : "x", "jac" or tuple of them
        What to keep of every iteration.
    progress : str or bool, optional
        A line now and then on stderr: "on", "off", or "auto", on terminals only.

    Returns
    -------
    LeastSquaresResult
        ``x``, ``cost``, ``fun``, ``jac``, ``grad``, ``success``, ``status``, ``message`` and more;
        ``result.covariance()``, ``result.standard_errors()``.

    Raises
    ------
    ArgumentError
        If an option is unknown or outside its range, or does not go with the method.
    DTypeError, ShapeError, MixedBackendError
        If ``x0``, residuals or a given Jacobian are no floating arrays that fit each other.

    References
    ----------
    Moré (1978), The Levenberg-Marquardt algorithm: implementation and theory. Powell (1970), A
    hybrid method for nonlinear equations. Nielsen (1999), Damping parameter in Marquardt's method,
    for "lsmr". Triggs and others (1999), Bundle adjustment, a modern synthesis, 4.3, for losses.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> t = np.linspace(0.0, 4.0, 9)
    >>> y = 3.0 * np.exp(-0.5 * t)
    >>> f = lambda p: p["a"] * np.exp(-p["rate"] * t) - y
    >>> result = ag.least_squares(f, {"a": 1.0, "rate": 1.0})
    >>> float(result.x["a"].round(9)), float(result.x["rate"].round(9))
    (3.0, 0.5)
    """
    where = "least_squares"
    if not callable(residuals):
        message = f"{where}(residuals): got {describe(residuals)}; expected a function of x."
        raise ArgumentError(message)
    name = _one_of(where, "method", method, ("auto", *METHODS))
    name = "lm" if name == "auto" else name
    check_source(where, jacobian)
    found_loss = find_loss(where, loss, check_number(f"{where}(f_scale)", f_scale, POSITIVE))
    space = Space.of(f"{where}(x0)", x0)
    dense = _is_dense(where, linear_solver, space, name, jacobian)
    with space.on_device():
        box = read_box(where, _sides(bounds, space), space)
        _refuse_bounds(where, name, box)
        problem = Residuals(
            space,
            with_args(residuals, args),
            with_args(jacobian, args) if callable(jacobian) else jacobian,
            found_loss,
            dense,
            box,
            None if box is None else _on_host(space, box),
            _read_scale(where, x_scale, space),
        )
        tolerances = make_tolerances(
            where,
            space.eps,
            gtol=gtol,
            ftol=ftol,
            xtol=xtol,
            max_steps=max_steps,
            max_evaluations=max_evaluations,
        )
        way, tolerances = _method(name, problem, tolerances)
        start = space.to_vector(x0, f"{where}(x0)")
        found = iterate(
            problem,  # type: ignore[arg-type]
            start if box is None else box.project(space, start),
            way,
            tolerances,
            callback=callback,
            record=read_records(where, record, RECORDS),
            watch=Watch(where, name, progress),
            finish=make_fit_result,
        )
    assert isinstance(found, LeastSquaresResult)
    return found


def _method(name: str, problem: Residuals, tolerances: Tolerances) -> tuple[Any, Tolerances]:
    """The method, and the tolerances that are left for the loop to test."""
    if name == "gauss-newton":
        way = GaussNewton()
        return GaussNewtonMethod(way, way.search), tolerances  # type: ignore[arg-type]
    rest = replace(tolerances, ftol=0.0, xtol=0.0)
    ftol, xtol = tolerances.ftol, tolerances.xtol
    if not problem.dense:
        return Damped(ftol, xtol), rest
    scale = None
    if problem.widths is not None:
        scale = 1.0 / np.asarray(problem.space.fetch([problem.widths])[0], dtype=np.float64)
    propose = levenberg if name == "lm" else dogleg
    return TrustRegion(name, propose, scale, ftol, xtol), rest


def _read_scale(where: str, x_scale: Any, space: Space) -> Any:
    """x_scale as a vector; None for "jac"."""
    if isinstance(x_scale, str) and x_scale == "jac":
        return None
    if isinstance(x_scale, int | float) and not isinstance(x_scale, bool):
        return space.zeros() + check_number(f"{where}(x_scale)", x_scale, POSITIVE)
    if isinstance(x_scale, str) or callable(x_scale):
        message = (
            f"{where}(x_scale): got {describe(x_scale)}; expected 'jac', a number or a tree like "
            "x0."
        )
        raise ArgumentError(message)
    scale = space.to_vector(x_scale, f"{where}(x_scale)")
    lowest = space.fetch([space.xp.min(scale)])[0]
    check_number(f"{where}(x_scale)", lowest, POSITIVE)
    return scale


def _is_dense(where: str, linear_solver: Any, space: Space, method: str, jacobian: Any) -> bool:
    name = _one_of(where, "linear_solver", linear_solver, SOLVERS)
    needs = method == "dogleg" or jacobian != "automatic"
    if name == "lsmr" and needs:
        what = "method='dogleg'" if method == "dogleg" else f"jacobian={describe(jacobian)}"
        message = (
            f"{where}(linear_solver): got 'lsmr' with {what}; expected 'dense', for that needs the "
            "matrix."
        )
        raise ArgumentError(message)
    return name == "dense" or needs or (name == "auto" and space.size <= MANY)


def _sides(bounds: Any, space: Space) -> Any:
    """SciPy's pair of sequences of numbers, for one array, as arrays."""
    if not (isinstance(bounds, tuple) and len(bounds) == 2 and len(space.parts) == 1):
        return bounds

    def side(given: Any) -> Any:
        flat = isinstance(given, list | tuple) and all(isinstance(v, int | float) for v in given)
        return np.asarray(given, dtype=np.float64) if flat else given

    return side(bounds[0]), side(bounds[1])


def _refuse_bounds(where: str, name: str, box: Box | None) -> None:
    if box is None or name == "lm":
        return
    message = (
        f"{where}(bounds): got bounds with method={name!r}; expected method='lm', which alone has "
        "them."
    )
    raise ArgumentError(message)


def _on_host(space: Space, box: Box) -> tuple[np.ndarray, np.ndarray]:
    low, high = space.fetch([box.lower, box.upper])
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def _one_of(where: str, what: str, value: Any, known: tuple[str, ...]) -> str:
    name = value.lower().replace("_", "-") if isinstance(value, str) else value
    if name in known:
        return name
    names = ", ".join(map(repr, known))
    message = (
        f"{where}({what}): got {describe(value)}; expected one of {names}. {suggest(name, known)}"
    )
    raise ArgumentError(message.rstrip())
