"""Reverse mode: record once, walk back once. ``grad``, ``value_and_grad`` and ``vjp``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.autodiff.cotangents import Expected, flatten_cotangents
from anygrad.autodiff.inputs import (
    apart,
    beside_level,
    call,
    check_callable,
    name_of,
    pick,
    split_aux,
)
from anygrad.autodiff.variables import Variables, finish, lift, warn_unused
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe
from anygrad.ops.shaping import is_complex
from anygrad.tracing import LIFTED, Tape, lowest, names_for, walk
from anygrad.tracing.snapshots import WATCHED

Argnums = int | tuple[int, ...]


def value_and_grad(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, holomorphic: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """Make the function that gives the value of ``f`` and its gradient, in one evaluation.

    Parameters
    ----------
    f : callable
        Returns a real array of shape () (or a number that does not depend on the inputs).
    argnums : int or tuple of int
        Which positional arguments to differentiate; each a tree of floating arrays, or a Python
        float or complex.
    has_aux : bool
        ``f`` returns ``(value, aux)``; ``aux`` is handed through without derivative.
    holomorphic : bool
        ``f`` is a complex function with a complex derivative df/dz; that derivative is returned.

    Returns
    -------
    callable
        Takes the arguments of ``f``; returns ``(value, gradient)``, with ``has_aux`` ``((value,
        aux), gradient)``. The gradient has the structure, shapes, dtypes and device of the argument
        (of each, in a tuple, for a tuple ``argnums``). For a complex argument of a real ``f`` it is
        df/dRe + i df/dIm: ``z - step * gradient`` descends.

    Raises
    ------
    ShapeError
        If ``f`` returns an array that has dimensions.
    DTypeError
        If an argument is not floating, or ``f`` returns integers or an unexpected complex value.
    TraceError
        If ``f`` would lose the gradient in silence: ``float(x)``, ``np.asarray(x)``,
        ``math.sin(x)``, ...

    References
    ----------
    Griewank, Walther (2008), Evaluating Derivatives, ch. 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> value, gradient = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """
    check_callable("value_and_grad", f)
    made = f"grad({name_of(f)})"

    def evaluate(*args: Any, **kw: Any) -> tuple[Any, Any]:
        tape = Tape()
        tape.origin = made
        if type(argnums) is int and 0 <= argnums < len(args):
            inputs = lift(tape, "grad", args[argnums], [(f"args[{argnums}]", args[argnums])])
            args = (*args[:argnums], inputs.traced, *args[argnums + 1 :])
        else:
            positions = pick("grad", args, argnums)
            chosen = tuple(args[n] for n in positions)
            roots = [(f"args[{n}]", args[n]) for n in positions]
            inputs = lift(tape, "grad", chosen, roots)
            given = dict(zip(positions, inputs.traced, strict=True))
            args = tuple(given.get(n, a) for n, a in enumerate(args))
            if not isinstance(argnums, tuple | list):
                inputs.single = True
        y = call(f, args, kw)
        aux = None
        if has_aux:
            y, aux = split_aux("grad", y, tape, has_aux)
        tape.close()
        if type(y) not in LIFTED or y.t is not tape:
            value, gradients = _independent(f, tape, y, inputs)
        else:
            value = tape.read(y)
            _check_output(f, y, holomorphic)
            gradients = _gradients(f, tape, y, inputs, holomorphic)
        result = inputs.rebuild(gradients)
        return ((value, aux), result) if has_aux else (value, result)

    return _named(f, evaluate, "value_and_grad")


def grad(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, holomorphic: bool = False
) -> Callable[..., Any]:
    """Make the function that gives the gradient of ``f``.

    Parameters
    ----------
    f : callable
        Returns a real array of shape ().
    argnums : int or tuple of int
        Which positional arguments to differentiate; each a tree of floating arrays, or a Python
        float or complex.
    has_aux : bool
        ``f`` returns ``(value, aux)``; the made function returns ``(gradient, aux)``.
    holomorphic : bool
        ``f`` is a complex function with a complex derivative df/dz; that derivative is returned.

    Returns
    -------
    callable
        Takes the arguments of ``f``; returns the gradient, as `value_and_grad` describes.

    Raises
    ------
    ShapeError, DTypeError, TraceError
        As `value_and_grad`.

    Examples
    --------
    >>> import numpy as np
    >>> grad(np.sin)(0.0)
    np.float64(1.0)
    >>> grad(grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    """
    check_callable("grad", f)
    both = value_and_grad(f, argnums, has_aux, holomorphic=holomorphic)

    def gradient(*args: Any, **kw: Any) -> Any:
        value, result = both(*args, **kw)
        return (result, value[1]) if has_aux else result

    return _named(f, gradient, "grad")


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Evaluate ``f`` and return, with the value, the function that pulls cotangents back.

    Parameters
    ----------
    f : callable
        Takes the primals as positional arguments; returns an array or a tree of arrays.
    *primals : trees of arrays
        Floating; Python floats and complex numbers are allowed.
    has_aux : bool
        ``f`` returns ``(value, aux)``.

    Returns
    -------
    value : tree of arrays
        ``f(*primals)``.
    pullback : callable
        ``pullback(cotangent)`` with the structure, shapes and dtypes of ``value`` gives a tuple
        with one entry for each primal, like the primal: the adjoint of the derivative under Re sum
        conj(a) b. It may be called again.
    aux : object
        Only with ``has_aux``.

    Raises
    ------
    DTypeError, TraceError
        As `value_and_grad`.
    ShapeError
        From ``pullback``, if the cotangent does not match the value.

    References
    ----------
    Griewank, Walther (2008), Evaluating Derivatives, ch. 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> value, pullback = vjp(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    return recorded(f, primals, has_aux)


def recorded(
    f: Callable[..., Any],
    primals: tuple[Any, ...],
    has_aux: bool,
    look: Callable[[list[Any]], None] | None = None,
) -> tuple[Any, ...]:
    """What `vjp` gives; ``look`` sees what each walk has found, None where nothing arrived."""
    check_callable("vjp", f)
    tape = Tape()
    tape.origin = f"vjp({name_of(f)})"
    roots = [(f"primals[{k}]", primal) for k, primal in enumerate(primals)]
    inputs = lift(tape, "vjp", primals, roots)
    for x in inputs.leaves:
        if type(x) in WATCHED:
            tape.snapshots.take(x)  # the pullback reads them, whenever it is called
    y, aux = split_aux("vjp", call(f, inputs.traced, {}), tape, has_aux)
    tape.close()
    outputs, treedef = trees.flatten(y)
    mine = [out.i if type(out) in LIFTED and out.t is tape else None for out in outputs]
    value = trees.unflatten(treedef, [apart(tape.read(out)) for out in outputs])
    expected = [Expected(tape.lower(out)) for out in outputs]
    nodes = tape.next()
    del outputs, y

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        cot: list[Any] = [None] * (nodes + 1)
        cot[-1] = set()
        for given, like, i in zip(
            flatten_cotangents(treedef, cotangent), expected, mine, strict=True
        ):
            if i is not None:
                g = like.match(given)
                cot[i] = g if cot[i] is None else cot[i] + g
        seeds = [g for g in cot[:-1] if g is not None]
        if seeds:
            walk(tape, cot, *seeds, again=True)
        found = [cot[i] for i in inputs.nodes]
        if look is not None:
            look(found)
        return tuple(inputs.rebuild(finish(inputs, found, seeds)))

    return (value, pullback, aux) if has_aux else (value, pullback)


def _check_output(f: Callable[..., Any], y: Any, holomorphic: bool) -> None:
    if y.shape != ():
        message = (
            f"grad({name_of(f)}): f returned an array of shape {y.shape}; expected a real 0-d "
            "value. Reduce it (np.sum, np.mean), or use vjp for the derivative of an array."
        )
        raise ShapeError(message)
    if is_complex(y) != holomorphic:
        message = (
            f"grad({name_of(f)}): f returned a value of dtype {y.dtype}; expected a "
            f"{'complex' if holomorphic else 'real'} one. Take xp.real(...), or set holomorphic="
            f"{not holomorphic} if the derivative df/dz is meant."
        )
        raise DTypeError(message)


def _gradients(f: Any, tape: Tape, y: Any, inputs: Variables, holomorphic: bool) -> list[Any]:
    cot: list[Any] = [None] * (tape.next() + 1)
    cot[-1] = set()
    seed = cot[y.i] = beside_level(y.v.t if type(y.v) in LIFTED else None, _one(y.v))
    walk(tape, cot, seed)
    found = [cot[i] for i in inputs.nodes]
    if None in [None if g is None else 0 for g in found]:
        warn_unused("grad", f, inputs.names(), found)
    gradients = finish(inputs, found, [seed])
    if holomorphic:
        gradients = [names_for(g).conj(g) for g in gradients]
    return gradients


def _one(y: Any) -> Any:
    """The seed, in the dtype and on the device of the result: a double would promote float32."""
    bottom = lowest(y)
    make = getattr(bottom.dtype, "type", None)
    if make is not None and backend_is_host(bottom):
        return make(1.0)
    xp = names_for(bottom)
    if bottom.shape:  # a batch of vmap
        bottom = bottom[(0,) * len(bottom.shape)]
    return xp.ones_like(bottom)


def backend_is_host(x: Any) -> bool:
    """Whether an array is NumPy's, whose scalars need no device."""
    return getattr(x, "device", None) == "cpu" and hasattr(x, "__array_interface__")


def _independent(f: Any, tape: Tape, y: Any, inputs: Variables) -> tuple[Any, list[Any]]:
    if type(y) in LIFTED:
        y.t.refuse_if_closed()
    if not hasattr(y, "shape") and not isinstance(y, int | float | complex):
        message = (
            f"grad({name_of(f)}): f returned {describe(y)}; expected a real 0-d array. Return the "
            "value."
        )
        raise ArgumentError(message)
    if getattr(y, "shape", ()) != ():
        _check_output(f, y, holomorphic=False)
    found = [None] * len(inputs.leaves)
    warn_unused("grad", f, inputs.names(), found)
    return y, finish(inputs, found, [])


def _named(f: Any, made: Any, transformation: str) -> Any:
    """Give the made function the name and documentation of ``f``; it is no wrapper of it."""
    try:
        functools.update_wrapper(made, f)
    except (AttributeError, TypeError):
        made.__name__ = name_of(f)
    made.__qualname__ = f"{transformation}({name_of(f)})"
    del made.__dict__["__wrapped__"]
    return made
