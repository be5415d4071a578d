"""Gradients of several small batches, taken together for one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad import trees
from anygrad.backends import is_traced, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.scaling import Scale
from anygrad.errors import ShapeError
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.masks import keep_still
from anygrad.optimizers.rules.leaves import check_devices, conform, is_half
from anygrad.optimizers.transform import Transform, advance, from_rule
from anygrad.optimizers.wrappers.wrapping import (
    INNER,
    check_state,
    check_transform,
    count_on,
    host_count,
    refuse_examples,
    replace,
    scalar,
)
from anygrad.ranges import check_count
from anygrad.trees.placing import move, on_device_of

__all__ = ["accumulate"]


def accumulate(transform: Transform, steps: int) -> Transform:
    """Let several calls make one step, with the mean of their gradients.

    All but each ``steps``-th call leave the parameters as they are, to the bit. That one gives
    ``transform`` the mean of the gradients, which is the gradient of the mean loss over all batches
    together if they are of one size. ``transform`` counts one step for ``steps`` calls, and so do
    its schedules.

    Parameters
    ----------
    transform : Transform
        An optimizer, or a chain that ends in one.
    steps : int
        Calls for one step, >= 1.

    Returns
    -------
    Transform
        State: ``micro_step``, calls since the last step, an integer of the host; ``sum`` of the
        gradients since then, in float32 for those in half precision; ``accepted``, how many they
        are, and ``value``, the sum of the losses that were passed with them, both on the device;
        and ``inner``, the state of ``transform``.

    Raises
    ------
    ArgumentError
        If ``transform`` is none or takes examples, or ``steps`` is no positive integer.

    Notes
    -----
    What a part in front of this one leaves out (``nonfinite="skip"``) does not count in the mean;
    if nothing is left, the whole step is left out. A ``value`` goes on as the mean over the same
    calls, so pass one with each of them. A part behind it in a chain would see the calls
    between two steps as steps of zeros, so put those inside.

    Examples
    --------
    >>> optimizer = ag.optimizers.accumulate(ag.optimizers.sgd(1.0), 2)
    >>> params = np.asarray([1.0])
    >>> state = optimizer.init(params)
    >>> for grads in (np.asarray([0.25]), np.asarray([0.75])):
    ...     params, state = optimizer.step(params, grads, state)
    ...     print(params)
    [1.]
    [0.5]
    """
    check_transform("accumulate", transform)
    refuse_examples("accumulate", transform)
    steps = check_count("accumulate(steps)", steps, low=1)
    return from_rule(AccumulateRule(transform, steps), "accumulate")


class AccumulateRule:
    """Adds gradients up, and hands on their mean.

    Attributes
    ----------
    inner : Transform
        What takes the mean.
    steps : int
        Calls for one step.
    """

    def __init__(self, inner: Transform, steps: int):
        self.inner = inner
        self.steps = steps

    def __repr__(self) -> str:
        return f"accumulate({self.inner!r}, {self.steps})"

    def init(self, params: Tree) -> State:
        """Nothing is added up yet."""
        return {
            "micro_step": host_count(0),
            "accepted": scalar(params, 0.0),
            "value": scalar(params, 0.0),
            "sum": trees.map(_zeros, params),
            INNER: self.inner.init(params),
        }

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Add the gradients; at the last call of a step apply the transform to the mean."""
        check_state("accumulate", state, "micro_step", "accepted", "value", "sum", INNER)
        number, counted = count_on(state["micro_step"])
        waits = bool(number < self.steps)
        accepted, sums = state["accepted"], state["sum"]
        xp = namespace_of(accepted)
        with on_device_of(accepted):
            one = xp.ones_like(accepted)
            count = flow.select(xp, accepted + one, accepted)
            count = conform(xp, count, accepted)
        value = _add_value(flow, state["value"], extra.get("value"))
        total = trees.map(_add, sums, flow.settle())
        if waits:
            state = {
                "micro_step": counted,
                "accepted": count,
                "value": value,
                "sum": replace(sums, total, donate),
                INNER: state[INNER],
            }
            return Flow(trees.map(_keep_still, params)), state
        with on_device_of(count):
            divisor = xp.maximum(count, one)
            # the formula divides while it reads the sum
            mean = Flow(total, Scale(divisor, one), count > 0.0)
            none, nothing = xp.zeros_like(accepted), xp.zeros_like(accepted)
            if extra.get("value") is not None:
                extra = {**extra, "value": xp.asarray(value / divisor)}
        taken, inner = advance(self.inner, mean, state[INNER], params, donate, extra)
        state = {
            "micro_step": host_count(0),
            "accepted": none,
            "value": nothing,
            "sum": replace(sums, trees.map(_zeros, params), donate),
            INNER: inner,
        }
        return Flow(taken.settle(), None, taken.accept), state


def _zeros(p: Array) -> Array:
    xp = namespace_of(p)
    with on_device_of(p):
        return xp.zeros_like(p, dtype=xp.float32) if is_half(p) else xp.zeros_like(p)


def _keep_still(p: Array) -> Array:
    with on_device_of(p):
        return conform(namespace_of(p), keep_still(p), p)


def _add_value(flow: Flow, total: Array, value: Any) -> Array:
    """Add a loss to those before, if there is one and the call counts."""
    if value is None:
        return total
    if getattr(value, "shape", ()):
        message = (
            f"accumulate.step(value): got shape {tuple(value.shape)}; expected the loss at params, "
            "of shape (). Pass its mean."
        )
        raise ShapeError(message)
    xp = namespace_of(total, value) if is_traced(value) else namespace_of(total)
    with on_device_of(total):
        added = total + move(xp.asarray(value, dtype=total.dtype), total)
        return conform(xp, flow.select(xp, added, total), total)


def _add(total: Array, g: Array) -> Array:
    check_devices("accumulate.step(params, grads, state)", total, g)
    with on_device_of(total):
        return conform(namespace_of(total, g), total + g, total)
