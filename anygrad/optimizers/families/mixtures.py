"""AdEMAMix: Adam that steps by two mean gradients, one of them slow."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.families.moments import root
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import real_zeros, zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import NOT_NEGATIVE

__all__ = ["ademamix"]


@decayed
def ademamix_formula(
    xp: Namespace,
    g: Array,
    m1: Array,
    m2: Array,
    v: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    b3: Any,
    alpha: Any,
    eps: Any,
    eps_root: Any,
) -> tuple[Array, Array, Array, Array]:
    """Pagliardini, Ablin, Grangier, algorithm 1."""
    m1 = b1 * m1 + (1 - b1) * g
    m2 = b3 * m2 + (1 - b3) * g
    v = b2 * v + (1 - b2) * abs2(xp, g)
    c2 = 1 - b2**t
    m = m1 / (1 - b1**t) + alpha * m2
    return -learning_rate * m / root(xp, v / c2, c2, eps, eps_root, "outside"), m1, m2, v


@built_on(
    ademamix_formula,
    {"m1": zeros, "m2": zeros, "v": real_zeros},
    optax={"learning_rate": None},
    fixed={"decoupled_weight_decay": True},
    allowed={"alpha": NOT_NEGATIVE},
)
def ademamix(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    b3: Hyperparameter = 0.9999,
    alpha: Hyperparameter = 5.0,
    eps: Hyperparameter = 1e-8,
    eps_root: Hyperparameter = 0.0,
    weight_decay: Hyperparameter = 0.0,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """AdEMAMix: AdamW whose step adds a second, much longer memory of the gradient.

    ``m1 = b1 * m1 + (1 - b1) * g``, ``m2 = b3 * m2 + (1 - b3) * g`` and ``v`` as in `adam`; then
    ``p -= learning_rate * (m1_hat + alpha * m2) / (sqrt(v_hat + eps_root) + eps)``. ``m2`` has no
    bias correction.

    Parameters
    ----------
    b3 : float or schedule, default 0.9999
        Decay of the slow mean, in [0, 1). The paper lets it rise from ``b1`` during a warm-up.
    alpha : float or schedule, default 5
        Weight of the slow mean, >= 0. The paper lets it rise from 0, and uses 4 to 10.

    References
    ----------
    Pagliardini, Ablin, Grangier (2024), The AdEMAMix optimizer: better, faster, older, algorithm 1.
    Its two schedulers are schedules of the caller's, as below.

    Examples
    --------
    >>> alpha = ag.schedules.linear(0.0, 5.0, 1000)
    >>> optimizer = ag.optimizers.ademamix(0.1, b3=0.999, alpha=alpha)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.9, -1.9])
    """
    ...
