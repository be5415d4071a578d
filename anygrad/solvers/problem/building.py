"""From a user's function to an `Objective`: where gradients and Hessian products come from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.autodiff import hvp as product_of
from anygrad.autodiff import value_and_grad
from anygrad.backends.types import Tree
from anygrad.differences import gradient as difference_gradient
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.solvers.problem.bounds import Box, read_box
from anygrad.solvers.problem.objective import Objective
from anygrad.solvers.problem.space import Space

NO_NUMBERS = (bool, complex, str, list, tuple, dict, type(None))

__all__ = ["check_scalar", "difference_product", "make_objective", "read_box", "with_args"]


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
    if not isinstance(args, tuple | list):
        message = f"{where}(args): got {describe(args)}; expected a tuple. Write args=(a,) for one."
        raise ArgumentError(message)
    value, both = _values(where, f, space, args, gradient, box)
    if hvp is not None:
        product = _apart(space, with_args(hvp, args))
    elif gradient == "automatic":
        product = functools.partial(product_of, with_args(f, args))
    else:
        product = functools.partial(difference_product, space, both)
    batches = hvp is None and gradient == "automatic"
    return Objective(space, both, value, product, box, batches=batches)


def _values(
    where: str,
    f: Callable[..., Any],
    space: Space,
    args: tuple[Any, ...],
    gradient: Any,
    box: Box | None,
) -> tuple[Callable[[Tree], Any], Callable[[Tree], tuple[Any, Tree]]]:
    """The function of the value, and that of value and gradient."""
    of_x = with_args(f, args)

    at_plain = _apart(space, of_x)

    def value(x: Tree) -> Any:
        return _own_number(where, space, at_plain(x))

    if gradient == "automatic":
        return value, value_and_grad(of_x)
    if gradient == "numerical":
        return value, _with_differences(space, box, at_plain, value)
    if gradient is True:

        def given(x: Tree) -> tuple[Any, Tree]:
            both = at_plain(x)
            if not isinstance(both, tuple | list) or len(both) != 2:
                message = (
                    f"{where}(f): it returned {describe(both)}; with gradient=True expected value "
                    "and gradient."
                )
                raise ArgumentError(message)
            return _own_number(where, space, both[0]), _own(space, both[1])

        return lambda x: given(x)[0], given
    if callable(gradient):
        gradient_of_x = _apart(space, with_args(gradient, args))
        return value, lambda x: (value(x), _own(space, gradient_of_x(x)))
    message = (
        f"{where}(gradient): got {describe(gradient)}; expected 'automatic', 'numerical', a "
        "function of x, or True where f returns value and gradient."
    )
    raise ArgumentError(message)


def _own_number(where: str, space: Space, value: Any) -> Any:
    """A value that stays as it is, if it is a number."""
    check_scalar(where, value)
    return space.copy(value) if type(value) is space.array_type else value


def _own(space: Space, gradient: Tree) -> Tree:
    """A gradient that stays as it is: users may fill the same array at every call."""
    if len(space.parts) > 1:
        return gradient  # `Space.to_vector` copies
    return _copied(space, gradient)


def _apart(space: Space, f: Callable[..., Any]) -> Callable[..., Any]:
    """The function at arrays of its own, for users may write into them."""
    if space.backend.set_at is not None:  # none can be written into
        return f
    return lambda *at: f(*(_copied(space, x) for x in at))


def _copied(space: Space, tree: Tree) -> Tree:
    kind = space.array_type
    if type(tree) is kind:
        return space.copy(tree)
    return trees.map(lambda x: space.copy(x) if type(x) is kind else x, tree)


def _with_differences(
    space: Space, box: Box | None, of_x: Callable[..., Any], value: Callable[[Tree], Any]
) -> Callable[[Tree], tuple[Any, Tree]]:
    """Value and numerical gradient, from evaluations within the bounds only."""
    if box is None:
        return lambda x: (value(x), difference_gradient(of_x, x))
    lower, upper = box.lower, box.upper
    slope_of = of_x
    if box.fixed is not None:
        # differences need room; f sees the projection, so that its slope there is 0
        xp = space.xp
        lower = xp.where(box.fixed, lower - xp.abs(lower) - 1.0, lower)
        upper = xp.where(box.fixed, upper + xp.abs(upper) + 1.0, upper)

        def slope_of(x: Tree) -> Any:
            return of_x(space.to_tree(box.project(space, space.to_vector(x))))

    bounds = (space.to_tree(lower), space.to_tree(upper))
    return lambda x: (value(x), difference_gradient(slope_of, x, bounds=bounds))


def with_args(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """The function with its parameters filled in."""
    return (lambda *x: f(*x, *args)) if args else f


def difference_product(
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
    no_number = isinstance(value, NO_NUMBERS) or not _is_real(getattr(value, "dtype", None))
    if no_number or getattr(value, "shape", ()) != ():
        message = f"{where}(f): it returned {describe(value)}; expected a real number, shape ()."
        raise ShapeError(message)
    return value


def _is_real(dtype: Any) -> bool:
    kind = getattr(dtype, "kind", None)  # of NumPy, CuPy and JAX
    if kind is not None:
        return kind not in "cb"
    name = str(dtype)
    return "complex" not in name and "bool" not in name
