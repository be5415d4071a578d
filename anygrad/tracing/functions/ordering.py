"""Sorted values, and positions by order.

Which element goes where is decided by the values and is a constant; the elements carry their
derivatives there. Among equal elements the first one is taken first, in every library.
"""

from __future__ import annotations

import operator
from typing import Any

from anygrad.errors import ArgumentError, MissingRuleError
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import as_arrays, plain_axis
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import ravel, take, take_along_axis
from anygrad.tracing.functions.values import beside_values, positions
from anygrad.tracing.level import plain_namespace, strip
from anygrad.tracing.operations import TRACED


def sort(x, axis=-1, kind=None, order=None, *, descending=False, stable=True):
    """The elements in order along an axis, equal ones in the order in which they stood."""
    _check("sort", x, order)
    if axis is None:
        x, axis = ravel(x), -1
    if not x.ndim:
        return TRACED.positive(x)
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    return take_along_axis(x, argsort(x, axis, descending=descending), axis)


def argsort(x, axis=-1, kind=None, order=None, *, descending=False, stable=True):
    """The positions that sort an axis; they are integers, without derivative."""
    _check("argsort", x, order)
    if axis is None or not x.ndim:
        x, axis = ravel(x), -1
    key = TRACED.negative(x) if descending else x
    return TRACED.argsort(key, axis=plain_axis(axis), stable=True)


def _check(where: str, x: Any, order: Any) -> None:
    if order is not None:
        message = f"{where}(order): got {order!r}; traced arrays have no fields. Leave it out."
        raise MissingRuleError(message)
    if kind_of(x.dtype) == "complex":
        message = f"{where}(x): got complex numbers, which have no order. Sort by a real key."
        raise MissingRuleError(message)


def partition(a, kth, axis=-1, kind="introselect", order=None):
    """The k-th smallest element in its place, smaller ones before it: here all are sorted."""
    _check_kth("partition", a, kth, axis)
    return sort(a, axis, order=order)


def argpartition(a, kth, axis=-1, kind="introselect", order=None):
    """The positions that give a partition; they are integers, without derivative."""
    _check_kth("argpartition", a, kth, axis)
    return argsort(a, axis, order=order)


def _check_kth(where: str, x: Any, kth: Any, axis: Any) -> None:
    n = x.size if axis is None or not x.ndim else x.shape[normal_axes(plain_axis(axis), x.ndim)[0]]
    every = kth if hasattr(kth, "__iter__") and getattr(kth, "ndim", 1) else (kth,)
    if not all(-n <= operator.index(k) < n for k in every):
        message = f"{where}(kth): got {kth!r}; expected positions in an axis of length {n}."
        raise ArgumentError(message)


def sort_complex(a):
    """The sorted elements as complex numbers of double precision, as in NumPy."""
    return astype(sort(a), plain_namespace(a).complex128)


def lexsort(keys, axis=-1):
    """The positions that sort by the last key, equal ones by the one before, and so on."""
    keys = [strip(key) for key in as_arrays(keys)]
    if not keys:
        message = "lexsort(keys): got none; expected at least one array."
        raise ArgumentError(message)
    axis = operator.index(axis)
    if not keys[0].ndim:
        keys, axis = [TRACED.reshape(key, shape=(1,)) for key in keys], -1
    for key in keys:
        _check("lexsort", key, None)
    order = TRACED.argsort(keys[0], axis=axis, stable=True)
    for key in keys[1:]:
        finer = TRACED.argsort(take_along_axis(key, order, axis), axis=axis, stable=True)
        order = take_along_axis(order, finer, axis)
    return order


def searchsorted(a, v, side="left", sorter=None):
    """Where values belong in a sorted array; the positions are integers, without derivative."""
    a, v = (strip(x) for x in as_arrays((a, v)))
    if side not in ("left", "right"):
        message = f"searchsorted(side): got {side!r}; expected 'left' or 'right'."
        raise ArgumentError(message)
    if sorter is not None:
        a = take(a, sorter if hasattr(sorter, "shape") else beside_values(sorter, a))
    found = positions(a, v, side)
    return found if found.shape else found[()]


def argwhere(a):
    """The indices of elements that are not 0, one in each row; the shape depends on values."""
    if not a.ndim:
        found = TRACED.nonzero(TRACED.reshape(a, shape=(1,)))[0]
        return TRACED.reshape(found, shape=(-1, 1))[:, :0]
    return TRACED.stack(*TRACED.nonzero(a), axis=1)


def flatnonzero(a):
    """The positions of elements that are not 0 in the flattened array."""
    return TRACED.nonzero(ravel(a))[0]
