"""Recording a function once: its program, and the results that come with it."""

from __future__ import annotations

import operator
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from anygrad import trees
from anygrad.autodiff.inputs import apart, call, name_of
from anygrad.backends import backend_of
from anygrad.compiler.capturing import Capture, Captured
from anygrad.compiler.liveness import roots
from anygrad.compiler.program import Program, Ref
from anygrad.errors import TraceError, describe
from anygrad.tracing import LIFTED

__all__ = ["Recording", "record"]


class Recording(NamedTuple):
    """What one run of a function under capture gave.

    Attributes
    ----------
    program : Program
        Its outputs are the array leaves of the result, in order.
    treedef : PyTreeSpec
        The structure of the result.
    result : tree
        What the function returned, untraced, apart from arguments and constants.
    refused : str
        Why the program must not be used again; empty if it may.
    """

    program: Program
    treedef: Any
    result: Any
    refused: str


def record(
    f: Callable[..., Any],
    leaves: Sequence[Any],
    rebuild: Callable[[list[Any]], tuple[tuple[Any, ...], dict[str, Any]]],
    names: tuple[str, ...],
    level: Capture | None = None,
) -> Recording:
    """Run ``f`` on ``rebuild(leaves)``, with the leaves captured, and write down what it does."""
    level = Capture() if level is None else level
    level.origin = f"compile({name_of(f)})"
    inputs = [level.input(x) for x in leaves]
    args, kw = rebuild(list(inputs))
    before, structure = trees.flatten((args, kw))
    y = call(f, args, kw)
    level.close()
    after, other = trees.flatten((args, kw))
    if structure != other or any(map(operator.is_not, before, after)):
        raise _changes_its_argument(level.origin)
    found, treedef = trees.flatten(y)
    for x in found:
        if not _is_result(x):
            raise _no_result(level.origin, x)
    outputs = [x.i if type(x) is Captured and x.t is level else x for x in found]
    values = [level.read(x) for x in found]
    for x in values:
        if type(x) in LIFTED:
            level.poison("it returns a traced value that is no argument")
    refs = tuple([x.i for x in inputs])
    program = Program(refs, tuple(level.nodes), tuple(outputs), level.specs, names)
    shared = roots(program)
    given, own = {*map(int, refs), -1}, []
    for output, value in zip(outputs, values, strict=True):
        root = shared[output] if type(output) is Ref else -1
        own.append(apart(value) if root in given else value)
        given.add(root)
    return Recording(program, treedef, trees.unflatten(treedef, own), level.poisoned)


def _is_result(x: Any) -> bool:
    """Whether a leaf of a result means the same in every run: a number, an array, a name."""
    kind = type(x)
    if kind in LIFTED or isinstance(x, _VALUES) or backend_of(x) is not None:
        return True
    if isinstance(x, types.FunctionType | types.MethodType):
        return getattr(x, "__closure__", True) is None
    if kind.__module__.startswith("anygrad."):
        return True
    # what hashes by its value cannot be written into, nor hide a traced value
    return kind.__hash__ not in (None, object.__hash__) and not hasattr(kind, "__next__")


_VALUES = (
    *(int, float, complex, str, bytes, type(None), type(Ellipsis)),
    *(np.dtype, type, types.BuiltinFunctionType),
)


def _no_result(origin: str, x: Any) -> TraceError:
    return TraceError(
        f"{origin}: got a function that returns {describe(x)}, which a replay could not make anew; "
        "expected a tree of arrays and numbers. Return the arrays in it, make its class a node "
        "with ag.extend.register_tree, or do not compile what makes it."
    )


def _changes_its_argument(origin: str) -> TraceError:
    return TraceError(
        f"{origin}: got a function that changes a dict, list or object among its arguments; "
        "expected one that leaves them alone, as a replay does. Make a new one and return it."
    )
