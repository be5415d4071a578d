"""``proximal_gradient``: minimise a smooth function plus one with a proximal operator."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.ranges import POSITIVE, check_number
from anygrad.solvers.differentiable import differentiable
from anygrad.solvers.equations import composite, given_args
from anygrad.solvers.iteration import Callback, iterate, read_records
from anygrad.solvers.problem.building import make_objective
from anygrad.solvers.problem.result import Result
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.stopping import Tolerances
from anygrad.solvers.proximal.composite import Composite
from anygrad.solvers.proximal.gradient import ForwardBackward
from anygrad.solvers.proximal.operator import read_operator
from anygrad.solvers.watching import Watch

__all__ = ["proximal_gradient"]

STEPS = 10_000
RECORDS = ("x",)


@differentiable(composite)
def proximal_gradient(
    f: Callable[..., Any],
    x0: Tree,
    g: Any,
    *,
    args: tuple[Any, ...] = (),
    accelerated: bool = True,
    restart: bool = True,
    step: float | None = None,
    gradient: Any = "automatic",
    max_steps: int | None = None,
    max_evaluations: int | None = None,
    gtol: float | None = None,
    ftol: float | None = None,
    xtol: float | None = None,
    callback: Callback | None = None,
    record: str | tuple[str, ...] = (),
    progress: str | bool | None = None,
) -> Result:
    """Minimise f(x) + g(x), where f is smooth and g has a proximal operator (ISTA, FISTA).

    Each step goes against the gradient of f and applies the operator of g:
    x+ = prox(y - t grad f(y), t), with y = x or, accelerated, a point beyond it. An iteration takes
    one gradient and one value of f, and reads from the device once.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` gives a real number, shape (); differentiable, best convex.
    x0 : tree of floating arrays
        The start; one library and device. It is not changed. Where g is infinite there, the run
        starts at ``prox(x0, 1)``.
    g : Proximal, None, tree of them, or callable
        From `anygrad.solvers.proximal`; a tree is a prefix of that of ``x0``, as in ``{"w":
        l1(0.1), "b": None}``. A function makes one of ``args``, ``lambda strength: l1(strength)``,
        so that the solution can be differentiated by them.
    args : tuple
        More arguments for ``f``, and for ``gradient`` and ``g`` if those are functions. Where they
        are traced (in `grad`, `jvp`, `vmap`), the solution carries its derivative by them.
    accelerated : bool
        FISTA; without it ISTA, the plain method, of which each step lowers the value.
    restart : bool
        Drop the momentum whenever it leads uphill. This makes convergence linear where f is
        strongly convex near the minimum.
    step : float or None
        t, > 0, for all steps; convergence needs t <= 1 / L with L the Lipschitz constant of the
        gradient. None finds it: by backtracking, and longer steps where f allows them.
    gradient : {"automatic", "numerical"}, callable or True
        Where the gradient of f comes from, as in `minimize`.
    max_steps, max_evaluations : int or None
        The most iterations (10000 if None) and evaluations of f.
    gtol : float or None
        Converged where no element of the generalised gradient (x - prox(x - t grad f(x), t)) / t
        is larger; 1e-5 if None.
    ftol, xtol : float or None
        Converged after a step that changed f + g, or x, relatively less; off if None or 0.
    callback : callable or None
        Called with an `Iterate` after each step; a true result, or StopIteration, ends the run. Its
        ``jac`` and ``optimality`` are those of the point that the step started from.
    record : "x" or ()
        "x" keeps every point in ``result.recorded["x"]``.
    progress : {"auto", "on", "off"}, bool or None
        A line now and then on stderr, as in `minimize`.

    Returns
    -------
    Result
        ``fun`` is f + g and ``jac`` the generalised gradient at ``x``; ``history`` has its largest
        element as ``optimality``. Success means that a test of convergence was met.

    Raises
    ------
    ArgumentError
        If a number is outside its range, or ``g`` has no operators or does not fit ``x0``.
    DTypeError
        If ``x0`` has a leaf that is not floating.

    References
    ----------
    Beck, Teboulle (2009), A fast iterative shrinkage-thresholding algorithm for linear inverse
    problems, sec. 4. Steps that may grow: Scheinberg, Goldfarb, Bai (2014), Fast first-order
    methods for composite convex optimization with backtracking, alg. 3. Restart: O'Donoghue, Candès
    (2015), Adaptive restart for accelerated gradient schemes, eq. 13, by the generalised gradient.
    Where values differ by rounding only, the curvature between two gradients bounds the step, as in
    Becker, Candès, Grant (2011), Templates for convex cone problems, sec. 5.3.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> a = np.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    >>> b = np.asarray([1.0, 2.0, 4.0])
    >>> def loss(x):
    ...     return 0.5 * np.sum((a @ x - b) ** 2)
    >>> result = ag.solvers.proximal_gradient(loss, np.zeros(2), ag.solvers.proximal.l1(1.0))
    >>> result.x.round(4), result.success
    (array([0.    , 0.5362]), True)
    """
    where = "proximal_gradient"
    if step is not None:
        step = check_number(f"{where}(step)", step, POSITIVE)
    space = Space.of(f"{where}(x0)", x0)
    operator = read_operator(f"{where}(g)", given_args(g, args))
    with space.on_device():
        smooth = make_objective(where, f, space, args, gradient, None)
        objective = Composite(
            space,
            smooth.value_and_gradient,
            smooth.value_alone,
            g=operator,
            step=math.nan if step is None else step,
        )
        tolerances = Tolerances.of(
            where,
            gtol=gtol,
            ftol=ftol,
            xtol=xtol,
            max_steps=max_steps,
            max_evaluations=max_evaluations,
            default_steps=STEPS,
        )
        start = space.to_vector(x0, f"{where}(x0)")
        if math.isinf(space.fetch([objective.value_of_g(start)])[0]):
            start = objective.prox(start, 1.0)
        method = ForwardBackward(accelerated, restart, step is not None, tolerances.gtol, space.eps)
        result = iterate(
            objective,
            start,
            method,
            tolerances,
            callback=callback,
            record=read_records(where, record or (), RECORDS),
            watch=Watch(where, method.name, progress),
        )
        return _settled(objective, result)


def _settled(objective: Composite, result: Result) -> Result:
    """The result with the generalised gradient of its own point, not of one nearby."""
    space = objective.space
    at = objective.evaluate(space.to_vector(result.x))
    return dataclasses.replace(
        result, jac=space.to_tree(at.gradient), nfev=objective.nfev, njev=objective.njev
    )
