"""What kernels need of CuPy: compiling, memory, the current device and stream."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.compiler.targets.spaces import Layout
from anygrad.config import settings

__all__ = ["compile_options", "kernel_of", "make", "on_device", "place", "relaid", "upload"]


def _cupy() -> Any:
    """CuPy, which is there where its arrays are."""
    return sys.modules["cupy"]


def compile_options() -> tuple[str, ...]:
    """The options for the compiler; without ``contract`` every operation rounds by itself."""
    standard = "--std=c++17"
    return (standard,) if settings().contract else (standard, "--fmad=false")


@functools.lru_cache(1024)
def kernel_of(text: str, options: tuple[str, ...]) -> Callable[..., None]:
    """The function ``kernel`` of a text: takes the grid, the block, and arguments.

    It is compiled now for the current device, so that nothing fails in the middle of a replay, and
    for others at the first launch there. CuPy keeps what it compiled on disk.
    """
    kernel = _cupy().RawKernel(text, "kernel", options)
    kernel.compile()
    return kernel


def make(layout: Layout) -> Any:
    """A new array on the current device; its elements are arbitrary."""
    shape, dtype, order = layout
    if order == tuple(range(len(shape))):
        return _cupy().ndarray(shape, dtype)
    back = sorted(range(len(order)), key=order.__getitem__)
    return _cupy().ndarray(tuple([shape[k] for k in order]), dtype).transpose(back)


def relaid(x: Any, layout: Layout) -> Any:
    """The same elements, laid out in this way."""
    found = make(layout)
    found[...] = x
    return found


def upload(table: np.ndarray) -> Any:
    """Bytes of the host in the memory of the current device; nobody waits for it."""
    return _cupy().asarray(table)


def place() -> tuple[int, int]:
    """The numbers of the current device, and of its current stream."""
    cuda = _cupy().cuda
    return cuda.runtime.getDevice(), cuda.get_current_stream().ptr


def on_device(run: Callable[..., Any], place: int) -> Callable[..., Any]:
    """The same run on the device of the argument at a place."""
    cuda = _cupy().cuda
    current, device = cuda.runtime.getDevice, cuda.Device

    @functools.wraps(run)
    def placed(*leaves: Any) -> Any:
        wanted = leaves[place].data.device_id
        if wanted == current():
            return run(*leaves)
        with device(wanted):
            return run(*leaves)

    return placed
