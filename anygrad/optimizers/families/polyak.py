"""Gradient descent by the step that Polyak computes from the value of the objective."""

from __future__ import annotations

from typing import Any

from anygrad import trees
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.slots import Shared
from anygrad.optimizers.transform import Transform
from anygrad.ranges import NOT_NEGATIVE
from anygrad.trees.placing import move

__all__ = ["polyak_sgd"]


def polyak_formula(
    xp: Namespace, g: Array, eta: Array, *, learning_rate: Any, scaling: Any
) -> Array:
    """Descend by ``eta``."""
    return -(learning_rate * scaling * eta) * g


def polyak_reduction(
    xp: Namespace,
    g: Tree,
    value: Any,
    *,
    max_learning_rate: Any,
    scaling: Any,
    f_min: Any,
    eps: Any,
    variant: str,
) -> Array:
    """Loizou et al., SPS_max with c = 1."""
    n = scaling * trees.norm(g)
    n = trees.norm([n, eps**0.5 + 0.0 * n]) if eps else n
    gap = move(xp.asarray(value, dtype=n.dtype), n) - f_min
    gap = xp.maximum(gap, 0.0) if variant == "sps+" else gap
    moves = n > 0
    safe = xp.where(moves, n, xp.ones_like(n))
    eta = xp.minimum(gap / safe / safe, max_learning_rate)  # the square of n may overflow
    return xp.where(moves, eta, xp.zeros_like(eta))


@built_on(
    polyak_formula,
    {"eta": Shared(lambda params, **_: 0.0)},
    optax={},
    reduction=polyak_reduction,
    allowed={
        "max_learning_rate": NOT_NEGATIVE,
        "scaling": NOT_NEGATIVE,
        "variant": ("sps", "sps+"),
    },
)
def polyak_sgd(
    learning_rate: Hyperparameter = 1.0,
    *,
    max_learning_rate: Hyperparameter = 1.0,
    scaling: Hyperparameter = 1.0,
    f_min: Hyperparameter = 0.0,
    eps: Hyperparameter = 0.0,
    variant: str = "sps",
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Gradient descent by Polyak's step, from the value of the objective and its least value.

    ``eta = min((value - f_min) / (|g|^2 + eps), max_learning_rate)`` with the norm over the whole
    tree, then ``p -= learning_rate * eta * g``; no step where all gradients are 0. Every step needs
    the objective at the parameters, where the gradients are: ``step(params, grads, state,
    value=loss)``.

    Parameters
    ----------
    learning_rate : float or schedule, default 1
        >= 0; multiplies ``eta``.
    max_learning_rate : float or schedule, default 1
        >= 0, largest ``eta``. All from here on are the same for all groups.
    scaling : float or schedule, default 1
        >= 0; multiplies the gradient, before its norm is taken, as in optax: the step is *divided*
        by it where ``max_learning_rate`` does not limit it.
    f_min : float or schedule, default 0
        A lower bound of the objective, best its least value.
    eps : float or schedule, default 0
        >= 0, added to the squared norm.
    variant : {"sps", "sps+"}
        Whether a value below ``f_min`` climbs, or stands still.
    compat : {None, "optax"}
        optax has this formula and these defaults. (It makes no step where ``|g| < 1.5e-8``.)

    References
    ----------
    Polyak (1969), Minimization of unsmooth functionals. Loizou et al. (2021), Stochastic Polyak
    step-size for SGD, SPS_max with c = 1. Garrigos et al. (2023), Function value learning: adaptive
    learning rates based on the Polyak stepsize, for "sps+".

    Examples
    --------
    >>> optimizer = ag.optimizers.polyak_sgd()
    >>> x = np.asarray([3.0, 4.0])  # of the objective |x|^2
    >>> x, state = optimizer.step(x, 2 * x, optimizer.init(x), value=25.0)
    >>> x
    array([1.5, 2. ])
    """
    ...
