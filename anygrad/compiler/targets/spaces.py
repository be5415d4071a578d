"""Arrays that programs compute in: made once, taken for a run, and put back after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["Layout", "as_flat", "fresh", "is_flat", "layout", "space_for"]

Layout = tuple[tuple[int, ...], Any, tuple[int, ...]]
"""A shape, a dtype, and the axes from the slowest to the quickest."""


def layout(shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...] | None) -> Layout | None:
    """How to make an array of these strides; None if they leave gaps or overlap."""
    dtype = np.dtype(dtype)
    if strides is None:
        return None
    order = tuple(sorted(range(len(shape)), key=lambda k: (-strides[k], k)))
    step = dtype.itemsize
    for k in reversed(order):
        if shape[k] != 1 and strides[k] != step:
            return None
        step *= shape[k]
    return (shape, dtype, order) if step else None


def fresh(made: Layout) -> np.ndarray:
    """A new array; its elements are arbitrary."""
    shape, dtype, order = made
    if order == tuple(range(len(shape))):
        return np.empty(shape, dtype)
    back = sorted(range(len(order)), key=order.__getitem__)
    return np.empty([shape[k] for k in order], dtype).transpose(back)


def is_flat(shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...] | None) -> bool:
    """Whether an array lies in memory in the order of its indices, without gaps."""
    step = np.dtype(dtype).itemsize
    for n, s in zip(reversed(shape), reversed(strides or ()), strict=False):
        if n != 1 and s != step:
            return False
        step *= n
    return strides is not None


def as_flat(x: np.ndarray) -> np.ndarray:
    """The elements of an array for which `is_flat` holds, along one axis."""
    return x.reshape(-1)


def space_for(
    layouts: Sequence[Layout], cuts: Sequence[Callable[[Sequence[np.ndarray]], Any]] = ()
) -> Callable[[], tuple[Any, ...]]:
    """Give the function that makes arrays of these layouts, and what is cut out of them."""
    made, parts = tuple(layouts), tuple(cuts)

    def make() -> tuple[Any, ...]:
        arrays = [fresh(one) for one in made]
        return (*arrays, *[cut(arrays) for cut in parts])

    return make
