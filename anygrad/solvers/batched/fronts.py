"""What `vmap` of a front does with a batch: which problems are solved together, and how."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.autodiff import jacobian, value_and_grad, vmap
from anygrad.autodiff.inputs import call
from anygrad.backends.types import Array
from anygrad.solvers.batched.lanes import Lanes, NotBatched, Together
from anygrad.solvers.batched.marquardt import run_marquardt
from anygrad.solvers.batched.quasi_newton import run_quasi_newton
from anygrad.solvers.differentiable import any_vector, to_tree, to_vector
from anygrad.solvers.fitting.results import LeastSquaresResult
from anygrad.solvers.problem.building import check_scalar
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.stopping import Tolerances, usual_steps

SMALL = 100
"""Up to so many unknowns each, examples are solved together; matrices of all are kept."""

WATCHED = ("callback", "search", "hvp", "bounds", "constraints", "x_scale")
"""Options that a batch does not have: with them examples are solved one by one."""

Rebuild = Callable[[Any], tuple[Any, tuple[Any, ...]]]


def _is_plain(space: Space, arguments: dict[str, Any], methods: tuple[str, ...]) -> bool:
    method = arguments.get("method", "auto")
    name = method.lower() if isinstance(method, str) else None
    asked = [arguments.get(option) for option in WATCHED]
    return (
        space.size <= SMALL
        and name in methods
        and all(option is None or option == "jac" for option in asked)
        and not arguments.get("record")
    )


def _lanes(
    space: Space, function: Any, axes: tuple[Any, ...], size: int, operands: tuple[Any, ...]
) -> Lanes:
    mapped = [axis is not None for axis in axes]
    return Lanes(space, function, list(operands), mapped, np.arange(size))


def _begin(space: Space, axes: Any, size: int, rebuild: Rebuild, operands: Any) -> Array:
    """Lay out the starts: one for all, or a row for each example."""

    def start(*ops: Any) -> Any:
        return to_vector(space, rebuild(ops)[0])

    rows = vmap(start, tuple(axes))(*operands)
    return space.xp.asarray(rows, copy=True)


def minimize_together(
    space: Space,
    arguments: dict[str, Any],
    axes: tuple[Any, ...],
    size: int,
    rebuild: Rebuild,
    *operands: Any,
) -> Together | None:
    """Minimise for every example of a batch; None where they have to go one by one."""
    f, gradient = arguments["f"], arguments["gradient"]
    if gradient == "numerical" or arguments["xtol"]:
        return None
    if not _is_plain(space, arguments, ("auto", "bfgs")):
        return None
    tolerances = Tolerances.of(
        "minimize",
        gtol=arguments["gtol"],
        ftol=arguments["ftol"],
        xtol=None,
        max_steps=arguments["max_steps"],
        max_evaluations=arguments["max_evaluations"],
        default_steps=usual_steps(space.size),
    )

    def both(v: Any, *ops: Any) -> tuple[Any, Any]:
        _, args = rebuild(ops)
        if gradient == "automatic":
            return value_and_grad(lambda u: _value(f, space, u, args))(v)
        x = to_tree(space, v)
        if gradient is True:
            value, slope = call(f, (x, *args), {})
        else:
            value, slope = call(f, (x, *args), {}), call(gradient, (x, *args), {})
        return check_scalar("minimize", value), to_vector(space, slope)

    lanes = _lanes(space, both, axes, size, operands)
    start = _begin(space, axes, size, rebuild, operands)
    try:
        x, batch = run_quasi_newton(lanes, start, tolerances)
    except NotBatched:
        return None
    none = np.zeros(size, dtype=int)
    return Together(x, batch.status, batch.nit, batch.nfev, batch.nfev, none, "BFGS", Result)


def _value(f: Any, space: Space, v: Any, args: Any) -> Any:
    return check_scalar("minimize", call(f, (to_tree(space, v), *args), {}))


def root_together(
    space: Space,
    arguments: dict[str, Any],
    axes: tuple[Any, ...],
    size: int,
    rebuild: Rebuild,
    *operands: Any,
) -> Together | None:
    """Find a root for every example of a batch; None where they have to go one by one."""
    if not _is_plain(space, arguments, ("auto", "newton")):
        return None
    given = arguments["ftol"]
    options = {
        "is_root": True,
        "tolerance": space.eps ** (2.0 / 3.0) if given is None else given,
        "xtol": 4.0 * space.eps if arguments["xtol"] is None else arguments["xtol"],
    }
    return _solve(space, arguments, "f", options, axes, size, rebuild, operands)


def fit_together(
    space: Space,
    arguments: dict[str, Any],
    axes: tuple[Any, ...],
    size: int,
    rebuild: Rebuild,
    *operands: Any,
) -> Together | None:
    """Fit every example of a batch; None where they have to go one by one."""
    if not _is_plain(space, arguments, ("auto", "lm")):
        return None
    if arguments["loss"] != "linear" or arguments["ftol"]:
        return None
    small = space.eps**0.75
    options = {
        "is_root": False,
        "tolerance": small if arguments["gtol"] is None else arguments["gtol"],
        "xtol": small if arguments["xtol"] is None else arguments["xtol"],
    }
    return _solve(
        space, arguments, "residuals", options, axes, size, rebuild, operands, LeastSquaresResult
    )


def _solve(
    space: Space,
    arguments: dict[str, Any],
    name: str,
    options: dict[str, Any],
    axes: tuple[Any, ...],
    size: int,
    rebuild: Rebuild,
    operands: Any,
    kind: type = Result,
) -> Together | None:
    f = arguments[name]
    if arguments.get("jacobian", "automatic") != "automatic":
        return None

    def both(v: Any, *ops: Any) -> tuple[Any, Any]:
        _, args = rebuild(ops)

        def residual(u: Any) -> Any:
            r = any_vector(space, call(f, (to_tree(space, u), *args), {}))
            return r, r

        matrix, r = jacobian(residual, mode="forward", has_aux=True)(v)
        return r, matrix

    lanes = _lanes(space, both, axes, size, operands)
    start = _begin(space, axes, size, rebuild, operands)
    most = arguments["max_evaluations"]
    steps = arguments["max_steps"]
    try:
        x, batch = run_marquardt(
            lanes,
            start,
            max_steps=1000 if steps is None else steps,
            max_evaluations=math.inf if most is None else most,
            **options,
        )
    except NotBatched:
        return None
    none = np.zeros(size, dtype=int)
    return Together(
        x, batch.status, batch.nit, batch.nfev, batch.nfev, none, "Levenberg-Marquardt", kind
    )
