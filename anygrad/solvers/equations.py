"""Which equation a solution solves: what implicit derivatives of each front come from."""

from __future__ import annotations

from typing import Any

from anygrad import trees
from anygrad.autodiff import grad
from anygrad.autodiff.inputs import call
from anygrad.backends import namespace_of
from anygrad.backends.types import Tree
from anygrad.errors import TraceError
from anygrad.solvers.differentiable import Equation, any_vector, to_tree, to_vector
from anygrad.solvers.fitting.losses import find_loss
from anygrad.solvers.problem.building import read_box
from anygrad.solvers.problem.space import Space
from anygrad.solvers.proximal.operator import read_operator
from anygrad.tracing import LIFTED

__all__ = [
    "clip",
    "composite",
    "difference",
    "fit",
    "fixed_equation",
    "given_args",
    "minimum",
    "minus",
    "zero",
]


def minimum(space: Space, arguments: dict[str, Any]) -> Equation:
    """Define a minimum of f(x): g = 0, with bounds x - P(x - g) = 0.

    References
    ----------
    Blondel et al. (2022), Efficient and modular implicit differentiation, eq. 4 and 10.
    """
    f, gradient = arguments["f"], arguments["gradient"]
    refuse_constraints("minimize", arguments)
    box = read_box("minimize", arguments["bounds"], space)
    slope = _slope_of(f, gradient)

    def residual(v: Any, *args: Any) -> Any:
        g = to_vector(space, call(slope, (to_tree(space, v), *args), {}), "minimize(gradient)")
        return g if box is None else minus(v, clip(minus(v, g), box.lower, box.upper))

    def again(x: Any, *args: Any) -> dict[str, Any]:
        value = call(f, (x, *args), {})
        return {"fun": value[0] if gradient is True else value}

    return Equation(residual, again, is_symmetric=box is None)


def _slope_of(f: Any, gradient: Any) -> Any:
    if callable(gradient):
        return gradient
    if gradient is True:
        return lambda x, *args: f(x, *args)[1]
    return grad(f)  # of differences too: their derivative would be noise


def fit(space: Space, arguments: dict[str, Any]) -> Equation:
    """Define a least-squares fit: the gradient of the cost, J^T r, is zero."""
    f = arguments["residuals"]
    loss = find_loss("least_squares", arguments["loss"], arguments["f_scale"])
    box = read_box("least_squares", arguments["bounds"], space)

    def cost(r: Any) -> Any:
        return loss.cost(namespace_of(r), r)

    def of_vector(v: Any, *args: Any) -> Any:
        return cost(any_vector(space, call(f, (to_tree(space, v), *args), {})))

    def residual(v: Any, *args: Any) -> Any:
        g = grad(of_vector)(v, *args)
        return g if box is None else minus(v, clip(minus(v, g), box.lower, box.upper))

    def again(x: Any, *args: Any) -> dict[str, Any]:
        fun = call(f, (x, *args), {})
        return {"fun": fun, "cost": cost(any_vector(space, fun))}

    return Equation(residual, again, is_symmetric=box is None)


def composite(space: Space, arguments: dict[str, Any]) -> Equation:
    """Define a minimum of f + g: x - prox(x - grad f(x)) = 0; any step of prox has the same zeros.

    References
    ----------
    Blondel et al. (2022), Efficient and modular implicit differentiation, eq. 9.
    """
    f, gradient = arguments["f"], arguments["gradient"]
    where = "proximal_gradient"
    slope = _slope_of(f, gradient)

    def residual(v: Any, *args: Any) -> Any:
        g = to_vector(space, call(slope, (to_tree(space, v), *args), {}), f"{where}(gradient)")
        operator = read_operator(f"{where}(g)", given_args(arguments["g"], args))
        moved = operator.prox(to_tree(space, minus(v, g)), 1.0)
        return minus(v, any_vector(space, moved))

    def again(x: Any, *args: Any) -> dict[str, Any]:
        value = call(f, (x, *args), {})
        operator = read_operator(f"{where}(g)", given_args(arguments["g"], args))
        value = value[0] if gradient is True else value
        return {"fun": value + operator.value(x)}

    return Equation(residual, again)


def given_args(g: Any, args: tuple[Any, ...]) -> Any:
    """Make the operator of a function of ``args``, as ``lambda strength: l1(strength)`` is one."""
    return g(*args) if callable(g) and not hasattr(g, "prox") else g


def zero(space: Space, arguments: dict[str, Any]) -> Equation:
    """Define a root: f(x) = 0."""
    f = arguments["f"]

    def residual(v: Any, *args: Any) -> Any:
        return any_vector(space, call(f, (to_tree(space, v), *args), {}))

    return Equation(residual, lambda x, *args: {"fun": call(f, (x, *args), {})})


def fixed_equation(space: Space, arguments: dict[str, Any]) -> Equation:
    """Define a fixed point: x - g(x) = 0."""
    g = arguments["g"]

    def off(x: Any, *args: Any) -> Any:
        return difference(x, call(g, (x, *args), {}))

    def residual(v: Any, *args: Any) -> Any:
        return any_vector(space, off(to_tree(space, v), *args))

    return Equation(residual, lambda x, *args: {"fun": off(x, *args)})


def difference(x: Tree, y: Tree) -> Tree:
    """Take x - y, leaf by leaf; y may lie in another kind of containers."""
    leaves, treedef = trees.flatten(x)
    others = trees.leaves(y)
    if len(leaves) != len(others):
        others = trees.flatten_up_to(treedef, y, where="fixed_point(g)")
    return trees.unflatten(treedef, [minus(a, b) for a, b in zip(leaves, others, strict=True)])


def minus(a: Any, b: Any) -> Any:
    """Take a - b, where either may be traced: array-api-strict refuses plain - traced."""
    return -(b - a) if type(b) in LIFTED and type(a) not in LIFTED else a - b


def clip(v: Any, lower: Any, upper: Any) -> Any:
    """Project onto a box; at a bound, the derivative is that of the bound."""
    xp = namespace_of(next((x for x in (v, lower, upper) if type(x) in LIFTED), v))
    inside = xp.where(v > lower, v, lower)
    return xp.where(inside < upper, inside, upper)


def refuse_constraints(where: str, arguments: dict[str, Any]) -> None:
    """Refuse what the equation does not hold with."""
    if arguments.get("constraints") not in (None, (), [], {}):
        message = (
            f"{where}(constraints): got constraints beside traced args; expected none, as the "
            "solution is then no zero of the gradient. Use ag.implicit_root with the equations of "
            "the constrained problem."
        )
        raise TraceError(message)
