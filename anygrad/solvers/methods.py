"""Methods of `minimize` by name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from anygrad.errors import ArgumentError, describe, suggest
from anygrad.optimizers import OPTIMIZERS, Transform
from anygrad.solvers.bounded.lbfgsb import lbfgsb
from anygrad.solvers.bounded.spectral import projected_gradient
from anygrad.solvers.descents.bfgs import bfgs
from anygrad.solvers.descents.conjugate import conjugate_gradient
from anygrad.solvers.descents.descent import LineSearchMethod
from anygrad.solvers.descents.lbfgs import lbfgs
from anygrad.solvers.descents.newton_cg import newton_cg
from anygrad.solvers.descents.steepest import steepest_descent
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.steps import Method
from anygrad.solvers.regions.trust_region import trust_region
from anygrad.solvers.searches.backtracking import backtracking
from anygrad.solvers.searches.hager_zhang import hager_zhang
from anygrad.solvers.searches.wolfe import strong_wolfe
from anygrad.solvers.simplex import nelder_mead
from anygrad.solvers.stochastic import Stochastic, named_optimizer

SMALL = 100
"""Up to so many variables ``"auto"`` keeps a matrix."""

METHODS: dict[str, Callable[[], Any]] = {
    "bfgs": bfgs,
    "cg": conjugate_gradient,
    "dogleg": functools.partial(trust_region, subproblem="dogleg"),
    "lbfgs": lbfgs,
    "lbfgsb": lbfgsb,
    "nelder-mead": nelder_mead,
    "newton-cg": newton_cg,
    "projected-gradient": projected_gradient,
    "steepest-descent": steepest_descent,
    "trust-exact": functools.partial(trust_region, subproblem="exact"),
    "trust-ncg": functools.partial(trust_region, subproblem="steihaug"),
}
"""Factories by name, optimizers aside; `find_method` reads SciPy's spellings as well."""

ALIASES = {
    "l-bfgs": "lbfgs",
    "l-bfgs-b": "lbfgsb",
    "lbfgs-b": "lbfgsb",
    "nonlinear-cg": "cg",
    "spg": "projected-gradient",
}

OF_SCIPY = ("cobyla", "cobyqa", "powell", "slsqp", "tnc", "trust-constr", "trust-krylov")
"""Methods that SciPy has and we do not."""

STOCHASTIC: dict[str, Callable[[], Any]] = {
    name.replace("_", "-"): functools.partial(named_optimizer, name) for name in OPTIMIZERS
}
"""The optimizers, with their default learning rates."""

SEARCHES: dict[str, Callable[[], Any]] = {
    "backtracking": backtracking,
    "hager-zhang": hager_zhang,
    "strong-wolfe": strong_wolfe,
}


def find_method(where: str, method: Any, search: Any, space: Space, bounded: bool) -> Method:
    """Make the method of a name, a descent or a method, with the search asked for."""
    made: Any
    if isinstance(method, str):
        name = _spelled(method)
        if name == "auto":
            name = "bfgs" if space.size <= SMALL else "lbfgs"
            name = "lbfgsb" if bounded else name
        made = _named(f"{where}(method)", name, {**METHODS, **STOCHASTIC})()
    else:
        made = Stochastic(method) if isinstance(method, Transform) else method
    if bounded and not getattr(made, "takes_bounds", False):
        raise ArgumentError(_unbounded(where, method, made))
    if isinstance(search, str):
        search = _named(f"{where}(search)", _spelled(search), SEARCHES)()
    if search is not None and not hasattr(search, "run"):
        message = (
            f"{where}(search): got {describe(search)}; expected a name, or what a factory made, as "
            "solvers.strong_wolfe()."
        )
        raise ArgumentError(message)
    if hasattr(made, "begin"):
        return LineSearchMethod(made, search or made.search)
    if not hasattr(made, "start"):
        message = f"{where}(method): got {describe(method)}; expected a name or a method."
        raise ArgumentError(message)
    if search is not None:
        message = f"{where}(search): got {describe(search)}, but {made.name} has no line search."
        raise ArgumentError(message)
    return made


def _unbounded(where: str, method: Any, made: Any) -> str:
    """Say that a method takes no bounds, and which ones do."""
    known = [name for name, make in METHODS.items() if getattr(make(), "takes_bounds", False)]
    shown = method if isinstance(method, str) else getattr(made, "name", describe(made))
    return (
        f"{where}(bounds): got bounds with method {shown!r}, which takes none. Use one that does: "
        f"{', '.join(map(repr, sorted(known)))}."
    )


def _spelled(name: str) -> str:
    plain = name.lower().replace("_", "-").replace(" ", "-")
    return ALIASES.get(plain, plain)


def _named(where: str, name: str, table: dict[str, Callable[[], Any]]) -> Callable[[], Any]:
    if name in table:
        return table[name]
    known = ", ".join(map(repr, sorted(table)))
    advice = suggest(name, table)
    if name in OF_SCIPY:
        advice = f"ag.solvers.scipy_minimize runs SciPy's {name!r}."
    message = f"{where}: got {name!r}; expected one of {known}. {advice}"
    raise ArgumentError(message.rstrip())
