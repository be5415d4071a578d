"""The different values of arrays, and sets of them.

Which values there are decides the shape of the result, so it is read on the host. The derivative
of a value goes to the first element that has it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from anygrad.errors import MissingRuleError
from anygrad.ops import ROWS
from anygrad.ops.batching import refuse
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions.arguments import as_arrays
from anygrad.tracing.functions.joining import concat
from anygrad.tracing.functions.shapes import ravel, take
from anygrad.tracing.level import is_mapped, plain_namespace, read_value, strip
from anygrad.tracing.operations import TRACED


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
    return _unique(x, equal_nan=False)


def _unique(x: Any, equal_nan: bool) -> UniqueAll:
    if kind_of(x.dtype) == "complex":
        message = "unique(x): got complex numbers, which have no order. Sort by a real key."
        raise MissingRuleError(message)
    if is_mapped(x):
        refuse(ROWS["nonzero"])
    xp, value = plain_namespace(x), read_value(x)
    flat = xp.reshape(value, (-1,))
    order = xp.argsort(flat, stable=True)
    ordered = xp.take(flat, order, axis=0)
    differs = ordered[1:] != ordered[:-1]
    if equal_nan:
        differs = differs & ~(xp.isnan(ordered[1:]) & xp.isnan(ordered[:-1]))
    differs = xp.concat([xp.ones_like(ordered[:1], dtype=xp.bool), differs])
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


def unique(
    ar,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    *,
    equal_nan=True,
    sorted=True,
):
    """The different values in order; with switches also positions and counts, as NumPy does."""
    if axis is not None and not (ar.ndim == 1 and axis in (0, -1)):
        message = (
            f"unique(axis): got {axis!r}; expected None, no rule compares whole slices. Find the "
            "positions with numpy.unique of ag.value(x), and take them."
        )
        raise MissingRuleError(message)
    found = _unique(ar, equal_nan)
    chosen = (True, return_index, return_inverse, return_counts)
    results = [part for part, wanted in zip(found, chosen, strict=True) if wanted]
    return tuple(results) if len(results) > 1 else results[0]


def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    """Whether elements are among others; without derivative."""
    element, others = (strip(x) for x in as_arrays((element, test_elements)))
    found = TRACED.isin(element, ravel(others))
    return TRACED.logical_not(found) if invert else found


def union1d(ar1, ar2):
    """The different values of two arrays together."""
    ar1, ar2 = as_arrays((ar1, ar2))
    return unique(concat([ravel(ar1), ravel(ar2)]))


def setdiff1d(ar1, ar2, assume_unique=False):
    """The values of the first array that the second one does not have."""
    ar1, ar2 = as_arrays((ar1, ar2))
    ar1 = ravel(ar1) if assume_unique else unique(ar1)
    return _where(ar1, isin(ar1, ar2, invert=True))


def intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    """The values that both arrays have; the derivative goes to the first array."""
    ar1, ar2 = as_arrays((ar1, ar2))
    first, second = _unique(ar1, True), _unique(ar2, True)
    in_both = isin(first.values, second.values)
    values = _where(first.values, in_both)
    if not return_indices:
        return values
    in_first = isin(second.values, first.values)
    return values, _where(first.indices, in_both), _where(second.indices, in_first)


def setxor1d(ar1, ar2, assume_unique=False):
    """The values that one of two arrays has and the other has not."""
    ar1, ar2 = as_arrays((ar1, ar2))
    if not assume_unique:
        ar1, ar2 = unique(ar1), unique(ar2)
    found = _unique(concat([ravel(ar1), ravel(ar2)]), False)
    return _where(found.values, TRACED.equal(found.counts, 1))


def _where(x: Any, mask: Any) -> Any:
    return take(x, TRACED.nonzero(mask)[0], 0)
