"""A look-alike of CuPy: NumPy storage behind CuPy's names, signatures and refusals.

``install()`` puts it in CuPy's place in ``sys.modules``; the real ``array_api_compat.cupy`` then
runs on top of it. Names, signatures and the ways with foreign objects come from ``names.json``,
recorded from the real package by ``record_cupy_names.py``. It shows host copies, mixed devices,
NumPy arrays among CuPy arrays, names and keywords that CuPy lacks. It shows nothing about kernels,
streams, memory or speed: those need a GPU.
"""

import sys

from tests.support.lookalike_cupy.modules import build
from tests.support.lookalike_cupy.names import VERSION

__all__ = ["VERSION", "install"]


def install() -> None:
    """Put the look-alike in CuPy's place, in a process that has not imported CuPy."""
    found = sys.modules.get("cupy")
    if found is not None:
        if getattr(found, "__lookalike__", False):
            return
        message = "CuPy is imported already; the look-alike needs a process of its own"
        raise RuntimeError(message)
    sys.modules.update(build())
