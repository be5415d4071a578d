"""Sorted values, and the values of a set.

Which element goes where is decided by the values and is a constant; the elements carry their
derivatives there. Among equal elements the first one is taken first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from anygrad.errors import MissingRuleError
from anygrad.ops import ROWS
from anygrad.ops.batching import refuse
from anygrad.ops.shaping import kind_of, normal_axes
from anygrad.tracing.functions.arguments import plain_axis
from anygrad.tracing.functions.shapes import ravel, take, take_along_axis
from anygrad.tracing.level import is_mapped, plain_namespace, read_value
from anygrad.tracing.operations import TRACED


def sort(x, axis=-1, kind=None, order=None, *, descending=False, stable=True):
    """The elements in order along an axis, equal ones in the order in which they stood."""
    if order is not None:
        message = f"sort(order): got {order!r}; traced arrays have no fields. Leave it out."
        raise MissingRuleError(message)
    if kind_of(x.dtype) == "complex":
        message = "sort(x): got complex numbers, which have no order. Sort by a real key."
        raise MissingRuleError(message)
    if axis is None:
        x, axis = ravel(x), -1
    if not x.ndim:
        return TRACED.positive(x)
    (axis,) = normal_axes(plain_axis(axis), x.ndim)
    return take_along_axis(x, argsort(x, axis, descending=descending), axis)


def argsort(x, axis=-1, kind=None, order=None, *, descending=False, stable=True):
    """The positions that sort an axis; they are integers, without derivative."""
    if axis is None:
        x, axis = ravel(x), -1
    key = TRACED.negative(x) if descending else x
    return TRACED.argsort(key, axis=axis, stable=True)


class UniqueAll(NamedTuple):
    """What `unique_all` gives; the values carry derivatives, the rest are integers."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Any
    inverse_indices: Any


def unique_all(x, /):
    """The different values, where each stands first, and how often; its shape depends on values.

    The derivative of a value goes to its first element.
    """
    if is_mapped(x):
        refuse(ROWS["nonzero"])
    xp, value = plain_namespace(x), read_value(x)
    flat = xp.reshape(value, (-1,))
    order = xp.argsort(flat, stable=True)
    ordered = xp.take(flat, order, axis=0)
    differs = xp.concat([xp.ones_like(ordered[:1], dtype=xp.bool), ordered[1:] != ordered[:-1]])
    (starts,) = xp.nonzero(differs)
    indices = xp.take(order, starts, axis=0)
    number = xp.cumulative_sum(xp.astype(differs, order.dtype), axis=0) - 1
    inverse = xp.reshape(xp.take(number, xp.argsort(order), axis=0), tuple(value.shape))
    end = xp.full_like(starts[:1], flat.shape[0])
    counts = xp.diff(xp.concat([starts, end]), axis=0)
    return UniqueAll(take(ravel(x), indices, 0), indices, inverse, counts)


def unique_values(x, /):
    """The different values; the derivative of each goes to its first element."""
    return unique_all(x).values


def unique_counts(x, /):
    """The different values and how often each occurs."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x, /):
    """The different values and the positions that give ``x`` from them."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)
