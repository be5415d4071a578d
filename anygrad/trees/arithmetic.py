"""Inner product and norms over all leaves of a tree, on the device and without overflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from anygrad.backends import asarray, backend_of, device_of, namespace_of
from anygrad.backends.registry import place_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.config import settings
from anygrad.errors import DTypeError, MixedBackendError, ShapeError, describe
from anygrad.trees.comparing import shape_of
from anygrad.trees.paths import paths, show_path
from anygrad.trees.structure import flatten, flatten_up_to, map

__all__ = ["dot", "norm", "norms", "squared_norms", "zeros_like"]

NUMBERS = (float, int, complex)


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
    with _on_device_of(leaf):
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
    right = flatten_up_to(treedef, b)
    for index, (x, y) in enumerate(zip(left, right, strict=True)):
        if shape_of(x) != shape_of(y):
            place = show_path("b", paths(a)[index])
            message = f"dot(b): got {describe(y)} at {place}; expected shape {shape_of(x)}, as in a."
            raise ShapeError(message)
    _check_one_library("dot(a)", a, left)
    _check_one_library("dot(b)", b, right)
    return _total([_leaf_dot(x, y) for x, y in zip(left, right, strict=True)])


def _leaf_dot(x: Any, y: Any) -> Any:
    if backend_of(x) is None and backend_of(y) is None:
        return (x.conjugate() * y).real
    xp = namespace_of(x, y)
    with _on_device_of(x if backend_of(x) else y):
        product = _conjugate(xp, x) * y
        return xp.sum(xp.real(product) if _is_complex(xp, product) else product)


def _conjugate(xp: Namespace, x: Any) -> Any:
    if backend_of(x) is None:
        return x.conjugate()
    return xp.conj(x) if _is_complex(xp, x) else x


def _is_complex(xp: Namespace, x: Array) -> bool:
    return xp.isdtype(x.dtype, "complex floating")


def norm(tree: Tree) -> Array:
    """Take the 2-norm over all elements of all leaves, safe from overflow and underflow.

    With m = max |x| over everything, norm = m sqrt(sum (|x| / m)^2): two passes over the data, and the
    square of no element leaves the range of its dtype. Real and imaginary parts count as two elements.

    Parameters
    ----------
    tree : tree of arrays and numbers
        Real or complex; one library. The leaves may live on several of its devices.

    Returns
    -------
    array, shape ()
        In the widest real floating dtype among the leaves, on the device of the first leaf; inf or
        nan if an element is. 0.0 of the configured backend for an empty tree. The device is not
        synchronised.

    Raises
    ------
    MixedBackendError
        If the leaves belong to two libraries; names the paths.
    DTypeError
        If a leaf is neither an array nor a number.

    References
    ----------
    Blue (1978), A portable Fortran program to find the Euclidean norm of a vector; scaled here by the
    largest element instead of by three accumulators, which suits whole-array operations.

    Examples
    --------
    >>> from anygrad import trees
    >>> float(trees.norm({"w": np.asarray([3e200]), "b": np.asarray([4e200])}))
    5e+200
    """
    found = flatten(tree)[0]
    _check_one_library("norm(tree)", tree, found)
    home = next((leaf for leaf in found if backend_of(leaf) is not None), None)
    if home is None:
        return _norm_of_numbers(found)
    xp = namespace_of(*found)
    dtype = _widest(xp, found)
    parts = [part for leaf in found for part in _real_parts(xp, leaf, dtype, home)]
    with _on_device_of(home):
        if not parts:
            return xp.asarray(0.0, dtype=dtype, device=device_of(home))
        peaks = [_on_its_device(part, lambda x: xp.astype(xp.max(xp.abs(x)), dtype)) for part in parts]
        peak = _combine(xp, xp.max, _gather(peaks, home))
        # inf / largest is inf and inf * largest is inf, where a scale of inf would turn both into nan
        scale = xp.where(peak == 0, 1.0, xp.minimum(peak, float(xp.finfo(dtype).max)))
        squares = [_sum_of_squares(xp, part, scale) for part in parts]
        return scale * xp.sqrt(_combine(xp, xp.sum, _gather(squares, home)))


def norms(tree: Tree) -> Tree:
    """Take the safe 2-norm of every leaf by itself.

    Parameters
    ----------
    tree : tree of arrays and numbers
        Real or complex.

    Returns
    -------
    tree
        Same structure; 0-d arrays as `norm` returns them, each on the device of its leaf.

    Examples
    --------
    >>> from anygrad import trees
    >>> float(trees.norms({"w": np.asarray([3.0, 4.0])})["w"])
    5.0
    """
    return map(norm, tree)


def squared_norms(tree: Tree) -> Tree:
    """Sum |x|^2 over every leaf by itself; unlike `norms` this can overflow and vanish.

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


def _norm_of_numbers(found: Sequence[Any]) -> Array:
    made = [asarray(leaf) for leaf in found]
    xp = namespace_of(*made) if made else None
    if xp is None:
        return asarray(0.0)
    return norm([leaf if _is_floating(xp, leaf) else asarray(leaf, dtype=settings().dtype) for leaf in made])


def _check_one_library(where: str, tree: Tree, found: Sequence[Any]) -> None:
    """Refuse leaves that are neither arrays nor numbers, and leaves of two libraries."""
    first = None
    for index, leaf in enumerate(found):
        backend = backend_of(leaf)
        if backend is None:
            if not isinstance(leaf, NUMBERS):
                _refuse(where, tree, index)
        elif first is None:
            first = index
        elif backend is not backend_of(found[first]):
            _refuse(where, tree, first, index)


def _refuse(where: str, tree: Tree, *indices: int) -> None:
    name = where.rpartition("(")[2].rstrip(")")
    found, names = flatten(tree)[0], [show_path(name, path) for path in paths(tree)]
    if len(indices) == 1:
        message = f"{where}: got {describe(found[indices[0]])} at {names[indices[0]]}; expected an array or a number."
        raise DTypeError(message)
    here, there = (f"{place_of(found[index])} at {names[index]}" for index in indices)
    message = f"{where}: got {here} and {there}; expected one library. Move one with ag.asarray or ag.to_numpy."
    raise MixedBackendError(message)


def _is_floating(xp: Namespace, x: Array) -> bool:
    return xp.isdtype(x.dtype, ("real floating", "complex floating"))


def _widest(xp: Namespace, found: Sequence[Any]) -> Any:
    """Find the widest real floating dtype among the arrays; numbers are weak, integers take the default."""
    arrays = [leaf for leaf in found if backend_of(leaf) is not None]
    floating = {_real_dtype(xp, leaf) for leaf in arrays if _is_floating(xp, leaf)}
    return xp.result_type(*floating) if floating else getattr(xp, settings().dtype)


def _real_dtype(xp: Namespace, x: Array) -> Any:
    return xp.finfo(x.dtype).dtype if _is_complex(xp, x) else x.dtype


def _real_parts(xp: Namespace, leaf: Any, dtype: Any, home: Array) -> list[Array]:
    """Split a leaf into real floating arrays that are not empty."""
    if backend_of(leaf) is None:
        place = device_of(home)
        parts = [leaf.real, leaf.imag] if isinstance(leaf, complex) else [leaf]
        return [xp.asarray(part, dtype=dtype, device=place) for part in parts]
    if 0 in leaf.shape:
        return []
    if _is_complex(xp, leaf):
        return [xp.real(leaf), xp.imag(leaf)]
    return [leaf if _is_floating(xp, leaf) else xp.astype(leaf, dtype)]


def _sum_of_squares(xp: Namespace, part: Array, scale: Array) -> Array:
    def scaled_sum(x: Array) -> Array:
        ratio = x / _move(scale, x)
        return xp.sum(ratio * ratio)

    return _on_its_device(part, scaled_sum)


def _total(values: list[Any]) -> Array:
    """Add up 0-d arrays and Python numbers on the device of the first array."""
    arrays = [value for value in values if backend_of(value) is not None]
    numbers = [value for value in values if backend_of(value) is None]
    if not arrays:
        return asarray(float(sum(numbers)))
    xp = namespace_of(*arrays)
    with _on_device_of(arrays[0]):
        total = _combine(xp, xp.sum, _gather(arrays, arrays[0]))
        return total + sum(numbers) if numbers else total


def _combine(xp: Namespace, function: Callable[[Array], Array], values: Sequence[Array]) -> Array:
    # one launch over a stack instead of one per leaf
    return function(xp.stack(values)) if len(values) > 1 else values[0]


def _gather(values: Sequence[Array], home: Array) -> list[Array]:
    return [_move(value, home) for value in values]


def _move(x: Array, home: Array) -> Array:
    """Copy a 0-d array to the device of another array, if it is not there."""
    device = device_of(home)
    if device_of(x) == device:
        return x
    backend = backend_of(x)
    return backend.to_device(x, device) if backend else x


def _on_its_device(x: Array, function: Callable[[Array], Array]) -> Array:
    with _on_device_of(x):
        return function(x)


def _on_device_of(x: Array) -> AbstractContextManager:
    """Make the device of an array current, for libraries that compute on a current device."""
    backend = backend_of(x)
    if backend is None or backend.on_device is None:
        return nullcontext()
    return backend.on_device(device_of(x))
