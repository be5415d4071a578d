"""Which dtype a result over several leaves has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from anygrad.backends import backend_of, find_dtype
from anygrad.backends.dtypes import float_limits, has_kind, is_bfloat16
from anygrad.backends.types import Array, Namespace
from anygrad.config import settings


def is_complex(xp: Namespace, x: Array) -> bool:
    """Tell whether an array is complex."""
    return has_kind(xp, x.dtype, "complex floating")


def is_floating(xp: Namespace, x: Array) -> bool:
    """Tell whether an array is real or complex floating."""
    return has_kind(xp, x.dtype, ("real floating", "complex floating"))


def library_of(found: Sequence[Any]) -> Namespace:
    """Load the namespace of the library that the first array belongs to."""
    return next(backend.load() for backend in map(backend_of, found) if backend is not None)


def widest_real_dtype(found: Sequence[Any]) -> Any:
    """Find the widest real floating dtype; numbers are weak, integers take the default."""
    # asked of the library itself: the namespace of traced arrays is made anew for each level
    xp = library_of(found)
    dtypes = {leaf.dtype for leaf in found if backend_of(leaf) is not None}
    floating = {real for dtype in dtypes if (real := _real_dtype(xp, dtype)) is not None}
    if len(floating) == 1:
        return floating.pop()
    # NumPy, which answers for CuPy, knows of no dtype that holds bfloat16 and float16
    wide = {xp.float32 if is_bfloat16(dtype) else dtype for dtype in floating}
    return xp.result_type(*wide) if wide else getattr(xp, settings().dtype)


@cache
def _real_dtype(xp: Namespace, dtype: Any) -> Any:
    """Find the dtype of the absolute value; None for integers."""
    if has_kind(xp, dtype, "real floating"):
        return dtype
    if not has_kind(xp, dtype, "complex floating"):
        return None
    return find_dtype(xp, float_limits(xp, dtype).dtype)  # PyTorch gives its name
