"""``minimize``: the one front of all minimisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe
from anygrad.solvers.iteration import Callback, iterate
from anygrad.solvers.methods import find_method
from anygrad.solvers.problem.building import make_objective, read_box
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.stopping import Tolerances
from anygrad.solvers.watching import Watch

__all__ = ["minimize"]

STEPS_PER_VARIABLE = 200
RECORDS = ("x", "jac")


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
    max_steps: int | None = None,
    max_evaluations: int | None = None,
    gtol: float | None = None,
    ftol: float | None = None,
    xtol: float | None = None,
    callback: Callback | None = None,
    record: str | tuple[str, ...] = (),
    progress: str | bool | None = None,
) -> Result:
    """Minimise a function of a tree of arrays.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` gives a real number, shape (). Where it, or its gradient, is not finite, or
        it raises ArithmeticError, a search takes a shorter step.
    x0 : tree of floating arrays
        The start; one library and device. It is not changed.
    """
    where = "minimize"
    space = Space.of(f"{where}(x0)", x0)
    with space.on_device():
        box = read_box(where, bounds, space)
        objective = make_objective(where, f, space, args, gradient, hvp, box)
        found = find_method(where, method, search, space, box is not None)
        tolerances = Tolerances.of(
            where,
            gtol=gtol,
            ftol=ftol,
            xtol=xtol,
            max_steps=max_steps,
            max_evaluations=max_evaluations,
            default_steps=max(1000, STEPS_PER_VARIABLE * min(space.size, 1000)),
        )
        start = space.to_vector(x0, f"{where}(x0)")
        return iterate(
            objective,
            start,
            found,
            tolerances,
            callback=callback,
            record=_records(record),
            watch=Watch(where, found.name, progress),
        )


def _records(record: Any) -> tuple[str, ...]:
    names = (record,) if isinstance(record, str) else record
    if isinstance(names, tuple | list) and all(name in RECORDS for name in names):
        return tuple(names)
    message = f"minimize(record): got {describe(record)}; expected 'x', 'jac' or a tuple of them."
    raise ArgumentError(message)
