"""Real CuPy arrays with no memory behind them: how CuPy dispatches, seen without a GPU.

Shapes, views, operators and protocols are the real ones. Whatever would launch a kernel raises
CUDARuntimeError (there is no driver), so "reached a launch" and "my object was asked" differ.
"""

from typing import Any

import numpy as np

_NOWHERE = 0x7F0000000000


def header_array(shape: tuple[int, ...], dtype: Any = "float64") -> Any:
    """A ``cupy.ndarray`` whose memory does not exist."""
    import cupy

    dtype = np.dtype(dtype)
    size = max(int(np.prod(shape)) * dtype.itemsize, 1)
    memory = cupy.cuda.UnownedMemory(_NOWHERE, size, None, 0)
    return cupy.ndarray(shape, dtype, memptr=cupy.cuda.MemoryPointer(memory, 0))


def reason_no_headers() -> str | None:
    """Why header arrays can't be made here; None when they can."""
    try:
        import cupy
    except ImportError as error:
        return str(error).splitlines()[0]
    if getattr(cupy, "__lookalike__", False):
        return "the look-alike stands in CuPy's place in this process"
    return None
