"""Optimizers that divide by the size of past gradients: Adagrad and RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import abs2, decayed
from anygrad.optimizers.slots import When, real_full, zeros
from anygrad.optimizers.transform import Transform

__all__ = ["adagrad", "rmsprop"]


@decayed
def adagrad_formula(
    xp: Namespace,
    g: Array,
    s: Array,
    t: int,
    *,
    learning_rate: Any,
    lr_decay: Any,
    eps: Any,
    eps_in_sqrt: bool,
    initial_accumulator: float,
) -> tuple[Array, Array]:
    """Duchi, Hazan, Singer, figure 1, with the diagonal matrix."""
    s = s + abs2(xp, g)
    root = xp.sqrt(s + eps) if eps_in_sqrt else xp.sqrt(s) + eps
    return -(learning_rate / (1 + (t - 1) * lr_decay)) * g / root, s


def start_accumulator(xp: Namespace, p: Array, *, initial_accumulator: float, **_: Any) -> Array:
    """Start the sum of squares."""
    return real_full(xp, p, initial_accumulator)


@decayed
def rmsprop_formula(
    xp: Namespace,
    g: Array,
    v: Array,
    a: Array,
    b: Array,
    t: int,
    *,
    learning_rate: Any,
    decay: Any,
    eps: Any,
    eps_in_sqrt: bool,
    initial_accumulator: float,
    bias_correction: bool,
    centered: bool,
    momentum: Any,
    nesterov: bool,
    learning_rate_in_buffer: bool,
) -> tuple[Array, Array, Array, Array]:
    """Tieleman and Hinton; ``a`` of Graves, equations 38 to 41; ``b`` is a buffer as in `sgd`."""
    v = decay * v + (1 - decay) * abs2(xp, g)
    variance = v / (1 - decay**t) if bias_correction else v
    if a is not None:
        a = decay * a + (1 - decay) * g
    if centered:
        mean = a / (1 - decay**t) if bias_correction else a
        variance = xp.maximum(variance - abs2(xp, mean), 0.0)  # rounding may leave less than 0
    u = g / (xp.sqrt(variance + eps) if eps_in_sqrt else xp.sqrt(variance) + eps)
    if b is None:
        return -learning_rate * u, v, a, b
    if learning_rate_in_buffer:
        u = learning_rate * u
        b = momentum * b + u
        return -(u + momentum * b if nesterov else b), v, a, b
    b = momentum * b + u
    return -learning_rate * (u + momentum * b if nesterov else b), v, a, b


def check_momentum(where: str, row: Mapping[str, Any]) -> None:
    """Refuse Nesterov's variant without what it needs."""
    if row["nesterov"] and not row["momentum"]:
        message = f"{where}(nesterov): got True; expected momentum > 0 with it."
        raise ArgumentError(message)


@built_on(
    adagrad_formula,
    {"s": start_accumulator},
    torch={},
    optax={
        "learning_rate": None,
        "eps": 1e-7,
        "eps_in_sqrt": True,
        "initial_accumulator": 0.1,
    },
)
def adagrad(
    learning_rate: Hyperparameter = 1e-2,
    *,
    lr_decay: Hyperparameter = 0.0,
    eps: Hyperparameter = 1e-10,
    eps_in_sqrt: bool = False,
    initial_accumulator: float = 0.0,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adagrad: divide by the root of the sum of all squared gradients so far.

    ``s += |g|^2``, then ``p -= learning_rate / (1 + lr_decay * step) * g / (sqrt(s) + eps)``.
    ``eps`` stands outside the root, as in the paper and PyTorch; optax and Keras put it inside and
    start ``s`` at 0.1.

    Parameters
    ----------
    lr_decay : float or schedule, default 0
        >= 0; 1 / (1 + lr_decay * step) multiplies the learning rate.
    eps : float or schedule, default 1e-10
        >= 0.
    eps_in_sqrt : bool, default False
        Divide by ``sqrt(s + eps)`` instead.
    initial_accumulator : float, default 0
        Start of ``s``, >= 0; a positive one keeps the first steps short.
    compat : {None, "torch", "optax"}
        Take the defaults and switches of this peer. torch: as ours. optax: eps 1e-7 inside the
        root, ``s`` starts at 0.1, no default learning rate.

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
    ...


@built_on(
    rmsprop_formula,
    {"v": start_accumulator, "a": When("centered", zeros), "b": When("momentum", zeros)},
    torch={"learning_rate": 1e-2, "decay": 0.99},
    optax={"learning_rate": None, "eps_in_sqrt": True, "learning_rate_in_buffer": True},
    check=check_momentum,
)
def rmsprop(
    learning_rate: Hyperparameter = 1e-3,
    *,
    decay: Hyperparameter = 0.9,
    eps: Hyperparameter = 1e-8,
    eps_in_sqrt: bool = False,
    initial_accumulator: float = 0.0,
    bias_correction: bool = False,
    centered: bool = False,
    momentum: Hyperparameter = 0.0,
    nesterov: bool = False,
    learning_rate_in_buffer: bool = False,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """RMSprop: divide by the root of the mean of recent squared gradients.

    ``v = decay * v + (1 - decay) * |g|^2``, then ``p -= learning_rate * g / (sqrt(v) + eps)``.
    ``eps`` stands outside the root as in PyTorch; optax and Keras put it inside. With momentum,
    ``b = momentum * b + g / (sqrt(v) + eps)`` and ``p -= learning_rate * b``.

    Parameters
    ----------
    decay : float or schedule, default 0.9
        Of the mean square, in [0, 1). PyTorch calls it alpha and takes 0.99.
    eps : float or schedule, default 1e-8
        >= 0.
    eps_in_sqrt : bool, default False
        Divide by ``sqrt(v + eps)`` instead.
    initial_accumulator : float, default 0
        Start of ``v``, >= 0; a positive one keeps the first steps short.
    bias_correction : bool, default False
        Divide both means by ``1 - decay**t`` first.
    centered : bool, default False
        Subtract the squared mean gradient: divide by an estimate of the standard deviation.
    momentum : float or schedule, default 0
        In [0, 1]; with 0 there is no buffer.
    nesterov : bool, default False
        Look ahead, ``p -= learning_rate * (g / (sqrt(v) + eps) + momentum * b)``; needs momentum.
    learning_rate_in_buffer : bool, default False
        Put the learning rate inside the buffer, ``b = momentum * b + learning_rate * g / ...``; the
        two differ once the rate changes.
    compat : {None, "torch", "optax"}
        Take the defaults and switches of this peer. torch: learning rate 1e-2, decay 0.99. optax:
        eps inside the root, the learning rate in the buffer, no default learning rate.

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
    ...
