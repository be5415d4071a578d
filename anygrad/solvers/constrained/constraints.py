"""What a constraint is: a function of x with bounds; ours, or SciPy's in any of its forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad.errors import ArgumentError, describe

__all__ = ["Constraint", "equality", "inequality", "read_constraints"]

KINDS = ("eq", "ineq")


@dataclass(frozen=True)
class Constraint:
    """lower <= fun(x) <= upper; `equality` and `inequality` make one.

    Attributes
    ----------
    fun : callable
        ``fun(x, *args)``: a number, an array or a tree of arrays.
    lower, upper : float or array
        Bounds for all elements, or for each; infinite where there is none.
    jac : callable or None
        ``jac(x, *args)``: array of shape (elements of fun, elements of x); None traces ``fun``.
    args : tuple
        More arguments.
    matrix : array or None
        Of a linear constraint, shape (m, n), in place of ``fun``.
    """

    fun: Callable[..., Any]
    lower: Any = 0.0
    upper: Any = math.inf
    jac: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    matrix: Any = None


def equality(
    fun: Callable[..., Any],
    value: Any = 0.0,
    *,
    args: tuple[Any, ...] = (),
    jac: Callable[..., Any] | None = None,
) -> Constraint:
    """Ask for fun(x) = value.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``: a number, an array or a tree of arrays, of which every element counts.
    value : float or array
        The value, for all elements or for each.
    args : tuple
        More arguments for ``fun`` and ``jac``.
    jac : callable or None
        ``jac(x, *args)``: array of shape (elements of fun, elements of x); None traces ``fun``.

    Returns
    -------
    Constraint
        For ``minimize(constraints=...)``.

    Raises
    ------
    ArgumentError
        If ``fun`` or ``jac`` is no function.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, eq. 12.1.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> on_circle = ag.solvers.equality(lambda x: np.sum(x * x), 2.0)
    >>> ag.minimize(np.sum, np.asarray([-1.0, -2.0]), constraints=on_circle).x.round(4)
    array([-1., -1.])
    """
    return _checked("equality", fun, value, value, jac, args)


def inequality(
    fun: Callable[..., Any],
    lower: Any = 0.0,
    upper: Any = math.inf,
    *,
    args: tuple[Any, ...] = (),
    jac: Callable[..., Any] | None = None,
) -> Constraint:
    """Ask for lower <= fun(x) <= upper; by default fun(x) >= 0, as SciPy has it.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``: a number, an array or a tree of arrays, of which every element counts.
    lower, upper : float or array
        Bounds, for all elements or for each.
    args : tuple
        More arguments for ``fun`` and ``jac``.
    jac : callable or None
        ``jac(x, *args)``: array of shape (elements of fun, elements of x); None traces ``fun``.

    Returns
    -------
    Constraint
        For ``minimize(constraints=...)``.

    Raises
    ------
    ArgumentError
        If ``fun`` or ``jac`` is no function.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, eq. 12.1.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> inside = ag.solvers.inequality(lambda x: 2.0 - np.sum(x * x))
    >>> ag.minimize(np.sum, np.asarray([-1.0, -2.0]), constraints=inside).x.round(4)
    array([-1., -1.])
    """
    return _checked("inequality", fun, lower, upper, jac, args)


def _checked(
    where: str, fun: Any, lower: Any, upper: Any, jac: Any, args: tuple[Any, ...]
) -> Constraint:
    if not callable(fun) or not (jac is None or callable(jac)):
        wrong = fun if not callable(fun) else jac
        message = f"{where}(fun): got {describe(wrong)}; expected a function of x."
        raise ArgumentError(message)
    both = isinstance(lower, int | float) and isinstance(upper, int | float)
    if both and not lower <= upper:
        message = f"{where}(lower): got {lower!r} above upper = {upper!r}; expected lower <= upper."
        raise ArgumentError(message)
    return Constraint(fun, lower, upper, jac, tuple(args))


def read_constraints(where: str, given: Any) -> list[Constraint]:
    """Read one constraint or a sequence of them, in our form or any of SciPy's."""
    several = given if isinstance(given, list | tuple) else [given]
    return [_read(f"{where}(constraints)", one) for one in several]


def _read(where: str, one: Any) -> Constraint:
    if isinstance(one, Constraint):
        return one
    if isinstance(one, dict):
        return _from_dict(where, one)
    if hasattr(one, "lb") and hasattr(one, "ub"):
        if hasattr(one, "fun"):  # scipy.optimize.NonlinearConstraint; its jac may be a scheme
            jac = getattr(one, "jac", None)
            return Constraint(one.fun, one.lb, one.ub, jac if callable(jac) else None)
        if hasattr(one, "A"):  # scipy.optimize.LinearConstraint
            matrix = one.A.toarray() if hasattr(one.A, "toarray") else one.A
            return Constraint(_no_function, one.lb, one.ub, matrix=np.atleast_2d(matrix))
    advice = " Bounds on x go to bounds=." if hasattr(one, "lb") else ""
    message = (
        f"{where}: got {describe(one)}; expected ag.solvers.equality(fun), inequality(fun), or "
        "SciPy's {'type': 'eq', 'fun': fun}, NonlinearConstraint or LinearConstraint."
        f"{advice}"
    )
    raise ArgumentError(message)


def _from_dict(where: str, one: dict[str, Any]) -> Constraint:
    kind = str(one.get("type", "")).lower()
    if kind not in KINDS or not callable(one.get("fun")):
        message = (
            f"{where}: got the keys {sorted(one)} with type {one.get('type')!r}; expected a type "
            "'eq' or 'ineq' and a function 'fun'."
        )
        raise ArgumentError(message)
    jac = one.get("jac")
    upper = 0.0 if kind == "eq" else math.inf
    return Constraint(
        one["fun"], 0.0, upper, jac if callable(jac) else None, tuple(one.get("args", ()))
    )


def _no_function(*x: Any) -> Any:
    raise NotImplementedError("a linear constraint has a matrix")
