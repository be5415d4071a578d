"""Small parts for chains: multiply the updates, add weight decay."""

from __future__ import annotations

from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.formula import from_formula
from anygrad.optimizers.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.transform import Transform

__all__ = ["add_weight_decay", "scale", "scale_by_learning_rate"]


def scale_formula(xp: Namespace, g: Array, *, factor: Any) -> Array:
    """Multiply."""
    return factor * g


def scale_by_learning_rate_formula(xp: Namespace, g: Array, *, learning_rate: Any) -> Array:
    """Turn a direction of ascent into an update."""
    return -learning_rate * g


def add_weight_decay_formula(xp: Namespace, g: Array, p: Array, *, weight_decay: Any) -> Array:
    """Add the gradient of ``weight_decay / 2 * |p|^2``."""
    return g + weight_decay * p


def scale(factor: Hyperparameter, *, groups: Groups = ()) -> Transform:
    """Multiply gradients or updates by a number.

    Parameters
    ----------
    factor : float or schedule
        Any finite number.
    groups : list of (pattern, dict)
        Another factor for the leaves whose path matches.

    Returns
    -------
    Transform
        Without state, or with ``step`` if the factor is a schedule.

    Examples
    --------
    >>> half = ag.optimizers.scale(0.5)
    >>> half.update(np.asarray([1.0, 2.0]), {}, np.zeros(2))[0]
    array([0.5, 1. ])
    """
    return from_formula(scale_formula, factor=factor, groups=groups)


def scale_by_learning_rate(learning_rate: Hyperparameter, *, groups: Groups = ()) -> Transform:
    """Multiply a direction by minus the learning rate; the end of a chain made of parts.

    Parameters
    ----------
    learning_rate : float or schedule
        >= 0.
    groups : list of (pattern, dict)
        Another learning rate for the leaves whose path matches.

    Returns
    -------
    Transform
        State: ``step``, ``learning_rate``.

    Examples
    --------
    >>> descend = ag.optimizers.scale_by_learning_rate(0.1)
    >>> params = np.asarray([1.0])
    >>> descend.step(params, np.asarray([2.0]), descend.init(params))[0]
    array([0.8])
    """
    return from_formula(scale_by_learning_rate_formula, learning_rate=learning_rate, groups=groups)


def add_weight_decay(weight_decay: Hyperparameter, *, groups: Groups = ()) -> Transform:
    """Add ``weight_decay * params`` to the gradients: coupled decay (L2) when put in front.

    Parameters
    ----------
    weight_decay : float or schedule
        >= 0.
    groups : list of (pattern, dict)
        Another decay for the leaves whose path matches.

    Returns
    -------
    Transform
        Without state, or with ``step`` if the decay is a schedule.

    Examples
    --------
    >>> decay = ag.optimizers.add_weight_decay(0.1)
    >>> decay.update(np.asarray([1.0]), {}, np.asarray([5.0]))[0]
    array([1.5])
    """
    return from_formula(add_weight_decay_formula, weight_decay=weight_decay, groups=groups)
