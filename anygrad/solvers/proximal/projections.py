"""Projections onto sets given by inequalities: boxes, orthants, halfspaces, affine spaces."""

from __future__ import annotations

import math
from typing import Any

from anygrad.backends import check_same_device, namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.errors import ShapeError, describe
from anygrad.solvers.proximal.leaves import beside, map_leaves
from anygrad.trees import dot
from anygrad.trees import map as tree_map
from anygrad.trees.placing import on_its_device

__all__ = [
    "project_affine",
    "project_box",
    "project_halfspace",
    "project_hyperplane",
    "project_nonnegative",
]


def project_nonnegative(x: Tree) -> Tree:
    """Replace negative elements by zero.

    Parameters
    ----------
    x : tree of real floating arrays
        Not changed.

    Returns
    -------
    tree
        The nearest one whose elements are all >= 0.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.project_nonnegative(np.asarray([1.0, -2.0]))
    array([1., 0.])
    """

    def of_leaf(leaf: Array) -> Array:
        return _above(namespace_of(leaf), leaf, 0.0)

    return tree_map(lambda leaf: on_its_device(leaf, of_leaf), x)


def project_box(x: Tree, lower: Tree = None, upper: Tree = None) -> Tree:
    """Move every element into its bounds.

    Parameters
    ----------
    x : tree of real floating arrays
        Not changed.
    lower, upper : float, array, tree of them or None
        Bounds for all elements, or a tree that is a prefix of ``x``; None where there is none.

    Returns
    -------
    tree
        The nearest one with lower <= x <= upper; where lower > upper, upper holds.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.2.4.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.project_box(np.asarray([1.0, -2.0, 0.5]), -1.0, 0.75)
    array([ 0.75, -1.  ,  0.5 ])
    """
    if lower is not None:
        x = map_leaves("project_box(lower)", _above, x, lower, missing=-math.inf)
    if upper is not None:
        x = map_leaves("project_box(upper)", _below, x, upper, missing=math.inf)
    return x


def project_hyperplane(x: Tree, a: Tree, b: float) -> Tree:
    """Move along ``a`` until <a, x> = b, over all leaves together.

    Parameters
    ----------
    x : tree of floating arrays
        Not changed.
    a : tree of arrays
        Structure and shapes of ``x``; not zero.
    b : float or array, shape ()
        The value of the inner product.

    Returns
    -------
    tree
        The nearest one on the hyperplane.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.project_hyperplane(np.asarray([1.0, 3.0]), np.asarray([1.0, 1.0]), 2.0)
    array([0., 2.])
    """
    return _along(x, a, (dot(a, x) - b) / dot(a, a))


def project_halfspace(x: Tree, a: Tree, b: float) -> Tree:
    """Move along ``a`` until <a, x> <= b, over all leaves together.

    Parameters
    ----------
    x : tree of floating arrays
        Not changed.
    a : tree of arrays
        Structure and shapes of ``x``; not zero.
    b : float or array, shape ()
        The largest inner product allowed.

    Returns
    -------
    tree
        The nearest one in the halfspace: ``x`` itself where it is inside.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.2.3.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.project_halfspace(np.asarray([1.0, 3.0]), np.asarray([1.0, 1.0]), 2.0)
    array([0., 2.])
    """
    excess = dot(a, x) - b
    xp = namespace_of(excess)
    return _along(x, a, _above(xp, excess, 0.0) / dot(a, a))


def project_affine(x: Array, a: Array, b: Array) -> Array:
    """Find the nearest point with a x = b.

    It is x - a^+ (a x - b), with the pseudoinverse: rows of ``a`` may depend on each other. Where
    no point satisfies the equations, the least-squares solutions are the set.

    Parameters
    ----------
    x : array, shape (n,)
        Not changed.
    a : array, shape (m, n)
        Beside ``x``. Its singular values are computed anew at every call.
    b : array, shape (m,)
        Beside ``x``.

    Returns
    -------
    array, shape (n,)
        The projection.

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    References
    ----------
    Parikh, Boyd (2014), Proximal algorithms, 6.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> x, a = np.asarray([1.0, 3.0]), np.asarray([[1.0, 1.0]])
    >>> proximal.project_affine(x, a, np.asarray([2.0])).round(12)
    array([0., 2.])
    """
    shape = tuple(getattr(a, "shape", ()))
    fits = len(shape) == 2 and shape[1:] == tuple(x.shape) and shape[:1] == tuple(b.shape)
    if not fits:
        message = (
            f"project_affine(a): got {describe(a)} beside x, {describe(x)}, and b, {describe(b)}; "
            "expected shapes (m, n), (n,) and (m,)."
        )
        raise ShapeError(message)
    xp = namespace_of(x, a, b)
    check_same_device("project_affine(x, a, b)", x, a, b)
    # matmul of the namespace: an operator of a plain strict array refuses a traced operand
    return x - xp.matmul(xp.linalg.pinv(a), xp.matmul(a, x) - b)


def _above(xp: Namespace, x: Array, low: Any) -> Array:
    return xp.maximum(x, xp.zeros_like(x) + low)


def _below(xp: Namespace, x: Array, high: Any) -> Array:
    return xp.minimum(x, xp.zeros_like(x) + high)


def _along(x: Tree, a: Tree, amount: Array) -> Tree:
    def move(leaf: Array, direction: Array) -> Array:
        xp = namespace_of(leaf)
        return leaf - beside(xp, leaf, amount) * direction

    return tree_map(move, x, a)
