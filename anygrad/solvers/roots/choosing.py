"""What the fronts of roots and fixed points share: options, the run, and its result."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe, suggest
from anygrad.ranges import NOT_NEGATIVE, check_number
from anygrad.solvers.iteration import iterate
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.stopping import Tolerances
from anygrad.solvers.roots.anderson import anderson, picard
from anygrad.solvers.roots.broyden import Broyden
from anygrad.solvers.roots.newton import Newton, NewtonKrylov
from anygrad.solvers.roots.system import System
from anygrad.solvers.roots.watching import callback_for, records_of
from anygrad.solvers.watching import Watch

DENSE = 500
"""Up to so many unknowns "auto" makes Jacobians."""

STEPS = 1000
SOLVES = ("auto", "dense", "gmres")


def find(
    system: System,
    x0: Tree,
    method: Any,
    ftol: float | None,
    max_steps: int | None,
    max_evaluations: int | None,
    callback: Callable[[Any], Any] | None,
    record: Any,
    progress: str | bool | None,
) -> Result:
    """Run a method on a system, and give the result the structure of f(x)."""
    where, space = system.where, system.space
    tolerances = Tolerances.of(
        where,
        gtol=tolerance_of(where, ftol, space),
        ftol=None,
        xtol=None,
        max_steps=max_steps,
        max_evaluations=max_evaluations,
        default_steps=STEPS,
    )
    with space.on_device():
        result = iterate(
            system,  # type: ignore[arg-type]
            space.to_vector(x0, f"{where}(x0)"),
            method,
            tolerances,
            callback=callback_for(callback, system),
            record=records_of(where, record),
            watch=Watch(where, method.name, progress),
        )
        return _finished(system, result)


def _finished(system: System, result: Result) -> Result:
    """Give f(x) its own structure, from where the loop keeps it."""
    kept = dict(result.recorded)
    if "jac" in kept:
        kept["fun"] = [_outputs(system, tree) for tree in kept.pop("jac")]
    fun = _outputs(system, result.jac)
    return dataclasses.replace(result, fun=fun, jac=None, recorded=kept)


def _outputs(system: System, tree: Tree) -> Tree:
    # where f has no value at the start, nothing is known of its structure
    if system.outputs is None:
        return tree
    return system.residual_tree(system.space.to_vector(tree))


def tolerance_of(where: str, ftol: float | None, space: Space) -> float:
    """Fill in the largest |f| at a root."""
    if ftol is None:
        return space.eps ** (2.0 / 3.0)
    return check_number(f"{where}(ftol)", ftol, NOT_NEGATIVE)


def step_tolerance(where: str, xtol: float | None, space: Space) -> float:
    """Fill in the step that counts as none, relative to x."""
    return 4.0 * space.eps if xtol is None else check_number(f"{where}(xtol)", xtol, NOT_NEGATIVE)


def check_function(where: str, f: Any) -> None:
    """Refuse what is no function."""
    if not callable(f):
        message = f"{where}: got {describe(f)}; expected a function of x."
        raise ArgumentError(message)


def with_args(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """Fill in the parameters of a function."""
    return (lambda x: f(x, *args)) if args else f


def find_source(where: str, jacobian: Any, args: tuple[Any, ...]) -> Any:
    """Read where Jacobians come from."""
    if jacobian in ("automatic", "numerical"):
        return jacobian
    if callable(jacobian):
        return with_args(jacobian, args)
    message = (
        f"{where}(jacobian): got {describe(jacobian)}; expected 'automatic', 'numerical' or a "
        "function of x."
    )
    raise ArgumentError(message)


def is_dense(where: str, linear_solve: Any, space: Space) -> bool:
    """Tell whether Jacobians are made as matrices."""
    if linear_solve not in SOLVES:
        raise _unknown(f"{where}(linear_solve)", linear_solve, SOLVES)
    return linear_solve == "dense" or (linear_solve == "auto" and space.size <= DENSE)


def choose_method(where: str, method: Any, known: tuple[str, ...], xtol: float, dense: bool) -> Any:
    """Make the method of a name; a method stays what it is."""
    if hasattr(method, "start"):
        return method
    name = method.lower().replace("_", "-") if isinstance(method, str) else method
    if name not in known:
        raise _unknown(f"{where}(method)", method, known)
    if name in ("auto", "newton"):
        return Newton(xtol) if dense else NewtonKrylov(xtol)
    if name == "broyden":
        return Broyden(xtol, dense)
    return anderson() if name == "anderson" else picard()


def _unknown(where: str, got: Any, known: tuple[str, ...]) -> ArgumentError:
    names = ", ".join(map(repr, known))
    message = f"{where}: got {describe(got)}; expected one of {names}. {suggest(got, known)}"
    return ArgumentError(message.rstrip())
