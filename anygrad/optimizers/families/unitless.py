"""Adadelta: steps in the units of the parameters, from the sizes of past steps."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import real_zeros
from anygrad.optimizers.transform import Transform

__all__ = ["adadelta"]


@decayed
def adadelta_formula(
    xp: Namespace, g: Array, v: Array, u: Array, *, learning_rate: Any, decay: Any, eps: Any
) -> tuple[Array, Array, Array]:
    """Zeiler, algorithm 1: ``v`` is E[g^2], ``u`` is E[dx^2] of the steps before."""
    v = decay * v + (1 - decay) * abs2(xp, g)
    d = xp.sqrt(u + eps) / xp.sqrt(v + eps) * g
    u = decay * u + (1 - decay) * abs2(xp, d)
    return -learning_rate * d, v, u


@built_on(
    adadelta_formula,
    {"v": real_zeros, "u": real_zeros},
    torch={},
    optax={"learning_rate": None},
)
def adadelta(
    learning_rate: Hyperparameter = 1.0,
    *,
    decay: Hyperparameter = 0.9,
    eps: Hyperparameter = 1e-6,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adadelta: the root mean square of past steps over that of past gradients.

    ``v = decay * v + (1 - decay) * |g|^2``, ``d = sqrt(u + eps) / sqrt(v + eps) * g``,
    ``p -= learning_rate * d`` and ``u = decay * u + (1 - decay) * |d|^2``. The first steps have the
    size ``sqrt(eps / (1 - decay))``, whatever the gradient.

    Parameters
    ----------
    learning_rate : float or schedule, default 1
        >= 0; the paper has none.
    decay : float or schedule, default 0.9
        Of both means, in [0, 1). PyTorch and optax call it rho; the paper takes 0.95.
    eps : float or schedule, default 1e-06
        >= 0, added under both roots.
    compat : {None, "torch", "optax"}
        Take the defaults of this peer; both have this formula. optax: no default learning rate, for
        without one it climbs.

    References
    ----------
    Zeiler (2012), ADADELTA: an adaptive learning rate method, algorithm 1.

    Examples
    --------
    >>> optimizer = ag.optimizers.adadelta(decay=0.75, eps=0.25)
    >>> params = np.asarray([1.0])
    >>> params, state = optimizer.step(params, np.asarray([3**0.5]), optimizer.init(params))
    >>> params.round(6)  # 1 - 0.5 / 1.0 * sqrt(3)
    array([0.133975])
    """
    ...
