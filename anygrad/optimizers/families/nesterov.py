"""Adam with Nesterov's momentum: NAdam and Adan."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.families.moments import root
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import Number, real_zeros, zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import NOT_NEGATIVE

__all__ = ["adan", "nadam"]


@decayed
def nadam_formula(
    xp: Namespace,
    g: Array,
    m: Array,
    v: Array,
    mu_product: float,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    momentum_decay: Any,
    momentum_schedule: str,
) -> tuple[Array, Array, Array, float]:
    """Dozat, algorithm 2; ``mu_product`` is that of all ``mu`` so far."""
    mu, mu_next = (momentum_at(s, b1, momentum_decay, momentum_schedule) for s in (t, t + 1))
    mu_product = mu_product * mu
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * abs2(xp, g)
    m_bar = mu_next * m / (1 - mu_product * mu_next) + (1 - mu) * g / (1 - mu_product)
    c2 = 1 - b2**t
    return (
        -learning_rate * m_bar / root(xp, v / c2, c2, eps, eps_root, "outside"),
        *(m, v, mu_product),
    )


def momentum_at(t: int, b1: Any, momentum_decay: Any, momentum_schedule: str) -> Any:
    """Momentum of step ``t``."""
    if momentum_schedule == "constant":
        return b1
    return b1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))


@decayed
def adan_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    m: Array,
    v: Array,
    n: Array,
    g_last: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    b3: Any,
    eps: Any,
    eps_root: Any,
    difference_weight: str,
    weight_decay: Any,
    proximal: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """Xie et al., algorithm 1, whose ``beta`` is ``1 - b``; ``g_last`` is the gradient before."""
    d = (1.0 * (t > 1)) * (g - g_last)
    weight = b2 if difference_weight == "b2" else 1 - b2
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * d
    n = b3 * n + (1 - b3) * abs2(xp, g + weight * d)
    c3 = 1 - b3**t
    u = m / (1 - b1**t) + (weight / (1 - b2**t)) * v
    u = -learning_rate * u / root(xp, n / c3, c3, eps, eps_root, "outside")
    if weight_decay:
        shrinks = learning_rate * weight_decay
        u = (u - shrinks * p) / (1 + shrinks) if proximal else u - shrinks * p
    return u, m, v, n, g


@built_on(
    nadam_formula,
    {"m": zeros, "v": real_zeros, "mu_product": Number(1.0)},
    torch={},
    optax={"learning_rate": None, "momentum_schedule": "constant"},
    allowed={"momentum_decay": NOT_NEGATIVE, "momentum_schedule": ("dozat", "constant")},
)
def nadam(
    learning_rate: Hyperparameter = 2e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-8,
    eps_root: Hyperparameter = 0.0,
    momentum_decay: Hyperparameter = 4e-3,
    momentum_schedule: str = "dozat",
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """NAdam: Adam with Nesterov's momentum, which itself rises from step to step.

    ``m`` and ``v`` as in `adam`. With ``mu(t) = b1 * (1 - 0.96**(t * momentum_decay) / 2)`` and
    ``M(t) = mu(1) * ... * mu(t)``, then ``m_bar = mu(t + 1) * m / (1 - M(t + 1)) + (1 - mu(t)) * g
    / (1 - M(t))`` and ``p -= learning_rate * m_bar / (sqrt(v_hat + eps_root) + eps)``.

    Parameters
    ----------
    momentum_decay : float or schedule, default 0.004
        >= 0. The larger it is, the sooner ``mu`` reaches ``b1``; 1 in the paper and in Keras.
    momentum_schedule : {"dozat", "constant"}
        Whether ``mu`` rises as above, or is ``b1`` always, as in optax.
    compat : {None, "torch", "optax"}
        torch: as ours. optax: ``mu`` is ``b1``, no default learning rate; its nadamw is
        ``decoupled_weight_decay=True, weight_decay=1e-4``.

    References
    ----------
    Dozat (2016), Incorporating Nesterov momentum into Adam, algorithm 2; ``m`` decays by ``b1`` and
    not by ``mu``, as in PyTorch and Keras. The product is kept in double precision.

    Examples
    --------
    >>> optimizer = ag.optimizers.nadam(0.1, momentum_schedule="constant")
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.852632, -1.852632])
    """
    ...


@built_on(
    adan_formula,
    {"m": zeros, "v": zeros, "n": real_zeros, "g_last": zeros},
    optax={
        "learning_rate": None,
        "eps_root": 1e-8,
        "difference_weight": "1-b2",
        "proximal": False,
    },
    allowed={"difference_weight": ("b2", "1-b2")},
)
def adan(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.98,
    b2: Hyperparameter = 0.92,
    b3: Hyperparameter = 0.99,
    eps: Hyperparameter = 1e-8,
    eps_root: Hyperparameter = 0.0,
    difference_weight: str = "b2",
    weight_decay: Hyperparameter = 0.0,
    proximal: bool = True,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adan: look ahead along the change of the gradient.

    With ``d = g - g_last`` (0 in step 1, and ``g`` in step 2 if step 1 was left out):
    ``m = b1 * m + (1 - b1) * g``, ``v = b2 * v + (1 - b2) * d`` and
    ``n = b3 * n + (1 - b3) * |g + b2 * d|^2``, each divided by ``1 - b**t``; then
    ``p -= learning_rate * (m_hat + b2 * v_hat) / (sqrt(n_hat + eps_root) + eps)`` and, with weight
    decay, ``p /= 1 + learning_rate * weight_decay``.

    Parameters
    ----------
    b2 : float or schedule, default 0.92
        Decay of the mean difference, in [0, 1).
    b3 : float or schedule, default 0.99
        Decay of the mean square, in [0, 1).
    difference_weight : {"b2", "1-b2"}
        Weight of differences, in ``n`` and in the step. The paper's ``1 - beta2`` is ``b2`` here,
        for its ``beta2`` is ``1 - b2``; optax has ``1 - b2`` all the same.
    weight_decay : float or schedule, default 0
        >= 0.
    proximal : bool, default True
        Whether decay divides the stepped ``p``, as in the paper; otherwise it is decoupled as in
        `adamw`: ``p -= learning_rate * weight_decay * p``.
    compat : {None, "optax"}
        optax: ``1 - b2`` weighs the differences, eps_root 1e-8, decay as in `adamw`, no default
        learning rate.

    References
    ----------
    Xie, Zhou, Li, Lin, Yan (2022), Adan: adaptive Nesterov momentum algorithm for faster optimizing
    deep models, algorithm 1, with zero starts and bias corrections as in the authors' code.

    Examples
    --------
    >>> optimizer = ag.optimizers.adan(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.9, -1.9])
    """
    ...
