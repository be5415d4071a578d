"""Proximal operators of norms of groups of elements, and of singular values."""

from __future__ import annotations

from typing import Any

from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.solvers.proximal.leaves import (
    add_up,
    beside,
    check_strength,
    list_leaves,
    map_leaves,
    times,
)
from anygrad.solvers.proximal.norms import shrinkage, soft_threshold
from anygrad.solvers.proximal.operator import Proximal
from anygrad.trees import map as tree_map
from anygrad.trees import norm

__all__ = ["group_l2", "l2", "nuclear"]


def group_l2(strength: Tree, *, axis: int | tuple[int, ...] | None = None) -> Proximal:
    """Penalise norms of groups: sum of strength * |group|, which makes whole groups zero.

    The group lasso. A group is a leaf, or what lies along ``axis``: with ``axis=1`` every row of a
    matrix is one.

    Parameters
    ----------
    strength : float, array or tree of them
        >= 0. An array must broadcast with the norms, which keep their axes with length 1; a common
        choice is the root of the size of each group.
    axis : int, tuple of int or None
        The axes inside a group; None takes every leaf as one group.

    Returns
    -------
    Proximal
        Its map shrinks every group by the factor max(1 - step strength / |group|, 0).

    Raises
    ------
    ArgumentError
        If a number is negative.

    References
    ----------
    Yuan, Lin (2006), Model selection and estimation in regression with grouped variables; Parikh,
    Boyd (2014), Proximal algorithms, 6.5.4.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.group_l2(1.0, axis=1).prox(np.asarray([[3.0, 4.0], [0.1, 0.2]]), 1.0)
    array([[2.4, 3.2],
           [0. , 0. ]])
    """
    check_strength("group_l2(strength)", strength)

    def value(x: Tree) -> Any:
        def of_leaf(xp: Namespace, leaf: Array, weight: Any) -> Array:
            return xp.sum(times(xp, _lengths(xp, leaf, axis), weight))

        return add_up(x, list_leaves("group_l2(strength)", of_leaf, x, strength))

    def prox(x: Tree, step: Any) -> Tree:
        def of_leaf(xp: Namespace, leaf: Array, weight: Any) -> Array:
            lengths = _lengths(xp, leaf, axis)
            return times(
                xp, leaf, shrinkage(xp, lengths, times(xp, beside(xp, leaf, step), weight))
            )

        return map_leaves("group_l2(strength)", of_leaf, x, strength)

    return Proximal("group_l2", value, prox)


def l2(strength: float) -> Proximal:
    """Penalise the norm of all leaves together: strength * |x|, not squared.

    Parameters
    ----------
    strength : float
        >= 0.

    Returns
    -------
    Proximal
        Its map shrinks ``x`` by the factor max(1 - step strength / |x|, 0).

    Raises
    ------
    ArgumentError
        If ``strength`` is negative.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.l2(1.0).prox(np.asarray([3.0, 4.0]), 1.0)
    array([2.4, 3.2])
    """
    check_strength("l2(strength)", strength)

    def value(x: Tree) -> Any:
        return strength * norm(x)

    def prox(x: Tree, step: Any) -> Tree:
        length = norm(x)
        xp = namespace_of(length)
        factor = shrinkage(xp, length, beside(xp, length, step) * strength)
        return tree_map(lambda leaf: leaf * beside(namespace_of(leaf), leaf, factor), x)

    return Proximal("l2", value, prox)


def nuclear(strength: Tree) -> Proximal:
    """Penalise singular values: strength * their sum, which makes a matrix one of low rank.

    Parameters
    ----------
    strength : float, array or tree of them
        >= 0; an array must broadcast with the singular values.

    Returns
    -------
    Proximal
        For leaves of shape (..., m, n), matrices in their last two axes. Its map thresholds the
        singular values softly.

    Raises
    ------
    ArgumentError
        If a number is negative.

    References
    ----------
    Cai, Candès, Shen (2010), A singular value thresholding algorithm for matrix completion, theorem
    2.1; Parikh, Boyd (2014), Proximal algorithms, 6.7.3.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.nuclear(1.0).prox(np.asarray([[3.0, 0.0], [0.0, 0.5]]), 1.0)
    array([[2., 0.],
           [0., 0.]])
    """
    check_strength("nuclear(strength)", strength)

    def value(x: Tree) -> Any:
        def of_leaf(xp: Namespace, leaf: Array, weight: Any) -> Array:
            return xp.sum(times(xp, xp.linalg.svd(leaf, full_matrices=False)[1], weight))

        return add_up(x, list_leaves("nuclear(strength)", of_leaf, x, strength))

    def prox(x: Tree, step: Any) -> Tree:
        def of_leaf(xp: Namespace, leaf: Array, weight: Any) -> Array:
            u, s, vh = xp.linalg.svd(leaf, full_matrices=False)
            s = soft_threshold(xp, s, times(xp, beside(xp, leaf, step), weight))
            return xp.matmul(u * xp.expand_dims(s, axis=-2), vh)

        return map_leaves("nuclear(strength)", of_leaf, x, strength)

    return Proximal("nuclear", value, prox)


def _lengths(xp: Namespace, x: Array, axis: int | tuple[int, ...] | None) -> Array:
    """Norms along axes, which stay with length 1; safe from overflow and underflow."""
    size = xp.abs(x)
    peak = xp.max(size, axis=axis, keepdims=True)
    scale = xp.where(peak > 0.0, peak, xp.ones_like(peak))
    ratio = size / scale
    return scale * xp.sqrt(xp.sum(ratio * ratio, axis=axis, keepdims=True))
