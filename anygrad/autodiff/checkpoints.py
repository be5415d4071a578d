"""``checkpoint``: keep the inputs of a part of a function, and run it again to pull back."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

from anygrad import trees
from anygrad.autodiff.batching import vmap
from anygrad.autodiff.calls import Call, Leaves, invoke
from anygrad.autodiff.custom import Arguments
from anygrad.autodiff.forward import jvp
from anygrad.autodiff.inputs import call, check_callable, name_of
from anygrad.autodiff.reverse import vjp
from anygrad.tracing import LIFTED


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that is run again in the backward pass instead of being recorded.

    Between the passes only its arguments and results are kept. Applied to each of the n / k parts
    of a chain of n steps, memory grows as n / k + k, least at k = sqrt(n), for one more forward
    pass; checkpoints nest.

    Parameters
    ----------
    f : callable
        Takes trees of arrays, and whatever else, which is passed on; returns an array or a tree of
        arrays. It must give the same each time: no random numbers without a seed, no side effects.
        Traced values that a function closes over directly count as arguments.

    Returns
    -------
    callable
        The same function.

    Raises
    ------
    TraceError
        If the result depends on a traced value that is neither an argument nor in the closure of
        ``f`` itself.

    References
    ----------
    Griewank, Walther (2000), Algorithm 799: revolve.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> step = ag.checkpoint(lambda x: np.sin(x) * np.exp(-x))
    >>> float(ag.grad(lambda x: step(step(x)))(0.5).round(4))
    0.1212
    """
    check_callable("checkpoint", f)

    @functools.wraps(f)
    def evaluate(*args: Any, **kw: Any) -> Any:
        cells = traced_cells(f)
        inner = functools.partial(with_cells, f, tuple(cells))
        given = Arguments(inner, (list(cells.values()), *args), {})
        shape: dict[str, Any] = {}

        def run(*operands: Any) -> Leaves:
            leaves, shape["result"] = trees.flatten(inner(*given.rebuild(operands), **kw))
            return leaves

        leaves = invoke(again(f"checkpoint({name_of(f)})", run), given.operands)
        return trees.unflatten(shape["result"], leaves)

    return evaluate


def again(name: str, run: Callable[..., Leaves]) -> Call:
    """The call that forgets what happened inside, and runs it again to pull back."""

    def reverse(leaves: Leaves) -> tuple[Leaves, Any]:
        results = run(*leaves)

        def pull(gs: Leaves) -> Sequence[Any]:
            values, pullback = vjp(run, *leaves)
            whole = [0.0 * y if g is None else g for g, y in zip(gs, values, strict=True)]
            return pullback(whole)

        return results, pull

    def forward(leaves: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
        moving = [k for k, t in enumerate(tangents) if t is not None]

        def part(*xs: Any) -> Leaves:
            whole = list(leaves)
            for k, x in zip(moving, xs, strict=True):
                whole[k] = x
            return run(*whole)

        return jvp(part, tuple(leaves[k] for k in moving), tuple(tangents[k] for k in moving))

    def batched(mapped: tuple[bool, ...], size: int) -> Call:
        return again(name, vmap(run, tuple([0 if m else None for m in mapped])))

    return Call(name, lambda leaves: run(*leaves), reverse, forward, batched)


def traced_cells(f: Callable[..., Any]) -> dict[int, Any]:
    """What a function closes over that holds traced values, by the number of its cell."""
    found = {}
    for k, cell in enumerate(getattr(f, "__closure__", None) or ()):
        try:
            content = cell.cell_contents
        except ValueError:  # not yet assigned
            continue
        if any(type(x) in LIFTED for x in trees.leaves(content)):
            found[k] = content
    return found


def with_cells(
    f: Callable[..., Any], numbers: tuple[int, ...], contents: list[Any], *args: Any, **kw: Any
) -> Any:
    """Call a function with other contents in some cells of its closure."""
    if not numbers:
        return call(f, args, kw)
    assert isinstance(f, types.FunctionType)
    cells = list(f.__closure__ or ())
    for k, content in zip(numbers, contents, strict=True):
        cells[k] = types.CellType(content)
    twin = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, tuple(cells))
    twin.__kwdefaults__ = f.__kwdefaults__
    return call(twin, args, kw)
