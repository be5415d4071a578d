"""What a dtype is, asked once: ``isdtype`` costs more than an operation on a small array."""

from __future__ import annotations

from functools import cache
from typing import Any

from anygrad.backends import namespace_of
from anygrad.backends.dtypes import float_limits, has_kind
from anygrad.backends.types import Array, Namespace

__all__ = ["is_complex", "is_integer", "is_real", "precision"]


def is_real(x: Array) -> bool:
    """Whether ``x`` is real floating."""
    return _has_kind(namespace_of(x), x.dtype, "real floating")


def is_complex(x: Array) -> bool:
    """Whether ``x`` is complex floating."""
    return _has_kind(namespace_of(x), x.dtype, "complex floating")


def is_integer(x: Array) -> bool:
    """Whether ``x`` holds integers."""
    return _has_kind(namespace_of(x), x.dtype, "integral")


def precision(x: Array) -> float:
    """Distance from 1 to the next number of the dtype of ``x``, real or complex."""
    return _precision(namespace_of(x), x.dtype)


@cache
def _has_kind(xp: Namespace, dtype: Any, kind: str) -> bool:
    return has_kind(xp, dtype, kind)


@cache
def _precision(xp: Namespace, dtype: Any) -> float:
    return float(float_limits(xp, dtype).eps)
