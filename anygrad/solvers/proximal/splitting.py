"""``admm``: minimise f(x) + g(A x) by splitting it into two easy halves."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError
from anygrad.ranges import NOT_NEGATIVE, POSITIVE, Range, check_count, check_number
from anygrad.solvers.iteration import Callback, iterate
from anygrad.solvers.problem.building import make_objective
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.stopping import Tolerances
from anygrad.solvers.proximal.alternating import Alternating, Split, SplitObjective
from anygrad.solvers.proximal.mapping import LinearMap
from anygrad.solvers.proximal.operator import Proximal, read_operator
from anygrad.solvers.watching import Watch

__all__ = ["SplitResult", "admm"]


@dataclass
class SplitResult(Result):
    """What `admm` returns: a `Result` and the other half of the solution.

    Attributes
    ----------
    z : tree of arrays
        The point of g: near A x, and exactly in the domain of g (sparse, feasible, ...).
    multipliers : tree of arrays
        y of the Lagrangian f(x) + g(z) + <y, A x - z>, like ``z``.
    primal_residual, dual_residual : float
        Norms of A x - z and of rho A^T (z - the last z).
    rho : float
        The penalty in the end.
    """

    z: Tree = None
    multipliers: Tree = None
    primal_residual: float = math.nan
    dual_residual: float = math.nan
    rho: float = math.nan


def admm(
    f: Any,
    x0: Tree,
    g: Any,
    *,
    args: tuple[Any, ...] = (),
    linear: Any = None,
    solve: Callable[[Tree, float], Tree] | None = None,
    rho: float = 1.0,
    adaptive: bool = True,
    over_relaxation: float = 1.6,
    gradient: Any = "automatic",
    atol: float = 1e-6,
    rtol: float = 1e-6,
    max_steps: int = 1000,
    callback: Callback | None = None,
    progress: str | bool | None = None,
) -> SplitResult:
    """Minimise f(x) + g(z) subject to A x = z, by turns (ADMM).

    x minimises f(x) + rho / 2 |A x - z + u|^2, z = prox of g at A x + u, and u adds up A x - z.

    Parameters
    ----------
    f : callable or Proximal
        ``f(x, *args)`` gives a real number, shape (). A proximal operator if A is the identity.
    x0 : tree of floating arrays
        The start; one library and device. It is not changed.
    g : Proximal, None or tree of them
        For trees like A x.
    args : tuple
        More arguments for ``f``, and for ``gradient`` if that is a function.
    linear : callable, pair of callables or None
        A, a linear function of trees, and, unless it can be traced, its adjoint; None for the
        identity.
    solve : callable or None
        ``solve(v, rho)`` gives the x that minimises f(x) + rho / 2 |A x - v|^2. None leaves it to
        L-BFGS, ever more exactly.
    rho : float
        The penalty, > 0.
    adaptive : bool
        Double or halve rho where one residual is ten times the other, both relative to their
        bounds.
    over_relaxation : float
        In (0, 2); 1 is the plain method, 1.5 to 1.8 are usual.
    gradient : {"automatic", "numerical"}, callable or True
        Where the gradient of f comes from, as in `minimize`.
    atol, rtol : float
        Converged where |A x - z| <= sqrt(p) atol + rtol max(|A x|, |z|), p the size of z, and
        rho |A^T (z - last z)| <= sqrt(n) atol + rtol |A^T y|, n the size of x.
    max_steps : int
        The most rounds.
    callback : callable or None
        Called with an `Iterate` after each round; a true result, or StopIteration, ends the run.
    progress : {"auto", "on", "off"}, bool or None
        A line now and then on stderr, as in `minimize`.

    Returns
    -------
    SplitResult
        ``fun`` is f(x) + g(z); ``history`` has the larger residual as ``optimality`` and rho as
        ``step_length``; ``jac`` is None.

    Raises
    ------
    ArgumentError
        If a number is outside its range, or ``linear`` or ``g`` do not fit.

    References
    ----------
    Boyd, Parikh, Chu, Peleato, Eckstein (2011), Distributed optimization and statistical learning
    via the alternating direction method of multipliers, 3.1.1 (scaled form), 3.3.1 (stopping),
    3.4.1 (varying penalty), 3.4.3 (over-relaxation). Residuals are balanced relative to their
    bounds, as in Wohlberg (2017), ADMM penalty parameter selection by residual balancing, sec. 4.

    Examples
    --------
    A signal with few jumps, by the l1 norm of its differences:

    >>> import numpy as np
    >>> import anygrad as ag
    >>> y = np.asarray([0.0, 1.0, 0.0, 5.0, 5.0])
    >>> result = ag.solvers.admm(
    ...     lambda x: 0.5 * np.sum((x - y) ** 2),
    ...     y,
    ...     ag.solvers.proximal.l1(1.0),
    ...     linear=lambda x: x[1:] - x[:-1],
    ... )
    >>> result.x.round(4)
    array([0.6667, 0.6667, 0.6667, 4.5   , 4.5   ])
    """
    where = "admm"
    rho = check_number(f"{where}(rho)", rho, POSITIVE)
    alpha = check_number(
        f"{where}(over_relaxation)", over_relaxation, Range(0, 2, open_low=True, open_high=True)
    )
    method = Alternating(
        adaptive,
        alpha,
        check_number(f"{where}(atol)", atol, NOT_NEGATIVE),
        check_number(f"{where}(rtol)", rtol, NOT_NEGATIVE),
    )
    max_steps = check_count(f"{where}(max_steps)", max_steps, 0)
    space = Space.of(f"{where}(x0)", x0)
    with space.on_device():
        if isinstance(f, Proximal):
            f, solve = _by_operator(where, f, linear)
        smooth = make_objective(where, f, space, args, gradient, None)
        map_ = LinearMap.of(where, linear, x0, space)
        split = Split(smooth, read_operator(f"{where}(g)", g), map_, solve, rho)
        objective = SplitObjective(
            space, smooth.value_and_gradient, smooth.value_alone, split=split
        )
        tolerances = Tolerances(0.0, 0.0, 0.0, max_steps, math.inf)
        result = iterate(
            objective,
            space.to_vector(x0, f"{where}(x0)"),
            method,
            tolerances,
            callback=callback,
            watch=Watch(where, method.name, progress),
        )
        return _with_halves(result, split, objective)


def _by_operator(where: str, f: Proximal, linear: Any) -> tuple[Any, Any]:
    """Update x by the proximal map of f itself."""
    if linear is not None:
        message = (
            f"{where}(f): got the operator {f.name!r} beside linear; expected a function, or no "
            "linear map. Swap f and g, or give solve."
        )
        raise ArgumentError(message)
    return f.value, lambda v, rho: f.prox(v, 1.0 / rho)


def _with_halves(result: Result, split: Split, objective: SplitObjective) -> SplitResult:
    image = split.map.image
    fields = {item.name: getattr(result, item.name) for item in dataclasses.fields(result)}
    primal, dual = objective.residuals
    return SplitResult(
        **fields,
        z=image.to_tree(image.copy(split.z)),
        multipliers=image.to_tree(split.rho * split.u),
        primal_residual=primal,
        dual_residual=dual,
        rho=split.rho,
    )
