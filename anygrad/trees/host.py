"""The one explicit way from a device to the host."""

from __future__ import annotations

from anygrad.backends import to_host
from anygrad.backends.types import Tree
from anygrad.trees.mapping import map

__all__ = ["to_numpy"]


def to_numpy(tree: Tree) -> Tree:
    """Copy every array of a tree to the host as a NumPy array.

    Waits for the device. NumPy arrays are returned as they are, without a copy.

    Parameters
    ----------
    tree : tree of arrays
        Any library and device; numbers and other leaves are returned as they are.

    Returns
    -------
    tree
        Same structure with NumPy arrays of the same shapes and dtypes.

    Raises
    ------
    TraceError
        If a leaf is a traced array, whose gradient would be lost.

    Examples
    --------
    >>> ag.to_numpy({"w": np.ones(2), "step": 3})
    {'w': array([1., 1.]), 'step': 3}
    """
    return map(to_host, tree)
