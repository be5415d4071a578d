"""The clips of ``anygrad.clipping`` that look at all leaves together, as parts of a chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anygrad import clipping, trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Tree
from anygrad.clipping import Measured, measure
from anygrad.clipping.adaptive import check_unit_axis
from anygrad.clipping.checking import LIMIT, Policy, check_floating, check_limit, check_order
from anygrad.clipping.measuring import measure_for_unit_norm
from anygrad.clipping.nonfinite import raise_if_nonfinite
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.transform import Transform, from_rule
from anygrad.optimizers.wrappers.wrapping import both, finite_of, scalar, start_finite
from anygrad.ranges import NOT_NEGATIVE, check_number
from anygrad.trees.placing import on_device_of

__all__ = ["clip_adaptively", "clip_by_global_norm", "clip_by_value", "normalize"]

MEASURED = ("norm", "scale", "finite")
"""Entries of the state of what measures all leaves together."""


def clip_by_value(limit: float, *, low: float | None = None) -> Transform:
    """Limit each element of the gradients to the interval from ``-limit`` to ``limit``.

    Parameters
    ----------
    limit : float
        Largest value allowed; > 0 unless ``low`` is given.
    low : float or None
        Smallest value allowed, at most ``limit``; None: ``-limit``.

    Returns
    -------
    Transform
        `anygrad.clipping.clip_by_value` as a part of a chain; without state.

    Examples
    --------
    >>> clip = ag.optimizers.clip_by_value(1.0)
    >>> clip.update(np.asarray([-3.0, 0.5]), {}, np.zeros(2))[0]
    array([-1. ,  0.5])
    """
    clipping.clip_by_value([], limit, low=low)  # checks the numbers, now rather than at a step

    def clip(grads: Tree, params: Tree) -> Tree:
        return clipping.clip_by_value(grads, limit, low=low)

    return _from_function("clip_by_value", clip)


def clip_adaptively(
    ratio: float,
    *,
    eps: float = 1e-3,
    unit_axis: int | tuple[int, ...] | None = None,
    nonfinite: Policy = "propagate",
) -> Transform:
    """Shrink the gradient of each unit in proportion to the norm of its weights.

    Parameters
    ----------
    ratio : float
        Largest ratio of the norms of gradient and weights, > 0.
    eps : float
        Smallest norm that weights count with, > 0.
    unit_axis : int, tuple of int or None
        The axes that number the units, as in `anygrad.clipping.clip_adaptively`.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `anygrad.clipping.clip_by_global_norm`, for each unit by itself; "skip" makes it 0.

    Returns
    -------
    Transform
        `anygrad.clipping.clip_adaptively` as a part of a chain; without state.

    Examples
    --------
    >>> clip = ag.optimizers.clip_adaptively(0.1)
    >>> clip.update(np.asarray([30.0, 40.0]), {}, np.asarray([0.0, 10.0]))[0]
    array([0.6, 0.8])
    """
    ratio = check_limit("clip_adaptively", ratio, nonfinite, "ratio")
    eps = check_number("clip_adaptively(eps)", eps, LIMIT)
    unit_axis = check_unit_axis(unit_axis)

    def clip(grads: Tree, params: Tree) -> Tree:
        return clipping.clip_adaptively(
            grads, params, ratio, eps=eps, unit_axis=unit_axis, nonfinite=nonfinite
        )

    return _from_function("clip_adaptively", clip)


def clip_by_global_norm(
    max_norm: float, *, ord: float = 2.0, nonfinite: Policy = "propagate"
) -> Transform:
    """Shrink the gradients of all leaves together to a joint norm of at most ``max_norm``.

    In a chain the gradients are only read here: the optimizer that follows multiplies by the scale
    while it reads them itself.

    Parameters
    ----------
    max_norm : float
        Largest norm allowed, > 0.
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `anygrad.clipping.clip_by_global_norm`. "skip" leaves out the whole step: parameters
        and slots stay as they are, only the step count goes on.

    Returns
    -------
    Transform
        State: ``norm`` before clipping and ``scale``, both 0-d on the device, and ``finite``, for
        each leaf a 0-d bool; `info` shows them.

    Examples
    --------
    >>> optimizer = ag.optimizers.chain(
    ...     ag.optimizers.clip_by_global_norm(1.0), ag.optimizers.sgd(1.0)
    ... )
    >>> params = np.zeros(2)
    >>> params, state = optimizer.step(params, np.asarray([0.0, 4.0]), optimizer.init(params))
    >>> params, float(ag.optimizers.info(state).norm)
    (array([ 0., -1.]), 4.0)
    """
    name = "clip_by_global_norm"
    max_norm = check_limit(name, max_norm, nonfinite)
    ord = check_order(name, ord)
    order = "" if ord == 2.0 else f"ord={ord}, "
    described = f"{max_norm}, {order}nonfinite={nonfinite!r}"
    rule = JointRule(
        f"{name}({described})", lambda grads: measure(grads, max_norm, nonfinite, ord=ord)
    )
    return from_rule(rule, name)


def normalize(*, ord: float = 2.0, eps: float = 0.0, nonfinite: Policy = "propagate") -> Transform:
    """Divide the gradients of all leaves by their joint norm.

    Parameters
    ----------
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    eps : float
        Added to the norm, >= 0.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `clip_by_global_norm`.

    Returns
    -------
    Transform
        `anygrad.clipping.normalize` as a part of a chain. State: as that of `clip_by_global_norm`.

    Examples
    --------
    >>> direction = ag.optimizers.normalize()
    >>> params = np.zeros(2)
    >>> direction.update(np.asarray([3.0, 4.0]), direction.init(params), params)[0]
    array([0.6, 0.8])
    """
    check_limit("normalize", 1.0, nonfinite)
    ord, eps = check_order("normalize", ord), check_number("normalize(eps)", eps, NOT_NEGATIVE)

    def measure_unit(grads: Tree) -> Measured:
        return unit_scale("normalize", grads, nonfinite, ord, eps)

    described = f"normalize(ord={ord}, eps={eps}, nonfinite={nonfinite!r})"
    return from_rule(JointRule(described, measure_unit), "normalize")


class JointRule:
    """Measures the flow and leaves a pending scale in it.

    Attributes
    ----------
    measure : callable
        ``measure(grads)``: the norm, and the scale.
    """

    def __init__(self, described: str, measure: Callable[[Tree], Measured]):
        self.measure = measure
        self._described = described

    def __repr__(self) -> str:
        return self._described

    def init(self, params: Tree) -> State:
        """Before the first step: norm 0, scale 1."""
        return start_measured(params)

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Measure, and pass on a scale instead of scaled gradients."""
        measured = self.measure(flow.settle())
        accept = both(flow.accept, measured.accept)
        return Flow(measured.grads, measured.scale, accept), state_of(measured)


def start_measured(params: Tree) -> State:
    """Make the entries for what is measured, before the first step."""
    norm, scale = scalar(params, 0.0), scalar(params, 1.0)
    return {"norm": norm, "scale": scale, "finite": start_finite(params)}


def state_of(measured: Measured) -> State:
    """Make the entries for what was measured."""
    xp = namespace_of(measured.norm)
    with on_device_of(measured.norm):
        norm = xp.asarray(measured.norm)
    return {"norm": norm, "scale": measured.factor, "finite": finite_of(measured)}


def unit_scale(where: str, grads: Tree, nonfinite: Policy, ord: float, eps: float) -> Measured:
    """Measure a tree, with the scale that brings it to the norm 1."""
    found, treedef = check_floating(f"{where}(grads)", grads)
    measured = measure_for_unit_norm(found, eps, nonfinite, ord)
    if nonfinite == "raise":
        raise_if_nonfinite(where, grads, measured.flags)
    return measured._replace(grads=trees.unflatten(treedef, measured.grads))


def _from_function(name: str, function: Callable[[Tree, Tree], Tree]) -> Transform:
    def update(grads: Tree, state: State, params: Tree = None, **extra: Any) -> tuple[Tree, State]:
        return function(grads, params), state

    rule = FunctionRule(name, function)
    return Transform(rule.init, update, name, rule=rule)


class FunctionRule:
    """A clip that keeps nothing.

    Attributes
    ----------
    function : callable
        ``function(grads, params)``: the gradients after it.
    """

    def __init__(self, name: str, function: Callable[[Tree, Tree], Tree]):
        self.function = function
        self._name = name

    def __repr__(self) -> str:
        return f"Transform({self._name})"

    def init(self, params: Tree) -> State:
        """Nothing is kept."""
        return {}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Clip."""
        return Flow(self.function(flow.settle(), params), None, flow.accept), state
