"""Trees as flat dicts of named NumPy arrays, which is what files hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from anygrad.backends import backend_of, device_of, to_host
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, DTypeError, ShapeError, describe, suggest
from anygrad.trees.paths import Path, paths, show_path
from anygrad.trees.structure import flatten, leaves, unflatten

__all__ = ["from_flat", "to_flat"]


def to_flat(tree: Tree) -> dict[str, np.ndarray]:
    """Name every leaf of a tree by its path, and bring it to the host.

    The result fits ``np.savez(file, **flat)`` and other files of named arrays. Waits for the
    device. NumPy arrays are not copied.

    Parameters
    ----------
    tree : tree of arrays and numbers
        Any library and device.

    Returns
    -------
    dict of str to numpy.ndarray
        By path, ``decoder/w``, as `paths` gives them.

    Raises
    ------
    ArgumentError
        If two leaves have the same path.
    DTypeError
        If a leaf is neither an array nor a number.
    TraceError
        If a leaf is a traced array, whose gradient would be lost.

    Examples
    --------
    >>> from anygrad import trees
    >>> trees.to_flat({"decoder": {"w": np.asarray([1.0, 2.0])}, "step": 3})
    {'decoder/w': array([1., 2.]), 'step': array(3)}
    """
    flat = {}
    for path, leaf in zip(paths(tree), leaves(tree), strict=True):
        array = np.asarray(to_host(leaf))
        if array.dtype.kind not in "biufc":
            place = show_path("tree", path)
            message = f"to_flat(tree): got {describe(leaf)} at {place}; expected an array."
            raise DTypeError(message)
        flat[str(path)] = array
    return flat


def from_flat(flat: Mapping[str, Any], like: Tree) -> Tree:
    """Put named arrays back into a tree: the way back from `to_flat`.

    Parameters
    ----------
    flat : mapping of str to array on the host
        Such as `to_flat` made, or what ``np.load`` gives for a file of ``np.savez``.
    like : tree of arrays and numbers
        Gives structure, shapes, dtypes, libraries and devices; its values are not used.

    Returns
    -------
    tree
        New arrays with the values of ``flat``, bit by bit, on the devices of those of ``like``.

    Raises
    ------
    ArgumentError
        If a name is missing, or one is left over.
    ShapeError
        If an array has another shape than the leaf of its name.
    DTypeError
        If it has another dtype.

    Examples
    --------
    >>> from anygrad import trees
    >>> flat = {"w": np.asarray([1.0, 2.0]), "b": np.asarray(0.5)}
    >>> trees.from_flat(flat, like={"w": np.zeros(2), "b": np.asarray(0.0)})
    {'w': array([1., 2.]), 'b': array(0.5)}
    """
    found, structure = flatten(like)
    wanted = paths(like)
    _check_names(flat, wanted)
    pairs = zip(wanted, found, strict=True)
    return unflatten(structure, [_restore(path, flat[str(path)], leaf) for path, leaf in pairs])


def _check_names(flat: Any, wanted: list[Path]) -> None:
    if not isinstance(flat, Mapping):
        message = f"from_flat(flat): got {describe(flat)}; expected a mapping of paths to arrays."
        raise ArgumentError(message)
    missing = [str(path) for path in wanted if path not in set(flat)]
    extra = sorted(set(flat).difference(map(str, wanted)))
    if not missing and not extra:
        return
    parts = [f"no {_some(missing)}"] if missing else []
    parts += [f"{_some(extra)}, which the tree has not"] if extra else []
    advice = suggest(missing[0], extra) if missing else ""
    message = (
        f"from_flat(flat): got {' and '.join(parts)}; expected the paths of the tree, "
        f"{_some(list(map(str, wanted)))}. {advice}"
    )
    raise ArgumentError(message.rstrip())


def _some(names: list[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


def _restore(path: Path, saved: Any, leaf: Any) -> Any:
    """Make an array, or number, like ``leaf`` with the saved values."""
    array = np.array(saved)  # a copy, for what comes back may be written into
    backend = backend_of(leaf)
    shape = () if backend is None else tuple(leaf.shape)
    place = show_path("flat", path)
    if array.shape != shape:
        message = f"from_flat(flat): got shape {array.shape} for {place}; expected {shape}."
        raise ShapeError(message)
    restored = array if backend is None else backend.from_host(array, device_of(leaf))
    if restored.dtype != (np.asarray(leaf).dtype if backend is None else leaf.dtype):
        message = (
            f"from_flat(flat): got dtype {array.dtype} for {place}; expected that of "
            f"{describe(leaf)}. Convert it with flat[name].astype(...)."
        )
        raise DTypeError(message)
    return type(leaf)(array.item()) if backend is None else restored
