"""Projections onto simplices and balls of norms."""

from __future__ import annotations

from typing import Any

from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.ranges import NOT_NEGATIVE, POSITIVE, check_number
from anygrad.solvers.proximal.leaves import beside
from anygrad.solvers.proximal.norms import soft_threshold
from anygrad.trees import flatten, norm, unflatten
from anygrad.trees import map as tree_map
from anygrad.trees.kinds import is_complex
from anygrad.trees.placing import on_its_device

__all__ = ["project_l1_ball", "project_l2_ball", "project_linf_ball", "project_simplex"]


def project_simplex(x: Tree, total: float = 1.0, *, axis: int = -1) -> Tree:
    """Make the numbers along an axis nonnegative with a given sum, as near as possible.

    It is max(x - theta, 0) with theta the largest of (c_k - total) / k, where c_k is the sum of the
    k largest elements: one sort and one cumulative sum for all slices at once.

    Parameters
    ----------
    x : tree of real floating arrays
        Every leaf by itself; not changed.
    total : float
        The sum, > 0; 1 gives probabilities.
    axis : int
        The axis along which a simplex lies.

    Returns
    -------
    tree
        Like ``x``. Differentiable wherever the projection is.

    Raises
    ------
    ArgumentError
        If ``total`` is not positive.

    References
    ----------
    Held, Wolfe, Crowder (1974), Validation of subgradient optimization; Duchi, Shalev-Shwartz,
    Singer, Chandra (2008), Efficient projections onto the l1-ball for learning in high dimensions,
    fig. 1.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.project_simplex(np.asarray([1.0, 0.5, -1.0]))
    array([0.75, 0.25, 0.  ])
    """
    total = check_number("project_simplex(total)", total, POSITIVE)

    def of_leaf(x: Array) -> Array:
        xp = namespace_of(x)
        x = x - xp.max(x, axis=axis, keepdims=True)  # small sums round less
        moved = x - _threshold(xp, x, total, axis)
        return xp.maximum(moved, xp.zeros_like(moved))

    return tree_map(of_leaf, x)


def project_l1_ball(x: Tree, radius: float = 1.0, *, axis: int | None = None) -> Tree:
    """Shrink until the sum of absolute values is at most ``radius``, as near as possible.

    Parameters
    ----------
    x : tree of floating arrays
        Not changed.
    radius : float
        >= 0.
    axis : int or None
        None takes all leaves together; else every slice along this axis is projected by itself.

    Returns
    -------
    tree
        Like ``x``; ``x`` itself where it is inside.

    Raises
    ------
    ArgumentError
        If ``radius`` is negative.

    References
    ----------
    Duchi, Shalev-Shwartz, Singer, Chandra (2008), Efficient projections onto the l1-ball for
    learning in high dimensions, sec. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.project_l1_ball(np.asarray([1.0, -0.5, 0.1]))
    array([ 0.75, -0.25,  0.  ])
    """
    radius = check_number("project_l1_ball(radius)", radius, NOT_NEGATIVE)
    if axis is None:
        found, treedef = flatten(x)
        home = namespace_of(*found)
        sizes = home.concat([home.reshape(home.abs(leaf), (-1,)) for leaf in found])
        theta = _positive(home, _threshold(home, sizes, radius, 0))
        theta = home.reshape(theta, ())

        def shrink(leaf: Array) -> Array:
            xp = namespace_of(leaf)
            return soft_threshold(xp, leaf, beside(xp, leaf, theta))

        return unflatten(treedef, [shrink(leaf) for leaf in found])

    def of_leaf(leaf: Array) -> Array:
        xp = namespace_of(leaf)
        theta = _positive(xp, _threshold(xp, xp.abs(leaf), radius, axis))
        return soft_threshold(xp, leaf, theta)

    return tree_map(of_leaf, x)


def project_l2_ball(x: Tree, radius: float = 1.0, *, axis: int | None = None) -> Tree:
    """Shrink until the norm is at most ``radius``, keeping the direction.

    Parameters
    ----------
    x : tree of floating arrays
        Not changed.
    radius : float
        >= 0.
    axis : int or None
        None takes all leaves together; else every slice along this axis is projected by itself.

    Returns
    -------
    tree
        Like ``x``; ``x`` itself where it is inside.

    Raises
    ------
    ArgumentError
        If ``radius`` is negative.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.project_l2_ball(np.asarray([3.0, 4.0]))
    array([0.6, 0.8])
    """
    radius = check_number("project_l2_ball(radius)", radius, NOT_NEGATIVE)
    if axis is None:
        factor = _factor(norm(x), radius)
        return tree_map(lambda leaf: leaf * beside(namespace_of(leaf), leaf, factor), x)

    def of_leaf(leaf: Array) -> Array:
        xp = namespace_of(leaf)
        size = xp.abs(leaf)
        peak = xp.max(size, axis=axis, keepdims=True)
        scale = xp.where(peak > 0.0, peak, xp.ones_like(peak))
        ratio = size / scale
        lengths = scale * xp.sqrt(xp.sum(ratio * ratio, axis=axis, keepdims=True))
        return leaf * _factor(lengths, radius)

    return tree_map(of_leaf, x)


def project_linf_ball(x: Tree, radius: float = 1.0) -> Tree:
    """Shrink every element until its absolute value is at most ``radius``.

    Parameters
    ----------
    x : tree of floating arrays
        Not changed.
    radius : float
        >= 0.

    Returns
    -------
    tree
        Like ``x``; complex elements keep their phase.

    Raises
    ------
    ArgumentError
        If ``radius`` is negative.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.project_linf_ball(np.asarray([3.0, -4.0, 0.5]))
    array([ 1. , -1. ,  0.5])
    """
    radius = check_number("project_linf_ball(radius)", radius, NOT_NEGATIVE)

    def of_leaf(leaf: Array) -> Array:
        xp = namespace_of(leaf)
        if is_complex(xp, leaf):
            return leaf * _factor(xp.abs(leaf), radius)
        ends = xp.zeros_like(leaf) + radius
        return xp.minimum(xp.maximum(leaf, -ends), ends)

    return tree_map(lambda leaf: on_its_device(leaf, of_leaf), x)


def _threshold(xp: Namespace, x: Array, total: float, axis: int) -> Array:
    """The theta for which max(x - theta, 0) sums to ``total``, along an axis that stays."""
    # NumPy knows no descending=True before 2.5
    down = xp.flip(xp.sort(x, axis=axis), axis=axis)
    sums = xp.cumulative_sum(down, axis=axis)
    counts = xp.cumulative_sum(xp.ones_like(down), axis=axis)
    # (c_k - total) / k grows with k while x_(k) lies above it and falls afterwards
    return xp.max((sums - total) / counts, axis=axis, keepdims=True)


def _positive(xp: Namespace, x: Array) -> Array:
    return xp.maximum(x, xp.zeros_like(x))


def _factor(length: Array, radius: float) -> Any:
    xp = namespace_of(length)
    outside = length > radius
    ones = xp.ones_like(length)
    return xp.where(outside, radius / xp.where(outside, length, ones), ones)
