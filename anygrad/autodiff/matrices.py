"""Jacobians, Hessians and their products: one batched pass, never a loop of single ones."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from anygrad import trees
from anygrad.autodiff.batching import vmap
from anygrad.autodiff.forward import jvp
from anygrad.autodiff.inputs import call, check_callable, check_primal, name_of, pick
from anygrad.autodiff.reverse import grad, recorded, vjp
from anygrad.autodiff.variables import warn_unused
from anygrad.backends import device_of
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe, suggest
from anygrad.ops.shaping import is_complex
from anygrad.tracing import LIFTED, lowest, names_for
from anygrad.tracing.level import plain_namespace

MODES = ("auto", "forward", "reverse")
Look = Callable[[list[str], list[Any]], None]
"""Gets the names of the inputs and what was found for each, None where it has no influence."""


def jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    mode: str = "auto",
    *,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Make the function that gives all first derivatives of ``f``.

    Parameters
    ----------
    f : callable
        Returns a real array, or a tree of them.
    argnums : int or tuple of int
        Which positional arguments to differentiate; each a tree of real floating arrays.
    mode : {"auto", "forward", "reverse"}
        ``forward`` pushes one direction for each input element, ``reverse`` pulls one for each
        output element, all in one batched pass; ``auto`` takes the fewer, reverse at a tie.
    has_aux : bool
        ``f`` returns ``(value, aux)``; the made function returns ``(jacobian, aux)``.

    Returns
    -------
    callable
        Takes the arguments of ``f``. Gives, in the structure of the result, for each of its leaves
        the structure of the argument (a tuple of such for a tuple of argnums): arrays of shape
        ``(*shape of the result, *shape of the argument)``.

    Raises
    ------
    ArgumentError
        If ``mode`` or ``argnums`` is not known.
    DTypeError
        If an argument or the result is complex: a complex derivative has two parts. Use `vjp`.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> ag.jacobian(lambda x: np.stack([x[0] * x[1], x[0] ** 2]))(np.asarray([2.0, 3.0]))
    array([[3., 2.],
           [4., 0.]])
    """
    check_callable("jacobian", f)
    if mode not in MODES:
        known = ", ".join(map(repr, MODES))
        message = f"jacobian(mode): got {mode!r}; expected one of {known}. {suggest(mode, MODES)}"
        raise ArgumentError(message.rstrip())

    return _matrix(f, argnums, mode, has_aux, functools.partial(warn_unused, "jacobian", f))


def _matrix(f: Any, argnums: Any, mode: str, has_aux: bool, look: Look) -> Callable[..., Any]:
    @functools.wraps(f)
    def evaluate(*args: Any, **kw: Any) -> Any:
        positions = pick("jacobian", args, argnums)
        roots = [(f"args[{n}]", args[n]) for n in positions]
        given = tuple(args[n] for n in positions)
        leaves, structure = trees.flatten(given)
        leaves = [check_primal("jacobian", x, roots, k) for k, x in enumerate(leaves)]
        given = trees.unflatten(structure, leaves)

        def chosen(*parts: Any) -> Any:
            at = dict(zip(positions, parts, strict=True))
            return call(f, tuple(at.get(n, a) for n, a in enumerate(args)), kw)

        names = [trees.show_path(name, path) for name, x in roots for path in trees.paths(x)]
        rows = _rows(f, chosen, given, mode, has_aux, functools.partial(look, names))
        single = not isinstance(argnums, tuple | list)
        blocks = [row[0] if single else tuple(row) for row in rows.blocks]
        found = trees.unflatten(rows.treedef, blocks)
        return (found, rows.aux) if has_aux else found

    return evaluate


class Rows(NamedTuple):
    """For each leaf of the result, one tree of blocks for each argument."""

    blocks: list[list[Any]]
    treedef: Any
    aux: Any


def _rows(f: Any, chosen: Any, given: tuple[Any, ...], mode: str, has_aux: bool, look: Any) -> Rows:
    inputs, structure = trees.flatten(given)
    _refuse_complex(f, inputs, "an argument")
    size = sum(math.prod(x.shape) for x in inputs)
    if mode == "forward":
        return _forward(f, chosen, given, inputs, structure, has_aux, look)
    value, pullback, *aux = recorded(chosen, given, has_aux, look)
    outputs, treedef = trees.flatten(value)
    _refuse_complex(f, outputs, "the result")
    height = sum(math.prod(y.shape) for y in outputs)
    if mode == "auto" and size < height:
        return _forward(f, chosen, given, inputs, structure, has_aux, look)
    basis = [_basis(y, outputs) for y in outputs]
    pulled = vmap(lambda *cotangents: pullback(trees.unflatten(treedef, cotangents)))(*basis)
    blocks, start = [], 0
    for y in outputs:
        stop = start + math.prod(y.shape)
        blocks.append(list(trees.map(_rows_of(y, slice(start, stop)), pulled)))
        start = stop
    return Rows(blocks, treedef, aux[0] if aux else None)


def _rows_of(y: Any, piece: slice) -> Callable[[Any], Any]:
    """From all rows those of one part of the result, in its shape."""

    def rows(g: Any) -> Any:
        return names_for(g).reshape(g[piece, ...], shape=(*y.shape, *g.shape[1:]))

    return rows


def _basis(y: Any, parts: list[Any]) -> Any:
    """The unit vectors of all parts, stacked, as far as they lie in ``y``: shape (n, *y.shape)."""
    sizes = [math.prod(part.shape) for part in parts]
    k = next(number for number, part in enumerate(parts) if part is y)
    bottom = lowest(y)
    xp = plain_namespace(bottom)
    place = {"dtype": y.dtype, "device": device_of(bottom)}
    if len(parts) == 1:
        return xp.reshape(xp.eye(sizes[0], **place), (sizes[0], *y.shape))
    before, n, after = sum(sizes[:k]), sizes[k], sum(sizes[k + 1 :])
    parts_of_eye = [xp.zeros((before, n), **place), xp.eye(n, **place)]
    parts_of_eye.append(xp.zeros((after, n), **place))
    return xp.reshape(xp.concat(parts_of_eye, axis=0), (sum(sizes), *y.shape))


def _forward(
    f: Any, chosen: Any, given: Any, inputs: list[Any], structure: Any, has_aux: bool, look: Any
) -> Rows:
    found: dict[str, Any] = {}

    def push(*directions: Any) -> Any:
        tangents = trees.unflatten(structure, directions)
        value, tangent, *aux = jvp(chosen, given, tangents, has_aux=has_aux)
        if not any(type(t) in LIFTED for t in trees.leaves(tangent)):  # no direction moves it
            look([None] * len(inputs))
        found["treedef"], found["outputs"] = trees.flatten(value)[::-1]
        found["aux"] = aux[0] if aux else None
        return trees.leaves(tangent)

    basis = [_basis(x, inputs) for x in inputs]
    pushed = vmap(push, out_axes=-1)(*basis)
    _refuse_complex(f, pushed, "the result")
    columns = []
    for y in pushed:
        ends, blocks = 0, []
        for x in inputs:
            n = math.prod(x.shape)
            block = y[..., ends : ends + n]
            blocks.append(names_for(block).reshape(block, shape=(*y.shape[:-1], *x.shape)))
            ends += n
        columns.append(list(trees.unflatten(structure, blocks)))
    return Rows(columns, found["treedef"], found["aux"])


def _refuse_complex(f: Any, arrays: list[Any], what: str) -> None:
    for x in arrays:
        if is_complex(x):
            message = (
                f"jacobian({name_of(f)}): {what} is {describe(x)}; expected real numbers. Use vjp "
                "or jvp, or take real and imaginary part."
            )
            raise DTypeError(message)


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Make the function that gives all second derivatives of ``f``: forward over reverse.

    Parameters
    ----------
    f : callable
        Returns a real 0-d array.
    argnums : int or tuple of int
        Which positional arguments to differentiate; each a tree of real floating arrays.

    Returns
    -------
    callable
        Takes the arguments of ``f``. Gives, in the structure of the argument, for each leaf the
        structure of the argument again: arrays of shape ``(*shape, *shape)``.

    Raises
    ------
    ShapeError, DTypeError
        As `grad` and `jacobian`.

    References
    ----------
    Griewank, Walther (2008), Evaluating Derivatives, ch. 5.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> ag.hessian(lambda x: x[0] ** 2 * x[1])(np.asarray([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    check_callable("hessian", f)
    # that a gradient is constant is no news; that f is, grad says
    return _matrix(grad(f, argnums), argnums, "forward", False, lambda names, found: None)


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """Multiply the Hessian of ``f`` at ``x`` by ``v``, without making it.

    Parameters
    ----------
    f : callable
        Takes ``x``; returns a real 0-d array.
    x : tree of real floating arrays
        The point.
    v : tree of arrays
        Structure, shapes and dtypes of ``x``.

    Returns
    -------
    tree of arrays
        The directional derivative of the gradient, like ``x``.

    Raises
    ------
    ShapeError, DTypeError
        As `grad` and `jvp`.

    References
    ----------
    Pearlmutter (1994), Fast exact multiplication by the Hessian.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> ag.hvp(lambda x: x[0] ** 2 * x[1], np.asarray([2.0, 3.0]), np.asarray([1.0, 0.0]))
    array([6., 4.])
    """
    return jvp(grad(f), (x,), (v,))[1]


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Evaluate ``f`` and return, with the value, its derivative as a linear function.

    The function is run once; each product with the derivative afterwards costs about as much as a
    pullback. It is made by transposing the pullback, which is linear.

    Parameters
    ----------
    f : callable
        Takes the primals; returns an array or a tree of arrays.
    *primals : trees of arrays
        Floating.

    Returns
    -------
    value : tree of arrays
        ``f(*primals)``.
    push : callable
        ``push(*tangents)`` gives the tangent of the value, as `jvp` would.

    Raises
    ------
    ShapeError
        From ``push``, if the tangents do not match the primals.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> value, push = ag.linearize(np.sin, np.asarray([0.0, 1.0]))
    >>> push(np.asarray([2.0, 0.0]))
    array([2., 0.])
    """
    value, pullback = vjp(f, *primals)
    zero = trees.map(lambda y: names_for(y).zeros_like(y), value)
    _, transposed = vjp(pullback, zero)

    def push(*tangents: Any) -> Any:
        if len(tangents) != len(primals):
            message = f"push(tangents): got {len(tangents)}; expected {len(primals)}, one a primal."
            raise ShapeError(message)
        return transposed(tangents)[0]

    return value, push
