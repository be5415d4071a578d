"""Optimizers that keep a mean and a mean square of the gradient: Adam and its family."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.formula import make
from anygrad.optimizers.hyperparameters import Groups, Hyperparameter, Peers, choose
from anygrad.optimizers.keywords import explain_keywords
from anygrad.optimizers.pieces import abs2, descend, real_zeros, zeros
from anygrad.optimizers.transform import Transform

__all__ = ["adam", "adamw"]

ADAM: dict[str, Any] = {
    "learning_rate": 1e-3,
    "b1": 0.9,
    "b2": 0.999,
    "eps": 1e-8,
    "eps_root": 0.0,
    "weight_decay": 0.0,
    "maximize": False,
}
ADAM_OF_PEERS: Peers = {"torch": {}, "optax": {"learning_rate": None}}

ADAMW = {**ADAM, "weight_decay": 1e-2}
ADAMW_OF_PEERS: Peers = {
    "torch": {},
    "optax": {"learning_rate": None, "weight_decay": 1e-4},
}

SLOTS = {"m": zeros, "v": real_zeros}


def adam_formula(
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
    weight_decay: Any,
    maximize: bool,
) -> tuple[Array, Array, Array]:
    """Kingma and Ba, algorithm 1."""
    g = descend(g, p, weight_decay, maximize)
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * abs2(xp, g)
    m_hat = m / (1 - b1**t)
    v_hat = v / (1 - b2**t)
    return -learning_rate * m_hat / (xp.sqrt(v_hat + eps_root) + eps), m, v


def adamw_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    learning_rate: Any,
    weight_decay: Any,
    **others: Any,
) -> tuple[Array, Array, Array]:
    """Loshchilov and Hutter, algorithm 2: Adam, and the decay beside it."""
    u, m, v = adam_formula(
        xp, g, p, m, v, t, learning_rate=learning_rate, weight_decay=0.0, **others
    )
    return u - (learning_rate * weight_decay) * p if weight_decay else u, m, v


@explain_keywords
def adam(
    learning_rate: Hyperparameter | None = None,
    *,
    b1: Hyperparameter | None = None,
    b2: Hyperparameter | None = None,
    eps: Hyperparameter | None = None,
    eps_root: Hyperparameter | None = None,
    weight_decay: Hyperparameter | None = None,
    maximize: bool | None = None,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adam: step by the mean gradient over the root of its mean square.

    ``m = b1 * m + (1 - b1) * g`` and ``v = b2 * v + (1 - b2) * |g|^2``, both divided by ``1 -
    b**t`` (in double precision, whatever the dtype), then
    ``p -= learning_rate * m_hat / (sqrt(v_hat + eps_root) + eps)``: ``eps`` stands outside the root
    and after the bias correction, as in the paper, PyTorch and optax (Keras differs).

    Parameters
    ----------
    learning_rate : float or schedule, default 1e-3
        >= 0.
    b1, b2 : float or schedule, default 0.9 and 0.999
        Decay of the two means, in [0, 1).
    eps : float or schedule, default 1e-8
        >= 0, added to the root.
    eps_root : float or schedule, default 0
        >= 0, added under the root; makes the step differentiable at zero gradients.
    weight_decay : float or schedule, default 0
        Coupled: ``weight_decay * p`` is added to the gradient and so passes through both means.
        `adamw` has the decoupled form, which most users want.
    maximize : bool, default False
        Climb rather than descend.
    groups : list of (pattern, dict)
        Other hyperparameters for the leaves whose path matches.
    compat : {None, "torch", "optax"}
        Take the defaults of this peer; both have this formula. (PyTorch treats the real and
        imaginary parts of complex parameters as two numbers; here they share one ``|g|^2``.)

    Returns
    -------
    Transform
        State: ``step``, ``learning_rate``, ``m``, ``v`` (real where the parameter is complex).

    Raises
    ------
    ArgumentError
        If a value is outside its range; names it.

    References
    ----------
    Kingma, Ba (2015), Adam: a method for stochastic optimization, algorithm 1.

    Examples
    --------
    >>> optimizer = ag.optimizers.adam(0.1)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params.round(6)
    array([ 0.9, -1.9])
    """
    given = {
        "learning_rate": learning_rate,
        "b1": b1,
        "b2": b2,
        "eps": eps,
        "eps_root": eps_root,
        "weight_decay": weight_decay,
        "maximize": maximize,
    }
    return make(adam_formula, SLOTS, choose("adam", given, ADAM, ADAM_OF_PEERS, compat, groups))


@explain_keywords
def adamw(
    learning_rate: Hyperparameter | None = None,
    *,
    b1: Hyperparameter | None = None,
    b2: Hyperparameter | None = None,
    eps: Hyperparameter | None = None,
    eps_root: Hyperparameter | None = None,
    weight_decay: Hyperparameter | None = None,
    maximize: bool | None = None,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Adam with decoupled weight decay.

    The step of `adam`, and beside it ``p -= learning_rate * weight_decay * p``: the decay is
    multiplied by the learning rate (and follows its schedule), but does not pass through the means.

    Parameters
    ----------
    learning_rate : float or schedule, default 1e-3
        >= 0.
    b1, b2 : float or schedule, default 0.9 and 0.999
        Decay of the two means, in [0, 1).
    eps : float or schedule, default 1e-8
        >= 0, added to the root.
    eps_root : float or schedule, default 0
        >= 0, added under the root.
    weight_decay : float or schedule, default 0.01
        >= 0. PyTorch's default is the same, optax's is 1e-4.
    maximize : bool, default False
        Climb rather than descend; the decay still shrinks the parameters.
    groups : list of (pattern, dict)
        Other hyperparameters for the leaves whose path matches: ``[("*bias", {"weight_decay":
        0.0})]``.
    compat : {None, "torch", "optax"}
        Take the defaults of this peer; both have this formula.

    Returns
    -------
    Transform
        State: ``step``, ``learning_rate``, ``m``, ``v`` (real where the parameter is complex).

    Raises
    ------
    ArgumentError
        If a value is outside its range; names it.

    References
    ----------
    Loshchilov, Hutter (2019), Decoupled weight decay regularization, algorithm 2; the learning rate
    stands for both its step size and its schedule multiplier, as in PyTorch.

    Examples
    --------
    >>> optimizer = ag.optimizers.adamw(0.1, weight_decay=0.5)
    >>> params = np.asarray([1.0, -2.0])
    >>> params, state = optimizer.step(params, 0 * params, optimizer.init(params))
    >>> params
    array([ 0.95, -1.9 ])
    """
    given = {
        "learning_rate": learning_rate,
        "b1": b1,
        "b2": b2,
        "eps": eps,
        "eps_root": eps_root,
        "weight_decay": weight_decay,
        "maximize": maximize,
    }
    return make(adamw_formula, SLOTS, choose("adamw", given, ADAMW, ADAMW_OF_PEERS, compat, groups))
