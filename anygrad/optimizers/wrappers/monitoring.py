"""Norms and finite flags of every step, for `info`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from anygrad.backends.types import Tree
from anygrad.clipping import global_norm, measure
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.transform import Transform, advance, from_rule
from anygrad.optimizers.wrappers.wrapping import (
    INNER,
    check_state,
    check_transform,
    finite_of,
    scalar,
    start_finite,
)

__all__ = ["monitored"]

NORMS = ("grad_norm", "param_norm", "update_norm")


def monitored(transform: Transform) -> Transform:
    """Measure gradients, parameters and updates at every step.

    `info` tells the norms, and which leaf of the gradients was not finite, without a pass over the
    arrays at that time. Nothing is read on the host before you look at it.

    Parameters
    ----------
    transform : Transform
        An optimizer, or a chain that ends in one.

    Returns
    -------
    Transform
        State: ``grad_norm`` of the gradients as they come in, ``param_norm`` of the parameters
        before the step and ``update_norm`` of what is added to them, all 0-d on the device;
        ``finite``, for each leaf of the gradients a 0-d bool; and ``inner``, the state of
        ``transform``. Before the first step the norms are 0.

    Raises
    ------
    ArgumentError
        If ``transform`` is none.

    Examples
    --------
    >>> optimizer = ag.optimizers.monitored(ag.optimizers.sgd(0.5))
    >>> params = {"w": np.asarray([3.0, 4.0]), "b": np.asarray([0.0])}
    >>> grads = {"w": np.asarray([0.0, 2.0]), "b": np.asarray([np.inf])}
    >>> params, state = optimizer.step(params, grads, optimizer.init(params))
    >>> told = ag.optimizers.info(state)
    >>> float(told.param_norm), told.first_bad()
    (5.0, 'b')
    """
    check_transform("monitored", transform)
    return from_rule(MonitorRule(transform), "monitored", per_example=transform.per_example)


class MonitorRule:
    """Measures what goes in and what comes out.

    Attributes
    ----------
    inner : Transform
        What makes the step.
    """

    def __init__(self, inner: Transform):
        self.inner = inner

    def __repr__(self) -> str:
        return f"monitored({self.inner!r})"

    def init(self, params: Tree) -> State:
        """Nothing was measured yet."""
        norms = {name: scalar(params, 0.0) for name in NORMS}
        return {**norms, "finite": start_finite(params), INNER: self.inner.init(params)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Measure around the step."""
        check_state("monitored", state, *NORMS, "finite", INNER)
        flow = Flow(flow.settle(), None, flow.accept)
        measured = measure(flow.updates, math.inf)
        param_norm = global_norm(params)
        flow, inner = advance(self.inner, flow, state[INNER], params, donate, extra)
        flow = Flow(flow.settle(), None, flow.accept)
        state = {
            "grad_norm": measured.norm,
            "param_norm": param_norm,
            "update_norm": global_norm(flow.updates),
            "finite": finite_of(measured),
            INNER: inner,
        }
        return flow, state
