"""A loss multiplied by a number that follows the range of half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.scaling import Scale
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.leaves import at_least_single
from anygrad.optimizers.transform import Transform, advance, from_rule
from anygrad.optimizers.wrappers.wrapping import (
    INNER,
    all_finite,
    both,
    check_state,
    check_transform,
    choose,
    scalar,
    states_within,
)
from anygrad.ranges import POSITIVE, Range, check_count, check_number
from anygrad.trees.placing import on_device_of

__all__ = ["dynamic_loss_scale", "loss_scale"]


def dynamic_loss_scale(
    transform: Transform,
    *,
    initial: float = 2.0**15,
    factor: float = 2.0,
    period: int = 2000,
    minimum: float = 1.0,
    maximum: float = 2.0**24,
) -> Transform:
    """Undo a scale of the loss, and choose the next one so that gradients just do not overflow.

    Gradients in half precision vanish below 6e-8 (float16). Multiply the loss by
    ``loss_scale(state)`` and differentiate that: here the gradients are divided by it, in float32.
    Where one is inf or nan, the step is left out and the scale is divided by ``factor``; after
    ``period`` steps without, it is multiplied by ``factor``.

    Parameters
    ----------
    transform : Transform
        An optimizer, or a chain that ends in one; clips belong inside, where they see the gradients
        as they are.
    initial : float
        The first scale, > 0.
    factor : float
        > 1; a power of two rounds nothing.
    period : int
        Good steps before the scale is raised, >= 1.
    minimum, maximum : float
        Between which the scale stays, > 0.

    Returns
    -------
    Transform
        State: ``loss_scale``, 0-d float32, and ``good_steps`` since the scale was changed, 0-d
        int32, both on the device; and ``inner``, the state of ``transform``.

    Raises
    ------
    ArgumentError
        If ``transform`` is none, or a number is out of its range.

    References
    ----------
    Micikevicius et al. (2018), Mixed precision training, sec. 3.2; the rule is that of PyTorch's
    ``GradScaler`` with ``growth_interval=period``, ``growth_factor=factor`` and
    ``backoff_factor=1 / factor``, whose scale has no limits.

    Examples
    --------
    >>> optimizer = ag.optimizers.dynamic_loss_scale(ag.optimizers.sgd(1.0), initial=1024.0)
    >>> params = np.asarray([1.0], dtype=np.float32)
    >>> state = optimizer.init(params)
    >>> scaled_loss = lambda p: ag.optimizers.loss_scale(state) * np.sum(p * p)
    >>> params, state = optimizer.step(params, ag.grad(scaled_loss)(params), state)
    >>> params
    array([-1.], dtype=float32)
    """
    where = "dynamic_loss_scale"
    check_transform(where, transform)
    minimum = check_number(f"{where}(minimum)", minimum, POSITIVE)
    maximum = check_number(f"{where}(maximum)", maximum, Range(low=minimum, open_high=True))
    initial = check_number(f"{where}(initial)", initial, Range(minimum, maximum))
    factor = check_number(f"{where}(factor)", factor, Range(1.0, open_low=True, open_high=True))
    period = check_count(f"{where}(period)", period, low=1)
    rule = LossScaleRule(transform, initial, factor, period, (minimum, maximum))
    return from_rule(rule, where, per_example=transform.per_example)


class LossScaleRule:
    """Divides by the scale of the loss, and adapts it.

    Attributes
    ----------
    inner : Transform
        What takes the gradients as they are.
    initial, factor : float
        The first scale, and what it is changed by.
    period : int
        Good steps before it is raised.
    limits : tuple of float
        The smallest and the largest.
    """

    def __init__(
        self,
        inner: Transform,
        initial: float,
        factor: float,
        period: int,
        limits: tuple[float, float],
    ):
        self.inner = inner
        self.initial = initial
        self.factor = factor
        self.period = period
        self.limits = limits

    def __repr__(self) -> str:
        numbers = f"initial={self.initial}, factor={self.factor}, period={self.period}"
        limits = "minimum={}, maximum={}".format(*self.limits)
        return f"dynamic_loss_scale({self.inner!r}, {numbers}, {limits})"

    def init(self, params: Tree) -> State:
        """Start with the first scale."""
        return {
            "loss_scale": scalar(params, self.initial, "float32"),
            "good_steps": scalar(params, 0, "int32"),
            INNER: self.inner.init(params),
        }

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Leave the division to what reads the gradients next; look for inf and nan before it."""
        check_state("dynamic_loss_scale", state, "loss_scale", "good_steps", INNER)
        scale, good = state["loss_scale"], state["good_steps"]
        xp = namespace_of(scale)
        grads = flow.settle()
        finite = all_finite(grads, scale)
        grads = trees.map(at_least_single, grads)
        with on_device_of(scale):
            pending = Scale(scale, xp.ones_like(scale))
            new, good = self._adapt(finite, scale, good + 1)
        flow = Flow(grads, pending, both(flow.accept, finite))
        flow, inner = advance(self.inner, flow, state[INNER], params, donate, extra)
        return flow, {"loss_scale": new, "good_steps": good, INNER: inner}

    def _adapt(self, finite: Array, scale: Array, good: Array) -> tuple[Array, Array]:
        xp = namespace_of(scale)
        minimum, maximum = self.limits
        full = good >= self.period
        raised = choose(xp, full, xp.minimum(scale * self.factor, maximum), scale)
        lowered = xp.maximum(scale / self.factor, minimum)
        zero = xp.zeros_like(good)
        return (
            choose(xp, finite, raised, lowered, like=scale),
            choose(xp, finite & ~full, good, zero),
        )


def loss_scale(state: State) -> Array:
    """Tell what to multiply the loss with before the next gradient.

    Parameters
    ----------
    state : dict
        Of `dynamic_loss_scale`, or of a chain or transforms around it.

    Returns
    -------
    array, shape ()
        float32, on the device; nothing is read on the host.

    Raises
    ------
    ArgumentError
        If there is no such scale in the state.

    Examples
    --------
    >>> optimizer = ag.optimizers.dynamic_loss_scale(ag.optimizers.adam(1e-3), initial=1024.0)
    >>> ag.optimizers.loss_scale(optimizer.init(np.ones(2, dtype=np.float32)))
    array(1024., dtype=float32)
    """
    for part in states_within(state):
        if "loss_scale" in part and INNER in part:
            return part["loss_scale"]
    message = (
        f"loss_scale(state): got {describe(state)} without a scale of the loss; expected the state "
        "of dynamic_loss_scale. Put it around the optimizer: dynamic_loss_scale(adam(1e-3))."
    )
    raise ArgumentError(message)
