"""Leaves of one library on one or several devices: check them, and bring scalars together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from anygrad.backends import (
    Backend,
    backend_of,
    check_same_device,
    device_of,
    is_traced,
    namespace_of,
)
from anygrad.backends.registry import place_of
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.errors import DTypeError, MixedBackendError, describe
from anygrad.trees.comparing import name_in
from anygrad.trees.paths import paths, show_path
from anygrad.trees.structure import flatten

NUMBERS = (float, int, complex)
FEW = 8


def check_libraries(where: str, tree: Tree) -> None:
    """Refuse a tree with arrays of two libraries; several devices of one are allowed."""
    found = flatten(tree)[0]
    kinds = {type(leaf) for leaf in found}
    if len(kinds) > 1 or any(getattr(kind, "__anygrad_traced__", False) for kind in kinds):
        check_one_library(where, tree, found)


def check_one_library(where: str, tree: Tree, found: Sequence[Any]) -> Backend | None:
    """Refuse leaves that are neither arrays nor numbers, and leaves of two libraries."""
    first = None
    library = None
    for index, leaf in enumerate(found):
        backend = backend_of(leaf)
        if backend is None:
            if not isinstance(leaf, NUMBERS):
                _refuse(where, tree, index)
        elif first is None:
            first, library = index, backend
        elif backend is not library:
            _refuse(where, tree, first, index)
    return library


def _refuse(where: str, tree: Tree, *indices: int) -> None:
    found = flatten(tree)[0]
    names = [show_path(name_in(where), path) for path in paths(tree)]
    if len(indices) == 1:
        got = f"{describe(found[indices[0]])} at {names[indices[0]]}"
        message = f"{where}: got {got}; expected an array or a number."
        raise DTypeError(message)
    here, there = (f"{place_of(found[index])} at {names[index]}" for index in indices)
    message = (
        f"{where}: got {here} and {there}; expected one library. "
        "Move one with ag.asarray or ag.to_numpy."
    )
    raise MixedBackendError(message)


def check_same_places(where: str, found: Sequence[Any], given: Sequence[Any]) -> None:
    """Refuse leaves of other libraries or devices than those that they belong to."""
    backend = backend_of(found[0]) if found else None
    kinds = {*map(type, found), *map(type, given)}
    if backend is not None and backend.host_dot is not None and len(kinds) == 1:
        return  # one library, with one place for all its arrays
    for x, y in zip(found, given, strict=True):
        namespace_of(x, y)  # refuses two libraries
        check_same_device(where, x, y)


def combine(
    xp: Namespace,
    pairwise: Callable[[Array, Array], Array],
    over_axis: Callable[[Array], Array],
    values: Sequence[Array],
) -> Array:
    """Reduce 0-d arrays to one array of shape ()."""
    # a stack is one launch for many leaves, but slower than to operate on a few
    if len(values) > FEW:
        return over_axis(xp.stack(values))
    return functools.reduce(pairwise, values)


def gather(values: Sequence[Array], home: Array) -> list[Array]:
    """Bring arrays of one shape to the device of another one.

    There is one copy for each device and dtype, not one for each array.
    """
    place, found = device_of(home), list(values)
    apart: dict[Any, list[int]] = {}
    for k, x in enumerate(values):
        if device_of(x) != place:
            apart.setdefault((device_of(x), x.dtype), []).append(k)
    for numbers in apart.values():
        column = move(_stack([values[k] for k in numbers]), home)
        with on_device_of(home):
            for row, k in enumerate(numbers):
                found[k] = column[row, ...]
    return found


def together(values: Sequence[Array], home: Array) -> Array:
    """Stack arrays of one shape, in their order, on the device of another one."""
    return _stack(gather(values, home))


def _stack(values: Sequence[Array]) -> Array:
    with on_device_of(values[0]):
        return values[0][None, ...] if len(values) == 1 else namespace_of(*values).stack(values)


_copies: ContextVar[dict[tuple[int, Any], tuple[Array, Array]] | None] = ContextVar(
    "_copies", default=None
)
"""What was moved, and its copy, by the object and the device."""


@contextmanager
def copied_once() -> Iterator[None]:
    """Copy an array to a device only once in this block, however often it is moved there.

    What is moved must not be written before the outermost block ends.
    """
    if _copies.get() is not None:
        yield
        return
    token = _copies.set({})
    try:
        yield
    finally:
        _copies.reset(token)


def move(x: Array, home: Array) -> Array:
    """Copy an array to the device of another one, if it is not there."""
    device = device_of(home)
    if device_of(x) == device:
        return x
    backend, copies = backend_of(x), _copies.get()
    if backend is None:
        return x
    if copies is None:
        return backend.to_device(x, device)
    key = id(x), device
    if key not in copies:
        copies[key] = x, backend.to_device(x, device)
    return copies[key][1]


def on_its_device(x: Array, function: Callable[[Array], Array]) -> Array:
    """Apply a function with the device of its argument made current."""
    with on_device_of(x):
        return function(x)


def is_writable(x: Array) -> bool:
    """Tell whether ``x`` may be written in place: not if traced, immutable, or read-only."""
    backend = None if is_traced(x) else backend_of(x)
    if backend is None or not backend.writable:
        return False
    return getattr(getattr(x, "flags", None), "writeable", True)


def on_device_of(x: Array) -> AbstractContextManager:
    """Make the device of an array current, for libraries that compute on a current device."""
    backend = backend_of(x)
    if backend is None or backend.on_device is None:
        return nullcontext()
    return backend.on_device(device_of(x))
