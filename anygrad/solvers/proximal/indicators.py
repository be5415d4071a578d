"""Operators of sets: zero inside, infinite outside, with a projection as the proximal map."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from anygrad.backends import namespace_of
from anygrad.backends.dtypes import float_limits
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, describe
from anygrad.solvers.proximal.leaves import add_up
from anygrad.solvers.proximal.operator import Proximal
from anygrad.solvers.proximal.projections import project_nonnegative
from anygrad.trees import leaves
from anygrad.trees.kinds import widest_real_dtype

__all__ = ["indicator", "nonnegative"]


def indicator(projection: Callable[..., Tree], *args: Any, **options: Any) -> Proximal:
    """Make the operator of a set from the projection onto it.

    Its value is 0 where the projection moves no element by more than sqrt(eps) times the largest
    one (at least 1), which is rounding, and inf elsewhere.

    Parameters
    ----------
    projection : callable
        ``projection(x, *args, **options)``, such as ``project_simplex``.
    *args, **options
        Passed on.

    Returns
    -------
    Proximal
        Its map is the projection, whatever the step.

    Raises
    ------
    ArgumentError
        If ``projection`` is no function.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 1.2.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> ball = proximal.indicator(proximal.project_l2_ball, 2.0)
    >>> ball.prox(np.asarray([3.0, 4.0]), 0.1).round(12), ball.value(np.asarray([3.0, 4.0]))
    (array([1.2, 1.6]), array(inf))
    """
    if not callable(projection):
        message = f"indicator(projection): got {describe(projection)}; expected a function of x."
        raise ArgumentError(message)

    def value(x: Tree) -> Any:
        found = leaves(x)
        moved = leaves(prox(x, 1.0))
        return add_up(x, [_outside(a, b) for a, b in zip(found, moved, strict=True)])

    def prox(x: Tree, step: Any) -> Tree:
        return projection(x, *args, **options)

    return Proximal(getattr(projection, "__name__", "projection"), value, prox)


def nonnegative() -> Proximal:
    """Ask for elements >= 0.

    Returns
    -------
    Proximal
        Its map is `project_nonnegative`.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.nonnegative().prox(np.asarray([1.0, -2.0]), 1.0)
    array([1., 0.])
    """
    return indicator(project_nonnegative)


def _outside(x: Array, inside: Array) -> Array:
    """0 where two leaves agree but for rounding, else inf; 0-d."""
    xp = namespace_of(x)
    eps = float(float_limits(xp, widest_real_dtype([x])).eps)
    size = xp.max(xp.abs(x))
    moved = xp.max(xp.abs(x - inside))
    close = moved <= math.sqrt(eps) * xp.maximum(size, xp.ones_like(size))
    zero = xp.zeros_like(moved)
    return xp.where(close, zero, zero + math.inf)
