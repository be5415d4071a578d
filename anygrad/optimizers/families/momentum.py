"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.errors import ArgumentError
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import decayed
from anygrad.optimizers.slots import When, zeros
from anygrad.optimizers.transform import Transform

__all__ = ["sgd"]


@decayed
def sgd_formula(
    xp: Namespace,
    g: Array,
    b: Array,
    t: int,
    *,
    learning_rate: Any,
    momentum: Any,
    dampening: Any,
    nesterov: bool,
    learning_rate_in_buffer: bool,
) -> tuple[Array, Array]:
    """Heavy ball; without the buffer ``b``, plain descent."""
    if b is None or not momentum:
        return -learning_rate * g, b
    g = (1 - dampening * (t > 1)) * g if dampening else g
    if learning_rate_in_buffer:
        b = momentum * b + learning_rate * g
        return -(learning_rate * g + momentum * b if nesterov else b), b
    b = momentum * b + g
    return -learning_rate * (g + momentum * b if nesterov else b), b


def check_nesterov(where: str, row: Mapping[str, Any]) -> None:
    """Refuse Nesterov's variant without what it needs."""
    if row["nesterov"] and not (row["momentum"] and row["dampening"] == 0.0):
        message = f"{where}(nesterov): got True; expected momentum > 0 and dampening = 0 with it."
        raise ArgumentError(message)


@built_on(
    sgd_formula,
    {"b": When("momentum", zeros)},
    torch={"learning_rate": 1e-3},
    optax={},
    check=check_nesterov,
)
def sgd(
    learning_rate: Hyperparameter | None = None,
    *,
    momentum: Hyperparameter = 0.0,
    dampening: Hyperparameter = 0.0,
    nesterov: bool = False,
    learning_rate_in_buffer: bool = False,
    weight_decay: Hyperparameter = 0.0,
    decoupled_weight_decay: bool = False,
    fixed_decay: bool = False,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Gradient descent, with momentum and Nesterov's variant.

    ``b = momentum * b + g``, then ``p -= learning_rate * b``; with ``nesterov``,
    ``p -= learning_rate * (g + momentum * b)``. The buffer does not contain the learning rate, so
    that a drop of the rate acts at once; in Keras it does.

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
    learning_rate_in_buffer : bool, default False
        Whether gradients enter the buffer times the learning rate: ``b = momentum * b +
        learning_rate * g``, ``p -= b``.

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
    ...
