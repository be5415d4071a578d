"""Schedule-free learning: averages in the place of a learning rate that falls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError
from anygrad.optimizers.rules.allowed import Count
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.once import hosted_once
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import Number, Slot, copy, real_zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import NOT_NEGATIVE, Range

__all__ = ["schedule_free_adamw", "schedule_free_sgd"]

SLOTS: dict[str, Slot] = {
    "z": copy,
    "weight_sum": Number(0.0),
    "max_learning_rate": Number(0.0),
    "b1": Number(lambda b1, **_: b1),  # for who computes x from parameters and state
}
SHARED: dict[str, Any] = {
    "allowed": {
        "b1": Range(0, 1, open_low=True, open_high=True),
        "weight_lr_power": NOT_NEGATIVE,
        "warmup_steps": Count(0),
    },
    "joint": ("b1",),
}


@decayed
def schedule_free_sgd_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    z: Array,
    weight_sum: float,
    max_learning_rate: float,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    weight_decay: Any,
    weight_lr_power: Any,
    warmup_steps: int,
    warmup_from_zero: bool,
) -> tuple[Array, Array, float, float]:
    """Defazio et al., equations 2 to 4; ``p`` is their y."""
    base = g + weight_decay * p if weight_decay else g
    rate, weight_rate = hosted_once(warm_up, learning_rate, t, warmup_steps, warmup_from_zero)
    c, weight_sum, max_learning_rate = hosted_once(
        weigh, weight_rate, weight_lr_power, weight_sum, max_learning_rate
    )
    return *interpolate(p, z, -rate * base, c, b1), weight_sum, max_learning_rate


@decayed
def schedule_free_adamw_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    z: Array,
    v: Array,
    weight_sum: float,
    max_learning_rate: float,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    weight_decay: Any,
    weight_lr_power: Any,
    warmup_steps: int,
    warmup_from_zero: bool,
) -> tuple[Array, Array, Array, float, float]:
    """Defazio et al., algorithm 1; ``p`` is their y."""
    v = b2 * v + (1 - b2) * abs2(xp, g)
    base = g / (xp.sqrt(v / (1 - b2**t)) + eps)
    base = base + weight_decay * p if weight_decay else base
    rate, weight_rate = hosted_once(warm_up, learning_rate, t, warmup_steps, warmup_from_zero)
    c, weight_sum, max_learning_rate = hosted_once(
        weigh, weight_rate, weight_lr_power, weight_sum, max_learning_rate
    )
    u, z = interpolate(p, z, -rate * base, c, b1)
    return u, z, v, weight_sum, max_learning_rate


def warm_up(rate: Any, t: int, steps: int, from_zero: bool) -> tuple[Any, Any]:
    """Learning rate of the step, and the one that weighs it."""
    if not steps:
        return rate, rate
    weight_rate = rate * min(t / steps, 1.0)
    return rate * min((t - 1) / steps, 1.0) if from_zero else weight_rate, weight_rate


def weigh(rate: float, power: float, total: float, largest: float) -> tuple[float, float, float]:
    """Share ``c`` of this step in the average, the sum of weights, and the largest rate."""
    largest = max(largest, rate)
    weight = largest**power
    total = total + weight
    return weight / total if total else 0.0, total, largest


def interpolate(p: Array, z: Array, dz: Array, c: float, b1: Any) -> tuple[Array, Array]:
    """Move ``z`` by ``dz``, ``x`` towards it by ``c``; return the change of y and the new ``z``.

    Put into ``y = b1 * x + (1 - b1) * z``, the ``x`` of before drops out: nothing is divided by b1.
    """
    return c * (z - p) + (1 - b1 * (1 - c)) * dz, z + dz


def check_constant(where: str, row: Mapping[str, Any]) -> None:
    """Refuse a schedule for what ties the parameters to the average."""
    if callable(row["b1"]):
        message = f"{where}(b1): got a schedule; expected a number, for x is computed with it."
        raise ArgumentError(message)


@built_on(
    schedule_free_sgd_formula,
    SLOTS,
    optax={"warmup_from_zero": True},
    check=check_constant,
    **SHARED,
)
def schedule_free_sgd(
    learning_rate: Hyperparameter = 1.0,
    *,
    b1: float = 0.9,
    weight_decay: Hyperparameter = 0.0,
    weight_lr_power: Hyperparameter = 2.0,
    warmup_steps: int = 0,
    warmup_from_zero: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Gradient descent that averages its steps, and needs no falling learning rate.

    The parameters that are stepped, and at which gradients are taken, are
    ``y = b1 * x + (1 - b1) * z``. The base step is ``z -= learning_rate * (g + weight_decay * y)``;
    then ``x += c * (z - x)``, where ``c`` is the weight of the step over the sum of all so far, a
    weight being the largest learning rate so far to the power ``weight_lr_power``. Evaluate at
    ``x = (y - (1 - b1) * z) / b1``, which is the average and the better point.

    Parameters
    ----------
    learning_rate : float or schedule, default 1
        >= 0; a constant, or one that warms up.
    b1 : float, default 0.9
        How far the parameters lie from ``z`` towards ``x``, in (0, 1); the same for all groups.
    weight_decay : float or schedule, default 0
        >= 0; ``weight_decay * y`` is added to the gradient.
    weight_lr_power : float or schedule, default 2
        >= 0; 0 gives all steps the same weight.
    warmup_steps : int, default 0
        >= 0; the learning rate of step t = 1, 2, ... is multiplied by
        ``min(1, t / warmup_steps)``.
    warmup_from_zero : bool, default False
        Multiply that of the base step by ``min(1, (t - 1) / warmup_steps)`` and that of the weight
        as without: what optax does.
    compat : {None, "optax"}
        Take the switches and defaults of this peer.

    References
    ----------
    Defazio et al. (2024), The road less scheduled, equations 2 to 4, with the weights of algorithm
    1 and the largest learning rate as in the authors' code.

    Examples
    --------
    >>> optimizer = ag.optimizers.schedule_free_sgd(0.1, b1=0.5)
    >>> y = np.asarray([1.0])
    >>> state = optimizer.init(y)
    >>> for _ in range(2):
    ...     y, state = optimizer.step(y, np.asarray([2.0]), state)
    >>> y.round(6), state["z"].round(6)
    (array([0.65]), array([0.6]))
    >>> ((y - 0.5 * state["z"]) / 0.5).round(6)  # the mean of z after both steps
    array([0.7])
    """
    ...


@built_on(
    schedule_free_adamw_formula,
    {"z": SLOTS["z"], "v": real_zeros, **SLOTS},
    optax={"warmup_from_zero": True},
    check=check_constant,
    **SHARED,
)
def schedule_free_adamw(
    learning_rate: Hyperparameter = 2.5e-3,
    *,
    b1: float = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-8,
    weight_decay: Hyperparameter = 0.0,
    weight_lr_power: Hyperparameter = 2.0,
    warmup_steps: int = 0,
    warmup_from_zero: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """AdamW with averaging in the place of momentum and of a falling learning rate.

    `schedule_free_sgd` with the base step of AdamW without momentum,
    ``z -= learning_rate * (g / (sqrt(v_hat) + eps) + weight_decay * y)``.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.0025
        >= 0; a constant, or one that warms up.
    b1, weight_lr_power, warmup_steps, warmup_from_zero : as in `schedule_free_sgd`
        Of the average.
    weight_decay : float or schedule, default 0
        >= 0. Decoupled, at the parameters ``y``: ``learning_rate * weight_decay * y`` is subtracted
        from ``z``.
    compat : {None, "optax"}
        Take the switches and defaults of this peer.

    References
    ----------
    Defazio et al. (2024), The road less scheduled, algorithm 1. As in the authors' code, the bias
    correction stands at the root of ``v``, not in the weights, and a weight has the largest
    learning rate so far.

    Examples
    --------
    >>> optimizer = ag.optimizers.schedule_free_adamw(0.1, b1=0.5)
    >>> y = np.asarray([1.0, -2.0])
    >>> y, state = optimizer.step(y, 2 * y, optimizer.init(y))
    >>> y.round(6)
    array([ 0.9, -1.9])
    """
    ...
