"""Forward mode: each value carries its tangent along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.autodiff.inputs import (
    apart,
    beside_level,
    call,
    check_callable,
    check_libraries,
    check_place,
    check_primal,
    is_on_host,
    name_of,
    split_aux,
)
from anygrad.backends import place_of
from anygrad.errors import ShapeError, describe
from anygrad.ops import Row
from anygrad.ops.shaping import kind_of
from anygrad.tracing import LIFTED, bind, lifted, lowest, names_for
from anygrad.tracing.carrying import Carried, Carrying
from anygrad.tracing.plain import same_library
from anygrad.tracing.tape import refuse_other


@lifted
class Dual(Carried):
    """A value and its tangent: ``v`` the primal, ``i`` the tangent, None for a symbolic zero."""

    __slots__ = ()


class Forward(Carrying):
    """One forward-mode differentiation."""

    __slots__ = ()
    kind = Dual

    def process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Carry out one operation, and push the tangents of its operands forward."""
        self.check_operands(args)
        values = same_library(tuple([self.lower(a) for a in args]))
        y = bind(row, values, kw)
        if row.constant:
            return y
        if kind_of(y.dtype) == "other":
            return refuse_other(row, y)
        mine = [type(a) in LIFTED and a.t is self for a in args]
        tangents = [a.i if own else None for a, own in zip(args, mine, strict=True)]
        moved = None
        if any(t is not None for t in tangents):
            xp = names_for(y, *values, *(t for t in tangents if t is not None))
            moved = row.family.pushforward(row, xp, tangents, y, values, kw)
        r = self.wrap(y, moved)
        return self.as_view(r, args[0], kw) if row.view and mine[0] else r


def jvp(
    f: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """Evaluate ``f`` and its directional derivative along ``tangents``.

    Parameters
    ----------
    f : callable
        Takes the primals as positional arguments; returns an array or a tree of arrays.
    primals : tuple of trees of arrays
        Real or complex floating, of one library; Python floats and complex numbers are allowed.
    tangents : tuple of trees of arrays
        Structure, shapes and dtypes of ``primals``.
    has_aux : bool
        ``f`` returns ``(value, aux)``; ``aux`` comes back as it is, without derivative.

    Returns
    -------
    value : tree of arrays
        ``f(*primals)``.
    tangent : tree of arrays
        Structure, shapes and dtypes of ``value``: the Jacobian times ``tangents``.
    aux : object
        Only with ``has_aux``.

    Raises
    ------
    DTypeError
        If a primal is not floating.
    ShapeError
        If the tangents do not match the primals.
    TraceError
        If ``f`` would lose the derivative in silence.

    References
    ----------
    Griewank, Walther (2008), Evaluating Derivatives, ch. 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> value, tangent = jvp(np.sin, (0.0,), (2.0,))
    >>> float(value), float(tangent)
    (0.0, 2.0)
    """
    check_callable("jvp", f)
    level = Forward()
    level.origin = f"jvp({name_of(f)})"
    if (
        not isinstance(primals, tuple | list)
        or not isinstance(tangents, tuple | list)
        or len(primals) != len(tangents)
    ):
        message = (
            "jvp(primals, tangents): got no two tuples of one length. Write jvp(f, (x,), (v,))."
        )
        raise ShapeError(message)
    roots = [(f"primals[{k}]", primal) for k, primal in enumerate(primals)]
    variables = trees.leaves(tuple(primals))
    if len(variables) > 1:
        check_libraries("jvp", variables, roots)
    duals = [
        _lift(level, primal, tangent, name)
        for (name, primal), tangent in zip(roots, tangents, strict=True)
    ]
    out, aux = split_aux("jvp", call(f, tuple(duals), {}), level, has_aux)
    level.close()
    leaves, treedef = trees.flatten(out)
    value = trees.unflatten(treedef, [apart(level.read(y)) for y in leaves])
    tangent = trees.unflatten(treedef, [apart(_tangent_of(level, y)) for y in leaves])
    return (value, tangent, aux) if has_aux else (value, tangent)


def _lift(level: Forward, primal: Any, tangent: Any, name: str) -> Any:
    leaves, treedef = trees.flatten(primal)
    try:
        directions = trees.flatten_up_to(treedef, tangent)
    except ValueError as error:
        message = (
            f"jvp(tangents): got another structure than {name}. Give one tangent for each leaf."
        )
        raise ShapeError(message) from error
    duals = []
    for k, (x, v) in enumerate(zip(leaves, directions, strict=True)):
        x = check_primal("jvp", x, [(name, primal)], k)
        v = check_primal("jvp", v, [(name.replace("primals", "tangents"), tangent)], k)
        if v.shape != x.shape:
            message = (
                f"jvp(tangents): got {describe(v)} for {name} of shape {x.shape}; expected that "
                "shape."
            )
            raise ShapeError(message)
        place = None if is_on_host(lowest(x)) else place_of(x)
        check_place(f"jvp({name.replace('primals', 'tangents')})", place, v)
        if v.dtype != x.dtype:
            if kind_of(v.dtype) == "complex" and kind_of(x.dtype) == "real":
                message = (
                    f"jvp(tangents): got a complex tangent for the real {name}. Make {name} "
                    "complex."
                )
                raise ShapeError(message)
            v = names_for(v).astype(v, dtype=x.dtype)
        v = beside_level(x.t if type(x) in LIFTED else None, v)
        duals.append(level.wrap(x, v))
    return trees.unflatten(treedef, duals)


def _tangent_of(level: Forward, y: Any) -> Any:
    if type(y) in LIFTED and y.t is level:
        level.check_readable(y)
        if y.i is not None:
            return y.i
        y = y.v
    return names_for(y).zeros_like(y) if hasattr(y, "shape") else 0.0
