"""The leaves of a tree of parameters: what they may be, and which piece of the vector each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import Backend, asarray, backend_of, device_of
from anygrad.backends.registry import place_of
from anygrad.backends.types import Device, Tree
from anygrad.config import settings
from anygrad.errors import DTypeError, MixedBackendError, describe
from anygrad.trees.kinds import is_floating


@dataclass(frozen=True)
class Part:
    """One leaf of the tree, and which piece of the vector it is."""

    shape: tuple[int, ...]
    dtype: Any
    is_complex: bool
    start: int
    size: int  # elements of the leaf; a complex one takes twice as many of the vector


def check_leaves(where: str, name: str, x0: Tree, leaves: Sequence[Any]) -> list[Any]:
    """Give the leaves as arrays; refuse what is neither floating nor on one device."""
    found = [_as_array(x, leaves) for x in leaves]
    for path, x in zip(trees.paths(x0), found, strict=True):
        backend = backend_of(x)
        if backend is None or not is_floating(backend.load(), x):
            message = (
                f"{where}: got {describe(x)} at {trees.show_path(name, path)}; expected a floating "
                "array. Write 1.0 for 1, or convert it with .astype(float)."
            )
            raise DTypeError(message)
        if device_of(x) != device_of(found[0]):
            message = (
                f"{where}: got {place_of(x)} at {trees.show_path(name, path)} beside "
                f"{place_of(found[0])}; expected one device."
            )
            raise MixedBackendError(message)
    return found


def _as_array(x: Any, leaves: Sequence[Any]) -> Any:
    """A Python float as a 0-d array beside the other leaves."""
    if backend_of(x) is not None or not isinstance(x, float | complex):
        return x
    home = next((leaf for leaf in leaves if backend_of(leaf) is not None), None)
    if home is None:
        return asarray(x)
    backend = backend_of(home)
    assert backend is not None
    return backend.from_host(np.asarray(x, dtype=settings().dtype), device_of(home))


def of_library(where: str, leaf: Any, backend: Backend, device: Device, dtype: Any) -> Any:
    """What a user's function gave for a leaf, as an array of one library; numbers are taken."""
    found = backend_of(leaf)
    if found is backend:
        return leaf
    if found is not None:
        message = (
            f"{where}: got {place_of(leaf)}; expected one of {backend.name}, as x0 is. Move it "
            "with ag.asarray or ag.to_numpy."
        )
        raise MixedBackendError(message)
    try:
        if leaf is not None:
            return backend.load().asarray(leaf, dtype=dtype, device=device)
    except (TypeError, ValueError, RuntimeError):
        pass
    message = f"{where}: got {describe(leaf)}; expected an array or numbers, as x0 has."
    raise DTypeError(message)
