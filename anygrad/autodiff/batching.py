"""``vmap``: one call for a whole batch, whose examples lie along axis 0, unseen by the function.

Every operation is carried out once for all examples, by the rule of its family
(`anygrad.ops.batching`). What no example changes is computed once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.autodiff.inputs import apart, call, check_callable, name_of
from anygrad.backends import backend_of
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.ops import Row
from anygrad.ops.batched_indexing import Batched
from anygrad.ops.batching import RULES, move, repeat
from anygrad.tracing import LIFTED, TRACED, lifted
from anygrad.tracing.carrying import Carried, Carrying
from anygrad.tracing.level import index_parts
from anygrad.tracing.plain import same_library

Axes = Any
"""An axis, None for what is not mapped, or a tree of such that is a prefix of the arguments."""


@lifted
class Mapped(Carried):
    """A batch: ``v`` holds the examples along axis 0; the shape is that of one example."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes of one example."""
        return tuple(self.v.shape[1:])


class Batch(Carrying):
    """One `vmap`: all values hold the same number of examples."""

    __slots__ = ("size",)
    kind = Mapped
    maps = True

    def __init__(self, size: int) -> None:
        Carrying.__init__(self)
        self.size = size

    def constant(self, value: Any) -> Any:
        """The same value for every example, so that each can be written into by itself."""
        return self.wrap(repeat(TRACED, value, self.size))

    def keep(self, x: Any, below: Any) -> Any:
        """A batch has no derivative; without those below it is still a batch."""
        return self.wrap(below)

    def process(self, row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """Carry out one operation for all examples."""
        self.check_operands(args)
        values = same_library(tuple([self.lower(a) for a in args]))
        mapped = tuple([type(a) in LIFTED and a.t is self for a in args])
        if "key" in kw or "indices" in kw:
            kw = self._lower_indices(kw)
        rule = row.batch or RULES[row.family.name]
        y = self.wrap(rule(row, TRACED, values, mapped, self.size, kw))
        return self.as_view(y, args[0], kw) if row.view and mapped[0] else y

    def _lower_indices(self, kw: dict[str, Any]) -> dict[str, Any]:
        """Mark index arrays that differ between the examples."""
        parts = index_parts(kw)
        if not any(type(part) in LIFTED and part.t is self for part in parts):
            return kw
        marked = tuple(
            Batched(part.v) if type(part) in LIFTED and part.t is self else part for part in parts
        )
        if "indices" in kw:
            return {**kw, "indices": marked[0]}
        return {**kw, "key": marked if type(kw["key"]) is tuple else marked[0]}


def vmap(f: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Any]:
    """Make the function that maps ``f`` over axes of its arguments, in one pass.

    Parameters
    ----------
    f : callable
        Written for one example; array functions, no loop over the batch.
    in_axes : int, None, or tuple
        The axis of the examples in each positional argument: one for all, or a tuple with one for
        each; in place of an axis a tree of axes may stand that begins as the argument does. None:
        the same for every example. Keyword arguments are mapped over axis 0.
    out_axes : int, None, or tree
        Where the axis of the examples comes to stand in the results; None where the result does
        not depend on the example.

    Returns
    -------
    callable
        Takes the arguments with the additional axis; returns results with it.

    Raises
    ------
    ArgumentError
        If ``f`` cannot be called, ``in_axes`` does not fit the arguments, or nothing is mapped.
    ShapeError
        If the mapped axes differ in length, or an array does not have the axis.
    TraceError
        If Python has to decide (``if x > 0``) and the examples do not agree.
    MissingRuleError
        If an operation has no batched form.

    References
    ----------
    Bradbury et al. (2018), JAX; the conventions of ``jax.vmap``.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> x = np.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> ag.vmap(lambda v: v @ v)(x)
    array([ 5., 25.])
    >>> ag.vmap(ag.grad(lambda v: np.sum(v**2)))(x)
    array([[2., 4.],
           [6., 8.]])
    """
    check_callable("vmap", f)

    @functools.wraps(f)
    def mapped(*args: Any, **kw: Any) -> Any:
        axes = in_axes if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
        if len(axes) != len(args):
            message = (
                f"vmap(in_axes): got {len(axes)} entries for {len(args)} arguments of "
                f"{name_of(f)}; expected one for each. Use None for what is not mapped."
            )
            raise ArgumentError(message)
        flat, treedef = trees.flatten((tuple(args), kw))
        spread = [*spread_axes("in_axes", axes, tuple(args)), *([0] * len(trees.leaves(kw)))]
        names = [trees.show_path("arguments", path) for path in trees.paths((tuple(args), kw))]
        level = Batch(batch_size(flat, spread, names))
        level.origin = f"vmap({name_of(f)})"
        lifted_leaves = [
            x if axis is None else level.wrap(move(TRACED, x, axis % len(x.shape), 0))
            for x, axis in zip(flat, spread, strict=True)
        ]
        inner, keywords = trees.unflatten(treedef, lifted_leaves)
        out = call(f, inner, keywords)
        level.close()
        leaves, outdef = trees.flatten(out)
        places = spread_axes("out_axes", out_axes, out)
        done = [land(level, y, axis) for y, axis in zip(leaves, places, strict=True)]
        return trees.unflatten(outdef, done)

    return mapped


def spread_axes(name: str, axes: Axes, tree: Any) -> list[int | None]:
    """One axis for each leaf of a tree, from a prefix of that tree."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(trees.leaves(tree))
    children = _children(tree)
    given = _children(axes)
    if children is None or given is None or list(children) != list(given):
        message = (
            f"vmap({name}): got {axes!r} for {describe(tree)}; expected an axis, None, or the "
            "containers of the argument with such in place of its leaves."
        )
        raise ArgumentError(message)
    return [a for key in children for a in spread_axes(name, given[key], children[key])]


def _children(tree: Any) -> dict[Any, Any] | None:
    """The parts of a container in the order of its leaves; None for a leaf."""
    if isinstance(tree, dict):
        return {key: tree[key] for key in sorted(tree, key=repr)}
    return dict(enumerate(tree)) if isinstance(tree, tuple | list) else None


def batch_size(flat: list[Any], axes: list[int | None], names: list[str]) -> int:
    """The length of the mapped axes, which must be one."""
    size, first = None, ""
    for x, axis, name in zip(flat, axes, names, strict=True):
        if axis is None:
            continue
        shape = getattr(x, "shape", None)
        if shape is None or backend_of(x) is None:
            message = (
                f"vmap({name}): got {describe(x)}; expected an array to map over axis {axis}. "
                "Set its entry of in_axes to None if it is the same for every example."
            )
            raise ArgumentError(message)
        if not -len(shape) <= axis < len(shape):
            message = (
                f"vmap({name}): got shape {tuple(shape)}; expected axis {axis} in it, to map over. "
                "Set in_axes to the axis of the examples, or to None."
            )
            raise ShapeError(message)
        if size is not None and shape[axis] != size:
            message = (
                f"vmap({name}): got {shape[axis]} examples along axis {axis}; expected {size}, as "
                f"in {first}."
            )
            raise ShapeError(message)
        size, first = shape[axis], name
    if size is None:
        message = "vmap(in_axes): got None for every argument; expected something to map over."
        raise ArgumentError(message)
    return size


def land(level: Batch, y: Any, axis: int | None) -> Any:
    """A result on its way out: the batch at its axis, repeated if no example changed it."""
    if type(y) in LIFTED and y.t is level:
        level.check_readable(y)
        if axis is None:
            message = (
                "vmap(out_axes): got None for a result that differs between the examples; "
                "expected the axis where they are to stand."
            )
            raise ArgumentError(message)
        return apart(move(TRACED, y.v, 0, _position(axis, len(y.v.shape))))
    y = level.read(y)
    if axis is None or backend_of(y) is None:
        return y
    spread = repeat(TRACED, y, level.size)
    return apart(move(TRACED, spread, 0, _position(axis, len(spread.shape))))


def _position(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        message = f"vmap(out_axes): got {axis} for a result with {ndim - 1} axes."
        raise ArgumentError(message)
    return axis % ndim
