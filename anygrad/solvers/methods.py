"""Methods of `minimize` by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.errors import ArgumentError, describe, suggest
from anygrad.solvers.descents.bfgs import bfgs
from anygrad.solvers.descents.descent import LineSearchMethod
from anygrad.solvers.descents.lbfgs import lbfgs
from anygrad.solvers.descents.steepest import steepest_descent
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.steps import Method
from anygrad.solvers.searches.backtracking import backtracking
from anygrad.solvers.searches.wolfe import strong_wolfe

SMALL = 100
"""Up to so many variables ``"auto"`` keeps a matrix."""

METHODS: dict[str, Callable[[], Any]] = {
    "bfgs": bfgs,
    "lbfgs": lbfgs,
    "steepest-descent": steepest_descent,
}
"""Factories by name; `find_method` reads SciPy's spellings as well."""

ALIASES = {"l-bfgs": "lbfgs"}

SEARCHES: dict[str, Callable[[], Any]] = {
    "backtracking": backtracking,
    "strong-wolfe": strong_wolfe,
}


def find_method(where: str, method: Any, search: Any, space: Space, bounded: bool) -> Method:
    """Make the method of a name, a descent or a method, with the search asked for."""
    if isinstance(method, str):
        name = _spelled(method)
        if name == "auto":
            name = "bfgs" if space.size <= SMALL else "lbfgs"
        made = _named(f"{where}(method)", name, {**METHODS})()
    else:
        made = method
    if isinstance(search, str):
        search = _named(f"{where}(search)", _spelled(search), SEARCHES)()
    if hasattr(made, "begin"):
        return LineSearchMethod(made, search or made.search)
    if not hasattr(made, "start"):
        message = f"{where}(method): got {describe(method)}; expected a name or a method."
        raise ArgumentError(message)
    if search is not None:
        message = f"{where}(search): got {describe(search)}, but {made.name} has no line search."
        raise ArgumentError(message)
    return made


def _spelled(name: str) -> str:
    plain = name.lower().replace("_", "-").replace(" ", "-")
    return ALIASES.get(plain, plain)


def _named(where: str, name: str, table: dict[str, Callable[[], Any]]) -> Callable[[], Any]:
    if name in table:
        return table[name]
    known = ", ".join(map(repr, sorted(table)))
    message = f"{where}: got {name!r}; expected one of {known}. {suggest(name, table)}"
    raise ArgumentError(message.rstrip())
