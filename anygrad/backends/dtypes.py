"""What a dtype is, asked of its library; of the bfloat16 of ml_dtypes NumPy and CuPy know nothing.

CuPy takes such arrays, but ``isdtype`` and ``finfo`` there are NumPy's and refuse the dtype.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from anygrad.backends.types import Namespace

__all__ = ["float_limits", "has_kind", "is_bfloat16"]


class Limits(NamedTuple):
    """What ``finfo`` tells of a floating dtype."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: Any


def is_bfloat16(dtype: Any) -> bool:
    """Tell whether a dtype is the bfloat16 of ml_dtypes."""
    # the kind, quickly had, keeps NumPy from making the name of every other dtype
    return getattr(dtype, "kind", None) == "V" and dtype.name == "bfloat16"


def has_kind(xp: Namespace, dtype: Any, kind: Any) -> bool:
    """Answer ``xp.isdtype(dtype, kind)``, of bfloat16 too."""
    if not is_bfloat16(dtype):
        return xp.isdtype(dtype, kind)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return not {"real floating", "numeric", dtype}.isdisjoint(kinds)


def float_limits(xp: Namespace, dtype: Any) -> Any:
    """Answer ``xp.finfo(dtype)``, of bfloat16 too."""
    if not is_bfloat16(dtype):
        return xp.finfo(dtype)
    largest = (2 - 2.0**-7) * 2.0**127
    return Limits(16, 2.0**-7, largest, -largest, 2.0**-126, dtype)
