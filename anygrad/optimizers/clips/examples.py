"""The gradient of each example clipped by itself, and their mean, as the first part of a chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad import clipping, trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping.checking import Policy, check_limit, check_order
from anygrad.errors import ShapeError
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.leaves import at_least_single
from anygrad.optimizers.transform import Transform, from_rule
from anygrad.optimizers.wrappers.wrapping import scalar
from anygrad.trees.placing import on_device_of

__all__ = ["clip_per_example"]


def clip_per_example(
    max_norm: float, *, ord: float = 2.0, nonfinite: Policy = "propagate"
) -> Transform:
    """Shrink the gradient of each example to a norm of at most ``max_norm``, and take their mean.

    The gradients that are passed have a leading axis of examples in every leaf, as ``vmap`` of a
    gradient returns them; what follows in the chain sees the mean over it.

    Parameters
    ----------
    max_norm : float
        Largest norm allowed over all leaves of one example, > 0.
    ord : float
        Order of the norm, in [1, inf]; inf is the largest absolute value.
    nonfinite : {"propagate", "zero", "skip", "raise"}
        As in `anygrad.clipping.clip_per_example`; an example under "skip" counts in the mean as 0.

    Returns
    -------
    Transform
        The first part of a chain, for the others have gradients without examples. Such a chain may
        stand in `averaged`, `lookahead`, `monitored`, `apply_if_finite` and `dynamic_loss_scale`;
        `accumulate` goes behind it.
        State: ``norm``, the mean of the norms of the examples before clipping, and
        ``clipped_share``, which share of them was clipped; both 0-d on the device.

    Raises
    ------
    ArgumentError
        If ``max_norm`` is not positive, ``ord`` is below 1, or ``nonfinite`` is unknown.
    ShapeError
        At a step, if the gradients have no axis of examples in front of those of the parameters.

    References
    ----------
    Abadi et al. (2016), Deep learning with differential privacy, algorithm 1, without the noise.

    Examples
    --------
    >>> optimizer = ag.optimizers.chain(
    ...     ag.optimizers.clip_per_example(1.0), ag.optimizers.sgd(1.0)
    ... )
    >>> params = np.zeros(2)
    >>> grads = np.asarray([[3.0, 4.0], [0.3, 0.4]])
    >>> optimizer.step(params, grads, optimizer.init(params))[0]
    array([-0.45, -0.6 ])
    """
    max_norm = check_limit("clip_per_example", max_norm, nonfinite)
    ord = check_order("clip_per_example", ord)
    rule = ExampleRule(max_norm, ord, nonfinite)
    return from_rule(rule, "clip_per_example", per_example=True)


class ExampleRule:
    """Clips each example, and does away with their axis.

    Attributes
    ----------
    max_norm : float
        Largest norm allowed.
    ord : float
        Order of the norm.
    nonfinite : str
        What happens to inf and nan.
    """

    def __init__(self, max_norm: float, ord: float, nonfinite: Policy):
        self.max_norm = max_norm
        self.ord = ord
        self.nonfinite: Policy = nonfinite

    def __repr__(self) -> str:
        return f"clip_per_example({self.max_norm}, ord={self.ord}, nonfinite={self.nonfinite!r})"

    def init(self, params: Tree) -> State:
        """Before the first step: both 0."""
        return {"norm": scalar(params, 0.0), "clipped_share": scalar(params, 0.0)}

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Clip, and take the mean over the examples."""
        trees.map(_check_axis, params, flow.updates)
        grads = trees.map(at_least_single, flow.settle())
        clipped, norms = clipping.clip_per_example(
            grads, self.max_norm, ord=self.ord, nonfinite=self.nonfinite
        )
        if norms.shape[0] == 0:
            message = "clip_per_example(grads): got 0 examples; expected at least one."
            raise ShapeError(message)
        xp = namespace_of(norms)
        with on_device_of(norms):
            over = xp.astype(norms > self.max_norm, norms.dtype)
            state = {"norm": _mean(norms), "clipped_share": _mean(over)}
        return Flow(trees.map(_mean, clipped), None, flow.accept), state


def _check_axis(p: Array, g: Array) -> None:
    """Refuse gradients without examples, whose first axis would be taken for theirs."""
    if tuple(g.shape[1:]) == tuple(p.shape) and len(g.shape) > len(p.shape):
        return
    message = (
        f"clip_per_example(grads): got shape {tuple(g.shape)} for a parameter of shape "
        f"{tuple(p.shape)}; expected an axis of examples in front of it. Put it first: "
        "chain(clip_per_example(...), ...), neither behind another part nor in masked(...), "
        "accumulate(...) or sam(...)."
    )
    raise ShapeError(message)


def _mean(g: Array) -> Array:
    xp = namespace_of(g)
    with on_device_of(g):
        return xp.asarray(xp.sum(g, axis=0) / g.shape[0], dtype=g.dtype)
