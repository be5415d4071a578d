"""From a user's function to an `Objective`: where gradients and Hessian products come from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff import hvp as product_of
from anygrad.autodiff import value_and_grad
from anygrad.backends.types import Tree
from anygrad.differences import gradient as difference_gradient
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.solvers.problem.objective import Box, Objective
from anygrad.solvers.problem.space import Space

__all__ = ["check_scalar", "make_objective", "read_box"]


def make_objective(
    where: str,
    f: Callable[..., Any],
    space: Space,
    args: tuple[Any, ...],
    gradient: Any,
    hvp: Callable[..., Any] | None,
    box: Box | None = None,
) -> Objective:
    """Bind a user's function, its parameters and its derivatives to a space."""
    if not callable(f):
        message = f"{where}(f): got {describe(f)}; expected a function of x."
        raise ArgumentError(message)
    if hvp is not None and not callable(hvp):
        message = f"{where}(hvp): got {describe(hvp)}; expected a function of x and v, or None."
        raise ArgumentError(message)
    value, both = _values(where, f, space, args, gradient, box)
    if hvp is not None:
        product = _with(hvp, args)
    elif gradient == "automatic":
        product = functools.partial(product_of, _with(f, args))
    else:
        product = functools.partial(_difference_product, space, both)
    return Objective(space, both, value, product, box)


def _values(
    where: str,
    f: Callable[..., Any],
    space: Space,
    args: tuple[Any, ...],
    gradient: Any,
    box: Box | None,
) -> tuple[Callable[[Tree], Any], Callable[[Tree], tuple[Any, Tree]]]:
    """The function of the value, and that of value and gradient."""
    of_x = _with(f, args)

    def value(x: Tree) -> Any:
        return check_scalar(where, of_x(x))

    if gradient == "automatic":
        return value, value_and_grad(of_x)
    if gradient == "numerical":
        bounds = None if box is None else (space.to_tree(box.lower), space.to_tree(box.upper))
        return value, lambda x: (value(x), difference_gradient(of_x, x, bounds=bounds))
    if gradient is True:

        def given(x: Tree) -> tuple[Any, Tree]:
            found, slope = of_x(x)
            return check_scalar(where, found), slope

        return lambda x: given(x)[0], given
    if callable(gradient):
        gradient_of_x = _with(gradient, args)
        return value, lambda x: (value(x), gradient_of_x(x))
    message = (
        f"{where}(gradient): got {describe(gradient)}; expected 'automatic', 'numerical', a "
        "function of x, or True where f returns value and gradient."
    )
    raise ArgumentError(message)


def _with(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """The function with its parameters filled in."""
    return (lambda *x: f(*x, *args)) if args else f


def _difference_product(
    space: Space, both: Callable[[Tree], tuple[Any, Tree]], x: Tree, v: Tree
) -> Tree:
    """H v as a central difference of gradients, where only a gradient is given.

    The step balances truncation and rounding: eps^(1/3) max(|x|, 1) / max |v|.
    """
    xp = space.xp
    at, along = space.to_vector(x), space.to_vector(v)
    width, length = xp.max(xp.abs(at)), xp.max(xp.abs(along))
    one = xp.ones_like(width)
    length = xp.where(length > 0, length, one)
    step = xp.maximum(width, one) * (space.eps ** (1.0 / 3.0)) / length
    ahead = space.to_vector(both(space.to_tree(at + step * along))[1])
    behind = space.to_vector(both(space.to_tree(at - step * along))[1])
    return space.to_tree((ahead - behind) / (2.0 * step))


def check_scalar(where: str, value: Any) -> Any:
    """Refuse the value of an objective that is no real number."""
    if getattr(value, "shape", ()) != () or isinstance(value, complex | str | type(None)):
        message = f"{where}(f): it returned {describe(value)}; expected a real number, shape ()."
        raise ShapeError(message)
    return value


def read_box(where: str, bounds: Any, space: Space) -> Box | None:
    """Turn bounds into vectors: a pair, ``scipy.optimize.Bounds``, or SciPy's list of pairs."""
    if bounds is None:
        return None
    lower, upper = _pair(where, bounds, space)
    return Box(_side(where, lower, space, -1.0), _side(where, upper, space, 1.0))


def _pair(where: str, bounds: Any, space: Space) -> tuple[Any, Any]:
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        return bounds.lb, bounds.ub
    if isinstance(bounds, list):  # SciPy's: one pair an element
        lows, highs = [], []
        for pair in bounds:
            low, high = pair
            lows.append(-float("inf") if low is None else float(low))
            highs.append(float("inf") if high is None else float(high))
        return np.asarray(lows), np.asarray(highs)
    if isinstance(bounds, tuple) and len(bounds) == 2:
        return bounds
    message = (
        f"{where}(bounds): got {describe(bounds)}; expected a pair (lower, upper), "
        "scipy.optimize.Bounds, or a list of one pair (low, high) for each element."
    )
    raise ArgumentError(message)


def _side(where: str, side: Any, space: Space, sign: float) -> Any:
    if side is None:
        side = sign * float("inf")
    if isinstance(side, int | float):
        return space.zeros() + float(side)
    if isinstance(side, np.ndarray) and len(space.parts) == 1:
        side = np.broadcast_to(side, space.parts[0].shape)
        return space.from_host(np.asarray(side, dtype=np.float64).reshape(-1))
    spread = trees.map(
        lambda like, s: space.xp.zeros_like(like) + s, space.to_tree(space.zeros()), side
    )
    return space.to_vector(spread, f"{where}(bounds)")
