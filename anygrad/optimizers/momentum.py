"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError
from anygrad.optimizers.formula import make
from anygrad.optimizers.hyperparameters import Groups, Hyperparameter, Peers, choose
from anygrad.optimizers.keywords import explain_keywords
from anygrad.optimizers.pieces import descend, zeros
from anygrad.optimizers.transform import Transform

__all__ = ["sgd"]

SGD: dict[str, Any] = {
    "learning_rate": None,
    "momentum": 0.0,
    "dampening": 0.0,
    "nesterov": False,
    "weight_decay": 0.0,
    "maximize": False,
}
SGD_OF_PEERS: Peers = {"torch": {"learning_rate": 1e-3}, "optax": {}}


def sgd_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    b: Array,
    t: int,
    *,
    learning_rate: Any,
    momentum: Any,
    dampening: Any,
    nesterov: bool,
    weight_decay: Any,
    maximize: bool,
) -> tuple[Array, Array]:
    """Heavy ball; without the buffer ``b``, plain descent."""
    g = descend(g, p, weight_decay, maximize)
    if b is None:
        return -learning_rate * g, None
    b = momentum * b + (1 - dampening * (t > 1)) * g
    return -learning_rate * (g + momentum * b if nesterov else b), b


@explain_keywords
def sgd(
    learning_rate: Hyperparameter | None = None,
    *,
    momentum: Hyperparameter | None = None,
    dampening: Hyperparameter | None = None,
    nesterov: bool | None = None,
    weight_decay: Hyperparameter | None = None,
    maximize: bool | None = None,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Gradient descent, with momentum and Nesterov's variant.

    ``b = momentum * b + g``, then ``p -= learning_rate * b``; with ``nesterov``,
    ``p -= learning_rate * (g + momentum * b)``. The buffer does not contain the learning rate, so
    that a drop of the rate acts at once.

    Parameters
    ----------
    learning_rate : float or schedule
        >= 0; there is no usual value.
    momentum : float or schedule, default 0
        In [0, 1]; with 0 there is no buffer.
    dampening : float or schedule, default 0
        In [0, 1]; from the second step on the gradient enters the buffer times ``1 - dampening``.
    nesterov : bool, default False
        Look ahead; needs momentum and no dampening.
    weight_decay : float or schedule, default 0
        Coupled: ``weight_decay * p`` is added to the gradient.
    maximize : bool, default False
        Climb rather than descend.
    groups : list of (pattern, dict)
        Other hyperparameters for the leaves whose path matches.
    compat : {None, "torch", "optax"}
        Take the defaults of this peer (torch: learning rate 1e-3); the formula is the same.

    Returns
    -------
    Transform
        State: ``step``, ``learning_rate``, and with momentum ``b``.

    Raises
    ------
    ArgumentError
        If a value is outside its range; names it.

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods. Sutskever et
    al. (2013), On the importance of initialization and momentum in deep learning, in the form of
    PyTorch.

    Examples
    --------
    >>> optimizer = ag.optimizers.sgd(0.1, momentum=0.9)
    >>> params = np.asarray([1.0])
    >>> params, state = optimizer.step(params, 2 * params, optimizer.init(params))
    >>> params
    array([0.8])
    """
    given = {
        "learning_rate": learning_rate,
        "momentum": momentum,
        "dampening": dampening,
        "nesterov": nesterov,
        "weight_decay": weight_decay,
        "maximize": maximize,
    }
    checked = choose("sgd", given, SGD, SGD_OF_PEERS, compat, groups)
    for row in checked.rows:
        _check_nesterov(row)
    return make(sgd_formula, {"b": zeros if checked.uses("momentum") else None}, checked)


def _check_nesterov(row: dict[str, Any]) -> None:
    if row["nesterov"] and not (row["momentum"] and row["dampening"] == 0.0):
        message = "sgd(nesterov): got True; expected momentum > 0 and dampening = 0 with it."
        raise ArgumentError(message)
