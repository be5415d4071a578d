"""Optimizers that divide by the size of past gradients: Adagrad and RMSprop."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.formula import make
from anygrad.optimizers.hyperparameters import Groups, Hyperparameter, Peers, choose
from anygrad.optimizers.keywords import explain_keywords
from anygrad.optimizers.pieces import abs2, descend, real_full, real_zeros, zeros
from anygrad.optimizers.transform import Transform

__all__ = ["adagrad", "rmsprop"]

ADAGRAD: dict[str, Any] = {
    "learning_rate": 1e-2,
    "lr_decay": 0.0,
    "eps": 1e-10,
    "eps_in_sqrt": False,
    "initial_accumulator": 0.0,
    "weight_decay": 0.0,
    "maximize": False,
}
ADAGRAD_OF_PEERS: Peers = {
    "torch": {},
    "optax": {
        "learning_rate": None,
        "eps": 1e-7,
        "eps_in_sqrt": True,
        "initial_accumulator": 0.1,
    },
}

RMSPROP: dict[str, Any] = {
    "learning_rate": 1e-3,
    "decay": 0.9,
    "eps": 1e-8,
    "eps_in_sqrt": False,
    "centered": False,
    "momentum": 0.0,
    "momentum_after_learning_rate": False,
    "weight_decay": 0.0,
    "maximize": False,
}
RMSPROP_OF_PEERS: Peers = {
    "torch": {"learning_rate": 1e-2, "decay": 0.99},
    "optax": {"learning_rate": None, "eps_in_sqrt": True, "momentum_after_learning_rate": True},
}


def adagrad_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    s: Array,
    t: int,
    *,
    learning_rate: Any,
    lr_decay: Any,
    eps: Any,
    eps_in_sqrt: bool,
    initial_accumulator: float,
    weight_decay: Any,
    maximize: bool,
) -> tuple[Array, Array]:
    """Duchi, Hazan, Singer, figure 1, with the diagonal matrix."""
    g = descend(g, p, weight_decay, maximize)
    s = s + abs2(xp, g)
    root = xp.sqrt(s + eps) if eps_in_sqrt else xp.sqrt(s) + eps
    return -(learning_rate / (1 + (t - 1) * lr_decay)) * g / root, s


def rmsprop_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    v: Array,
    a: Array,
    b: Array,
    *,
    learning_rate: Any,
    decay: Any,
    eps: Any,
    eps_in_sqrt: bool,
    centered: bool,
    momentum: Any,
    momentum_after_learning_rate: bool,
    weight_decay: Any,
    maximize: bool,
) -> tuple[Array, Array, Array, Array]:
    """Tieleman and Hinton; ``a`` of Graves, equations 38 to 41; ``b`` is a buffer as in `sgd`."""
    g = descend(g, p, weight_decay, maximize)
    v = decay * v + (1 - decay) * abs2(xp, g)
    variance = v
    if a is not None:
        a = decay * a + (1 - decay) * g
    if centered:
        variance = xp.maximum(v - abs2(xp, a), 0.0)  # rounding may leave less than nothing
    u = g / (xp.sqrt(variance + eps) if eps_in_sqrt else xp.sqrt(variance) + eps)
    if b is None:
        return -learning_rate * u, v, a, b
    if momentum_after_learning_rate:
        b = momentum * b + learning_rate * u
        return -b, v, a, b
    b = momentum * b + u
    return -learning_rate * b, v, a, b


@explain_keywords
def adagrad(
    learning_rate: Hyperparameter | None = None,
    *,
    lr_decay: Hyperparameter | None = None,
    eps: Hyperparameter | None = None,
    eps_in_sqrt: bool | None = None,
    initial_accumulator: float | None = None,
    weight_decay: Hyperparameter | None = None,
    maximize: bool | None = None,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adagrad: divide by the root of the sum of all squared gradients so far.

    ``s += |g|^2``, then ``p -= learning_rate / (1 + lr_decay * step) * g / (sqrt(s) + eps)``.
    ``eps`` stands outside the root, as in the paper and PyTorch; optax and Keras put it inside and
    start ``s`` at 0.1.

    Parameters
    ----------
    learning_rate : float or schedule, default 1e-2
        >= 0.
    lr_decay : float or schedule, default 0
        >= 0; 1 / (1 + lr_decay * step) multiplies the learning rate.
    eps : float or schedule, default 1e-10
        >= 0.
    eps_in_sqrt : bool, default False
        Divide by ``sqrt(s + eps)`` instead.
    initial_accumulator : float, default 0
        Start of ``s``, >= 0; a positive one keeps the first steps short.
    weight_decay : float or schedule, default 0
        Coupled: ``weight_decay * p`` is added to the gradient.
    maximize : bool, default False
        Climb rather than descend.
    groups : list of (pattern, dict)
        Other hyperparameters for the leaves whose path matches.
    compat : {None, "torch", "optax"}
        Take the defaults and switches of this peer. torch: as ours. optax: eps 1e-7 inside the
        root, ``s`` starts at 0.1, no default learning rate.

    Returns
    -------
    Transform
        State: ``step``, ``learning_rate``, ``s`` (real where the parameter is complex).

    Raises
    ------
    ArgumentError
        If a value is outside its range; names it.

    References
    ----------
    Duchi, Hazan, Singer (2011), Adaptive subgradient methods for online learning, figure 1.

    Examples
    --------
    >>> optimizer = ag.optimizers.adagrad(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.9, -1.9])
    """
    given = {
        "learning_rate": learning_rate,
        "lr_decay": lr_decay,
        "eps": eps,
        "eps_in_sqrt": eps_in_sqrt,
        "initial_accumulator": initial_accumulator,
        "weight_decay": weight_decay,
        "maximize": maximize,
    }
    checked = choose("adagrad", given, ADAGRAD, ADAGRAD_OF_PEERS, compat, groups)
    return make(adagrad_formula, {"s": _start_sum}, checked)


@explain_keywords
def rmsprop(
    learning_rate: Hyperparameter | None = None,
    *,
    decay: Hyperparameter | None = None,
    eps: Hyperparameter | None = None,
    eps_in_sqrt: bool | None = None,
    centered: bool | None = None,
    momentum: Hyperparameter | None = None,
    momentum_after_learning_rate: bool | None = None,
    weight_decay: Hyperparameter | None = None,
    maximize: bool | None = None,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """RMSprop: divide by the root of the mean of recent squared gradients.

    ``v = decay * v + (1 - decay) * |g|^2``, then ``p -= learning_rate * g / (sqrt(v) + eps)``.
    ``eps`` stands outside the root as in PyTorch; optax and Keras put it inside. With momentum,
    ``b = momentum * b + g / (sqrt(v) + eps)`` and ``p -= learning_rate * b``. No bias correction.

    Parameters
    ----------
    learning_rate : float or schedule, default 1e-3
        >= 0.
    decay : float or schedule, default 0.9
        Of the mean square, in [0, 1). PyTorch calls it alpha and takes 0.99.
    eps : float or schedule, default 1e-8
        >= 0.
    eps_in_sqrt : bool, default False
        Divide by ``sqrt(v + eps)`` instead.
    centered : bool, default False
        Subtract the squared mean gradient: divide by an estimate of the standard deviation.
    momentum : float or schedule, default 0
        In [0, 1]; with 0 there is no buffer.
    momentum_after_learning_rate : bool, default False
        Put the learning rate inside the buffer, ``b = momentum * b + learning_rate * g / ...``; the
        two differ once the rate changes.
    weight_decay : float or schedule, default 0
        Coupled: ``weight_decay * p`` is added to the gradient.
    maximize : bool, default False
        Climb rather than descend.
    groups : list of (pattern, dict)
        Other hyperparameters for the leaves whose path matches.
    compat : {None, "torch", "optax"}
        Take the defaults and switches of this peer. torch: learning rate 1e-2, decay 0.99. optax:
        eps inside the root, momentum after the learning rate, no default learning rate.

    Returns
    -------
    Transform
        State: ``step``, ``learning_rate``, ``v`` (real where the parameter is complex), the mean
        gradient ``a`` if centered, the buffer ``b`` with momentum.

    Raises
    ------
    ArgumentError
        If a value is outside its range; names it.

    References
    ----------
    Tieleman, Hinton (2012), lecture 6.5 of Neural networks for machine learning. Graves (2013),
    Generating sequences with recurrent neural networks, equations 38 to 41 (centered; there ``eps``
    stands inside the root).

    Examples
    --------
    >>> optimizer = ag.optimizers.rmsprop(0.1, decay=0.75)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.8, -1.8])
    """
    given = {
        "learning_rate": learning_rate,
        "decay": decay,
        "eps": eps,
        "eps_in_sqrt": eps_in_sqrt,
        "centered": centered,
        "momentum": momentum,
        "momentum_after_learning_rate": momentum_after_learning_rate,
        "weight_decay": weight_decay,
        "maximize": maximize,
    }
    checked = choose("rmsprop", given, RMSPROP, RMSPROP_OF_PEERS, compat, groups)
    starts = {
        "v": real_zeros,
        "a": zeros if checked.uses("centered") else None,
        "b": zeros if checked.uses("momentum") else None,
    }
    return make(rmsprop_formula, starts, checked)


def _start_sum(xp: Namespace, p: Array, *, initial_accumulator: float, **others: Any) -> Array:
    return real_full(xp, p, initial_accumulator)
