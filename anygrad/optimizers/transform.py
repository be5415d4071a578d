"""Transforms: what turns gradients into updates.

A transform is a pair of pure functions. ``init(params)`` makes the state; ``update(grads, state,
params)`` returns updates, which are *added* to the parameters, and the next state. Everything else
in this package is a transform: an optimizer, a clip, a scale, and any chain of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anygrad import trees
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, DTypeError, describe
from anygrad.optimizers.flow import Flow, Rule, State
from anygrad.optimizers.replaying import NOTHING, Replays
from anygrad.optimizers.rules.leaves import add, add_in_place
from anygrad.trees.placing import check_libraries, check_same_places, copied_once

__all__ = ["Transform", "advance", "apply_updates", "from_rule"]


@dataclass(frozen=True)
class Transform:
    """A pair of pure functions that turns gradients into updates.

    ``Transform(init, update)`` is all that a transform of your own needs.

    Attributes
    ----------
    init : callable
        ``init(params) -> state``.
    update : callable
        ``update(grads, state, params, **extra) -> updates, state``. The updates have the structure,
        shapes, dtypes and devices of ``params``, and are added to them; for parameters in half
        precision they are float32.
    name : str
        Under which a chain keeps the state.
    parts : tuple of Transform
        The links of a chain, in order; empty for a single transform.
    rule : Rule, optional
        For the transforms of this package, the formula or clip behind it.
    per_example : bool
        Whether the gradients it takes have a leading axis of examples, which it does away with.

    Examples
    --------
    >>> def update(grads, state, params, **extra):
    ...     return -0.5 * grads, state
    >>> half_step = ag.optimizers.Transform(lambda params: {}, update)
    >>> params, state = half_step.step(np.asarray([1.0]), np.asarray([4.0]), {})
    >>> params
    array([-1.])
    """

    init: Callable[[Tree], State]
    update: Callable[..., tuple[Tree, State]]
    name: str = "transform"
    parts: tuple[Transform, ...] = ()
    rule: Rule | None = None
    per_example: bool = False
    _replays: Replays = field(default_factory=Replays, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Transform({self.name})" if self.rule is None else repr(self.rule)

    def step(
        self, params: Tree, grads: Tree, state: State, *, donate: bool = False, **extra: Any
    ) -> tuple[Tree, State]:
        """Compute the updates and add them to the parameters.

        Parameters
        ----------
        params : tree of arrays
            Real or complex floating.
        grads : tree of arrays
            Structure and shapes of ``params``; with a leading axis of examples for a transform that
            clips each of them.
        state : dict
            What `init` or the last step returned.
        donate : bool
            Write into the arrays of ``params`` and ``state`` and return them, where the library
            allows it; a read-only NumPy array is replaced by a new one. Without it nothing that was
            passed is changed.
        **extra
            What a few transforms need beyond gradients.

        Returns
        -------
        params : tree of arrays
            Same structure, shapes, dtypes and devices.
        state : dict
            The next state.

        Raises
        ------
        ShapeError
            If structures or shapes differ; the message has the path of the first leaf that does.
        MixedBackendError
            If parameters, gradients and state of a leaf belong to two libraries or lie on two
            devices, or the leaves belong to two libraries; they may lie on several devices of one.

        Examples
        --------
        >>> optimizer = ag.optimizers.sgd(0.5)
        >>> params = {"w": np.asarray([1.0, 2.0])}
        >>> grads = {"w": np.asarray([2.0, 2.0])}
        >>> params, state = optimizer.step(params, grads, optimizer.init(params))
        >>> params["w"]
        array([0., 1.])
        """
        result = self._replays.take(take_step, self, donate, params, grads, state, extra)
        if result is NOTHING:
            result = take_step(self, donate, params, grads, state, extra)
        return result

    def kernels(self) -> tuple[str, ...]:
        """The texts of the kernels that steps are replayed by, so far.

        Returns
        -------
        tuple of str
            For LLVM where the arrays are NumPy's, in CUDA C++ where they are CuPy's; none until
            steps were replayed often enough, and where there are no kernels.

        Examples
        --------
        >>> ag.optimizers.sgd(0.5).kernels()
        ()
        """
        return self._replays.kernels()


def take_step(
    transform: Transform,
    donate: bool,
    params: Tree,
    grads: Tree,
    state: State,
    extra: Mapping[str, Any],
) -> tuple[Tree, State]:
    """Take a step as it stands."""
    where = f"{transform.name}.step"
    check_grads(f"{where}(grads)", params, grads, transform.per_example)
    check_libraries(f"{where}(params)", params)
    if donate:
        check_untied(f"{where}(params)", params)
    with copied_once():
        flow, state = advance(transform, Flow(grads), state, params, donate, extra)
        return trees.map(add_in_place if donate else add, params, flow.settle()), state


def apply_updates(params: Tree, updates: Tree) -> Tree:
    """Add updates to parameters.

    Parameters
    ----------
    params : tree of arrays
        Real or complex floating.
    updates : tree of arrays
        Same structure and shapes.

    Returns
    -------
    tree of arrays
        ``params + updates``, with the dtypes of ``params``.

    Raises
    ------
    ShapeError
        If the structures differ.
    MixedBackendError
        If a parameter and its update belong to two libraries or lie on two devices, or the
        parameters belong to two libraries.

    Examples
    --------
    >>> ag.optimizers.apply_updates(np.asarray([1.0, 2.0]), np.asarray([0.5, -0.5]))
    array([1.5, 1.5])
    """
    trees.check_same_structure("apply_updates(updates)", params, updates)
    check_libraries("apply_updates(params)", params)
    return trees.map(add, params, updates)


def advance(
    part: Transform,
    flow: Flow,
    state: State,
    params: Tree,
    donate: bool,
    extra: Mapping[str, Any],
) -> tuple[Flow, State]:
    """Take the flow through one transform of any kind."""
    if part.rule is not None:
        return part.rule.advance(flow, state, params, donate, extra)
    updates, state = part.update(flow.settle(), state, params, **extra)
    return Flow(updates, None, flow.accept), state


def check_grads(where: str, params: Tree, grads: Tree, per_example: bool) -> None:
    """Refuse gradients that do not fit the parameters."""
    given = trees.leaves(grads)
    for index, g in enumerate(given):
        if not hasattr(g, "shape"):
            place = trees.show_path("grads", trees.paths(grads)[index])
            message = f"{where}: got {describe(g)} at {place}; expected an array. Use ag.asarray."
            raise DTypeError(message)
    like = trees.map(Example, grads) if per_example else grads
    trees.check_same_structure(where, params, like)
    check_same_places(where, trees.leaves(params), given)


def check_untied(where: str, params: Tree) -> None:
    """Refuse one array at two places: written into twice, it would be stepped twice."""
    seen: dict[int, int] = {}
    for index, p in enumerate(trees.leaves(params)):
        first = seen.setdefault(id(p), index)
        if first == index:
            continue
        paths = trees.paths(params)
        here, there = (trees.show_path("params", paths[k]) for k in (first, index))
        message = (
            f"{where}: got one array at {here} and {there}, with donate=True; expected an array of "
            "its own at each. Keep it once in params and use it twice in the loss."
        )
        raise ArgumentError(message)


class Example:
    """Stands for the gradient of one example where only its shape counts."""

    def __init__(self, g: Array):
        self.shape = tuple(g.shape[1:])


def from_rule(
    rule: Rule, name: str, parts: tuple[Transform, ...] = (), *, per_example: bool = False
) -> Transform:
    """Make the transform of a rule."""

    def update(grads: Tree, state: State, params: Tree = None, **extra: Any) -> tuple[Tree, State]:
        if params is None and grads is not None:
            message = (
                f"{name}.update(params): got nothing; expected the parameters that the gradients "
                "belong to. Pass update(grads, state, params)."
            )
            raise ArgumentError(message)
        args = transform, False, grads, state, params, extra
        result = transform._replays.take(take_update, *args)
        return take_update(*args) if result is NOTHING else result

    transform = Transform(rule.init, update, name, parts, rule, per_example)
    return transform


def take_update(
    transform: Transform,
    donate: bool,
    grads: Tree,
    state: State,
    params: Tree,
    extra: Mapping[str, Any],
) -> tuple[Tree, State]:
    """Compute updates as they stand; nothing is written."""
    check_grads(f"{transform.name}.update(grads)", params, grads, transform.per_example)
    check_libraries(f"{transform.name}.update(params)", params)
    with copied_once():
        flow, state = advance(transform, Flow(grads), state, params, donate, extra)
        return flow.settle(), state
