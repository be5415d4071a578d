"""Zeros, inner products and sums of squares over the leaves of trees."""

from __future__ import annotations

from typing import Any

from anygrad.backends import Backend, asarray, backend_of, check_same_device, namespace_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.trees.comparing import check_same_structure, shape_of
from anygrad.trees.kinds import is_complex, widest_real_dtype
from anygrad.trees.looking import can_look, look
from anygrad.trees.mapping import map
from anygrad.trees.placing import NUMBERS, check_one_library, combine, gather, on_device_of
from anygrad.trees.structure import flatten

__all__ = ["dot", "squared_norms", "zeros_like"]


def zeros_like(tree: Tree) -> Tree:
    """Make a tree of zeros: same structure, shapes, dtypes and devices.

    Parameters
    ----------
    tree : tree of arrays and numbers
        Any library.

    Returns
    -------
    tree
        Arrays of zeros; a number becomes the zero of its type.
    """
    return map(_zero_like, tree)


def _zero_like(leaf: Any) -> Any:
    if isinstance(leaf, NUMBERS) and backend_of(leaf) is None:
        return type(leaf)(0)
    with on_device_of(leaf):
        return namespace_of(leaf).zeros_like(leaf)


def dot(a: Tree, b: Tree) -> Array:
    """Take the real inner product of two trees, Re sum conj(a) * b over all elements.

    Parameters
    ----------
    a, b : trees of arrays and numbers
        Same structure and shapes; real or complex; one library.

    Returns
    -------
    array, shape ()
        Real, on the device of the first leaf; 0.0 of the configured backend for an empty tree. The
        device is not synchronised.

    Raises
    ------
    ArgumentError
        If the structures differ.
    ShapeError
        If two leaves differ in shape; gives the path.
    MixedBackendError
        If the leaves belong to two libraries; names the paths.

    Examples
    --------
    >>> from anygrad import trees
    >>> float(trees.dot({"w": np.asarray([1.0, 2.0])}, {"w": np.asarray([3.0, 4.0])}))
    11.0
    """
    left, treedef = flatten(a)
    right, other = flatten(b)
    if treedef != other or any(
        shape_of(x) != shape_of(y) for x, y in zip(left, right, strict=True)
    ):
        check_same_structure("dot(b)", a, b)
    backend = check_one_library("dot(trees)", (a, b), [*left, *right])
    quick = _dot_on_host(backend, left, right)
    if quick is not None:
        return quick
    return _total([_leaf_dot(x, y) for x, y in zip(left, right, strict=True)])


def squared_norms(tree: Tree) -> Tree:
    """Sum ``|x|^2`` over every leaf by itself; unlike `norms` this can overflow and vanish.

    Parameters
    ----------
    tree : tree of arrays and numbers
        Real or complex.

    Returns
    -------
    tree
        Same structure; real 0-d arrays, each on the device of its leaf.
    """
    return map(lambda leaf: dot(leaf, leaf), tree)


def _dot_on_host(backend: Backend | None, left: list[Any], right: list[Any]) -> Array | None:
    """Take the inner product without temporary arrays where the library offers it, else None."""
    if backend is None or backend.host_dot is None:
        return None
    if not can_look([x for x in (*left, *right) if backend_of(x) is not None]):
        return None
    looks, product = look(_sum_of_products, *left, *right)
    return product if looks else None


def _sum_of_products(*found: Any) -> tuple[bool, Any]:
    """The inner product of the first half with the second, and whether it can be had this way."""
    backend = next(backend for x in found if (backend := backend_of(x)) is not None)
    assert backend.host_dot is not None
    half = len(found) // 2
    total = 0.0
    for x, y in zip(found[:half], found[half:], strict=True):
        product = backend.host_dot(x, y)
        if product is None:
            return False, 0.0
        total += product.real
    xp = backend.load()
    return True, xp.asarray(total, dtype=widest_real_dtype(found))[()]


def _leaf_dot(x: Any, y: Any) -> Any:
    if backend_of(x) is None and backend_of(y) is None:
        return (x.conjugate() * y).real
    xp = namespace_of(x, y)
    check_same_device("dot(a, b)", x, y)
    with on_device_of(x if backend_of(x) else y):
        product = xp.multiply(_conjugate(xp, x), y)
        return xp.sum(xp.real(product) if is_complex(xp, product) else product)


def _conjugate(xp: Namespace, x: Any) -> Any:
    if backend_of(x) is None:
        return x.conjugate()
    return xp.conj(x) if is_complex(xp, x) else x


def _total(values: list[Any]) -> Array:
    """Add up 0-d arrays and Python numbers on the device of the first array."""
    arrays = [value for value in values if backend_of(value) is not None]
    numbers = [value for value in values if backend_of(value) is None]
    if not arrays:
        return asarray(float(sum(numbers)))
    xp = namespace_of(*arrays)
    with on_device_of(arrays[0]):
        total = combine(xp, xp.add, xp.sum, gather(arrays, arrays[0]))
        return total + sum(numbers) if numbers else total
