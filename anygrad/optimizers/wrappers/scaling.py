"""Small parts for chains: multiply or centre the updates, add weight decay."""

from __future__ import annotations

import math
from typing import Any

from anygrad.backends.types import Array, Namespace
from anygrad.optimizers.formula import from_formula
from anygrad.optimizers.rules.hyperparameters import Groups, Hyperparameter
from anygrad.optimizers.rules.pieces import norm, trust_ratio
from anygrad.optimizers.transform import Transform

__all__ = [
    "add_weight_decay",
    "centralize",
    "scale",
    "scale_by_learning_rate",
    "scale_by_trust_ratio",
]


def scale_formula(xp: Namespace, g: Array, *, factor: Any) -> Array:
    """Multiply."""
    return factor * g


def scale_by_learning_rate_formula(xp: Namespace, g: Array, *, learning_rate: Any) -> Array:
    """Turn a direction of ascent into an update."""
    return -learning_rate * g


def add_weight_decay_formula(xp: Namespace, g: Array, p: Array, *, weight_decay: Any) -> Array:
    """Add the gradient of ``weight_decay / 2 * |p|^2``."""
    return g + weight_decay * p


def scale_by_trust_ratio_formula(
    xp: Namespace, g: Array, p: Array, *, trust_coefficient: Any, eps: Any, min_norm: Any
) -> Array:
    """Make an update as long as the parameter array is large."""
    norms = norm(xp, p), norm(xp, g)
    p_norm, u_norm = (xp.maximum(x, min_norm) for x in norms) if min_norm else norms
    return trust_ratio(xp, p_norm, u_norm, trust_coefficient, eps) * g


def centralize_formula(xp: Namespace, g: Array, *, outputs_last: bool) -> Array:
    """Take away the mean over all axes but that of the outputs."""
    if len(g.shape) < 2:
        return g
    axes = tuple(range(len(g.shape)))
    axes = axes[:-1] if outputs_last else axes[1:]
    size = max(math.prod(g.shape[axis] for axis in axes), 1)
    return g - xp.sum(g, axis=axes, keepdims=True) / size


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


def scale_by_trust_ratio(
    *,
    trust_coefficient: Hyperparameter = 1.0,
    eps: Hyperparameter = 0.0,
    min_norm: float = 0.0,
    groups: Groups = (),
) -> Transform:
    """Multiply the update of each array by the size of the parameter over its own.

    ``u *= trust_coefficient * |p| / (|u| + eps)``, of 2-norms over the whole array; the factor is
    1 where one of the norms is 0. `lamb` and `lars` have it inside.

    Parameters
    ----------
    trust_coefficient : float or schedule, default 1
        Any finite number.
    eps : float or schedule, default 0
        >= 0.
    min_norm : float, default 0
        Both norms count as at least this.
    groups : list of (pattern, dict)
        Other values for the leaves whose path matches.

    Returns
    -------
    Transform
        Without state, or with ``step`` if a value is a schedule.

    References
    ----------
    You, Gitman, Ginsburg (2017), Large batch training of convolutional networks; the arguments are
    those of ``optax.scale_by_trust_ratio``.

    Examples
    --------
    >>> relative = ag.optimizers.scale_by_trust_ratio()
    >>> params = np.asarray([3.0, 4.0])
    >>> relative.update(np.asarray([0.0, 2.0]), relative.init(params), params)[0]
    array([0., 5.])
    """
    values = {"trust_coefficient": trust_coefficient, "eps": eps, "min_norm": min_norm}
    return from_formula(scale_by_trust_ratio_formula, groups=groups, **values)


def centralize(*, outputs_last: bool = False, groups: Groups = ()) -> Transform:
    """Take the mean away from the gradients of each output: put first in a chain.

    For arrays of two axes or more; the mean is over all axes but that of the outputs. Others pass
    through as they are.

    Parameters
    ----------
    outputs_last : bool, default False
        Whether outputs are the last axis, as in JAX and Keras, and not the first, as in PyTorch
        (and in ``optax.centralize``).
    groups : list of (pattern, dict)
        Another value for the leaves whose path matches.

    Returns
    -------
    Transform
        Without state.

    References
    ----------
    Yong et al. (2020), Gradient centralization: a new optimization technique for deep neural
    networks, equation 1.

    Examples
    --------
    >>> centre = ag.optimizers.centralize()
    >>> grads = np.asarray([[1.0, 3.0], [4.0, 4.0]])
    >>> centre.update(grads, centre.init(grads), grads)[0]
    array([[-1.,  1.],
           [ 0.,  0.]])
    """
    return from_formula(centralize_formula, outputs_last=outputs_last, groups=groups)
