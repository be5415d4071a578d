"""The clips of ``anygrad.clipping`` as parts of a chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad import clipping, trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.clips import LIMIT, check_limit, global_norm
from anygrad.clipping.measuring import Policy, measure
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.transform import Transform, from_rule
from anygrad.ranges import check_number
from anygrad.trees.placing import move, on_device_of

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value"]


def clip_by_value(limit: float) -> Transform:
    """Limit each element of the gradients to the interval from ``-limit`` to ``limit``.

    Parameters
    ----------
    limit : float
        Largest absolute value allowed, > 0.

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
    limit = check_number("clip_by_value(limit)", limit, LIMIT)
    return _from_function("clip_by_value", lambda grads: clipping.clip_by_value(grads, limit))


def clip_by_norm(max_norm: float) -> Transform:
    """Shrink the gradient of each leaf by itself to a 2-norm of at most ``max_norm``.

    Parameters
    ----------
    max_norm : float
        Largest norm allowed, > 0.

    Returns
    -------
    Transform
        `anygrad.clipping.clip_by_norm` as a part of a chain; without state.

    Examples
    --------
    >>> clip = ag.optimizers.clip_by_norm(2.0)
    >>> clip.update(np.asarray([0.0, 8.0]), {}, np.zeros(2))[0]
    array([0., 2.])
    """
    max_norm = check_number("clip_by_norm(max_norm)", max_norm, LIMIT)
    return _from_function("clip_by_norm", lambda grads: clipping.clip_by_norm(grads, max_norm))


def clip_by_global_norm(max_norm: float, *, nonfinite: Policy = "propagate") -> Transform:
    """Shrink the gradients of all leaves together to a joint 2-norm of at most ``max_norm``.

    In a chain the gradients are only read here: the optimizer that follows multiplies by the scale
    while it reads them itself.

    Parameters
    ----------
    max_norm : float
        Largest norm allowed, > 0.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `anygrad.clipping.clip_by_global_norm`. "skip" leaves out the whole step: parameters
        and slots stay as they are, only the step count goes on.

    Returns
    -------
    Transform
        State: ``norm`` before clipping and ``scale``, both 0-d on the device; `info` shows them.

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
    max_norm = check_limit("clip_by_global_norm", max_norm, nonfinite)
    return from_rule(GlobalNormRule(max_norm, nonfinite), "clip_by_global_norm")


class GlobalNormRule:
    """Measures the flow and leaves a pending scale in it.

    Attributes
    ----------
    max_norm : float
        Largest norm allowed.
    nonfinite : str
        What happens to inf and nan.
    """

    def __init__(self, max_norm: float, nonfinite: Policy):
        self.max_norm = max_norm
        self.nonfinite: Policy = nonfinite

    def __repr__(self) -> str:
        return f"clip_by_global_norm({self.max_norm}, nonfinite={self.nonfinite!r})"

    def init(self, params: Tree) -> State:
        """Before the first step: norm 0, scale 1."""
        # an empty slice of each leaf has its library, device and dtype, and nothing to sum
        norm = global_norm(trees.map(lambda p: p[..., None][..., :0], params))
        with on_device_of(norm):
            return {"norm": norm, "scale": namespace_of(norm).ones_like(norm)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Measure, and pass on a scale instead of scaled gradients."""
        measured = measure(flow.settle(), self.max_norm, self.nonfinite)
        accept = _both(flow.accept, measured.accept)
        state = {"norm": measured.norm, "scale": measured.factor}
        return Flow(measured.grads, measured.scale, accept), state


def _from_function(name: str, function: Any) -> Transform:
    def update(grads: Tree, state: State, params: Tree = None, **extra: Any) -> tuple[Tree, State]:
        return function(grads), state

    return Transform(lambda params: {}, update, name)


def _both(first: Array | None, second: Array | None) -> Array | None:
    if first is None or second is None:
        return second if first is None else first
    with on_device_of(second):
        return move(first, second) & second
