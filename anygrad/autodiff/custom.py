"""Functions with derivatives of their own: ``custom_vjp`` and ``custom_jvp``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from anygrad import trees
from anygrad.autodiff.batching import vmap
from anygrad.autodiff.calls import Call, Leaves, invoke, zeros
from anygrad.autodiff.inputs import call, check_callable, name_of
from anygrad.autodiff.reverse import vjp
from anygrad.backends import backend_of
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.ops.shaping import kind_of
from anygrad.tracing import LIFTED, lowest, names_for


class Arguments:
    """The arguments of one call, taken apart: arrays are operands, the rest is static."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]):
        self.args = args = by_position(f, args, kw)
        self.leaves, self.treedef = trees.flatten(tuple(args))
        self.places = [k for k, x in enumerate(self.leaves) if is_operand(x)]

    @property
    def operands(self) -> Leaves:
        """The arrays, traced or not."""
        return [self.leaves[k] for k in self.places]

    def rebuild(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments with other arrays in the places of these."""
        whole = list(self.leaves)
        for k, x in zip(self.places, operands, strict=True):
            whole[k] = x
        return trees.unflatten(self.treedef, whole)

    def spread(self, axes: Sequence[int | None]) -> tuple[Any, ...]:
        """Axes of the operands in the structure of the arguments; None for the rest."""
        whole: list[Any] = [None] * len(self.leaves)
        for k, axis in zip(self.places, axes, strict=True):
            whole[k] = axis
        return trees.unflatten(self.treedef, whole)

    def tangents(self, given: Sequence[Any], operands: Sequence[Any]) -> tuple[Any, ...]:
        """Tangents in the structure of the arguments; 0 for plain numbers, None for the rest."""
        whole: list[Any] = [0.0 if isinstance(x, float | complex) else None for x in self.leaves]
        for k, t, x in zip(self.places, given, operands, strict=True):
            whole[k] = zeros(x) if t is None else t
        return trees.unflatten(self.treedef, whole)

    def flatten_cotangents(self, name: str, given: Any) -> Leaves:
        """One cotangent for each operand from what a rule gave, one entry for each argument."""
        if not isinstance(given, tuple | list) or len(given) != len(self.args):
            message = (
                f"{name}: the rule gave {describe(given)}; expected a tuple with one cotangent for "
                f"each of {len(self.args)} arguments, None for those without."
            )
            raise ShapeError(message)
        flat: list[Any] = []
        for k, (part, arg) in enumerate(zip(given, self.args, strict=True)):
            leaves, treedef = trees.flatten(arg)
            if part is None:
                flat += [None] * len(leaves)
                continue
            try:
                flat += trees.flatten_up_to(treedef, part)
            except ValueError as error:
                message = (
                    f"{name}: the cotangent of argument {k} is {describe(part)}; expected the "
                    "structure of the argument."
                )
                raise ShapeError(message) from error
        return [flat[k] for k in self.places]


def by_position(
    f: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
) -> tuple[Any, ...]:
    """All arguments by position, defaults too, so that rules get them as they stand in ``f``."""
    try:
        bound = inspect.signature(f).bind(*args, **kw)
    except ValueError:  # a function of C without a signature
        if kw:
            raise
        return args
    bound.apply_defaults()
    if bound.kwargs:
        message = (
            f"{name_of(f)}: got keyword-only arguments {', '.join(bound.kwargs)}; expected "
            "positional ones, which the rules can take."
        )
        raise ArgumentError(message)
    return bound.args


def is_operand(x: Any) -> bool:
    """Whether a leaf is an array with derivatives, or may become one."""
    return type(x) in LIFTED or (backend_of(x) is not None and kind_of(x.dtype) != "other")


class custom_vjp:
    """A function with a reverse rule of its own, for every transformation.

    Forward mode transposes the rule, batches map it, higher derivatives differentiate it.

    Parameters
    ----------
    f : callable
        Takes trees of arrays by position, and whatever else, which is passed on; returns an array
        or a tree of arrays. It must not close over traced values.

    Raises
    ------
    ArgumentError
        When called before `defvjp`.
    TraceError
        If the result depends on a traced value that is no argument.
    ShapeError
        If a rule gives cotangents of another structure or shape than the arguments.

    References
    ----------
    The conventions of ``jax.custom_vjp``.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> @ag.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda kept, g: (np.clip(g, -1.0, 1.0),))
    >>> ag.grad(lambda x: np.sum(clipped(x) * 5.0))(np.zeros(2))
    array([1., 1.])
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        check_callable("custom_vjp", f)
        self.f = f
        self.rules: tuple[Callable[..., Any], Callable[..., Any]] | None = None
        functools.update_wrapper(self, f)

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Set the rule.

        Parameters
        ----------
        forward : callable
            Takes the arguments of ``f``; returns the result and what the backward pass keeps.
        backward : callable
            ``backward(kept, cotangent)``: a tuple with one cotangent for each argument, like it;
            None for zero. The adjoint under Re sum conj(a) b.
        """
        check_callable("defvjp", forward)
        check_callable("defvjp", backward)
        self.rules = forward, backward

    def __call__(self, *args: Any, **kw: Any) -> Any:
        """Call ``f``; where it is differentiated, by the rule."""
        if self.rules is None:
            message = f"custom_vjp({name_of(self.f)}): got no rule; call defvjp(forward, backward)."
            raise ArgumentError(message)
        given = Arguments(self.f, args, kw)
        shape: dict[str, Any] = {}
        forward, backward = self.rules
        name = f"custom_vjp({name_of(self.f)})"

        def primal(*operands: Any) -> Leaves:
            leaves, shape["result"] = trees.flatten(
                call(self.f, tuple(given.rebuild(operands)), {})
            )
            return leaves

        def kept(*operands: Any) -> tuple[Leaves, Any]:
            result, residuals = call(forward, tuple(given.rebuild(operands)), {})
            leaves, shape["result"] = trees.flatten(result)
            return leaves, residuals

        def pulled(residuals: Any, cotangents: Leaves) -> Leaves:
            g = trees.unflatten(shape["result"], cotangents)
            found = given.flatten_cotangents(name, call(backward, (residuals, g), {}))
            return [zero_like_operand(x, p) for x, p in zip(found, given.operands, strict=True)]

        leaves = invoke(vjp_call(name, primal, kept, pulled), given.operands)
        return trees.unflatten(shape["result"], leaves)


def zero_like_operand(part: Any, operand: Any) -> Any:
    """A cotangent, or zeros where a rule gave None: of one example where a batch is mapped."""
    if part is not None:
        return part
    if type(operand) in LIFTED and operand.t.closed:  # the rule is carried out again, later on
        bottom, shape = lowest(operand), operand.shape
        operand = names_for(bottom).zeros_like(bottom)
        if operand.shape != shape:  # a batch
            operand = operand[(0,) * (len(operand.shape) - len(shape)) + (...,)]
    return zeros(operand)


def vjp_call(name: str, primal: Any, kept: Any, pulled: Any) -> Call:
    """The call of a function with a reverse rule; all three work on flat lists."""

    def reverse(leaves: Leaves) -> tuple[Leaves, Any]:
        results, residuals = kept(*leaves)

        def pull(gs: Leaves) -> Leaves:
            whole = [zeros(y) if g is None else g for g, y in zip(gs, results, strict=True)]
            return pulled(residuals, whole)

        return results, pull

    def forward(leaves: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
        results, residuals = kept(*leaves)
        # the rule is linear in the cotangent: its transpose is the derivative
        _, transposed = vjp(lambda *gs: pulled(residuals, list(gs)), *map(zeros, results))
        whole = [zeros(x) if t is None else t for t, x in zip(tangents, leaves, strict=True)]
        return results, list(transposed(whole))

    def batched(mapped: tuple[bool, ...], size: int) -> Call:
        axes = tuple([0 if m else None for m in mapped])

        def pulled_of_batch(residuals: Any, gs: Leaves) -> Leaves:
            kinds = trees.map(lambda r: None if backend_of(r) is None else 0, residuals)
            found = vmap(pulled, (kinds, 0))(residuals, gs)
            return [_summed(g, m) for g, m in zip(found, mapped, strict=True)]

        return vjp_call(name, vmap(primal, axes), vmap(kept, axes), pulled_of_batch)

    return Call(name, lambda leaves: primal(*leaves), reverse, forward, batched)


def _summed(g: Any, mapped: bool) -> Any:
    """The cotangent of an operand; what every example shares gets the sum."""
    return g if mapped else names_for(g).sum(g, axis=0, keepdims=False)


class custom_jvp:
    """A function with a forward rule of its own, for every transformation.

    Reverse mode transposes the rule, batches map it, higher derivatives differentiate it.

    Parameters
    ----------
    f : callable
        As for `custom_vjp`.

    Raises
    ------
    ArgumentError
        When called before `defjvp`.
    TraceError, ShapeError
        As `custom_vjp`.

    References
    ----------
    The conventions of ``jax.custom_jvp``.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> @ag.custom_jvp
    ... def cube(x):
    ...     return x * x * x
    >>> cube.defjvp(lambda primals, tangents: (cube(*primals), 3.0 * primals[0] ** 2 * tangents[0]))
    >>> ag.grad(cube)(2.0)
    np.float64(12.0)
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        check_callable("custom_jvp", f)
        self.f = f
        self.rule: Callable[..., Any] | None = None
        functools.update_wrapper(self, f)

    def defjvp(self, rule: Callable[..., Any]) -> None:
        """Set the rule.

        Parameters
        ----------
        rule : callable
            ``rule(primals, tangents)``, tuples with one entry for each argument: the result and
            its tangent, linear in the tangents. Tangents of plain numbers are 0.0, of what is no
            array or number None.
        """
        check_callable("defjvp", rule)
        self.rule = rule

    def __call__(self, *args: Any, **kw: Any) -> Any:
        """Call ``f``; where it is differentiated, by the rule."""
        if self.rule is None:
            message = f"custom_jvp({name_of(self.f)}): got no rule; call defjvp(rule)."
            raise ArgumentError(message)
        given, rule = Arguments(self.f, args, kw), self.rule
        shape: dict[str, Any] = {}

        def primal(*operands: Any) -> Leaves:
            leaves, shape["result"] = trees.flatten(
                call(self.f, tuple(given.rebuild(operands)), {})
            )
            return leaves

        def pushed(operands: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
            parts = given.rebuild(operands), given.tangents(tangents, operands)
            value, tangent = call(rule, parts, {})
            leaves, shape["result"] = trees.flatten(value)
            return leaves, trees.flatten_up_to(shape["result"], tangent)

        name = f"custom_jvp({name_of(self.f)})"
        leaves = invoke(jvp_call(name, primal, pushed), given.operands)
        return trees.unflatten(shape["result"], leaves)


def jvp_call(name: str, primal: Any, pushed: Any) -> Call:
    """The call of a function with a forward rule; both work on flat lists."""

    def reverse(leaves: Leaves) -> tuple[Leaves, Any]:
        results = primal(*leaves)
        # the rule is linear in the tangents: its transpose is the pullback
        _, transposed = vjp(lambda *ts: pushed(leaves, list(ts))[1], *map(zeros, leaves))

        def pull(gs: Leaves) -> Sequence[Any]:
            return transposed(
                [zeros(y) if g is None else g for g, y in zip(gs, results, strict=True)]
            )

        return results, pull

    def forward(leaves: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
        whole = [zeros(x) if t is None else t for t, x in zip(tangents, leaves, strict=True)]
        return pushed(leaves, whole)

    def batched(mapped: tuple[bool, ...], size: int) -> Call:
        axes = [0 if m else None for m in mapped]

        def pushed_of_batch(leaves: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
            return vmap(pushed, (axes, axes))(leaves, tangents)

        return jvp_call(name, vmap(primal, tuple(axes)), pushed_of_batch)

    return Call(name, lambda leaves: primal(*leaves), reverse, forward, batched)
