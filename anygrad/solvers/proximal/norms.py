"""Proximal operators of norms, leaf by leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends import namespace_of
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
from anygrad.trees import map as tree_map
from anygrad.trees import norm
from anygrad.trees.kinds import is_complex

__all__ = ["elastic_net", "group_l2", "l1", "l2", "nuclear", "soft_threshold", "squared_l2"]


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
    array([ 2.5,  0. , -1.5])
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
                xp, leaf, _shrinkage(xp, lengths, times(xp, beside(xp, leaf, step), weight))
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
        factor = _shrinkage(xp, length, beside(xp, length, step) * strength)
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


def soft_threshold(xp: Namespace, x: Array, amount: Any) -> Array:
    """Move every element towards zero by ``amount``, at most to zero."""
    if is_complex(xp, x):
        return times(xp, x, _shrinkage(xp, xp.abs(x), amount))
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


def _shrinkage(xp: Namespace, lengths: Array, amount: Any) -> Array:
    """The factor max(1 - amount / length, 0); zero for length zero."""
    known = lengths > 0.0
    return xp.where(
        known,
        _positive(xp, minus(xp, lengths, amount)) / xp.where(known, lengths, xp.ones_like(lengths)),
        xp.zeros_like(lengths),
    )


def _lengths(xp: Namespace, x: Array, axis: int | tuple[int, ...] | None) -> Array:
    """Norms along axes, which stay with length 1; safe from overflow and underflow."""
    size = xp.abs(x)
    peak = xp.max(size, axis=axis, keepdims=True)
    scale = xp.where(peak > 0.0, peak, xp.ones_like(peak))
    ratio = size / scale
    return scale * xp.sqrt(xp.sum(ratio * ratio, axis=axis, keepdims=True))
