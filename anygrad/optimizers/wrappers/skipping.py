"""Leave out the steps whose gradients, or whose loss, are not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad.backends import namespace_of
from anygrad.backends.types import Tree
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.transform import Transform, advance, from_rule
from anygrad.optimizers.wrappers.wrapping import (
    INNER,
    all_finite,
    both,
    check_state,
    check_transform,
    choose,
    finite_value,
    scalar,
)
from anygrad.ranges import check_count
from anygrad.trees.placing import on_device_of

__all__ = ["apply_if_finite"]


def apply_if_finite(transform: Transform, max_consecutive: int) -> Transform:
    """Leave out the steps whose gradients have an inf or nan, but not too many in a row.

    A ``value`` that is passed and is inf or nan leaves the step out, too. Where a step is left out,
    parameters and slots stay as they are, and only the step count goes on, with the numbers that
    follow it on the host. After ``max_consecutive`` of them in a row such gradients are let
    through, so that what never recovers is seen.

    Parameters
    ----------
    transform : Transform
        An optimizer, or a chain that ends in one.
    max_consecutive : int
        How many steps in a row may be left out, >= 0.

    Returns
    -------
    Transform
        State: ``skipped``, steps left out so far, and ``consecutive``, steps with such gradients
        since the last one without; both 0-d int32 on the device. And ``inner``, the state of
        ``transform``.

    Raises
    ------
    ArgumentError
        If ``transform`` is none, or ``max_consecutive`` is no integer >= 0.

    References
    ----------
    ``optax.apply_if_finite``; there ``total_notfinite`` also counts what was let through, and the
    step count of ``transform`` stands still.

    Examples
    --------
    >>> optimizer = ag.optimizers.apply_if_finite(ag.optimizers.sgd(1.0), max_consecutive=5)
    >>> params = np.asarray([1.0])
    >>> params, state = optimizer.step(params, np.asarray([np.nan]), optimizer.init(params))
    >>> params, int(state["skipped"])
    (array([1.]), 1)
    """
    check_transform("apply_if_finite", transform)
    low = check_count("apply_if_finite(max_consecutive)", max_consecutive)
    return from_rule(
        FiniteRule(transform, low), "apply_if_finite", per_example=transform.per_example
    )


class FiniteRule:
    """Marks the flow as one that does not count.

    Attributes
    ----------
    inner : Transform
        What is applied.
    max_consecutive : int
        How many steps in a row may be left out.
    """

    def __init__(self, inner: Transform, max_consecutive: int):
        self.inner = inner
        self.max_consecutive = max_consecutive

    def __repr__(self) -> str:
        return f"apply_if_finite({self.inner!r}, {self.max_consecutive})"

    def init(self, params: Tree) -> State:
        """Nothing was left out yet."""
        return {
            "skipped": scalar(params, 0, "int32"),
            "consecutive": scalar(params, 0, "int32"),
            INNER: self.inner.init(params),
        }

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Look for inf and nan, on the device."""
        flow = Flow(flow.settle(), None, flow.accept)
        check_state("apply_if_finite", state, "skipped", "consecutive", INNER)
        skipped, consecutive = state["skipped"], state["consecutive"]
        xp = namespace_of(skipped)
        finite = all_finite(flow.updates, skipped)
        with on_device_of(skipped):
            finite = finite & finite_value(extra.get("value"), skipped)
            zero = xp.zeros_like(consecutive)
            consecutive = choose(xp, finite, zero, consecutive + 1)
            passes = finite | (consecutive > self.max_consecutive)
            skipped = choose(xp, passes, skipped, skipped + 1)
        flow = flow._replace(accept=both(flow.accept, passes))
        flow, inner = advance(self.inner, flow, state[INNER], params, donate, extra)
        return flow, {"skipped": skipped, "consecutive": consecutive, INNER: inner}
