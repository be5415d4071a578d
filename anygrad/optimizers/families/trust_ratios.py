"""Steps as long as the parameters are large: LAMB and LARS, which scale every array by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError
from anygrad.optimizers.families.moments import correct_mean
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import abs2, decayed, norm, trust_ratio
from anygrad.optimizers.slots import When, real_zeros, zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import NOT_NEGATIVE

__all__ = ["lamb", "lars"]


@decayed
def lamb_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    bias_correction: bool,
    weight_decay: Any,
    layerwise: bool,
) -> tuple[Array, Array, Array]:
    """You et al., algorithm 2."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * abs2(xp, g)
    m_hat = correct_mean(m, g, b1, t, False, bias_correction)
    v_hat = v / (1 - b2**t) if bias_correction else v
    u = m_hat / (xp.sqrt(v_hat + eps_root) + eps)
    u = u + weight_decay * p if weight_decay else u
    if layerwise:
        u = trust_ratio(xp, norm(xp, p), norm(xp, u)) * u
    return -learning_rate * u, m, v


@decayed
def lars_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    b: Array,
    *,
    learning_rate: Any,
    momentum: Any,
    nesterov: bool,
    weight_decay: Any,
    trust_coefficient: Any,
    eps: Any,
    joint_norm: bool,
    layerwise: bool,
    learning_rate_in_buffer: bool,
) -> tuple[Array, Array]:
    """You, Gitman, Ginsburg, algorithm 1; ``b`` is a buffer as in `sgd`."""
    u = g + weight_decay * p if weight_decay else g
    if layerwise:
        p_norm = norm(xp, p)
        u_norm = norm(xp, u) if joint_norm else norm(xp, g) + weight_decay * p_norm
        u = trust_ratio(xp, p_norm, u_norm, trust_coefficient, eps) * u
    if b is None:
        return -learning_rate * u, None
    inside, outside = (learning_rate, 1.0) if learning_rate_in_buffer else (1.0, learning_rate)
    u = inside * u
    b = momentum * b + u
    return -outside * (u + momentum * b if nesterov else b), b


def check_nesterov(where: str, row: Mapping[str, Any]) -> None:
    """Refuse Nesterov's variant without momentum."""
    if row["nesterov"] and not row["momentum"]:
        message = f"{where}(nesterov): got True; expected momentum > 0 with it."
        raise ArgumentError(message)


@built_on(
    lamb_formula,
    {"m": zeros, "v": real_zeros},
    optax={"learning_rate": None, "weight_decay": 0.0},
)
def lamb(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.999,
    eps: Hyperparameter = 1e-6,
    eps_root: Hyperparameter = 0.0,
    bias_correction: bool = True,
    weight_decay: Hyperparameter = 1e-2,
    layerwise: bool = True,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """LAMB: the step of Adam, made as long as the parameter array is large.

    With ``u = m_hat / (sqrt(v_hat + eps_root) + eps) + weight_decay * p`` as in `adamw`, each array
    moves by ``p -= learning_rate * (|p| / |u|) * u``: so the learning rate is the relative change
    of a step. The trust ratio ``|p| / |u|``, of the 2-norms of the whole array, is 1 where one of
    the norms is 0.

    Parameters
    ----------
    bias_correction : bool, default True
        Whether both means are corrected.
    weight_decay : float or schedule, default 0.01
        >= 0. ``weight_decay * p`` is part of the step whose length the ratio sets.
    layerwise : bool, default True
        Without, an array gets the step of `adamw`; for gains and biases it is often switched off,
        ``groups=[("*/bias", dict(layerwise=False, weight_decay=0.0))]``.

    References
    ----------
    You et al. (2020), Large batch optimization for deep learning: training BERT in 76 minutes,
    algorithm 2, with the identity for its function phi, as in optax.

    Examples
    --------
    >>> optimizer = ag.optimizers.lamb(0.1, weight_decay=0.0)
    >>> params = np.asarray([3.0, 4.0])
    >>> params, state = optimizer.step(params, np.asarray([7.0, 0.0]), optimizer.init(params))
    >>> params.round(6)
    array([2.5, 4. ])
    """
    ...


@built_on(
    lars_formula,
    {"b": When("momentum", zeros)},
    optax={"joint_norm": True},
    allowed={"trust_coefficient": NOT_NEGATIVE},
    check=check_nesterov,
)
def lars(
    learning_rate: Hyperparameter | None = None,
    *,
    momentum: Hyperparameter = 0.9,
    nesterov: bool = False,
    weight_decay: Hyperparameter = 0.0,
    trust_coefficient: Hyperparameter = 1e-3,
    eps: Hyperparameter = 0.0,
    joint_norm: bool = False,
    layerwise: bool = True,
    learning_rate_in_buffer: bool = True,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """LARS: gradient descent with momentum, each array at a rate of its own.

    ``u = ratio * (g + weight_decay * p)`` with the trust ratio
    ``trust_coefficient * |p| / (|g| + weight_decay * |p| + eps)`` of 2-norms over the whole array,
    then ``b = momentum * b + learning_rate * u`` and ``p -= b``. The ratio is 1 where the norm of
    ``p``, or the divisor, is 0: so an array that starts at zero moves at the plain learning rate.

    Parameters
    ----------
    learning_rate : float or schedule
        >= 0; there is no usual value.
    momentum : float or schedule, default 0.9
        In [0, 1]; with 0 there is no buffer.
    nesterov : bool, default False
        Look ahead: ``p -= learning_rate * u + momentum * b``.
    weight_decay : float or schedule, default 0
        >= 0. Part of the gradient that the ratio scales.
    trust_coefficient : float or schedule, default 0.001
        >= 0. Relative change of an array in a step, at a learning rate of 1.
    eps : float or schedule, default 0
        >= 0, added to the divisor of the ratio.
    joint_norm : bool, default False
        Divide by ``|g + weight_decay * p|``, as optax does, and not by the sum of the two norms.
    layerwise : bool, default True
        Without, the ratio is 1; for gains and biases it is often switched off,
        ``groups=[("*/bias", dict(layerwise=False, weight_decay=0.0))]``.
    learning_rate_in_buffer : bool, default True
        As in the paper; else the buffer sums ``u``, and ``p -= learning_rate * b``, so that a drop
        of the rate acts at once.

    References
    ----------
    You, Gitman, Ginsburg (2017), Large batch training of convolutional networks, algorithm 1, with
    equation 6 for the ratio.

    Examples
    --------
    >>> optimizer = ag.optimizers.lars(1.0, trust_coefficient=0.1)
    >>> params = np.asarray([3.0, 4.0])
    >>> params, state = optimizer.step(params, np.asarray([7.0, 0.0]), optimizer.init(params))
    >>> params.round(6)
    array([2.5, 4. ])
    """
    ...
