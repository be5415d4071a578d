"""Optimizers that step by the sign alone: sign-SGD, Signum and Lion."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import decayed
from anygrad.optimizers.slots import zeros
from anygrad.optimizers.transform import Transform
from anygrad.ranges import Range

__all__ = ["lion", "sign_sgd", "signum"]


@decayed
def sign_sgd_formula(xp: Namespace, g: Array, *, learning_rate: Any) -> Array:
    """Bernstein et al., algorithm 1."""
    return -learning_rate * xp.sign(g)


@decayed
def signum_formula(
    xp: Namespace, g: Array, m: Array, *, learning_rate: Any, momentum: Any
) -> tuple[Array, Array]:
    """Bernstein et al., algorithm 2."""
    m = momentum * m + (1 - momentum) * g
    return -learning_rate * xp.sign(m), m


@decayed
def lion_formula(
    xp: Namespace, g: Array, m: Array, *, learning_rate: Any, b1: Any, b2: Any
) -> tuple[Array, Array]:
    """Chen et al., algorithm 2."""
    c = b1 * m + (1 - b1) * g
    m = b2 * m + (1 - b2) * g
    return -learning_rate * xp.sign(c), m


@built_on(sign_sgd_formula, optax={})
def sign_sgd(
    learning_rate: Hyperparameter | None = None,
    *,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Sign-SGD: every number moves by the learning rate, against its gradient.

    ``p -= learning_rate * sign(g)``, with ``sign(0) = 0``, and ``g / |g|`` for complex ``g``.

    Parameters
    ----------
    learning_rate : float or schedule
        >= 0; there is no usual value.

    References
    ----------
    Bernstein, Wang, Azizzadenesheli, Anandkumar (2018), signSGD: compressed optimisation for
    non-convex problems, algorithm 1.

    Examples
    --------
    >>> optimizer = ag.optimizers.sign_sgd(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params
    array([ 0.9, -1.9])
    """
    ...


@built_on(
    signum_formula,
    {"m": zeros},
    optax={},
    allowed={"momentum": Range(0, 1, open_high=True)},
)
def signum(
    learning_rate: Hyperparameter | None = None,
    *,
    momentum: Hyperparameter = 0.9,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Signum: step by the sign of the mean gradient.

    ``m = momentum * m + (1 - momentum) * g``, then ``p -= learning_rate * sign(m)``, with
    ``sign(0) = 0``, and ``m / |m|`` for complex ``m``.

    Parameters
    ----------
    learning_rate : float or schedule
        >= 0; there is no usual value.
    momentum : float or schedule, default 0.9
        Decay of the mean gradient, in [0, 1).

    References
    ----------
    Bernstein, Wang, Azizzadenesheli, Anandkumar (2018), signSGD: compressed optimisation for
    non-convex problems, algorithm 2.

    Examples
    --------
    >>> optimizer = ag.optimizers.signum(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params
    array([ 0.9, -1.9])
    """
    ...


@built_on(
    lion_formula,
    {"m": zeros},
    optax={"learning_rate": None, "weight_decay": 1e-3},
    fixed={"decoupled_weight_decay": True},
)
def lion(
    learning_rate: Hyperparameter = 1e-4,
    *,
    b1: Hyperparameter = 0.9,
    b2: Hyperparameter = 0.99,
    weight_decay: Hyperparameter = 0.0,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Lion: step by the sign of a mean that weighs the newest gradient more.

    ``c = b1 * m + (1 - b1) * g``, ``m = b2 * m + (1 - b2) * g``, then
    ``p -= learning_rate * sign(c)``, with ``sign(0) = 0``, and ``c / |c|`` for complex ``c``. The
    learning rate is 3 to 10 times smaller than that of `adamw`, the weight decay as much larger.

    Parameters
    ----------
    b1 : float or schedule, default 0.9
        Weight of the mean gradient in the step, in [0, 1).
    b2 : float or schedule, default 0.99
        Decay of the mean gradient, in [0, 1).
    compat : {None, "optax"}
        optax: weight decay 1e-3, no default learning rate.

    References
    ----------
    Chen et al. (2023), Symbolic discovery of optimization algorithms, algorithm 2.

    Examples
    --------
    >>> optimizer = ag.optimizers.lion(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params
    array([ 0.9, -1.9])
    """
    ...
