"""Solutions as functions of the parameters: what makes every front differentiable and mapped.

A front is decorated once::

    @differentiable(equation)
    def minimize(f, x0, *, args=(), ...): ...

``equation(space, arguments)`` gets the `Space` of the unknowns and the arguments of the call by
name; it gives an `Equation`: the residual that is zero at the solution, as a function of vectors,
and what is evaluated again at the solution. Where nothing in ``x0`` and ``args`` is traced, the
front runs as it stands. Else it runs on the plain values, and `implicit_root` gives ``x`` its
derivative. Traced values that the functions close over never reach it, so they are refused.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec

import numpy as np

from anygrad import trees
from anygrad.autodiff import implicit_root
from anygrad.autodiff.variables import lines_to_the_user
from anygrad.backends import backend_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.errors import TraceError, UnconvergedWarning
from anygrad.recording.history import History
from anygrad.solvers.matrix_free import solve_matrix_free
from anygrad.solvers.problem.space import Space
from anygrad.solvers.problem.status import Status
from anygrad.tracing import LIFTED, lowest, unbuffered
from anygrad.tracing.level import is_mapped, recorded, strip
from anygrad.trees.kinds import is_complex

__all__ = ["Equation", "any_vector", "differentiable", "to_tree", "to_vector"]

LARGE = 500
"""From more unknowns on the linear systems of derivatives are solved without a matrix."""

COUNTS = ("status", "nit", "nfev", "njev", "nhev")
PLAIN_OPTIONS = ("bounds",)
P = ParamSpec("P")


class Equation(NamedTuple):
    """What defines a solution.

    Attributes
    ----------
    residual : callable
        ``residual(v, *args)``: a vector, zero at the solution v; differentiable code.
    again : callable
        ``again(x, *args)``: fields of the result that depend on the solution, by name.
    is_symmetric : bool
        Whether the derivative of the residual by v is a symmetric matrix.
    """

    residual: Callable[..., Any]
    again: Callable[..., dict[str, Any]]
    is_symmetric: bool = False


class Inputs(NamedTuple):
    """The start and the parameters of a call, taken apart."""

    leaves: list[Any]
    treedef: Any
    places: list[int]

    @property
    def operands(self) -> list[Any]:
        """What is traced."""
        return [self.leaves[k] for k in self.places]

    def rebuild(self, operands: Any) -> tuple[Any, tuple[Any, ...]]:
        """Give the start and the parameters with other values in the traced places."""
        whole = list(self.leaves)
        for k, x in zip(self.places, operands, strict=True):
            whole[k] = x
        return trees.unflatten(self.treedef, whole)


def differentiable(
    equation: Callable[[Space, dict[str, Any]], Equation],
    together: Callable[..., Any] | None = None,
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Decorate a front, so that its solution depends on traced ``args``.

    ``together(space, arguments, axes, size, rebuild, *operands)`` solves a batch in one pass, or
    gives None where it cannot; ``rebuild(operands)`` is the start and the args of one example.
    """

    def decorate(front: Callable[P, Any]) -> Callable[P, Any]:
        signature = inspect.signature(front)

        @functools.wraps(front)
        def solve(*given: P.args, **options: P.kwargs) -> Any:
            bound = signature.bind(*given, **options)
            inputs = bound.arguments.get("x0"), bound.arguments.get("args", ())
            if not any(type(x) in LIFTED for x in trees.leaves(inputs)):
                return front(*given, **options)
            bound.apply_defaults()
            return _solve_traced(front, bound.arguments, equation, together)

        return solve

    return decorate


def _solve_traced(front: Any, arguments: dict[str, Any], equation: Any, together: Any) -> Any:
    where = front.__name__
    _check_options(where, arguments)
    for name in ("x0", "args"):
        for x in trees.leaves(arguments[name]):
            written = recorded(x)
            if written is not None:  # it would be that of the recording in every replay
                raise written.t.refuse(written, f"{where}({name})")
    inputs = _take_apart(arguments["x0"], arguments["args"])
    if not inputs.places:  # the solution does not depend on the start
        x0, args = inputs.rebuild([])
        return front(**{**arguments, "x0": x0, "args": args})
    example, _ = inputs.rebuild([_first(x) for x in inputs.operands])
    space = Space.of(f"{where}(x0)", example)
    defined = equation(space, arguments)
    results: list[Any] = []

    def solve(*operands: Any) -> tuple[Array, Array]:
        x0, args = inputs.rebuild(operands)
        result = front(**{**arguments, "x0": x0, "args": args})
        results.append(result)
        counts = _counts(space, [[getattr(result, name) for name in COUNTS]])
        return space.to_vector(result.x), counts[0, ...]

    def solve_batch(axes: tuple[Any, ...], size: int, *operands: Any) -> tuple[Array, Array]:
        found = None
        if together is not None:
            found = together(space, arguments, axes, size, inputs.rebuild, *operands)
        if found is None:
            each = [
                solve(*(x if a is None else x[k, ...] for x, a in zip(operands, axes, strict=True)))
                for k in range(size)
            ]
            xs, counts = zip(*each, strict=True)
            return space.xp.stack(list(xs)), space.xp.stack(list(counts))
        results.append(found)
        columns = [np.broadcast_to(getattr(found, name), (size,)) for name in COUNTS]
        return found.x, _counts(space, np.stack(columns, axis=1).tolist())

    def residual(v: Any, *operands: Any) -> Any:
        _, args = inputs.rebuild(operands)
        return defined.residual(v, *args)

    linear = functools.partial(solve_matrix_free, space, defined.is_symmetric)
    root = implicit_root(
        residual,
        solve,
        linear_solve=linear if space.size > LARGE else None,
        solve_batch=solve_batch,
        has_aux=True,
    )
    with space.on_device():
        v, counts = root(*inputs.operands)
        x = to_tree(space, v)
        again = defined.again(x, *arguments["args"])
    successes = np.concatenate([np.atleast_1d(np.asarray(r.success)) for r in results])
    _warn(where, results, successes)
    if type(counts) not in LIFTED:
        return dataclasses.replace(results[-1], x=x, **again)
    last = results[-1]
    return _of_batch(getattr(last, "kind", type(last)), last.method, x, counts, again, successes)


def _take_apart(x0: Tree, args: tuple[Any, ...]) -> Inputs:
    """Find what is traced; of the start only what differs between the examples of a batch."""
    begin = trees.map(lambda x: strip(x) if is_mapped(x) else lowest(x), x0)
    leaves, treedef = trees.flatten((begin, tuple(args)))
    return Inputs(leaves, treedef, [k for k, x in enumerate(leaves) if type(x) in LIFTED])


def _first(x: Any) -> Any:
    """The plain value of the first example."""
    while type(x) in LIFTED:
        x = x.v[0, ...] if x.t.maps else x.v
    return x


def _counts(space: Space, rows: list[list[int]]) -> Array:
    xp = space.xp
    return xp.asarray([[int(n) for n in row] for row in rows], dtype=xp.int32, device=space.device)


def _of_batch(
    kind: type, method: str, x: Tree, counts: Any, again: dict[str, Any], successes: Any
) -> Any:
    """The result of one example of a batch: what differs between the examples is mapped."""
    fields: dict[str, Any] = {item.name: None for item in dataclasses.fields(kind)}
    fields |= {name: counts[k] for k, name in enumerate(COUNTS) if name in fields}
    fields |= {"history": History(), "recorded": {}, "method": method}
    fields |= {"x": x, "success": fields["status"] == int(Status.CONVERGED), **again}
    fields["message"] = f"{int(successes.sum())} of {successes.size} examples converged."
    return kind(**fields)


def _warn(where: str, results: list[Any], successes: np.ndarray) -> None:
    if successes.all():
        return
    count = "" if successes.size == 1 else f" at {int((~successes).sum())} of {successes.size}"
    worst = next(r for r in results if not np.all(np.asarray(r.success)))
    message = (
        f"{where}: it did not converge{count}; values and derivatives are those of the points "
        f"reached. {worst.message} The result tells which: success, status."
    )
    warnings.warn(message, UnconvergedWarning, stacklevel=lines_to_the_user())


def _check_options(where: str, arguments: dict[str, Any]) -> None:
    for name in PLAIN_OPTIONS:
        if any(type(x) in LIFTED for x in trees.leaves(arguments.get(name))):
            message = (
                f"{where}({name}): got a traced value; expected plain numbers, as the solution is "
                "differentiated by args only. Take its value with ag.value(x)."
            )
            raise TraceError(message)


def _over(space: Space, leaves: list[Any]) -> Space:
    """The space with the namespace of traced values, if there are some."""
    for x in leaves:
        if type(x) in LIFTED:
            return dataclasses.replace(space, xp=namespace_of(x))
    return space


def to_tree(space: Space, vector: Any) -> Tree:
    """Cut a vector, traced or not, into a tree."""
    return _over(space, [vector]).to_tree(vector)


def any_vector(space: Space, tree: Tree) -> Any:
    """Lay out any tree with as many real numbers as a vector has, in its dtype, traced or not."""
    xp = _over(space, trees.leaves(tree)).xp
    pieces = []
    for leaf in map(unbuffered, trees.leaves(tree)):
        if backend_of(leaf) is None:
            leaf = space.xp.asarray(leaf, dtype=space.dtype, device=space.device)
        names = xp if type(leaf) in LIFTED else space.xp
        parts = [names.real(leaf), names.imag(leaf)] if is_complex(names, leaf) else [leaf]
        for part in parts:
            flat = names.reshape(part, (-1,))
            pieces.append(flat if flat.dtype == space.dtype else names.astype(flat, space.dtype))
    return pieces[0] if len(pieces) == 1 else xp.concat(pieces)


def to_vector(space: Space, tree: Tree, where: str = "tree") -> Any:
    """Lay a tree, traced or not, out as a vector."""
    return _over(space, trees.leaves(tree)).to_vector(tree, where)
