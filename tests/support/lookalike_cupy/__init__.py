"""A look-alike of CuPy: NumPy storage behind CuPy's names, signatures and refusals.

``install()`` puts it in CuPy's place in ``sys.modules``; the real ``array_api_compat.cupy`` then
runs on top of it. Names, signatures and the ways with foreign objects come from ``names.json``,
recorded from the real package by ``record_cupy_names.py``.

It shows host copies, mixed devices, NumPy arrays among CuPy arrays, names and keywords that CuPy
lacks. RawKernel and RawModule run: their text is compiled for the CPU (``tests/support/cuda`` says
what that shows and what not) and takes the arrays' own memory; arguments and sizes are refused as
CuPy refuses them, arrays of another device and types that do not fit are found out. Unwritten
memory is garbage. ``kernels.recording`` tells each launch with its device and stream, and the
events among them; ``counting.counting`` tells what a step costs; ``cuda.careful_memory`` finds
accesses behind arrays and to arrays that are gone.

It shows nothing about ElementwiseKernel and ReductionKernel (they can be made only), about graphs,
libraries and CuPy's own kernels, nor about speed. All work is done at once and in the order of the
calls: a missing wait between streams shows in ``recording().events`` only, and memory given back
too early for another stream not at all.
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
