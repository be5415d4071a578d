"""NovoGrad: gradients divided by a mean norm of the whole array."""

from __future__ import annotations

from typing import Any

from anygrad import trees
from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import decayed, norm
from anygrad.optimizers.slots import real_scalar, zeros
from anygrad.optimizers.transform import Transform

__all__ = ["novograd"]


@decayed
def novograd_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    m: Array,
    n: Array,
    *,
    learning_rate: Any,
    b1: Any,
    b2: Any,
    eps: Any,
    eps_root: Any,
    weight_decay: Any,
) -> tuple[Array, Array, Array]:
    """Ginsburg et al., algorithm 1; ``n`` is the root of their v, whose square may overflow."""
    g_norm = norm(xp, g)
    # the first step starts the mean; also where it was skipped, or its gradient was zero
    n = xp.where(n == 0.0, g_norm, trees.norm([b2**0.5 * n, (1 - b2) ** 0.5 * g_norm]))
    size = trees.norm([n, xp.full_like(n, eps_root**0.5)]) if eps_root else n
    u = g / (size + eps)
    u = u + weight_decay * p if weight_decay else u
    m = b1 * m + u
    return -learning_rate * m, m, n


@built_on(
    novograd_formula,
    {"m": zeros, "n": real_scalar},
    optax={"learning_rate": None, "b1": 0.9, "b2": 0.25, "eps": 1e-6},
)
def novograd(
    learning_rate: Hyperparameter = 1e-3,
    *,
    b1: Hyperparameter = 0.95,
    b2: Hyperparameter = 0.98,
    eps: Hyperparameter = 1e-8,
    eps_root: Hyperparameter = 0.0,
    weight_decay: Hyperparameter = 0.0,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """NovoGrad: gradients divided by the root of the mean square of their norm, with momentum.

    For each array ``v = b2 * v + (1 - b2) * |g|^2`` is one number, the square of the 2-norm over
    the whole array, kept as its root ``n``; ``m = b1 * m + g / (sqrt(v + eps_root) + eps) +
    weight_decay * p`` and ``p -= learning_rate * m``. The first ``|g|^2`` that is not 0 starts
    ``v``, so there is no bias to correct.

    Parameters
    ----------
    b1 : float or schedule, default 0.95
        In [0, 1). ``m`` is a sum and not a mean: steady steps have a length of
        ``learning_rate / (1 - b1)``.
    b2 : float or schedule, default 0.98
        Decay of the mean squared norm, in [0, 1). optax has 0.25.
    weight_decay : float or schedule, default 0
        >= 0. ``weight_decay * p`` goes past the norm, but into ``m``.

    References
    ----------
    Ginsburg et al. (2019), Stochastic gradient methods with layer-wise adaptive moments for
    training of deep networks, algorithm 1; the learning rate is that of its authors' code.

    Examples
    --------
    >>> optimizer = ag.optimizers.novograd(0.1)
    >>> params = np.asarray([1.0, 2.0])
    >>> params, state = optimizer.step(params, np.asarray([3.0, 4.0]), optimizer.init(params))
    >>> params.round(6), round(float(state["n"]), 6)
    (array([0.94, 1.92]), 5.0)
    """
    ...
