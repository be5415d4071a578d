"""Derivatives of what a solver finds, by the implicit function theorem: the solver is not traced.

Where f(x, p) = 0 defines x(p), the derivative solves (df/dx) dx = -(df/dp) dp.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.autodiff.batching import vmap
from anygrad.autodiff.calls import Call, Leaves, invoke, zeros
from anygrad.autodiff.custom import Arguments
from anygrad.autodiff.forward import jvp
from anygrad.autodiff.inputs import call, check_callable, name_of
from anygrad.autodiff.matrices import jacobian
from anygrad.autodiff.reverse import vjp
from anygrad.errors import DTypeError, ShapeError, describe
from anygrad.ops.shaping import kind_of
from anygrad.tracing import TRACED, lowest, names_for
from anygrad.tracing.level import plain_namespace
from anygrad.trees.placing import on_device_of

LinearSolve = Callable[[Callable[[Any], Any], Any], Any]


def implicit_root(
    f: Callable[..., Any],
    solve: Callable[..., Any],
    *,
    linear_solve: LinearSolve | None = None,
    solve_batch: Callable[..., Any] | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Make a differentiable function of a solver: ``x`` with ``f(x, *parameters) = 0``.

    For a fixed point x = g(x, p), f is x - g(x, p); for a minimum of h over x, f is the gradient of
    h. Derivatives of any order, in every mode, are those of the exact root: they are as good as the
    solver's answer. A batch of `vmap` is solved example by example, or by ``solve_batch``.

    Parameters
    ----------
    f : callable
        ``f(x, *parameters)``: a tree like ``x``, zero at the solution. Differentiable code.
    solve : callable
        ``solve(*parameters)`` gives ``x``: an array, a Python float, or a tree of them. Any code
        (SciPy's ``brentq``, a simulator); it gets plain arrays.
    linear_solve : callable, optional
        ``linear_solve(matvec, b)`` solves ``matvec(u) = b`` for vectors; by default the matrix is
        made, in one batched pass, and solved densely. It gets plain vectors in a first derivative;
        in higher ones and under `vmap` it must be array code that can be traced.
    solve_batch : callable, optional
        ``solve_batch(axes, size, *parameters)`` gives what ``solve`` gives for each of ``size``
        examples, stacked along axis 0. ``axes`` is a tuple that fits ``vmap(in_axes=axes)`` on the
        parameters: 0 for what differs between the examples.
    has_aux : bool
        ``solve`` gives ``(x, aux)``, and so does what is made; ``aux`` is a tree of integer or
        boolean arrays (a status, a count), which have no derivative.

    Returns
    -------
    callable
        Takes the parameters, trees of arrays; returns ``x``.

    Raises
    ------
    DTypeError
        If ``aux`` holds something else than integers and booleans.
    ShapeError
        If ``f`` gives another number of equations than there are unknowns.
    TraceError
        If ``solve`` depends on a traced value that is no parameter.

    References
    ----------
    Blondel et al. (2022), Efficient and modular implicit differentiation.

    Examples
    --------
    >>> import anygrad as ag
    >>> from scipy.optimize import brentq
    >>> root = ag.implicit_root(
    ...     lambda x, a: x**3 + x - a, lambda a: brentq(lambda x: x**3 + x - float(a), -10.0, 10.0)
    ... )
    >>> float(ag.grad(root)(10.0).round(6))  # 1 / (3 x^2 + 1) at x = 2
    0.076923
    """
    check_callable("implicit_root", f)
    check_callable("implicit_root", solve)
    name = f"implicit_root({name_of(f)})"

    @functools.wraps(solve)
    def root(*parameters: Any) -> Any:
        given = Arguments(solve, parameters, {})
        shape: dict[str, Any] = {}

        def taken_apart(result: Any) -> tuple[Leaves, Leaves]:
            x, aux = result if has_aux else (result, ())
            leaves, shape["x"] = trees.flatten(x)
            others, shape["aux"] = trees.flatten(aux)
            for y in others:
                if not hasattr(y, "dtype") or kind_of(y.dtype) != "other":
                    message = (
                        f"{name}: solve gave {describe(y)} in aux; expected integer or boolean "
                        "arrays, as floating numbers would lose their derivative."
                    )
                    raise DTypeError(message)
            return leaves, others

        def found(*operands: Any) -> Leaves:
            leaves, others = taken_apart(solve(*given.rebuild(operands)))
            results = [*(_as_array(x, operands) for x in leaves), *others]
            kinds = [(tuple(np.shape(x)), getattr(x, "dtype", None)) for x in results]
            if shape.setdefault("kinds", kinds) != kinds:  # what was recorded depends on them
                message = (
                    f"{name}: solve gave arrays of shapes and dtypes {shape['kinds']}, and then "
                    f"{kinds}; expected the same for parameters of one kind."
                )
                raise ShapeError(message)
            return results

        def found_together(mapped: tuple[bool, ...], size: int, operands: Leaves) -> Leaves:
            assert solve_batch is not None
            axes = given.spread([0 if m else None for m in mapped])
            leaves, others = taken_apart(solve_batch(axes, size, *given.rebuild(operands)))
            return [*leaves, *others]

        def residual(unknowns: Leaves, operands: Leaves) -> Any:
            x = trees.unflatten(shape["x"], unknowns)
            return _vector(trees.leaves(call(f, (x, *given.rebuild(operands)), {})))

        together = None if solve_batch is None else found_together
        made = root_call(name, found, residual, linear_solve, together)
        leaves = invoke(made, given.operands)
        count = shape["x"].num_leaves
        x = trees.unflatten(shape["x"], leaves[:count])
        return (x, trees.unflatten(shape["aux"], leaves[count:])) if has_aux else x

    return root


def root_call(
    name: str,
    found: Any,
    residual: Any,
    linear_solve: LinearSolve | None,
    together: Any = None,
) -> Call:
    """The call of a solver, from its answer and the residual that is zero there."""

    def back(results: Leaves, operands: Leaves, gs: Leaves) -> Leaves:
        unknowns = _floating(results, results)
        gs = _floating(gs, results)
        point = _vector(unknowns)

        def of_unknowns(v: Any) -> Any:
            return residual(_parts(v, unknowns), operands)

        r, pull = vjp(of_unknowns, point)
        _check_square(name, r, point)
        if linear_solve is None:
            matrix = jacobian(of_unknowns, mode="reverse")(point)
            u = _dense_solve(TRACED.permute_dims(matrix, axes=(1, 0)), _vector(gs))
        else:
            u = linear_solve(lambda v: pull(v)[0], _vector(gs))
        _, pull_operands = vjp(lambda *ps: residual(unknowns, list(ps)), *operands)
        return list(pull_operands(-u))

    def push(results: Leaves, operands: Leaves, tangents: Leaves) -> Leaves:
        unknowns = _floating(results, results)
        point = _vector(unknowns)

        def of_unknowns(v: Any) -> Any:
            return residual(_parts(v, unknowns), operands)

        r, moved = jvp(lambda *ps: residual(unknowns, list(ps)), tuple(operands), tuple(tangents))
        _check_square(name, r, point)
        if linear_solve is None:
            dx = _dense_solve(jacobian(of_unknowns, mode="forward")(point), -moved)
        else:
            dx = linear_solve(lambda v: jvp(of_unknowns, (point,), (v,))[1], -moved)
        # what is no unknown has no tangent, but stands in the list
        return [*_parts(dx, unknowns), *map(zeros, results[len(unknowns) :])]

    return _call(name, found, back, push, together)


def _floating(xs: Leaves, results: Leaves) -> Leaves:
    """Those that belong to unknowns, which come first; integers beside them are passed on."""
    return [x for x, y in zip(xs, results, strict=True) if kind_of(y.dtype) != "other"]


def _call(name: str, found: Any, back: Any, push: Any, together: Any = None) -> Call:
    def reverse(leaves: Leaves) -> tuple[Leaves, Any]:
        unknowns = invoke(call, leaves)

        def pull(gs: Leaves) -> Leaves:
            whole = [zeros(x) if g is None else g for g, x in zip(gs, unknowns, strict=True)]
            return back(unknowns, leaves, whole)

        return unknowns, pull

    def forward(leaves: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
        unknowns = invoke(call, leaves)
        whole = [zeros(x) if t is None else t for t, x in zip(tangents, leaves, strict=True)]
        return unknowns, push(unknowns, leaves, whole)

    def batched(mapped: tuple[bool, ...], size: int) -> Call:
        axes = [0 if m else None for m in mapped]

        def found_one_by_one(*leaves: Any) -> Leaves:
            each = [
                found(*(x[n, ...] if m else x for x, m in zip(leaves, mapped, strict=True)))
                for n in range(size)
            ]
            return [TRACED.stack(*parts, axis=0) for parts in zip(*each, strict=True)]

        def found_together(*leaves: Any) -> Leaves:
            return together(mapped, size, list(leaves))

        def back_of_batch(unknowns: Leaves, leaves: Leaves, gs: Leaves) -> Leaves:
            pulled = vmap(back, (0, axes, 0))(unknowns, leaves, gs)
            return [
                g if m else names_for(g).sum(g, axis=0, keepdims=False)
                for g, m in zip(pulled, mapped, strict=True)
            ]

        push_of_batch = vmap(push, (0, axes, axes))
        of_batch = found_one_by_one if together is None else found_together
        return _call(name, of_batch, back_of_batch, push_of_batch)

    # one piece of a compiled program: what the solver does with values is done again in every run
    call = Call(name, lambda leaves: found(*leaves), reverse, forward, batched, whole=True)
    return call


def _dense_solve(matrix: Any, b: Any) -> Any:
    column = TRACED.reshape(b, shape=(*b.shape, 1))
    return TRACED.reshape(TRACED.solve(matrix, column), shape=b.shape)


def _vector(parts: Leaves) -> Any:
    """All elements of some arrays in one vector."""
    flat = [TRACED.reshape(x, shape=(-1,)) for x in parts]
    return flat[0] if len(flat) == 1 else TRACED.concat(*flat, axis=0)


def _parts(v: Any, like: Leaves) -> Leaves:
    """A vector cut into arrays of the shapes of some others."""
    found, start = [], 0
    for x in like:
        n = int(np.prod(x.shape, dtype=np.int64))
        piece = TRACED.getitem(v, key=slice(start, start + n))
        found.append(TRACED.reshape(piece, shape=tuple(x.shape)))
        start += n
    return found


def _as_array(x: Any, operands: tuple[Any, ...]) -> Any:
    """A number of the solver as an array beside the parameters."""
    if hasattr(x, "shape") or not operands:
        return x
    home = lowest(operands[0])
    with on_device_of(home):
        return plain_namespace(home).asarray(x, dtype=home.dtype)


def _check_square(name: str, r: Any, point: Any) -> None:
    if r.shape != point.shape:
        message = (
            f"{name}: f gave {r.shape[0]} equations, {describe(r)}, for {point.shape[0]} unknowns; "
            "expected as many."
        )
        raise ShapeError(message)
