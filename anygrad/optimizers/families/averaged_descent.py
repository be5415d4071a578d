"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.rules.factories import built_on
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.once import hosted_once
from anygrad.optimizers.rules.pieces import decayed
from anygrad.optimizers.slots import Number, copy
from anygrad.optimizers.transform import Transform
from anygrad.ranges import NOT_NEGATIVE

__all__ = ["asgd"]


@decayed
def asgd_formula(
    xp: Namespace,
    g: Array,
    p: Array,
    average: Array,
    eta: float,
    t: int,
    *,
    learning_rate: Any,
    lambd: Any,
    alpha: Any,
    t0: Any,
) -> tuple[Array, Array, float]:
    """Polyak and Juditsky, equation 3; the rate ``eta`` of Bottou, section 5.2."""
    u = -eta * (g + lambd * p)
    mu = 1 / hosted_once(steps_after, t, t0)
    average = (1 - mu) * average + mu * (p + u)
    return u, average, learning_rate / (1 + lambd * learning_rate * t) ** alpha


def steps_after(t: int, t0: float) -> float:
    """Count the steps that enter the average, at least 1."""
    return max(1.0, t - 1 - t0)


@built_on(
    asgd_formula,
    {"average": copy, "eta": Number(lambda learning_rate, **_: learning_rate)},
    torch={},
    fixed={"decoupled_weight_decay": False, "fixed_decay": False},
    allowed=dict.fromkeys(("lambd", "alpha", "t0"), NOT_NEGATIVE),
)
def asgd(
    learning_rate: Hyperparameter = 1e-2,
    *,
    lambd: Hyperparameter = 1e-4,
    alpha: Hyperparameter = 0.75,
    t0: Hyperparameter = 1e6,
    weight_decay: Hyperparameter = 0.0,
    maximize: bool = False,
    groups: Groups = (),
    compat: str | None = None,
) -> Transform:
    """Averaged gradient descent: beside the parameters, the mean of those of all late steps.

    ``p -= eta * (g + lambd * p)`` with ``eta = learning_rate / (1 + lambd * learning_rate *
    (t - 1))**alpha`` in step t = 1, 2, ...; then ``average += (p - average) / max(1, t - 1 - t0)``,
    which is ``p`` itself up to step ``t0 + 2`` and the mean of the parameters from there on. Use
    ``state["average"]`` where you would use the parameters at the end.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        >= 0. ``eta`` is kept from step to step as in PyTorch, so a change of a schedule acts one
        step late.
    lambd : float or schedule, default 0.0001
        >= 0, decay of the parameters and of the learning rate.
    alpha : float or schedule, default 0.75
        >= 0, power by which the learning rate falls.
    t0 : float or schedule, default 1e+06
        >= 0, steps before averaging begins; the default is PyTorch's, and seldom right.
    weight_decay : float or schedule, default 0
        >= 0. Coupled: ``weight_decay * p`` is added to the gradient, as ``lambd * p`` is.
    compat : {None, "torch"}
        PyTorch has this formula and these defaults.

    References
    ----------
    Polyak, Juditsky (1992), Acceleration of stochastic approximation by averaging. Bottou (2012),
    Stochastic gradient descent tricks, section 5.2 for the learning rate.

    Examples
    --------
    >>> optimizer = ag.optimizers.asgd(0.1, lambd=0.0, t0=0)
    >>> params = np.asarray([1.0])
    >>> state = optimizer.init(params)
    >>> for _ in range(3):
    ...     params, state = optimizer.step(params, np.asarray([2.0]), state)
    >>> params.round(6), state["average"].round(6)  # the mean of 0.6 and 0.4
    (array([0.4]), array([0.5]))
    """
    ...
