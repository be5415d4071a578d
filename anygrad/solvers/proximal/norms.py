"""Proximal operators that treat every element by itself: l1, squares, and both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Array, Namespace, Tree
from anygrad.solvers.proximal.leaves import (
    add_up,
    beside,
    check_strength,
    list_leaves,
    map_leaves,
    minus,
    times,
)
from anygrad.solvers.proximal.operator import Proximal
from anygrad.trees.kinds import is_complex

__all__ = ["elastic_net", "l1", "shrinkage", "soft_threshold", "squared_l2"]


def l1(strength: Tree) -> Proximal:
    """Penalise absolute values: strength * sum |x|, which makes elements exactly zero.

    The proximal map is soft thresholding, sign(x) max(|x| - step strength, 0), of magnitudes where
    ``x`` is complex.

    Parameters
    ----------
    strength : float, array or tree of them
        >= 0. An array that broadcasts with ``x`` weighs its elements (adaptive lasso, 0 for an
        intercept); a tree that is a prefix of ``x`` weighs its leaves, None as 0. Values of arrays
        are not checked.

    Returns
    -------
    Proximal
        With ``value(x)`` and ``prox(x, step)``.

    Raises
    ------
    ArgumentError
        If a number is negative.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.l1(1.0).prox(np.asarray([3.0, -0.5, -2.0]), 0.5)
    array([ 2.5, -0. , -1.5])
    """
    return _weighted("l1", strength, lambda xp, x: xp.abs(x), soft_threshold)


def squared_l2(strength: Tree) -> Proximal:
    """Penalise squares: strength / 2 * sum |x|^2, the ridge.

    Parameters
    ----------
    strength : float, array or tree of them
        >= 0, as for `l1`.

    Returns
    -------
    Proximal
        Its map is x / (1 + step strength).

    Raises
    ------
    ArgumentError
        If a number is negative.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.squared_l2(1.0).prox(np.asarray([3.0, -1.0]), 0.5)
    array([ 2.        , -0.66666667])
    """
    return _weighted(
        "squared_l2",
        strength,
        _half_square,
        lambda xp, x, amount: times(xp, x, 1.0 / (amount + 1.0)),
    )


def elastic_net(l1_strength: Tree, l2_strength: Tree) -> Proximal:
    """Penalise absolute values and squares: l1 sum |x| + l2 / 2 sum |x|^2.

    scikit-learn's ``ElasticNet(alpha, l1_ratio)`` has ``l1 = alpha l1_ratio`` and
    ``l2 = alpha (1 - l1_ratio)``, beside a loss of 1 / (2 samples) times the sum of squares.

    Parameters
    ----------
    l1_strength, l2_strength : float, array or tree of them
        >= 0, as for `l1`.

    Returns
    -------
    Proximal
        Its map is soft thresholding, then division by 1 + step l2.

    Raises
    ------
    ArgumentError
        If a number is negative.

    References
    ----------
    Zou, Hastie (2005), Regularization and variable selection via the elastic net; Parikh, Boyd
    (2014), Proximal algorithms, 6.5.3.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.elastic_net(1.0, 1.0).prox(np.asarray([3.0, -0.5]), 1.0)
    array([ 1., -0.])
    """
    sparse = check_strength("elastic_net(l1_strength)", l1_strength)
    small = check_strength("elastic_net(l2_strength)", l2_strength)

    def value(x: Tree) -> Any:
        def of_leaf(xp: Namespace, leaf: Array, first: Any, second: Any) -> Array:
            return xp.sum(times(xp, xp.abs(leaf), first)) + xp.sum(
                times(xp, _half_square(xp, leaf), second)
            )

        return add_up(x, list_leaves("elastic_net(strength)", of_leaf, x, sparse, small))

    def prox(x: Tree, step: Any) -> Tree:
        def of_leaf(xp: Namespace, leaf: Array, first: Any, second: Any) -> Array:
            t = beside(xp, leaf, step)
            sparse_part = soft_threshold(xp, leaf, times(xp, t, first))
            return times(xp, sparse_part, 1.0 / (times(xp, t, second) + 1.0))

        return map_leaves("elastic_net(strength)", of_leaf, x, sparse, small)

    return Proximal("elastic_net", value, prox)


def soft_threshold(xp: Namespace, x: Array, amount: Any) -> Array:
    """Move every element towards zero by ``amount``, at most to zero."""
    if is_complex(xp, x):
        return times(xp, x, shrinkage(xp, xp.abs(x), amount))
    return times(xp, _positive(xp, minus(xp, xp.abs(x), amount)), xp.sign(x))


def _weighted(
    name: str,
    strength: Tree,
    of_elements: Callable[[Namespace, Array], Array],
    shrink: Callable[[Namespace, Array, Any], Array],
) -> Proximal:
    """An operator that treats every element by itself, weighed by ``strength``."""
    where = f"{name}(strength)"
    check_strength(where, strength)

    def value(x: Tree) -> Any:
        def of_leaf(xp: Namespace, leaf: Array, weight: Any) -> Array:
            return xp.sum(times(xp, of_elements(xp, leaf), weight))

        return add_up(x, list_leaves(where, of_leaf, x, strength))

    def prox(x: Tree, step: Any) -> Tree:
        def of_leaf(xp: Namespace, leaf: Array, weight: Any) -> Array:
            return shrink(xp, leaf, times(xp, beside(xp, leaf, step), weight))

        return map_leaves(where, of_leaf, x, strength)

    return Proximal(name, value, prox)


def _half_square(xp: Namespace, x: Array) -> Array:
    return 0.5 * (xp.real(x) ** 2 + xp.imag(x) ** 2 if is_complex(xp, x) else x * x)


def _positive(xp: Namespace, x: Array) -> Array:
    return xp.maximum(x, xp.zeros_like(x))


def shrinkage(xp: Namespace, lengths: Array, amount: Any) -> Array:
    """The factor max(1 - amount / length, 0); zero for length zero."""
    known = lengths > 0.0
    return xp.where(
        known,
        _positive(xp, minus(xp, lengths, amount)) / xp.where(known, lengths, xp.ones_like(lengths)),
        xp.zeros_like(lengths),
    )
