"""Lookahead: slow parameters that follow the fast ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.leaves import add, is_half
from anygrad.optimizers.transform import Transform, advance, from_rule
from anygrad.optimizers.wrappers.averaging import mix
from anygrad.optimizers.wrappers.masters import arrive, set_masters
from anygrad.optimizers.wrappers.wrapping import (
    INNER,
    check_state,
    check_transform,
    count_on,
    host_count,
    replace,
    wide_copy,
)
from anygrad.ranges import Range, check_count, check_number
from anygrad.trees.placing import on_device_of

__all__ = ["lookahead"]

STEP_SIZE = Range(low=0, high=1, open_low=True)

HOST = ("step", "learning_rate", "count", "micro_step")
"""Entries of states that are numbers of the host, next to those of a formula."""


def lookahead(
    transform: Transform,
    sync_period: int = 6,
    slow_step_size: float = 0.5,
    *,
    reset_state: bool = False,
) -> Transform:
    """Let slow parameters follow those that a transform steps, and bring both together at times.

    The parameters that are stepped are the fast ones. After every ``sync_period`` steps
    ``slow += slow_step_size (fast - slow)``, and ``fast = slow``.

    Parameters
    ----------
    transform : Transform
        A whole optimizer; a part that follows this one in a chain would not be seen.
    sync_period : int
        Steps from one meeting to the next, >= 1; k in the paper.
    slow_step_size : float
        In (0, 1]; alpha in the paper.
    reset_state : bool
        Start ``transform`` anew after every meeting, its schedules included.

    Returns
    -------
    Transform
        State: ``count`` of steps, an integer of the host; ``slow``, like the parameters, in float32
        for those in half precision; and ``inner``, the state of ``transform``. `evaluation_params`
        gives the slow parameters.

    Raises
    ------
    ArgumentError
        If ``transform`` is none, or a number is out of its range.

    Notes
    -----
    A meeting that falls on a step which is left out is left out with it: with ``reset_state`` the
    slots stay, and only the step count of ``transform`` starts anew, with the numbers that follow
    it on the host. In half precision the float32 copies that an optimizer keeps meet the slow
    parameters, too.

    References
    ----------
    Zhang, Lucas, Hinton, Ba (2019), Lookahead optimizer: k steps forward, 1 step back, algorithm 1.

    Examples
    --------
    >>> optimizer = ag.optimizers.lookahead(ag.optimizers.sgd(1.0), sync_period=2)
    >>> params = np.asarray([8.0])
    >>> state = optimizer.init(params)
    >>> for _ in range(2):
    ...     params, state = optimizer.step(params, np.asarray([1.0]), state)
    ...     print(params)
    [7.]
    [7.]
    """
    check_transform("lookahead", transform)
    sync_period = check_count("lookahead(sync_period)", sync_period, low=1)
    slow_step_size = check_number("lookahead(slow_step_size)", slow_step_size, STEP_SIZE)
    rule = LookaheadRule(transform, sync_period, slow_step_size, reset_state)
    return from_rule(rule, "lookahead", per_example=transform.per_example)


class LookaheadRule:
    """Keeps slow parameters beside those that the transform steps.

    Attributes
    ----------
    inner : Transform
        What steps the fast parameters.
    sync_period : int
        Steps from one meeting to the next.
    slow_step_size : float
        How far the slow parameters go towards the fast ones.
    reset_state : bool
        Whether the transform starts anew at each meeting.
    """

    def __init__(
        self, inner: Transform, sync_period: int, slow_step_size: float, reset_state: bool
    ):
        self.inner = inner
        self.sync_period = sync_period
        self.slow_step_size = slow_step_size
        self.reset_state = reset_state

    def __repr__(self) -> str:
        numbers = f"{self.sync_period}, {self.slow_step_size}, reset_state={self.reset_state}"
        return f"lookahead({self.inner!r}, {numbers})"

    def init(self, params: Tree) -> State:
        """Slow and fast parameters start together."""
        slow = trees.map(wide_copy, params)
        return {"count": host_count(0), "slow": slow, INNER: self.inner.init(params)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Step the fast parameters; at a meeting, go to the new slow ones instead."""
        check_state("lookahead", state, "count", "slow", INNER)
        (count, counted), slow = count_on(state["count"]), state["slow"]
        meets = bool(count % self.sync_period == 0)
        flow, inner = advance(self.inner, flow, state[INNER], params, donate, extra)
        flow = Flow(flow.settle(), None, flow.accept)
        if meets:
            fast = arrive(params, flow.updates, inner)
            met = trees.map(lambda s, p: self._meet(flow, s, p), slow, fast)
            flow = flow._replace(updates=trees.map(_difference, params, met))
            if self.reset_state:
                fresh = self.inner.init(trees.map(add, params, flow.settle()))
                inner = start_anew(self.inner, fresh, inner, flow)
            if any(map(is_half, trees.leaves(params))):
                inner = set_masters(met, inner, lambda m, master: _take_over(flow, m, master))
            slow = replace(slow, met, donate)
        return flow, {"count": counted, "slow": slow, INNER: inner}

    def _meet(self, flow: Flow, slow: Array, fast: Array) -> Array:
        met = mix(slow, fast, self.slow_step_size)
        with on_device_of(slow):
            return flow.select(namespace_of(slow), met, slow)


def _difference(p: Array, target: Array) -> Array:
    with on_device_of(p):
        return namespace_of(p, target).asarray(target - p)


def _take_over(flow: Flow, met: Array, master: Array) -> Array:
    """Copy what was met; nothing where the step does not count."""
    xp = namespace_of(met, master)
    with on_device_of(master):
        return xp.asarray(flow.select(xp, met, master), copy=True)


def start_anew(transform: Transform, fresh: Any, old: Any, flow: Flow) -> Any:
    """Take a state that was just made; where the step does not count, the arrays of the old one.

    Only a device knows whether it counts, so what is a number of the host starts anew anyway.
    """
    if flow.accept is None or not isinstance(fresh, Mapping):
        return fresh if flow.accept is None else trees.map(partial(_kept, flow), fresh, old)
    rule: Any = transform.rule
    parts = {INNER: rule.inner} if INNER in fresh else getattr(rule, "parts", {})
    if not parts and hasattr(rule, "inner"):
        return start_anew(rule.inner, fresh, old, flow)
    host = {*HOST, *getattr(rule, "numbers", ())}
    made = {}
    for name, entry in fresh.items():
        if name in parts:
            made[name] = start_anew(parts[name], entry, old[name], flow)
        else:
            made[name] = (
                entry if name in host else trees.map(partial(_kept, flow), entry, old[name])
            )
    return made


def _kept(flow: Flow, new: Array, old: Array) -> Array:
    xp = namespace_of(new, old)
    with on_device_of(new):
        return xp.asarray(flow.select(xp, new, old))
